"""Which column each field becomes: never one column for two fields."""

import hashlib
from collections.abc import Iterable, Mapping

from toolkit.integrations.airbyte.naming.metadata import METADATA_COLUMNS, SEQUENCE
from toolkit.integrations.airbyte.naming.rules import Spelling, spelling_of

# Destinations whose connectors are written in Python, and our own landing, do not number.
_NOT_NUMBERED = frozenset({"duckdb", "motherduck"})
_RESERVED = frozenset(name.casefold() for name in (*METADATA_COLUMNS, SEQUENCE))


def column_names(fields: Iterable[str], destination_type: str | None = "duckdb") -> dict[str, str]:
    """The destination's column for each field; no two fields get the same one.

    In DuckDB, of fields that would share a column, the one that is already spelled like the
    column keeps the name and the others get a suffix made from their own name: so the mapping
    does not depend on the order in which a source lists its fields. Other destinations number
    them in that order (``ColumnNameResolver.kt`` of the bulk CDK: ``name_1``, ``name_2``).
    """
    fields = list(dict.fromkeys(fields))
    spelling = spelling_of(destination_type)
    if destination_type is not None and destination_type not in _NOT_NUMBERED:
        return _numbered(fields, spelling)
    spell = spelling.current.column
    wanted = {field: spell(field) for field in fields}
    claims: dict[str, list[str]] = {}
    for field, column in wanted.items():
        claims.setdefault(column.casefold(), []).append(field)
    taken = {
        column.casefold(): field
        for field, column in sorted(wanted.items())
        if column.casefold() not in _RESERVED
        and (field == column or len(claims[column.casefold()]) == 1)
    }
    names: dict[str, str] = {}
    for field in sorted(fields, key=lambda field: (wanted[field] != field, field)):
        column = wanted[field]
        if taken.get(column.casefold()) != field:
            column = _suffixed(field, column, taken)
            taken[column.casefold()] = field
        names[field] = column
    return {field: names[field] for field in fields}


def _suffixed(field: str, column: str, taken: Mapping[str, str]) -> str:
    digest = hashlib.sha256(field.encode("utf-8", "surrogatepass")).hexdigest()
    for length in range(8, len(digest) + 1, 8):
        made = f"{column}_{digest[:length]}"
        if made.casefold() not in taken:
            return made
    raise AssertionError(f"no free column for {field!r}")  # would need a SHA-256 in a field's name


def _numbered(fields: Iterable[str], spelling: Spelling) -> dict[str, str]:
    spell = spelling.current.column

    def key(column: str) -> str:
        return column if spelling.columns_case_counts else column.casefold()

    taken = set(_RESERVED)
    names: dict[str, str] = {}
    for field in fields:
        column, number = spell(field), 0
        while key(column) in taken:
            number += 1
            column = spell(f"{field}_{number}")
        taken.add(key(column))
        names[field] = column
    return names


def collisions(names: Mapping[str, str], destination_type: str | None = "duckdb") -> list[str]:
    """Fields whose column is not simply their own spelling, in order."""
    spell = spelling_of(destination_type).current.column
    return [field for field, column in names.items() if column != spell(field)]
