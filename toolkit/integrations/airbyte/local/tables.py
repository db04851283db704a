"""Landed tables: made, evolved, merged into and swapped. All SQL on them lives here.

Every name is quoted; types come from our own closed list.
"""

import hashlib
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import msgspec

from toolkit.errors import ConnectorError
from toolkit.graph import Relation
from toolkit.integrations.airbyte.columns import Field
from toolkit.integrations.airbyte.local.plan import see_drift
from toolkit.integrations.airbyte.naming import METADATA_COLUMNS, RAW_ID, SEQUENCE
from toolkit.warehouse.duckdb import quote, quote_relation

if TYPE_CHECKING:
    import duckdb

_SCALARS = frozenset(
    {
        "VARCHAR",
        "BOOLEAN",
        "BIGINT",
        "HUGEINT",
        "DOUBLE",
        "DATE",
        "TIME",
        "TIME WITH TIME ZONE",
        "TIMESTAMP",
        "TIMESTAMP WITH TIME ZONE",
    }
)

# What a type can become without a value changing its meaning.
_WIDER: Mapping[str, frozenset[str]] = {
    "BIGINT": frozenset({"HUGEINT", "DOUBLE"}),
    "DATE": frozenset({"TIMESTAMP"}),
}

# Beyond this a DOUBLE cannot hold every integer.
_EXACT_DOUBLE = 2**53


class Table(msgspec.Struct, frozen=True):
    """A landed table and the columns that a sync writes.

    Attributes:
        relation: where it is.
        fields: what the source gives now.
        types: type of each field's column in this table, by column.
    """

    relation: Relation
    fields: tuple[Field, ...]
    types: Mapping[str, str]

    @property
    def sql(self) -> str:
        """Its quoted name."""
        return quote_relation(self.relation)

    @property
    def columns(self) -> list[str]:
        """Columns that a sync writes, ours included."""
        return [*self.types, *METADATA_COLUMNS]


def columns_of(cursor: "duckdb.DuckDBPyConnection", relation: Relation) -> dict[str, str]:
    """Columns and types of a relation as this cursor sees it; empty if it is not there."""
    rows = cursor.execute(
        "SELECT column_name, data_type FROM duckdb_columns() WHERE "
        "lower(table_name) = lower(?) AND lower(schema_name) = lower(?) "
        "AND database_name = coalesce(?, current_database()) ORDER BY column_index",
        [relation.identifier, relation.schema or "main", relation.database],
    ).fetchall()
    return dict(rows)


def check_ours(relation: Relation, existing: Mapping[str, str]) -> None:
    """Refuse to write a table that no sync made.

    Raises:
        ConnectorError: the relation is there and has none of our columns.
    """
    if existing and RAW_ID not in existing:
        raise ConnectorError(
            f"{relation} exists, but no sync made it (it has no column {RAW_ID}).",
            "It was not touched, and nothing was read.",
            "Give the connection another `schema` or `prefix`, or drop that relation.",
        )


def new_table(relation: Relation, fields: Iterable[Field]) -> Table:
    """A table that is made from nothing."""
    fields = tuple(fields)
    return Table(relation, fields, {field.column: field.type for field in fields})


def create(
    cursor: "duckdb.DuckDBPyConnection",
    table: Table,
    *,
    sql_name: str | None = None,
    staging: bool = False,
    temporary: bool = False,
) -> None:
    """Create the table, or one with its columns and another name.

    Args:
        sql_name: quoted name, if not its own.
        staging: with our arrival number as a further column.
    """
    types = {**table.types, **METADATA_COLUMNS, **({SEQUENCE: "BIGINT"} if staging else {})}
    columns = ", ".join(f"{quote(name)} {type_}" for name, type_ in types.items())
    kind = "TEMP TABLE" if temporary else "TABLE"
    cursor.execute(f"CREATE {kind} {sql_name or table.sql} ({columns})")


def evolve(
    cursor: "duckdb.DuckDBPyConnection",
    relation: Relation,
    fields: Iterable[Field],
    *,
    connection: str,
) -> Table:
    """Bring the table to what the source gives now: create it, add columns, widen types.

    Args:
        connection: its name, for what to do next.

    Returns:
        The table with the types that its columns have now.

    Raises:
        ConnectorError: a column changed its type in a way that would change values.
    """
    fields = tuple(fields)
    existing = columns_of(cursor, relation)
    if not existing:
        table = new_table(relation, fields)
        create(cursor, table)
        return table
    check_ours(relation, existing)
    folded = {name.casefold(): type_ for name, type_ in existing.items()}
    types: dict[str, str] = {}
    name = quote_relation(relation)
    for field in fields:
        column = quote(field.column)
        has = folded.get(field.column.casefold())
        if has is None:
            cursor.execute(f"ALTER TABLE {name} ADD COLUMN {column} {field.type}")
            types[field.column] = field.type
        elif fits(field.type, has):
            types[field.column] = has
        elif fits(has, field.type) and _values_fit(cursor, name, column, has, field.type):
            using = f"to_json({column})" if field.type == "JSON" else f"{column}::{field.type}"
            cursor.execute(
                f"ALTER TABLE {name} ALTER COLUMN {column} SET DATA TYPE {field.type} USING {using}"
            )
            types[field.column] = field.type
        else:
            raise _type_changed(relation, field, has, connection)
    for column, type_ in METADATA_COLUMNS.items():
        if column not in folded:
            cursor.execute(f"ALTER TABLE {name} ADD COLUMN {quote(column)} {type_}")
    return Table(relation, fields, types)


def fits(type_: str, wider: str) -> bool:
    """Whether a column of the type ``wider`` holds every value of ``type_``."""
    return (
        type_ == wider
        or wider in _WIDER.get(type_, ())
        or (type_ in _SCALARS and wider in ("VARCHAR", "JSON"))
        or (type_ == "JSON" and wider == "VARCHAR")
    )


def _values_fit(
    cursor: "duckdb.DuckDBPyConnection", name: str, column: str, has: str, wanted: str
) -> bool:
    if (has, wanted) != ("BIGINT", "DOUBLE"):
        return True
    sql = f"SELECT count(*) FROM {name} WHERE abs({column}) > {_EXACT_DOUBLE}"
    return not cursor.execute(sql).fetchall()[0][0]


def _type_changed(relation: Relation, field: Field, has: str, connection: str) -> ConnectorError:
    return ConnectorError(
        f"Column {field.column!r} of {relation} is {has}, but the source now gives {field.type}.",
        "The values that are there cannot be kept without loss, so nothing was read.",
        f"{see_drift(connection)} Then load the stream anew with `toolkit build --full-refresh`.",
    )


def append(cursor: "duckdb.DuckDBPyConnection", table: Table, stage: str, upto: int) -> None:
    """Rows of the staging table that arrived no later than ``upto``, into the table."""
    columns = _list(table.columns)
    cursor.execute(
        f"INSERT INTO {table.sql} ({columns}) "
        f"SELECT {columns} FROM {stage} WHERE {quote(SEQUENCE)} <= {upto}"
    )


def merge(
    cursor: "duckdb.DuckDBPyConnection",
    table: Table,
    stage: str,
    upto: int,
    primary_key: Iterable[str],
    cursor_column: str | None,
) -> None:
    """The same, keeping one row a key: the last one by cursor, then by arrival.

    A row that is older (by its cursor) than the one in the table does not replace it.
    """
    keys = [quote(name) for name in primary_key]
    columns = _list(table.columns)
    winners = f"{_winners(stage, keys, cursor_column, upto)}"
    same = " AND ".join(f"t.{key} IS NOT DISTINCT FROM w.{key}" for key in keys)
    newer = ""
    if cursor_column is not None:
        value = quote(cursor_column)
        newer = f" AND (t.{value} IS NULL OR w.{value} >= t.{value})"
    cursor.execute(f"CREATE OR REPLACE TEMP TABLE _toolkit_winners AS {winners}")
    cursor.execute(f"DELETE FROM {table.sql} AS t USING _toolkit_winners AS w WHERE {same}{newer}")
    # What is still there with the same key is newer.
    older = f" WHERE NOT EXISTS (SELECT 1 FROM {table.sql} AS t WHERE {same})"
    cursor.execute(
        f"INSERT INTO {table.sql} ({columns}) SELECT {columns} FROM _toolkit_winners AS w"
        + (older if cursor_column is not None else "")
    )
    cursor.execute("DROP TABLE _toolkit_winners")


def _winners(stage: str, keys: list[str], cursor_column: str | None, upto: int | None) -> str:
    order = f"{quote(SEQUENCE)} DESC"
    if cursor_column is not None:
        order = f"{quote(cursor_column)} DESC NULLS LAST, {order}"
    where = "" if upto is None else f" WHERE {quote(SEQUENCE)} <= {upto}"
    return (
        f"SELECT * FROM {stage}{where} QUALIFY row_number() OVER "
        f"(PARTITION BY {', '.join(keys)} ORDER BY {order}) = 1"
    )


def keep_winners(
    cursor: "duckdb.DuckDBPyConnection",
    stage: str,
    primary_key: Iterable[str],
    cursor_column: str | None,
) -> None:
    """Remove from a staging table all rows but the last one of each key."""
    keys = [quote(name) for name in primary_key]
    winners = _winners(stage, keys, cursor_column, None)
    number = quote(SEQUENCE)
    cursor.execute(f"DELETE FROM {stage} WHERE {number} NOT IN (SELECT {number} FROM ({winners}))")


def swap(cursor: "duckdb.DuckDBPyConnection", table: Table, stage: str) -> None:
    """The staging table becomes the table. Call it within a transaction."""
    cursor.execute(f"ALTER TABLE {stage} DROP COLUMN {quote(SEQUENCE)}")
    cursor.execute(f"DROP TABLE IF EXISTS {table.sql}")
    cursor.execute(f"ALTER TABLE {stage} RENAME TO {quote(table.relation.identifier)}")


def content(cursor: "duckdb.DuckDBPyConnection", relation: Relation) -> tuple[int, str]:
    """Rows and fingerprint of what a source gave; not of our columns, nor of the rows' order."""
    types = columns_of(cursor, relation)
    own = {name: type_ for name, type_ in types.items() if name not in METADATA_COLUMNS}
    hashed = f"hash({_list(own)})" if own else "0"
    sql = f"SELECT count(*), sum({hashed}::HUGEINT) FROM {quote_relation(relation)}"
    rows, total = cursor.execute(sql).fetchall()[0]
    text = "\0".join((*(f"{name} {type_}" for name, type_ in own.items()), str(rows), str(total)))
    return int(rows), hashlib.sha256(text.encode()).hexdigest()[:16]


def row_count(cursor: "duckdb.DuckDBPyConnection", relation: Relation) -> int:
    """Rows in a relation, as this cursor sees it."""
    sql = f"SELECT count(*) FROM {quote_relation(relation)}"
    return int(cursor.execute(sql).fetchall()[0][0])


def _list(columns: Iterable[str]) -> str:
    return ", ".join(quote(column) for column in columns)
