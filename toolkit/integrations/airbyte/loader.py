"""Records -> rows: raw JSON in Arrow batches, parsed and typed by DuckDB.

Python touches each record once (the message's envelope); its data stays bytes, so that
the work for each row is about a microsecond of ours.
"""

import itertools
import json
from array import array
from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from toolkit.errors import ConnectorError
from toolkit.integrations.airbyte.columns import Field
from toolkit.integrations.airbyte.naming import SEQUENCE
from toolkit.integrations.airbyte.tables import Table
from toolkit.warehouse.duckdb import quote

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

BATCH_ROWS = 100_000
BATCH_BYTES = 64 * 1024 * 1024

_BATCH = "_toolkit_batch"
_TEXT = frozenset({"VARCHAR", "JSON"})
_WHOLE_NUMBERS = frozenset({"BIGINT", "HUGEINT"})


class Loader:
    """Puts one stream's rows into a staging table, in batches.

    Args:
        cursor: of the warehouse; all of a sync's loaders share it.
        table: what the rows are for.
        stage: quoted name of the staging table, which is there.
        generation / sync_id: for the metadata columns.
    """

    def __init__(
        self,
        cursor: "duckdb.DuckDBPyConnection",
        table: Table,
        stage: str,
        *,
        generation: int,
        sync_id: int,
    ) -> None:
        self._cursor = cursor
        self._stage = stage
        self._records: list[msgspec.Raw] = []
        self._emitted: list[int] = []
        self._bytes = 0
        self._flushed = 0
        self.nulled: dict[str, int] = {}
        self._statements = [
            _insert(table, stage, generation, sync_id, strict=strict) for strict in (True, False)
        ]

    @property
    def arrived(self) -> int:
        """Rows so far; also the arrival number of the last one."""
        return self._flushed + len(self._records)

    def add(self, data: msgspec.Raw, emitted_at: float) -> None:
        """Take one record; ``emitted_at`` in milliseconds since the epoch."""
        self._records.append(data)
        self._emitted.append(int(emitted_at))
        self._bytes += len(memoryview(data))
        if len(self._records) >= BATCH_ROWS or self._bytes >= BATCH_BYTES:
            self.flush()

    def flush(self) -> None:
        """Write what was taken into the staging table.

        Raises:
            ConnectorError: a record cannot be read, not even field by field.
        """
        import duckdb

        if not self._records:
            return
        records, emitted = self._records, self._emitted
        self._records, self._emitted, self._bytes = [], [], 0
        first = self._flushed + 1
        self._flushed += len(records)
        strict, lenient = self._statements
        try:
            self._insert(strict, _arrow(records), emitted, first)
            return
        except (duckdb.Error, ValueError):
            # Something in this batch is not what the schema says: go on value by value.
            pass
        try:
            try:
                self._insert(lenient, _arrow(records), emitted, first)
            except (duckdb.Error, ValueError):
                self._insert(lenient, _arrow([_repaired(r) for r in records]), emitted, first)
        except (duckdb.Error, ValueError) as error:
            raise ConnectorError(
                f"Rows {first:,} to {self._flushed:,} for {self._stage} cannot be loaded: "
                f"{str(error).splitlines()[0]}",
                "The sync was stopped; what it had checkpointed is kept.",
                "Look into its log; the connector may print broken JSON.",
            ) from error
        self._count_nulled(first)

    def _insert(
        self, statement: str, data: "pa.StringArray", emitted: list[int], first: int
    ) -> None:
        import pyarrow as pa

        batch = pa.table(
            {
                "data": data,
                "emitted": pa.array(emitted, pa.int64()),
                "number": pa.array(range(first, first + len(emitted)), pa.int64()),
            }
        )
        self._cursor.register(_BATCH, batch)
        try:
            self._cursor.execute(statement)
        finally:
            self._cursor.unregister(_BATCH)

    def _count_nulled(self, first: int) -> None:
        rows = self._cursor.execute(
            "SELECT field, count(*) FROM (SELECT unnest(json_extract_string(_airbyte_meta, "
            f"'$.changes[*].field')) AS field FROM {self._stage} WHERE {quote(SEQUENCE)} >= ?) "
            "GROUP BY field",
            [first],
        ).fetchall()
        for field, count in rows:
            self.nulled[field] = self.nulled.get(field, 0) + count


def _arrow(records: "list[msgspec.Raw] | list[bytes]") -> "pa.StringArray":
    """The records as one Arrow column, without a Python string for each.

    Raises:
        ValueError: (Arrow's) for bytes that are no UTF-8.
    """
    import pyarrow as pa

    lengths = (len(memoryview(record)) for record in records)
    offsets = array("i", itertools.accumulate(lengths, initial=0))
    data = pa.py_buffer(b"".join(records))
    column = pa.StringArray.from_buffers(len(records), pa.py_buffer(offsets), data)
    column.validate(full=True)
    return column


def _repaired(record: msgspec.Raw) -> bytes:
    """A record with the bytes that are no UTF-8 replaced."""
    return bytes(record).decode("utf-8", "replace").encode()


def _insert(table: Table, stage: str, generation: int, sync_id: int, *, strict: bool) -> str:
    """The statement that parses, types and writes a batch.

    Strict fails on the first value that is not what its column wants; otherwise such a value
    becomes NULL and is named in ``_airbyte_meta``, in the platform's words.
    """
    texts = _texts(table)
    values = [_typed(texts[f.column], table.types[f.column], strict=strict) for f in table.fields]
    meta = f"""'{{"changes":[],"sync_id":{sync_id}}}'"""
    if not strict:
        meta = _changes(table, texts, values, sync_id)
    ours = ["uuid()", "make_timestamptz(emitted * 1000)", meta, str(generation), "number"]
    columns = ", ".join(quote(name) for name in (*table.columns, SEQUENCE))
    structure = _structure(table)
    parsed = f", json_transform(data, {_literal(structure)}) AS s" if structure else ""
    return (
        f"INSERT INTO {stage} ({columns}) SELECT {', '.join([*values, *ours])} "
        f"FROM (SELECT data, emitted, number{parsed} FROM {_BATCH})"
    )


def _plain(table: Table) -> list[Field]:
    """Fields that DuckDB's ``json_transform`` can name: not empty, no two alike but for case."""
    seen: set[str] = set()
    plain: list[Field] = []
    for field in table.fields:
        if field.name and field.name.lower() not in seen and field.name.casefold() not in seen:
            plain.append(field)
        seen |= {field.name.lower(), field.name.casefold()}
    return plain


def _structure(table: Table) -> str:
    """What ``json_transform`` shall take out: text, which SQL then casts.

    It would cast by itself, but turns 1.5 into 2 for a BIGINT and, in its strict form,
    wants every field in every record.
    """
    kinds = {f.name: _raw_type(table.types[f.column]) for f in _plain(table)}
    return json.dumps(kinds) if kinds else ""


def _raw_type(type_: str) -> str:
    return "JSON" if type_ == "JSON" else "VARCHAR"


def _texts(table: Table) -> dict[str, str]:
    """SQL for each column's value as text (or JSON)."""
    plain = {field.name for field in _plain(table)}
    texts: dict[str, str] = {}
    for field in table.fields:
        pointer = _literal("/" + field.name.replace("~", "~0").replace("/", "~1"))
        if field.name in plain:
            texts[field.column] = f"struct_extract(s, {_literal(field.name)})"
        elif table.types[field.column] == "JSON":
            value = f"json_extract(data, {pointer})"
            texts[field.column] = f"CASE WHEN json_type({value}) <> 'NULL' THEN {value} END"
        else:
            texts[field.column] = f"json_extract_string(data, {pointer})"
    return texts


def _typed(text: str, type_: str, *, strict: bool) -> str:
    if type_ in _TEXT:
        return text
    if type_ not in _WHOLE_NUMBERS:
        return f"{'CAST' if strict else 'TRY_CAST'}({text} AS {type_})"
    # A cast would round 1.5 to 2 and say nothing.
    odd = f"contains({text}, '.') OR contains({text}, 'e') OR contains({text}, 'E')"
    if strict:
        return f"CASE WHEN {odd} THEN error('no whole number') ELSE CAST({text} AS {type_}) END"
    number = f"TRY_CAST({text} AS DOUBLE)"
    whole = f"CASE WHEN {number} = floor({number}) THEN TRY_CAST({number} AS {type_}) END"
    return f"CASE WHEN {odd} THEN {whole} ELSE TRY_CAST({text} AS {type_}) END"


def _changes(table: Table, texts: Mapping[str, str], values: list[str], sync_id: int) -> str:
    entries = [
        f"CASE WHEN {texts[field.column]} IS NOT NULL AND ({value}) IS NULL THEN "
        f"{{'field': {_literal(field.name)}, 'change': 'NULLED', "
        "'reason': 'DESTINATION_TYPECAST_ERROR'} END"
        for field, value in zip(table.fields, values, strict=True)
        if table.types[field.column] not in _TEXT
    ]
    changes = f"list_filter([{', '.join(entries)}], lambda x: x IS NOT NULL)" if entries else "[]"
    return f"to_json({{'changes': {changes}, 'sync_id': {sync_id}}})"


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
