"""JSON schema -> DuckDB types and columns."""

from collections.abc import Mapping
from typing import Any

import msgspec

from toolkit.integrations.airbyte.naming import column_names

_TIMESTAMP_TZ = "TIMESTAMP WITH TIME ZONE"

_BY_AIRBYTE_TYPE: Mapping[str, str] = {
    "timestamp_with_timezone": _TIMESTAMP_TZ,
    "timestamp_without_timezone": "TIMESTAMP",
    "time_with_timezone": "TIME WITH TIME ZONE",
    "time_without_timezone": "TIME",
    "integer": "BIGINT",
    "big_integer": "HUGEINT",
}
_BY_FORMAT: Mapping[str, str] = {"date": "DATE", "date-time": _TIMESTAMP_TZ, "time": "TIME"}
_BY_TYPE: Mapping[str, str] = {
    "string": "VARCHAR",
    "integer": "BIGINT",
    "number": "DOUBLE",
    "boolean": "BOOLEAN",
    "object": "JSON",
    "array": "JSON",
}


class Field(msgspec.Struct, frozen=True):
    """One top-level field of a stream and the column it becomes.

    Attributes:
        name: after the mappers.
        column: as the destination spells it.
        type: DuckDB's; empty where no schema is known.
        source: its name at the source, where mappers changed it.
        steps: what mappers did to its value, in order: ``HASH:<method>`` or ``ENCRYPT``.
    """

    name: str
    column: str
    type: str
    description: str = ""
    source: str | None = None
    steps: tuple[str, ...] = ()

    @property
    def origin(self) -> str:
        """Its name at the source."""
        return self.name if self.source is None else self.source


def duckdb_type(schema: object) -> str:
    """DuckDB's type for a JSON schema; JSON for whatever is not one plain type."""
    if not isinstance(schema, Mapping):
        return "JSON"
    kinds = kinds_of(schema)
    if kinds == {"string"}:
        known = _BY_AIRBYTE_TYPE.get(str(schema.get("airbyte_type")))
        return known or _BY_FORMAT.get(str(schema.get("format")), "VARCHAR")
    if kinds == {"number"} and schema.get("airbyte_type") in ("integer", "big_integer"):
        return _BY_AIRBYTE_TYPE[str(schema["airbyte_type"])]
    if kinds == {"integer"} and schema.get("airbyte_type") == "big_integer":
        return "HUGEINT"
    if kinds == {"integer", "number"}:
        return "DOUBLE"
    if len(kinds) == 1:
        return _BY_TYPE.get(kinds.pop(), "JSON")
    variants = schema.get("oneOf") or schema.get("anyOf")
    if not kinds and isinstance(variants, list):
        types = {duckdb_type(v) for v in variants if kinds_of(v) or not _is_null(v)}
        return types.pop() if len(types) == 1 else "JSON"
    return "JSON"


def fields_of(json_schema: Mapping[str, Any]) -> list[Field]:
    """Top-level fields that a source offers, in the schema's order."""
    properties = properties_of(json_schema)
    names = column_names(properties)
    return [
        Field(name, names[name], duckdb_type(schema), description_of(schema))
        for name, schema in properties.items()
    ]


def properties_of(json_schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema of each top-level field."""
    properties = json_schema.get("properties")
    return properties if isinstance(properties, Mapping) else {}


def description_of(schema: object) -> str:
    """What the schema says of itself."""
    text = schema.get("description") if isinstance(schema, Mapping) else None
    return text if isinstance(text, str) else ""


def kinds_of(schema: object) -> set[str]:
    """JSON types that a value may have, but for null; empty where none is named."""
    kind = schema.get("type") if isinstance(schema, Mapping) else None
    kinds = kind if isinstance(kind, list) else [kind]
    return {str(name) for name in kinds if name not in (None, "null")}


def _is_null(schema: object) -> bool:
    return isinstance(schema, Mapping) and schema.get("type") in ("null", ["null"])
