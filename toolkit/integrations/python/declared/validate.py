"""Judging what decorators were told: names, options, resources. Raises, or gives clean values."""

import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from toolkit.errors import AssetError
from toolkit.integrations.python.declared.modules import AnyFound, Found
from toolkit.integrations.python.definitions import AssetDefinition, Called, CheckDefinition
from toolkit.integrations.python.models.info import FORMATS

# Also a file name (the model store's folder, a log) and a part of a key, so ASCII only.
IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")

NOTHING_DONE = "The graph would be wrong, so nothing was done."


def reject(who: str, fact: str, next_step: str) -> AssetError:
    """An error about what one decorated function declares."""
    return AssetError(f"{who}: {fact}", NOTHING_DONE, next_step)


def check_name(found: AnyFound) -> None:
    """The name can be a table, a file and a parameter."""
    name = found.definition.name
    if not isinstance(name, str) or not IDENTIFIER.fullmatch(name):
        raise reject(
            found.place,
            f"{name!r} cannot be a name.",
            "Use letters, digits and underscores, not beginning with a digit.",
        )


def check_function(found: AnyFound) -> None:
    """The function can be called with named arguments and gives its result by return."""
    who, function = found.who, inspect.unwrap(found.definition.function)
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        raise reject(who, "it is an async function.", "Make it a plain `def`.")
    if inspect.isgeneratorfunction(function):
        raise reject(
            who, "it yields its rows.", "Return the whole table or a pyarrow.RecordBatchReader."
        )


def parameters(function: Callable[..., Any], who: str) -> list[inspect.Parameter]:
    """Parameters of a function that is called by name."""
    found = list(inspect.signature(function).parameters.values())
    inside = "." in getattr(function, "__qualname__", "").rpartition("<locals>.")[2]
    if inside and found and found[0].name in ("self", "cls"):
        raise reject(
            who,
            "it is a method of a class.",
            "Make it a function of the file; what it needs of the class can be a @resource.",
        )
    for parameter in found:
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise reject(
                who,
                f"its parameter {str(parameter)!r} names no input.",
                "Name each input as a parameter of its own; a decorator below ours must use "
                "functools.wraps.",
            )
        if parameter.kind is parameter.POSITIONAL_ONLY:
            raise reject(
                who,
                f"its parameter {parameter.name!r} is positional-only.",
                "Inputs are passed by name: remove the `/`.",
            )
    return found


def texts(value: Any, option: str, who: str) -> tuple[str, ...]:  # noqa: ANN401  # whatever the user wrote
    """A list of texts; one text alone is a mistake that would be read as its letters."""
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise reject(who, f"{option}={value!r} is not a list.", f"Write {option}=[{value!r}].")
    items = tuple(value)
    if not all(isinstance(item, str) for item in items):
        raise reject(who, f"{option}={list(items)!r} holds more than texts.", "Use texts only.")
    return items


def check_asset_options(definition: AssetDefinition, database: str | None, who: str) -> None:
    """Options that have few possible values."""
    _one_of(definition.kind, ("python", "ml_model"), "kind", who)
    _one_of(definition.access, (None, "private", "protected", "public"), "access", who)
    if definition.database is not None and definition.database != database:
        raise reject(
            who,
            f"database={definition.database!r} is not this target's database ({database!r}).",
            "Remove `database`: Python assets are written to the target's own database.",
        )
    if definition.kind == "ml_model" and (definition.schema or definition.columns):
        raise reject(
            who,
            "an ml_model has no table, so it takes neither `schema` nor `columns`.",
            "Remove them, or use kind='python'.",
        )
    for option in ("trusted", "format", "gates"):
        if definition.kind != "ml_model" and getattr(definition, option):
            raise reject(who, f"`{option}` is for ml_model assets.", "Remove it.")
    _one_of(definition.format, (None, *FORMATS), "format", who)
    for option, kind in (("schema", str), ("owner", str), ("group", str), ("description", str)):
        value = getattr(definition, option)
        if value is not None and not isinstance(value, kind):
            raise reject(who, f"{option}={value!r} is not a text.", "Write it in quotes.")
    for option in ("columns", "meta"):
        if not isinstance(getattr(definition, option), Mapping):
            raise reject(
                who, f"{option}={getattr(definition, option)!r} is not a dict.", "Use a dict."
            )


def check_flags(found: Found[Called]) -> None:
    """``volatile``."""
    value = found.definition.volatile
    if value is not None and not isinstance(value, bool):
        raise reject(
            found.who,
            f"volatile={value!r} says neither yes nor no.",
            "Use True or False, or leave it out.",
        )


def check_severity(definition: CheckDefinition, who: str) -> None:
    """``error`` or ``warn``."""
    _one_of(definition.severity, ("error", "warn"), "severity", who)


def _one_of(value: object, allowed: tuple[object, ...], option: str, who: str) -> None:
    if value not in allowed:
        names = ", ".join(repr(item) for item in allowed if item is not None)
        raise reject(who, f"{option}={value!r} is none of {names}.", "Use one of them.")
