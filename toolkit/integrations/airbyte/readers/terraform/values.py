"""Terraform's values in Python's: what is known, what is not, and how one becomes the other.

``None``, ``bool``, ``int``, ``float`` and ``str`` are themselves; a tuple or list is a ``list``,
a map or object a ``dict`` with text keys, a set a :class:`SetValue`. What cannot be evaluated is
an :class:`Unknown` that names the expression; every operation on it gives it back.
"""

import contextlib
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import msgspec

# Any of the values above. Terraform is typed at run time, and so is this.
Value = object

_MARK = "\ue000"

# Python refuses to write larger numbers down, and Terraform rounds what has more than 512.
_MOST_BITS = 10_000


class Unknown(msgspec.Struct, frozen=True):
    """A value that is not known before Terraform runs, or that we cannot work out.

    Attributes:
        names: the expressions that have no value here: ``var.schema``, ``data.x.y.z``, ``uuid()``.
            Never a literal of the configuration: it could be a secret.
    """

    names: tuple[str, ...]

    def __str__(self) -> str:
        """As a person names it."""
        return " and ".join(self.names)


class Computed(Unknown, frozen=True):
    """What a resource or data source has only once it was applied: its id, mostly.

    Attributes:
        address: of the resource, with the keys of its instance and modules.
        connector: the connector's name, where it is an Airbyte connector's definition.
    """

    address: str = ""
    connector: str | None = None


class PartText(Unknown, frozen=True):
    """A text of which parts are not known. ``parts`` are texts and unknown values."""

    parts: tuple[str | Unknown, ...] = ()

    def __repr__(self) -> str:
        """Without the text: it could hold a secret."""
        return f"PartText({', '.join(self.names)})"


class Encoded(Unknown, frozen=True):
    """JSON or YAML made of a value that is not known in all its parts."""

    value: Value = None

    def __repr__(self) -> str:
        """Without the value: it could hold a secret."""
        return f"Encoded({', '.join(self.names)})"


class SetValue(list[Value]):
    """A set: each element once; texts in order."""


class ObjectValue(dict[str, Value]):
    """An object as it is written in a file; ``at`` is where."""

    at: tuple[Path, int] | None = None


class Lazy:
    """Something with attributes that are worked out when asked for: a resource, ``var``.

    Attributes:
        name: the expression that it is.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def get(self, name: str) -> Value:
        """The attribute's value; unknown where there is none."""
        return unknown(f"{self.name}.{name}")


class EvaluationError(Exception):
    """An expression has no value. The message names no literal of the configuration."""


class TooMuch(Exception):
    """Expressions that take too long, or give too much: a loop in loops, a text doubled again."""


def unknown(*names: str) -> Unknown:
    """An unknown value with these names."""
    return Unknown(tuple(dict.fromkeys(names)))


def unknowns_in(*values: Value) -> tuple[Unknown, ...]:
    """All unknown values in these, at any depth."""
    found: list[Unknown] = []
    for value in values:
        if isinstance(value, Unknown):
            found.append(value)
        elif isinstance(value, Lazy):
            found.append(unknown(value.name))
        elif isinstance(value, Mapping):
            found += unknowns_in(*value.values())
        elif isinstance(value, list):
            found += unknowns_in(*value)
    return tuple(found)


def merged(values: Iterable[Unknown]) -> Unknown:
    """One unknown value that names what these name."""
    return unknown(*(name for value in values for name in value.names))


def kind_of(value: Value) -> str:
    """The value's type in Terraform's words."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return "string"
    if isinstance(value, SetValue):
        return "set"
    return "list" if isinstance(value, list) else "object"


def to_text(value: Value) -> str:
    """The value as a template shows it.

    Raises:
        EvaluationError: it is no primitive value.
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    if isinstance(value, int | float):
        return number_text(value)
    raise EvaluationError(f"a {kind_of(value)} is no string")


def number_text(number: float) -> str:
    """A number as Terraform writes it: whole ones without a point.

    Raises:
        EvaluationError: it has thousands of digits.
    """
    if isinstance(number, int):
        if number.bit_length() > _MOST_BITS:
            raise EvaluationError("a number that is too large")
        return str(number)
    return str(int(number)) if number.is_integer() and abs(number) < 1e21 else repr(number)


def to_number(value: Value) -> int | float:
    """A number, or a text that is one.

    Raises:
        EvaluationError: it is neither.
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    if isinstance(value, str):
        try:
            return whole(float(value)) if set(value) - set("+-0123456789") else int(value)
        except ValueError:
            pass
    raise EvaluationError(f"a {kind_of(value)} that is no number")


def whole(number: float) -> int | float:
    """An integer where it is one.

    Raises:
        EvaluationError: it is no finite number.
    """
    if isinstance(number, int):
        return number
    if not math.isfinite(number):
        raise EvaluationError("a number that is not finite")
    return int(number) if number.is_integer() and abs(number) < 2**53 else number


def to_bool(value: Value) -> bool:
    """A boolean, or the text of one.

    Raises:
        EvaluationError: it is neither.
    """
    if isinstance(value, bool):
        return value
    if value in ("true", "false"):
        return value == "true"
    raise EvaluationError(f"a {kind_of(value)} that is no bool")


def to_set(values: Iterable[Value]) -> SetValue:
    """Each element once, in Terraform's order: texts and numbers sorted."""
    values = list(values)
    if all(isinstance(value, str) for value in values):
        return SetValue(sorted(set(values), key=str))
    found: list[Value] = []
    for value in values:
        if not any(same(value, other) for other in found):
            found.append(value)
    if all(kind_of(value) == "number" for value in found):
        return SetValue(sorted(found, key=to_number))
    return SetValue(found)


def same(left: Value, right: Value) -> bool:
    """Terraform's ``==``: values of different types are never equal."""
    kinds = {kind_of(left), kind_of(right)}
    if len(kinds) > 1:
        return False
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    return left == right


def pairs(value: Value) -> Iterator[tuple[Value, Value]]:
    """Keys and values as ``for`` and ``for_each`` see them; maps in the order of their keys.

    Raises:
        EvaluationError: nothing to iterate over.
    """
    if isinstance(value, Mapping):
        yield from sorted(value.items())
    elif isinstance(value, SetValue):
        yield from ((item, item) for item in value)
    elif isinstance(value, list):
        yield from enumerate(value)
    else:
        raise EvaluationError(f"a {kind_of(value)} cannot be iterated over")


def json_text(value: Value) -> Value:
    """``jsonencode``: text, or an :class:`Encoded` value where something in it is not known."""
    missing = unknowns_in(value)
    if missing:
        return Encoded(merged(missing).names, value)
    text = json.dumps(_plain(value), ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    # Terraform keeps these out of JSON, so that it can stand in HTML.
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text


def _plain(value: Value) -> Value:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return whole(value) if isinstance(value, float) else value


def json_value(text: Value) -> Value:
    """``jsondecode``, also of a text of which parts are not known.

    Raises:
        EvaluationError: it is not JSON.
    """
    if isinstance(text, Encoded):
        return text.value
    if isinstance(text, PartText):
        return _unmarked(_loads(_marked(text)), text)
    if isinstance(text, Unknown):
        return text
    return _loads(to_text(text))


def _loads(text: str) -> Value:
    with contextlib.suppress(ValueError, RecursionError):
        decoded: Value = json.loads(text)
        return decoded
    # Outside of a handler, so that the error does not carry the text along.
    raise EvaluationError("a string that is not JSON")


def _marked(text: PartText) -> str:
    """The text with a mark for each unknown part; one outside of quotes gets quotes."""
    out: list[str] = []
    quoted = False
    for index, part in enumerate(text.parts):
        if isinstance(part, Unknown):
            mark = f"{_MARK}{index}{_MARK}"
            out.append(mark if quoted else f'"{mark}"')
            continue
        escaped = False
        for char in part:
            if char == '"' and not escaped:
                quoted = not quoted
            escaped = char == "\\" and not escaped
        out.append(part)
    return "".join(out)


def _unmarked(value: Value, text: PartText) -> Value:
    if isinstance(value, dict):
        return {_key(key): _unmarked(item, text) for key, item in value.items()}
    if isinstance(value, list):
        return [_unmarked(item, text) for item in value]
    if isinstance(value, str) and _MARK in value:
        parts = tuple(
            text.parts[int(piece)] if index % 2 else piece
            for index, piece in enumerate(value.split(_MARK))
        )
        return merged(part for part in parts if isinstance(part, Unknown))
    return value


def _key(key: str) -> str:
    if _MARK in key:
        raise EvaluationError("a JSON object with a key that is not known")
    return key
