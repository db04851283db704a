"""How something is run and what differs by target: judged, and settled for one target."""

import dataclasses
import inspect
import json
import typing
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import msgspec

from toolkit.integrations.python.declared.modules import AnyFound
from toolkit.integrations.python.declared.validate import reject
from toolkit.integrations.python.definitions import (
    AssetDefinition,
    Called,
    CheckDefinition,
    Definition,
    ResourceDefinition,
)
from toolkit.settings import RunSettings, Settings
from toolkit.settings.running import duration
from toolkit.text import nearest

D = TypeVar("D", bound=Definition)

_RUNNING = ("retries", "retry_wait", "timeout", "pool")
# What may be otherwise for one target, beside the values of parameters.
OF_ASSET = ("enabled", "schema", "isolate", "volatile", *_RUNNING)
OF_CHECK = ("enabled", "severity", "isolate", "volatile", *_RUNNING)

_MOST_RETRIES = 10_000


def settled(found: Iterable[AnyFound], settings: Settings) -> tuple[list[AnyFound], dict[str, str]]:
    """Definitions as they are for the target, without those that are not enabled for it.

    Returns:
        what is left, and the places of the assets that are not, by name.

    Raises:
        AssetError: an option is wrong.
    """
    kept: list[AnyFound] = []
    disabled: dict[str, str] = {}
    for item in found:
        definition = _for_target(item.definition, settings, item.who)
        if not isinstance(definition, ResourceDefinition):
            _check(definition, settings.run, item.who)
            if not definition.enabled:
                if isinstance(definition, AssetDefinition):
                    disabled[definition.name] = item.place
                continue
        kept.append(dataclasses.replace(item, definition=definition))
    return [item for item in kept if not _is_about(item, disabled)], disabled


def _is_about(item: AnyFound, disabled: Mapping[str, str]) -> bool:
    """Whether it is a check of an asset that is not there."""
    if not isinstance(item.definition, CheckDefinition):
        return False
    about = item.definition.asset
    name = about if isinstance(about, str) else getattr(about, "__name__", "")
    return name.removeprefix("python.") in disabled


def _for_target(definition: D, settings: Settings, who: str) -> D:
    config = _mapping(definition.config, "config", who)
    targets = _mapping(definition.targets, "targets", who)
    known = settings.targets
    for target in targets:
        if known and target not in known:
            raise reject(
                who,
                f"targets names {target!r}, which is no target of the profile.",
                f"{nearest(target, known)}The targets are {', '.join(known)}.",
            )
    own = {name: _mapping(given, f"targets[{name!r}]", who) for name, given in targets.items()}
    options: tuple[str, ...] = OF_CHECK if isinstance(definition, CheckDefinition) else ()
    options = OF_ASSET if isinstance(definition, AssetDefinition) else options
    parameters = parameters_of(definition.function)
    for name, given in own.items():
        for key in given:
            _check_key(key, f"targets[{name!r}]", options, parameters, who)
    mine = own.get(settings.target, {})
    values = {**config, **{key: value for key, value in mine.items() if key not in options}}
    _check_values(values, definition, parameters, who)
    changed = {key: value for key, value in mine.items() if key in options}
    return dataclasses.replace(definition, **{**changed, "config": values, "targets": None})


def _check_key(
    key: str, where: str, options: tuple[str, ...], parameters: tuple[str, ...], who: str
) -> None:
    if key in options and key in parameters:
        raise reject(
            who,
            f"{where} says {key!r}, which is an option, and a parameter of the function too.",
            "Rename the parameter.",
        )
    if key not in options and key not in parameters:
        raise reject(
            who,
            f"{where} says {key!r}, which is neither an option that a target may change nor a "
            "parameter of the function.",
            f"{nearest(key, (*options, *parameters))}The options are {', '.join(options)}; "
            f"the parameters are {', '.join(parameters) or 'none'}.",
        )


def _check_values(
    values: Mapping[str, Any],
    definition: Definition,
    parameters: tuple[str, ...],
    who: str,
) -> None:
    """Each is a JSON value for a parameter, of the type that its annotation names."""
    hints = _hints(definition.function)
    for name, value in values.items():
        if name not in parameters:
            raise reject(
                who,
                f"config names a parameter {name!r}, but the parameters are "
                f"{', '.join(parameters) or 'none'}.",
                f"{nearest(name, parameters)}Correct it, or add the parameter.",
            )
        deps = getattr(definition, "deps", None)
        if isinstance(deps, Mapping) and name in deps:
            raise reject(
                who,
                f"the parameter {name!r} is an input by deps and a value by config.",
                "Remove it from one of them.",
            )
        try:
            json.dumps(value, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise reject(
                who,
                f"config[{name!r}] is {value!r}, which is no JSON value: {error}.",
                "Use texts, numbers, booleans, None, lists and dicts with texts for keys.",
            ) from error
        if name in hints and not _fits(value, hints[name]):
            raise reject(
                who,
                f"config[{name!r}] is {value!r}, which is no {_written(hints[name])}.",
                f"Correct it, or the annotation of the parameter {name!r}.",
            )


def _hints(function: Callable[..., Any]) -> Mapping[str, Any]:
    try:
        return typing.get_type_hints(function)
    except (NameError, TypeError, AttributeError, SyntaxError):
        return {}  # imported for type checkers only, or no type at all: nothing to hold it to


def _fits(value: object, hint: Any) -> bool:  # noqa: ANN401  # any annotation
    try:
        return bool(msgspec.convert(value, type=hint) == value)
    except msgspec.ValidationError:
        return False
    except TypeError:  # a class of the user's own
        return True


def _written(hint: Any) -> str:  # noqa: ANN401  # any annotation
    return str(getattr(hint, "__name__", hint)) if isinstance(hint, type) else str(hint)


def _check(definition: Called, run: RunSettings, who: str) -> None:
    if not isinstance(definition.enabled, bool):
        raise reject(
            who,
            f"enabled={definition.enabled!r} says neither yes nor no.",
            "Use True or False; for one target, targets={'<target>': {'enabled': False}}.",
        )
    retries = definition.retries
    whole = isinstance(retries, int) and not isinstance(retries, bool)
    if retries is not None and not (whole and 0 <= retries <= _MOST_RETRIES):
        raise reject(
            who,
            f"retries={retries!r} is no number of times.",
            f"Use a number from 0 to {_MOST_RETRIES}.",
        )
    for option, least in (("timeout", 0.001), ("retry_wait", 0.0)):
        value = getattr(definition, option)
        seconds = duration(value)
        if value is not None and (seconds is None or seconds < least):
            raise reject(
                who,
                f"{option}={value!r} is no length of time.",
                "Write seconds, or a number with s, min or h: '30 min'.",
            )
    pool = definition.pool
    if pool is not None and pool not in run.pools:
        raise reject(
            who,
            f"pool={pool!r} is not under `run.pools` of toolkit.yml.",
            f"{nearest(str(pool), run.pools)}Add `{pool}: 1` there, or correct the name.",
        )


def run_config(definition: Called) -> dict[str, Any]:
    """What is said of how it is run, for selection and for its step; seconds are numbers."""
    said = {
        "retries": definition.retries,
        "retry_wait": duration(definition.retry_wait),
        "timeout": duration(definition.timeout),
        "pool": definition.pool,
    }
    return {name: value for name, value in said.items() if value is not None}


def parameters_of(function: Callable[..., Any]) -> tuple[str, ...]:
    """Names of a function's parameters."""
    return tuple(inspect.signature(function).parameters)


def _mapping(value: Any, option: str, who: str) -> Mapping[str, Any]:  # noqa: ANN401  # the user's
    if value is None:
        return {}
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise reject(who, f"{option}={value!r} is not a dict with texts for keys.", "Use a dict.")
    return value
