"""What a decorator says of isolation: limits, and packages of an environment of its own."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from toolkit.errors import AssetError
from toolkit.integrations.python.declared.modules import Found
from toolkit.integrations.python.declared.validate import reject
from toolkit.integrations.python.definitions import Called, Definition
from toolkit.integrations.python.isolation.requirements import environment_of, requirement_name
from toolkit.integrations.python.registry import Input, Isolate

_UNITS = {
    "": 1, "b": 1,
    "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12,
    "kib": 2**10, "mib": 2**20, "gib": 2**30, "tib": 2**40,
}  # fmt: skip
_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*")
_KEYS = ("memory", "cpu_seconds", "processes")
# Less than Python itself takes could never be kept.
_LEAST_MEMORY = 16 * 2**20


def isolate_of(found: Found[Called]) -> Isolate | None:
    """How a decorated function is isolated; ``None``: it is not.

    Raises:
        AssetError: what it says makes no sense.
    """
    definition, who = found.definition, found.who
    environment = environment_of(definition.requirements, found.file, who)
    value = definition.isolate
    if value is False or value is None:
        return Isolate(environment=environment) if environment is not None else None
    if value is True:
        return Isolate(environment=environment)
    if not isinstance(value, Mapping):
        raise reject(
            who,
            f"isolate={value!r} is no way to isolate it.",
            'Use True, or limits: isolate={"memory": "2GB", "cpu_seconds": 600}.',
        )
    return limits(value, who, "isolate").with_environment(environment)


def isolation_config(isolate: Isolate | None) -> dict[str, Any]:
    """What selection (``config.isolate:true``) and people see of it."""
    if isolate is None:
        return {}
    environment = isolate.environment
    found = {"requirements": list(environment.requirements)} if environment is not None else {}
    return {"isolate": True, **found}


def check_environment(
    isolate: Isolate | None, definition: Definition, inputs: Iterable[Input], who: str
) -> None:
    """What a function in an environment of its own can be given and can give.

    Raises:
        AssetError: toolkit's own libraries would be needed there.
    """
    if isolate is None or isolate.environment is None:
        return
    if getattr(definition, "kind", "") == "ml_model":
        raise reject(
            who,
            "an ml_model is stored with toolkit's own libraries, which its environment has not.",
            "Remove its requirements (isolate=True alone is fine), or make a table there and the "
            "model of that.",
        )
    has = {requirement_name(item) for item in isolate.environment.requirements}
    for item in inputs:
        if item.kind == "ml_model" and item.form != "metrics":
            raise reject(
                who,
                f"its parameter {item.parameter!r} is an ML model, which is loaded with toolkit's "
                "own libraries; its environment has not these.",
                "Remove its requirements (isolate=True alone is fine), or take a table.",
            )
        if item.form in ("polars", "lazy", "relation"):
            package = "duckdb" if item.form == "relation" else "polars"
            if package not in has:
                raise reject(
                    who,
                    f"its parameter {item.parameter!r} is annotated as of {package}, which is not "
                    "among its requirements.",
                    f'Add "{package}" to them, or annotate it as pyarrow.Table.',
                )


def limits(value: Mapping[Any, Any], who: str, option: str) -> Isolate:
    """Limits, checked.

    Raises:
        AssetError: a key that there is not, or a value that is none of its.
    """
    for key in value:
        if key not in _KEYS:
            raise _unknown(key, who, option)
    memory = value.get("memory")
    cpu, processes = value.get("cpu_seconds"), value.get("processes", Isolate().processes)
    if cpu is not None and (not _is_number(cpu) or cpu <= 0):
        raise reject(who, f"{option}: cpu_seconds={cpu!r} is no time.", "Use seconds: 600.")
    if not isinstance(processes, int) or isinstance(processes, bool) or processes < 1:
        raise reject(who, f"{option}: processes={processes!r} is no number.", "Use one: 100.")
    return Isolate(
        memory=None if memory is None else _bytes(memory, who, option),
        cpu_seconds=None if cpu is None else float(cpu),
        processes=processes,
    )


def _unknown(key: object, who: str, option: str) -> AssetError:
    if key in ("wall", "timeout", "time"):
        return reject(
            who,
            f"{option}: {key!r} is no limit of the process.",
            "Time by the clock is another option: timeout='10 min'.",
        )
    return reject(who, f"{option}: there is no limit {key!r}.", f"There are {', '.join(_KEYS)}.")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _bytes(value: object, who: str, option: str) -> int:
    match = _SIZE.fullmatch(str(value)) if not isinstance(value, bool) else None
    unit = _UNITS.get(match[2].lower()) if match else None
    if match is None or unit is None:
        raise reject(
            who, f"{option}: memory={value!r} is no size.", 'Use bytes, or "500MB", "2GB", "4GiB".'
        )
    size = int(float(match[1]) * unit)
    if size < _LEAST_MEMORY:
        raise reject(
            who,
            f"{option}: memory={value!r} is less than Python takes to start.",
            f"Allow it {said(_LEAST_MEMORY)} at least.",
        )
    return size


def said(size: float) -> str:
    """A size for people: ``2 GB``, in powers of ten."""
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size >= factor:
            return f"{size / factor:.3g} {unit}"
    return f"{size:.0f} bytes"
