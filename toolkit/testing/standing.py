"""What a test's functions read, standing in for dbt's models and sources: no manifest is read.

Any name that is neither a Python asset nor a resource stands for a table (or an ML model) that
the test is to give. Whether a project really has it, is for ``toolkit ls`` to say.
"""

import dataclasses
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from toolkit.errors import AssetError
from toolkit.graph import Asset, Relation
from toolkit.integrations.python.declared.annotations import form_of
from toolkit.integrations.python.declared.modules import AnyFound, Found, of_kind, relative
from toolkit.integrations.python.definitions import (
    AssetDefinition,
    Called,
    CheckDefinition,
    ResourceDefinition,
    definition_of,
)
from toolkit.testing.given import NOTHING_BUILT, is_model

SCHEMA = "main"
DATABASE = "memory"


def found_of(function: Callable[..., Any], project_dir: Path) -> AnyFound:
    """A decorated function as if its file had been imported by ``assets:``.

    Raises:
        AssetError: it is not decorated.
    """
    definition = definition_of(function)
    if not isinstance(definition, AssetDefinition | CheckDefinition):
        raise AssetError(
            f"build() was given {function!r}, which is no @asset and no @check.",
            NOTHING_BUILT,
            "Decorate the function, or call it as it is.",
        )
    code = inspect.unwrap(definition.function).__code__
    file = Path(code.co_filename)
    path = relative(file, project_dir)
    return Found(definition, file, file, file.parent, path, code.co_firstlineno)


def for_test(
    found: Iterable[AnyFound],
    *,
    target: str,
    resources: Mapping[str, object],
    config: Mapping[str, object],
    isolate: bool,
) -> list[AnyFound]:
    """Definitions as a test has them: its resources and values, in this process, no database."""
    made: list[AnyFound] = []
    unused = set(config)
    for item in found:
        definition = item.definition
        if isinstance(definition, ResourceDefinition):
            if definition.name not in resources:
                made.append(item)
            continue
        parameters = inspect.signature(definition.function).parameters
        own = {name: value for name, value in config.items() if name in parameters}
        unused -= own.keys()
        changes: dict[str, Any] = {}
        if own:
            targets = definition.targets or {}
            changes["targets"] = {**targets, target: {**targets.get(target, {}), **own}}
        if not isolate:
            changes |= {"isolate": False, "requirements": None}
        if isinstance(definition, AssetDefinition):
            changes["database"] = None
        changed = dataclasses.replace(definition, **changes)
        made.append(dataclasses.replace(item, definition=changed))
    if unused:
        raise AssetError(
            f"config names {', '.join(map(repr, sorted(unused)))}, which no function here takes.",
            NOTHING_BUILT,
            "Correct the name of the parameter.",
        )
    return [*made, *(_given_resource(name, value) for name, value in resources.items())]


def _given_resource(name: str, value: object) -> AnyFound:
    here = Path(__file__)
    definition = ResourceDefinition(function=lambda: value, name=name, target=None)
    return Found(definition, here, here, here.parent, "resources given by the test", 1)


def standing_in(found: Sequence[AnyFound], inputs: Mapping[str, object]) -> dict[str, Asset]:
    """An asset for each name that a function reads and nobody here makes."""
    ours = {f.definition.name for f in found if not isinstance(f.definition, CheckDefinition)}
    wanted: dict[str, bool] = {}
    called: list[Found[Called]] = [*of_kind(found, AssetDefinition)]
    called += of_kind(found, CheckDefinition)
    for item in called:
        for name, model in _names(item, inputs):
            if name.removeprefix("python.") not in ours:
                wanted[name] = model if name not in inputs else is_model(inputs[name])
    assets = [_asset(name, model=model) for name, model in wanted.items()]
    return {asset.key: asset for asset in assets}


def _names(item: Found[Called], inputs: Mapping[str, object]) -> Iterable[tuple[str, bool]]:
    """Names that a function reads, and whether its annotation asks for an ML model."""
    definition = item.definition
    deps = definition.deps or ()
    mapped = deps if isinstance(deps, Mapping) else {}
    if isinstance(deps, list | tuple):
        yield from ((name, False) for name in deps)
    config = definition.config or {}
    for parameter in inspect.signature(definition.function).parameters.values():
        name = mapped.get(parameter.name, parameter.name)
        optional = parameter.default is not parameter.empty and parameter.name not in mapped
        given = any(alias in inputs for alias in (name, parameter.name))
        if parameter.name in config or (optional and not given):
            continue
        if isinstance(definition, CheckDefinition) and name == "metrics":
            continue
        model = form_of(parameter.annotation, definition.function) in (None, "mlmodel")
        if parameter.name in inputs and parameter.name != name:
            model = is_model(inputs[parameter.name])
        yield name, model
    if isinstance(definition, CheckDefinition) and isinstance(definition.asset, str):
        wants_metrics = "metrics" in inspect.signature(definition.function).parameters
        yield definition.asset, wants_metrics


def _asset(name: str, *, model: bool) -> Asset:
    kind, dot, _ = name.partition(".")
    known = dot and kind in ("model", "source", "seed", "snapshot", "stream")
    return Asset(
        key=name if known else f"source.given.{name}",
        name=name,
        kind="ml_model" if model else "source",
        integration="toolkit.testing",
        relation=None if model else Relation(DATABASE, SCHEMA, name),
    )


def matches(asset: Asset, name: str) -> bool:
    """Whether a test means this asset by a name: its own, its key, or the end of it."""
    return name in (asset.name, asset.key) or asset.key.endswith(f".{name}")
