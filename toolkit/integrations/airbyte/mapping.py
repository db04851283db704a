"""A stream's fields on their way: selection, mappers in their order, the destination's names.

The rules are the platform's (its ``DestinationCatalogGenerator``): a mapper that does not fit
the fields is left out and the others go on. What is left out is a :class:`Fault` here.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from toolkit.integrations.airbyte.columns import Field, description_of, duckdb_type
from toolkit.integrations.airbyte.mappers import (
    And,
    Condition,
    Encryption,
    Equal,
    FieldFiltering,
    Hashing,
    Mapper,
    Not,
    Or,
    Renaming,
    RowFiltering,
    Unreadable,
    field_names,
    kind_of,
)
from toolkit.integrations.airbyte.naming import collisions, column_names


class Fault(msgspec.Struct, frozen=True):
    """A mapper that cannot be applied; ``index`` is its place in the configuration."""

    index: int
    mapper: Mapper
    reason: str


class Comparison(msgspec.Struct, frozen=True):
    """A comparison within a row filter: what the field *is at that place in the list*."""

    field: Field
    value: str


class Filter(msgspec.Struct, frozen=True):
    """A row filter: ``any`` or ``all`` of its parts, or ``none``."""

    how: str
    parts: "tuple[Comparison | Filter, ...]"


class Mapped(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of a stream's fields.

    Attributes:
        fields: what lands, in the source's order.
        removed: the source's fields that do not land.
        filters: all of them must be true for a row to land.
        notes: the same for people.
        faults: mappers that were left out.
        shared: fields whose column had to get a suffix.
    """

    fields: tuple[Field, ...]
    removed: tuple[str, ...] = ()
    filters: tuple[Filter, ...] = ()
    notes: tuple[str, ...] = ()
    faults: tuple[Fault, ...] = ()
    shared: tuple[str, ...] = ()

    def landing(self, name: str) -> Field | None:
        """The field that the source's ``name`` becomes; ``None`` where it does not land."""
        return next((field for field in self.fields if field.origin == name), None)


def map_fields(
    properties: Mapping[str, Any],
    mappers: Sequence[Mapper],
    *,
    destination: str | None = "duckdb",
    typed: bool = True,
) -> Mapped:
    """Apply mappers to the selected fields and name the columns.

    Args:
        properties: the JSON schema of each selected field.
        destination: type of the destination, whose names the columns get.
        typed: the schemas are known; else the columns have no types.
    """
    fields: dict[str, Field] = {}
    for name, schema in properties.items():
        type_ = duckdb_type(schema) if typed else ""
        fields[name] = Field(name, "", type_, description_of(schema), source=name)
    filters: list[Filter] = []
    notes: list[str] = []
    faults: list[Fault] = []
    for index, mapper in enumerate(mappers):
        reason = _why_not(mapper, fields)
        if reason is not None:
            faults.append(Fault(index, mapper, reason))
        elif isinstance(mapper, RowFiltering):
            filters.append(_resolved(mapper.conditions, fields))
            notes.append(str(mapper.conditions))
        else:
            fields = _applied(mapper, fields)
    columns = column_names(fields, destination)
    landed = tuple(
        msgspec.structs.replace(field, column=columns[name]) for name, field in fields.items()
    )
    kept = {field.origin for field in landed}
    return Mapped(
        fields=landed,
        removed=tuple(name for name in properties if name not in kept),
        filters=tuple(filters),
        notes=tuple(notes),
        faults=tuple(faults),
        shared=tuple(collisions(columns, destination)),
    )


def _target(mapper: Mapper) -> str:
    if isinstance(mapper, Renaming):
        return mapper.original_field_name
    assert isinstance(mapper, Hashing | Encryption | FieldFiltering)
    return mapper.target_field


def _result(mapper: Mapper) -> str | None:
    """The name that the field gets; ``None`` if it is removed."""
    if isinstance(mapper, Renaming):
        return mapper.new_field_name
    if isinstance(mapper, Hashing | Encryption):
        return mapper.target_field + (mapper.field_name_suffix or "")
    return None


def _why_not(mapper: Mapper, fields: Mapping[str, Field]) -> str | None:
    if isinstance(mapper, Unreadable):
        return mapper.reason
    if isinstance(mapper, RowFiltering):
        unknown = [name for name in field_names(mapper.conditions) if name not in fields]
        return f"there is no field {unknown[0]!r} at that place" if unknown else None
    target, result = _target(mapper), _result(mapper)
    if target not in fields:
        return f"there is no field {target!r} at that place"
    if result is not None and result != target and result in fields:
        return f"there is a field {result!r} already"
    if isinstance(mapper, Hashing) and result == target:
        # The platform sets the digest and then removes the field of that name.
        return "its `fieldNameSuffix` is empty"
    return None


def _applied(mapper: Mapper, fields: Mapping[str, Field]) -> dict[str, Field]:
    target, result = _target(mapper), _result(mapper)
    changed: dict[str, Field] = {}
    for name, field in fields.items():
        if name != target:
            changed[name] = field
        elif isinstance(mapper, Renaming):
            changed[mapper.new_field_name] = msgspec.structs.replace(
                field, name=mapper.new_field_name
            )
        elif result is not None:
            step = f"HASH:{mapper.method}" if isinstance(mapper, Hashing) else "ENCRYPT"
            changed[result] = msgspec.structs.replace(
                field,
                name=result,
                type="VARCHAR" if field.type else "",
                steps=(*field.steps, step),
            )
    return changed


def _resolved(condition: Condition, fields: Mapping[str, Field]) -> Filter:
    if isinstance(condition, Equal):
        return Filter(
            "all", (Comparison(fields[condition.field_name], condition.comparison_value),)
        )
    how: dict[type[Not | And | Or], str] = {Not: "none", And: "all", Or: "any"}
    parts: Iterable[Filter] = (_resolved(part, fields) for part in condition.conditions)
    return Filter(how[type(condition)], tuple(parts))


def looked_at(filters: Iterable[Filter]) -> Iterator[Field]:
    """The fields that row filters look at, as they are at their places in the list."""
    for part in (part for one in filters for part in one.parts):
        if isinstance(part, Comparison):
            yield part.field
        else:
            yield from looked_at([part])


def fault_text(fault: Fault) -> str:
    """One clause for people: which mapper, and what is wrong with it."""
    return f"mapper {fault.index + 1} ({kind_of(fault.mapper)}) cannot be applied: {fault.reason}"
