"""Terraform's functions: what they do with values that are known in part, and which there are.

A function that is not here (``uuid``, ``timestamp``, a provider's) gives an unknown value with
its name.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from toolkit.integrations.airbyte.readers.terraform import files, lists, texts
from toolkit.integrations.airbyte.readers.terraform.values import (
    EvaluationError,
    Lazy,
    Unknown,
    Value,
    json_text,
    json_value,
    kind_of,
    merged,
    to_bool,
    to_number,
    to_set,
    to_text,
    unknown,
    unknowns_in,
)

Function = Callable[..., Value]


def call(name: str, arguments: Sequence[Value], folder: Path) -> Value:
    """The function's value; unknown where it needs something that is.

    Args:
        folder: where relative file names begin.

    Raises:
        EvaluationError: Terraform would report an error.
    """
    name = name.removeprefix("core::")
    if name in _ANY:
        return _called(name, _ANY[name], arguments)
    missing = unknowns_in(*(item for item in arguments if isinstance(item, Unknown | Lazy)))
    if missing:
        return merged(missing)
    if name in _SHALLOW:
        return _called(name, _SHALLOW[name], arguments)
    missing = unknowns_in(*arguments)
    if missing:
        return merged(missing)
    if name in files.FUNCTIONS:
        return _called(name, files.FUNCTIONS[name], [folder, *arguments])
    if name in _DEEP:
        return _called(name, _DEEP[name], arguments)
    return unknown(f"{name}()")


def _called(name: str, function: Function, arguments: Sequence[Value]) -> Value:
    wrong: str | None = None
    try:
        return function(*arguments)
    except EvaluationError as error:
        wrong = str(error)
    except (TypeError, ValueError, OverflowError, LookupError, ArithmeticError, AttributeError):
        # Arguments that Terraform would refuse as well: too few, too many, of another type.
        wrong = "arguments that it does not take"
    # Outside of the handlers: Python's own messages quote values.
    raise EvaluationError(f"`{name}` of {wrong}")


def _coalesce(*values: Value) -> Value:
    for value in values:
        if isinstance(value, Unknown | Lazy):
            return merged(unknowns_in(value))
        if value is not None and value != "":
            return value
    raise EvaluationError("nothing but null and empty values")


def _same(value: Value) -> Value:
    return value


def _or_null(convert: Function) -> Function:
    return lambda value: None if value is None else convert(value)


def _to_list(value: Value) -> Value:
    if isinstance(value, list):
        return _one_type(list(value))
    raise EvaluationError(f"a {kind_of(value)}")


def _to_set(value: Value) -> Value:
    if isinstance(value, list):
        return to_set(_one_type(list(value)))
    raise EvaluationError(f"a {kind_of(value)}")


def _to_map(value: Value) -> Value:
    if not isinstance(value, Mapping):
        raise EvaluationError(f"a {kind_of(value)}")
    return dict(zip(value, _one_type(list(value.values())), strict=True))


def _one_type(values: list[Value]) -> list[Value]:
    """Elements of a list, set or map have one type: numbers beside texts are texts."""
    kinds = {kind_of(value) for value in values if value is not None}
    if "string" in kinds and kinds <= {"string", "number", "bool"}:
        return [None if value is None else to_text(value) for value in values]
    return values


# Take unknown values as they come.
_ANY: Mapping[str, Function] = {
    "coalesce": _coalesce,
    "jsonencode": json_text,
    "jsondecode": json_value,
    "nonsensitive": _same,
    "sensitive": _same,
}

# Take collections with unknown values in them.
_SHALLOW: Mapping[str, Function] = {**lists.SHALLOW, "tolist": _to_list, "tomap": _to_map}

# Need everything.
_DEEP: Mapping[str, Function] = {
    **lists.DEEP,
    **texts.FUNCTIONS,
    "toset": _to_set,
    "tostring": _or_null(to_text),
    "tonumber": _or_null(to_number),
    "tobool": _or_null(to_bool),
}
