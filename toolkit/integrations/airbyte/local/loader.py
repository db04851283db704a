"""Records -> rows: raw JSON in Arrow batches, parsed and typed by DuckDB.

Python touches each record once (the message's envelope); its data stays bytes, so that
the work for each row is about a microsecond of ours.
"""

import itertools
from array import array
from collections.abc import Iterable
from typing import TYPE_CHECKING

import msgspec

from toolkit.errors import ConnectorError
from toolkit.integrations.airbyte.local.hashing import Hashes
from toolkit.integrations.airbyte.local.statements import BATCH, insert_statement
from toolkit.integrations.airbyte.local.tables import Table
from toolkit.integrations.airbyte.mapping import Filter, looked_at
from toolkit.integrations.airbyte.naming import SEQUENCE
from toolkit.warehouse.duckdb import quote

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

BATCH_ROWS = 100_000
BATCH_BYTES = 64 * 1024 * 1024

# So many records of a batch are looked at for fields that the schema does not have.
_LOOKED_AT = 1_000


class Loader:
    """Puts one stream's rows into a staging table, in batches.

    Args:
        cursor: of the warehouse; all of a sync's loaders share it.
        table: what the rows are for.
        stage: quoted name of the staging table, which is there.
        filters: what must be true for a row to land.
        known: the source's fields; a record's others are counted as unknown.
        generation / sync_id: for the metadata columns.

    Attributes:
        nulled: how many values of each field could not be typed and became NULL.
        filtered: rows that a row filter kept out.
        unknown: fields that records have and the schema has not, in those that were looked at.
    """

    def __init__(
        self,
        cursor: "duckdb.DuckDBPyConnection",
        table: Table,
        stage: str,
        *,
        filters: Iterable[Filter] = (),
        known: Iterable[str] = (),
        generation: int,
        sync_id: int,
    ) -> None:
        filters = tuple(filters)
        touched = (*table.fields, *looked_at(filters))
        steps = {step for field in touched for step in field.steps}
        self._hashes = Hashes(cursor, {step.removeprefix("HASH:") for step in steps})
        self._cursor = cursor
        self._known = list(known)
        self._stage = stage
        self._records: list[msgspec.Raw] = []
        self._emitted: list[int] = []
        self._bytes = 0
        self._flushed = 0
        self.nulled: dict[str, int] = {}
        self.filtered = 0
        self.unknown: dict[str, None] = {}
        self._statements = [
            insert_statement(
                table,
                stage,
                filters=filters,
                hashes=self._hashes,
                generation=generation,
                sync_id=sync_id,
                strict=strict,
            )
            for strict in (True, False)
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

    def close(self) -> None:
        """Give back what it made on the cursor; nothing can be written any more."""
        self._hashes.close()

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
            # DuckDB quotes its input, which may hold what mappers hide.
            reason = str(error).splitlines()[0].partition("Input:")[0].strip()
            raise ConnectorError(
                f"Rows {first:,} to {self._flushed:,} for {self._stage} cannot be loaded: {reason}",
                "The sync was stopped; what it had checkpointed is kept.",
                "Look into its log; the connector may print broken JSON.",
            ) from error
        self._count_nulled(first)

    def _insert(
        self, statement: str, data: "pa.StringArray", emitted: list[int], first: int
    ) -> None:
        import pyarrow as pa

        numbers = range(first, first + len(emitted))
        batch = pa.Table.from_arrays(
            [data, _integers(emitted), _integers(numbers)], names=["data", "emitted", "number"]
        )
        self._cursor.register(BATCH, batch)
        try:
            inserted = self._cursor.execute(statement).fetchall()[0][0]
            self.filtered += len(emitted) - inserted
            self._look_for_unknown()
        finally:
            self._cursor.unregister(BATCH)

    def _look_for_unknown(self) -> None:
        rows = self._cursor.execute(
            f"SELECT DISTINCT unnest(json_keys(data)) AS name FROM (SELECT data FROM {BATCH} "
            f"LIMIT {_LOOKED_AT}) WHERE json_type(data) = 'OBJECT' EXCEPT SELECT unnest(?) "
            "ORDER BY name",
            [self._known],
        ).fetchall()
        self.unknown |= dict.fromkeys(name for (name,) in rows)

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


def _integers(values: Iterable[int]) -> "pa.Int64Array":
    """As one Arrow column. ``pa.array`` would import pandas, to see whether it has a series."""
    import pyarrow as pa

    data = array("q", values)
    return pa.Int64Array.from_buffers(pa.int64(), len(data), [None, pa.py_buffer(data)])


def _repaired(record: msgspec.Raw) -> bytes:
    """A record with the bytes that are no UTF-8 replaced."""
    return bytes(record).decode("utf-8", "replace").encode()
