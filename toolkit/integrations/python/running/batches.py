"""Making a table batch by batch: which are due, and each written with its marker in one go.

A batch's rows and the row of ``_toolkit.batches`` that says it is there are one transaction. So
a process that is killed leaves whole batches, and the next build makes those that are missing.
"""

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

import duckdb
import msgspec

from toolkit.errors import AssetFailedError
from toolkit.graph import Relation
from toolkit.integrations.python.declared import dividing
from toolkit.integrations.python.definitions import Batch
from toolkit.integrations.python.registry import PythonAsset
from toolkit.integrations.python.running import output
from toolkit.integrations.python.running.session import Session
from toolkit.warehouse import Content, content_hash, quote, quote_relation

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

SCHEMA = "_toolkit"
TABLE = f"{quote(SCHEMA)}.{quote('batches')}"


class Batches:
    """The batches of one asset during one run.

    Args:
        session: to look with; the schema of :data:`TABLE` exists.
        full_refresh: all batches are due, and the table may get other columns.
    """

    def __init__(
        self, item: PythonAsset, session: Session, run_id: str, full_refresh: bool
    ) -> None:
        assert item.batching is not None
        assert item.asset.relation is not None
        self._item = item
        self._how = item.batching
        self._relation: Relation = item.asset.relation
        self._run_id = run_id
        self._now = dividing.now()
        self._written: list[datetime] = []
        cursor = session.cursor
        cursor.execute(
            f"CREATE TABLE IF NOT EXISTS {TABLE} (asset VARCHAR, start TIMESTAMP, "
            "complete BOOLEAN, code_version VARCHAR, run_id VARCHAR, made TIMESTAMPTZ)"
        )
        exists = self._columns(cursor) is not None
        self._anew = full_refresh or not exists
        self._there = {} if self._anew else self._marked(cursor)

    @property
    def _key(self) -> str:
        return f"{self._item.asset.key} {self._relation}"

    def _marked(self, cursor: "DuckDBPyConnection") -> dict[datetime, bool]:
        """The batches that this code has made: whether each was over then."""
        rows = cursor.execute(
            f"SELECT start, complete FROM {TABLE} WHERE asset = ? AND code_version = ?",
            [self._key, self._item.asset.code_version],
        ).fetchall()
        return dict(rows)

    def _columns(self, cursor: "DuckDBPyConnection") -> set[str] | None:
        try:
            found = cursor.sql(f"SELECT * FROM {quote_relation(self._relation)}")
        except duckdb.CatalogException:
            return None
        return {name.casefold() for name in found.columns}

    def due(self) -> tuple[list[Batch], int]:
        """The batches to make now, the oldest first, and how many more are due."""
        every = list(self._how.batches(self._now))
        again = {batch.start for batch in every[-self._how.lookback - 1 :]}
        due = [b for b in every if b.start in again or not self._there.get(b.start, False)]
        limit = self._how.limit or len(due)
        return due[:limit], len(due[limit:])

    def write(self, session: Session, value: object, batch: Batch) -> None:
        """Replace the batch's rows by what the function returned.

        Raises:
            AssetFailedError: it is no such table, or has rows of other batches.
        """

        def place(cursor: "DuckDBPyConnection", staging: Relation, relation: Relation) -> Content:
            rows = self._place(cursor, staging, relation, batch)
            return Content(
                rows, ""
            )  # of the batch; the table's own is looked at when all are there

        output.write(session, value, self._relation, self._item.asset.columns, place)
        self._anew = False
        self._written.append(batch.start)

    def _place(
        self, cursor: "DuckDBPyConnection", staging: Relation, relation: Relation, batch: Batch
    ) -> int:
        column, span = quote(self._how.event_time), [batch.start, batch.end]
        shape = cursor.sql(f"SELECT * FROM {quote_relation(staging)}")
        names = {name.casefold() for name in shape.columns}
        if self._how.event_time.casefold() not in names:
            raise output.failed(
                f"It returned no column {self._how.event_time}, which is its event_time.",
                "Return it, or correct event_time.",
            )
        [(strange,)] = cursor.execute(
            f"SELECT count(*) FROM {quote_relation(staging)} "
            f"WHERE ({column} >= ? AND {column} < ?) IS NOT TRUE",
            span,
        ).fetchall()
        if strange:
            raise output.failed(
                f"It returned {strange} rows whose {self._how.event_time} is not within "
                f"{batch.key}.",
                "Return the rows of the batch alone: from batch.start to before batch.end.",
            )
        target, rows_of = quote_relation(relation), quote_relation(staging)
        mark = [self._key, batch.start]
        if self._anew:
            cursor.execute(f"DROP TABLE IF EXISTS {target}")
            cursor.execute(f"DELETE FROM {TABLE} WHERE asset = ?", [self._key])
            cursor.execute(f"CREATE TABLE {target} AS SELECT * FROM {rows_of} LIMIT 0")
        elif self._columns(cursor) != names:
            raise output.failed(
                "It returned other columns than the batches before have.",
                f"Make all anew: toolkit build --select {self._item.asset.name} --full-refresh",
            )
        cursor.execute(f"DELETE FROM {target} WHERE {column} >= ? AND {column} < ?", span)
        [(rows,)] = cursor.execute(
            f"INSERT INTO {target} BY NAME SELECT * FROM {quote_relation(staging)}"
        ).fetchall()
        cursor.execute(f"DROP TABLE {quote_relation(staging)}")
        cursor.execute(
            f"DELETE FROM {TABLE} WHERE asset = ? AND start = ?", [self._key, batch.start]
        )
        cursor.execute(
            f"INSERT INTO {TABLE} VALUES (?, ?, ?, ?, ?, now())",
            [
                *mark,
                batch.end <= self._now,
                self._item.asset.code_version,
                self._run_id,
            ],
        )
        return int(rows)

    @contextmanager
    def told(self, batch: Batch) -> Iterator[None]:
        """Say of a failure which batch it was in, and what is written all the same."""
        try:
            yield
        except AssetFailedError as error:
            before = [start for start in self._written if start < batch.start]
            kept = f"Those before it ({len(before)}) are written. " if before else ""
            failure = AssetFailedError(
                f"In the batch {batch.key}: {error.fact}",
                f"{kept}The next build goes on with this one.",
                error.next_step,
            )
            raise failure from error.__cause__

    def content(self, session: Session) -> Content:
        """Of the whole table."""
        return content_hash(session.cursor, self._relation)


def summary(made: list[Batch], left: int, content: Content) -> str:
    """One line: ``3 batches, 2026-01-01 to 2026-01-03; 120 rows``."""
    rows = f"{content.rows:,} rows" if content.rows != 1 else "1 row"
    span = made[0].key if len(made) == 1 else f"{made[0].key} to {made[-1].key}"
    count = "1 batch" if len(made) == 1 else f"{len(made)} batches"
    more = f"; {left} more due" if left else ""
    return f"{count}, {span}{more}; {rows}"


def with_batch(item: PythonAsset, batch: Batch) -> PythonAsset:
    """The asset with the batch as an argument, where its function has such a parameter."""
    callee = item.callee
    if "batch" not in inspect.signature(callee.function).parameters:
        return item
    callee = msgspec.structs.replace(callee, values={**callee.values, "batch": batch})
    return msgspec.structs.replace(item, callee=callee)
