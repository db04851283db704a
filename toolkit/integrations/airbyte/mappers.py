"""Airbyte's mappers as a configuration has them: read into one typed form.

The keys are the public API's: ``{type, mapperConfiguration: {...}}``. An encryption key that
stands in a configuration is read over and never kept.
"""

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal

import msgspec

from toolkit.integrations.airbyte.yamltext import Json

HashMethod = Literal["MD2", "MD5", "SHA-1", "SHA-224", "SHA-256", "SHA-384", "SHA-512"]


class Hashing(msgspec.Struct, frozen=True, rename="camel", tag="hashing"):
    """A field becomes the hex digest of its text, under its name and a suffix."""

    target_field: str
    method: HashMethod
    field_name_suffix: str


class Encryption(msgspec.Struct, frozen=True, rename="camel", tag="encryption"):
    """A field becomes its cipher text, under its name and a suffix."""

    target_field: str
    algorithm: Literal["AES", "RSA"]
    field_name_suffix: str | None = None


class Renaming(msgspec.Struct, frozen=True, rename="camel", tag="field-renaming"):
    """A field gets another name and keeps its type."""

    original_field_name: str
    new_field_name: str


class FieldFiltering(msgspec.Struct, frozen=True, rename="camel", tag="field-filtering"):
    """A field does not land."""

    target_field: str


class Equal(msgspec.Struct, frozen=True, rename="camel", tag_field="type", tag="EQUAL"):
    """True where the field is there and its text is this value."""

    field_name: str
    comparison_value: str

    def __str__(self) -> str:
        """As a person writes it."""
        return f"{self.field_name} = {self.comparison_value!r}"


class Not(msgspec.Struct, frozen=True, tag_field="type", tag="NOT"):
    """True where none of the conditions is."""

    conditions: "tuple[Condition, ...]"

    def __str__(self) -> str:
        """As a person writes it."""
        return f"not ({' or '.join(map(str, self.conditions))})"


class And(msgspec.Struct, frozen=True, tag_field="type", tag="AND"):
    """True where all conditions are. The platform takes it, the public API's document not."""

    conditions: "tuple[Condition, ...]"

    def __str__(self) -> str:
        """As a person writes it."""
        return f"({' and '.join(map(str, self.conditions))})"


class Or(msgspec.Struct, frozen=True, tag_field="type", tag="OR"):
    """True where any condition is. The platform takes it, the public API's document not."""

    conditions: "tuple[Condition, ...]"

    def __str__(self) -> str:
        """As a person writes it."""
        return f"({' or '.join(map(str, self.conditions))})"


Condition = Equal | Not | And | Or


class RowFiltering(msgspec.Struct, frozen=True, tag="row-filtering"):
    """Only rows for which the condition is true land."""

    conditions: Condition


class Unreadable(msgspec.Struct, frozen=True, tag="unreadable"):
    """A mapper that is of no known type, or whose configuration is not what its type wants."""

    kind: str
    reason: str


Mapper = Hashing | Encryption | Renaming | FieldFiltering | RowFiltering | Unreadable

_TYPES: Mapping[str, type[Hashing | Encryption | Renaming | FieldFiltering | RowFiltering]] = {
    "hashing": Hashing,
    "encryption": Encryption,
    "field-renaming": Renaming,
    "field-filtering": FieldFiltering,
    "row-filtering": RowFiltering,
}

# Keys that are right where they stand and of no interest to us (a key least of all).
_UNREAD: Mapping[str, frozenset[str]] = {
    "encryption": frozenset({"key", "mode", "padding", "publicKey"}),
}
_CONFIGURATION = "mapperConfiguration"


def kind_of(mapper: Mapper) -> str:
    """The mapper's type in Airbyte's words."""
    if isinstance(mapper, Unreadable):
        return mapper.kind
    return str(mapper.__struct_config__.tag)


def masks(mapper: Mapper) -> bool:
    """Whether something would land in clear if this mapper were left out."""
    return kind_of(mapper) in ("hashing", "encryption", "field-filtering")


def field_names(condition: Condition) -> Iterator[str]:
    """Fields that a condition looks at."""
    if isinstance(condition, Equal):
        yield condition.field_name
    else:
        for part in condition.conditions:
            yield from field_names(part)


def read_mapper(raw: Json) -> Mapper:
    """A mapper as an API reply has it; unknown keys are nothing, whatever else is wrong is said."""
    kind = str(raw.get("type")) if isinstance(raw, Mapping) else "?"
    type_ = _TYPES.get(kind)
    if type_ is None:
        return Unreadable(kind, "its type is not known")
    try:
        return msgspec.convert({"type": kind, **_upper(raw.get(_CONFIGURATION))}, type_)
    except (msgspec.ValidationError, TypeError) as error:
        return Unreadable(kind, str(error))


class Mistake(msgspec.Struct, frozen=True):
    """What is wrong with a mapper in our own YAML, and at which key below it."""

    key: tuple[str | int, ...]
    fact: str
    hint: str


def mistake_in(raw: Mapping[str, Any]) -> Mistake | None:
    """What a strict reader refuses in a mapper, if anything."""
    unknown = _unknown(raw, ("type", _CONFIGURATION, "id"), ())
    if unknown is not None:
        return unknown
    kind, configuration = raw.get("type"), raw.get(_CONFIGURATION)
    if not isinstance(kind, str) or kind not in _TYPES:
        hint = f"{did_you_mean(str(kind), _TYPES)}There are: {', '.join(_TYPES)}."
        return Mistake(("type",), f"unknown mapper type {kind!r}", hint)
    if not isinstance(configuration, Mapping):
        return Mistake(
            (_CONFIGURATION,) if _CONFIGURATION in raw else (),
            f"the {kind} mapper has no `{_CONFIGURATION}`",
            f"Add one; its keys are {', '.join(_keys(str(kind)))}.",
        )
    unknown = _unknown(configuration, _keys(str(kind)), (_CONFIGURATION,))
    if unknown is None and kind == "row-filtering":
        path = (_CONFIGURATION, "conditions")
        unknown = _in_condition(configuration.get("conditions"), path)
    if unknown is not None:
        return unknown
    read = read_mapper(raw)
    if isinstance(read, Unreadable):
        message, _, at = read.reason.partition(" - at `$.")
        key = tuple(int(part) if part.isdigit() else part for part in re.findall(r"[^.\[\]`]+", at))
        return Mistake((_CONFIGURATION, *key), message, "Correct the value.")
    return None


def _keys(kind: str) -> tuple[str, ...]:
    return (*_TYPES[kind].__struct_encode_fields__, *sorted(_UNREAD.get(kind, ())))


def _in_condition(condition: Json, at: tuple[str | int, ...]) -> Mistake | None:
    """Unknown keys, at any depth; what is missing or of a wrong type is msgspec's to say."""
    if not isinstance(condition, Mapping):
        return None
    equal = str(condition.get("type")).upper() == "EQUAL"
    known = ("type", "fieldName", "comparisonValue") if equal else ("type", "conditions")
    found = _unknown(condition, known, at)
    parts = condition.get("conditions")
    for index, part in enumerate(parts if isinstance(parts, list) else ()):
        found = found or _in_condition(part, (*at, "conditions", index))
    return found


def _unknown(
    raw: Mapping[str, Any], known: tuple[str, ...], at: tuple[str | int, ...]
) -> Mistake | None:
    for key in raw:
        if key not in known:
            hint = f"{did_you_mean(key, known)}Known keys: {', '.join(known)}."
            return Mistake((*at, key), "unknown key", hint)
    return None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """``Did you mean `x`? `` for a misspelled word, or nothing."""
    near = difflib.get_close_matches(word, list(known), 1, 0.5)
    return f"Did you mean `{near[0]}`? " if near else ""


def _upper(value: Json) -> Json:
    """Condition types in upper case: the platform takes both."""
    if isinstance(value, Mapping):
        return {
            key: item.upper() if key == "type" and isinstance(item, str) else _upper(item)
            for key, item in value.items()
        }
    return [_upper(item) for item in value] if isinstance(value, list) else value
