"""Where a stream lands: the platform's namespace and prefix rules, then the destination's.

Order matters and is the platform's: namespace and prefix first, then the destination's
normalisation of each name.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping

from toolkit.graph import Relation
from toolkit.integrations.airbyte.model import Connection, StreamConfiguration
from toolkit.settings import DestinationMap

RAW_ID = "_airbyte_raw_id"
EXTRACTED_AT = "_airbyte_extracted_at"
META = "_airbyte_meta"
GENERATION_ID = "_airbyte_generation_id"

# Our arrival number in staging tables; never in the final one.
SEQUENCE = "_toolkit_sequence"

METADATA_COLUMNS: Mapping[str, str] = {
    RAW_ID: "UUID",
    EXTRACTED_AT: "TIMESTAMP WITH TIME ZONE",
    META: "JSON",
    GENERATION_ID: "BIGINT",
}

_PLACEHOLDER = "${SOURCE_NAMESPACE}"


def _underscores(name: str) -> str:
    plain = re.sub(r"[^A-Za-z0-9_]", "_", name)
    return f"_{plain}" if plain[:1].isdigit() else plain


def _lower(name: str) -> str:
    return _underscores(name).lower()


def _snowflake(name: str) -> str:
    return name.replace("${", "_").replace("}", "_").upper()


_NORMALISERS: Mapping[str, Callable[[str], str]] = {
    "duckdb": _lower,
    "motherduck": _lower,
    "redshift": _lower,
    "snowflake": _snowflake,
    "bigquery": _underscores,
    "postgres": _underscores,
    "mysql": _underscores,
}
_DEFAULT_SCHEMAS: Mapping[str, str] = {
    "duckdb": "main",
    "motherduck": "main",
    "postgres": "public",
    "redshift": "public",
}


def normalise(name: str, destination_type: str | None = "duckdb") -> str:
    """``name`` as the destination spells it; as it is where the destination is not known."""
    return _NORMALISERS.get(destination_type or "", str)(name)


def relation_of(
    connection: Connection,
    stream: StreamConfiguration,
    *,
    destinations: Mapping[str, DestinationMap],
    database: str | None,
) -> Relation:
    """Where a stream's table is.

    Args:
        destinations: ``destinations`` of toolkit.yml: overrides the default database and
            schema of the destination with that name.
        database: the warehouse's own, for a destination that names none.
    """
    target = connection.destination
    mapped = destinations.get(target.name or "", DestinationMap())
    default = mapped.schema or target.schema
    if default is None and "destination.schema" not in connection.unknown:
        default = _DEFAULT_SCHEMAS.get(target.type or "")
    namespace = _namespace(connection, stream)
    schema = namespace if namespace is not None else default
    if "namespace" in connection.unknown:
        schema = namespace = None
    if "destination.database" in connection.unknown:
        database = None
    table = (connection.prefix if connection.prefix.strip() else "") + stream.name
    return Relation(
        mapped.database or target.database or database,
        # A schema that the user wrote into toolkit.yml is meant as it stands.
        schema
        if namespace is None and mapped.schema
        else normalise(schema, target.type)
        if schema is not None
        else None,
        normalise(table, target.type),
    )


def _namespace(connection: Connection, stream: StreamConfiguration) -> str | None:
    if connection.namespace_definition == "destination":
        return None
    if connection.namespace_definition == "source":
        return stream.namespace
    template = connection.namespace_format or ""
    text = template.replace(_PLACEHOLDER, stream.namespace or "")
    return text if text.strip() else None


def column_names(fields: Iterable[str], destination_type: str | None = "duckdb") -> dict[str, str]:
    """The destination's column for each field, unique without regard to case.

    Of fields that would share a column, the one that is already spelled like the column
    keeps the name and the others get a suffix made from their own name: so the mapping does
    not depend on the order in which a source lists its fields.
    """
    fields = list(dict.fromkeys(fields))
    reserved = {name.casefold() for name in (*METADATA_COLUMNS, SEQUENCE)}
    wanted = {field: normalise(field, destination_type) or "_" for field in fields}
    claims: dict[str, list[str]] = {}
    for field, column in wanted.items():
        claims.setdefault(column.casefold(), []).append(field)
    names: dict[str, str] = {}
    for field, column in wanted.items():
        alone = len(claims[column.casefold()]) == 1
        own = field == column or (alone and column.casefold() not in reserved)
        if own and column.casefold() not in reserved:
            names[field] = column
        else:
            names[field] = f"{column}_{hashlib.sha256(field.encode()).hexdigest()[:8]}"
    return names


def collisions(names: Mapping[str, str], destination_type: str | None = "duckdb") -> list[str]:
    """Fields whose column is not simply their normalised name, in order."""
    return [
        field
        for field, column in names.items()
        if column != (normalise(field, destination_type) or "_")
    ]
