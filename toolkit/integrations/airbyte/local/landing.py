"""One stream on its way into its table: staging, checkpoints, the swap at the end."""

import contextlib
import hashlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import msgspec

from toolkit.errors import ConnectorError
from toolkit.graph import Relation
from toolkit.integrations.airbyte.local import tables
from toolkit.integrations.airbyte.local.loader import Loader
from toolkit.integrations.airbyte.local.plan import Plan
from toolkit.integrations.airbyte.local.schemas import Changes
from toolkit.integrations.airbyte.local.state import SAMPLE, Saved, StateStore
from toolkit.integrations.airbyte.naming import SEQUENCE, column_names
from toolkit.warehouse.duckdb import quote, quote_relation

if TYPE_CHECKING:
    import duckdb


class Target(msgspec.Struct, frozen=True):
    """A planned stream, where it lands, and the key of its asset.

    Attributes:
        changes: how its fields differ from those of the last sync.
    """

    plan: Plan
    relation: Relation
    key: str
    changes: Changes = Changes()


class Checkpoint(msgspec.Struct, frozen=True):
    """The source can go on from ``state``, which covers the rows up to ``upto``."""

    upto: int
    state: str


class Landing:
    """One stream of a sync.

    An incremental stream's rows wait in a temporary table and go into the target together
    with the STATE that covers them, in one transaction. A full refresh fills a table beside the
    target, and takes its place in one transaction once the source says that it is complete:
    until then, and if it never is, the old table stays.

    Args:
        index: number of the stream in its sync; names its temporary table.
        fresh: read from the beginning into a table that will replace the old one.
        sample: how many rows at most are wanted; the table is marked then. Wants ``fresh``.

    Attributes:
        loader: what takes its records, and counts them.
        kept: rows that went into the target from the staging table.
        staged: its checkpoints count only once it is complete.
    """

    def __init__(
        self,
        cursor: "duckdb.DuckDBPyConnection",
        target: Target,
        saved: Saved,
        *,
        index: int,
        fresh: bool,
        sync_id: int,
        sample: int | None = None,
    ) -> None:
        plan, relation = target.plan, target.relation
        self.plan = plan
        self.relation = relation
        self.key = target.key
        self.changes = target.changes
        self.sample = sample
        self.saved = saved
        self.complete = False
        self.pending: Checkpoint | None = None
        self.kept = 0
        self.staged = fresh or not plan.stream.incremental
        self._cursor = cursor
        self._replaces = fresh or plan.stream.sync_mode != "full_refresh_append"
        self._merged = 0
        existing = tables.columns_of(cursor, relation)
        tables.check_ours(relation, existing)
        if self.staged and self._replaces:
            self._table = tables.new_table(relation, plan.fields)
            saved.generation += 1 if existing else 0
        else:
            _check_mapped(plan, relation, existing)
            self._table = tables.evolve(cursor, relation, plan.fields, connection=plan.connection)
        self._stage = self._make_stage(index)
        self.loader = Loader(
            cursor,
            self._table,
            self._stage,
            filters=plan.filters,
            known=plan.json_schema.get("properties") or (),
            generation=saved.generation,
            sync_id=sync_id,
        )

    def _make_stage(self, index: int) -> str:
        if not self.staged:
            stage = f"temp.main.{quote(f'_toolkit_stage_{index}')}"
            self._cursor.execute(f"DROP TABLE IF EXISTS {stage}")
            tables.create(self._cursor, self._table, sql_name=stage, staging=True, temporary=True)
            return stage
        # Beside the target, since a table cannot be renamed into another schema.
        digest = hashlib.sha256(self.relation.identifier.encode()).hexdigest()[:12]
        name = f"_toolkit_stage_{digest}"
        stage = quote_relation(Relation(self.relation.database, self.relation.schema, name))
        self._cursor.execute(f"DROP TABLE IF EXISTS {stage}")  # what a killed sync left
        tables.create(self._cursor, self._table, sql_name=stage, staging=True)
        return stage

    @property
    def waiting(self) -> int:
        """Rows that a commit of the pending checkpoint would bring in."""
        return self.pending.upto - self._merged if self.pending is not None else 0

    def checkpoint(self, state: str) -> None:
        """The source said: what came up to here is covered by ``state``."""
        if self.plan.stream.incremental:
            self.pending = Checkpoint(self.loader.arrived, state)

    def commit(self, store: StateStore) -> None:
        """Bring in what the pending checkpoint covers; within the caller's transaction."""
        if self.pending is None or (self.staged and not self.complete):
            return
        if not self.staged:
            self._bring_in(self.pending.upto)
        self.saved.state = self.pending.state
        self.pending = None
        self._save(store)

    def finish(self, store: StateStore) -> None:
        """The source said that the stream is complete; within the caller's transaction."""
        plan = self.plan
        if not self.staged:
            self._bring_in(self.loader.arrived)
        else:
            if plan.stream.deduplicates:
                tables.keep_winners(self._cursor, self._stage, plan.primary_key, plan.cursor)
            if self._replaces:
                tables.swap(self._cursor, self._table, self._stage)
            else:
                tables.append(self._cursor, self._table, self._stage, self.loader.arrived)
                self._cursor.execute(f"DROP TABLE {self._stage}")
            self._merged = self.loader.arrived
        if self.pending is not None:
            self.saved.state = self.pending.state
            self.pending = None
        elif not plan.stream.incremental:
            self.saved.state = None
        if self.sample is not None:
            self.saved.kind = SAMPLE
        self._save(store)
        self.complete = True

    def version(self, store: StateStore) -> tuple[int, str]:
        """Rows and data version of the target; its content is read only if it was written."""
        known = self.saved.data_version
        if known is not None and not self.staged and not self._merged:
            return tables.row_count(self._cursor, self.relation), known
        rows, version = tables.content(self._cursor, self.relation)
        self.saved.data_version = version
        with transaction(self._cursor):
            self._save(store)
        return rows, version

    def discard(self) -> None:
        """Drop the staging table if it is still there; nothing can be loaded any more."""
        self.loader.close()
        self._cursor.execute(f"DROP TABLE IF EXISTS {self._stage}")

    def _save(self, store: StateStore) -> None:
        store.save(self.plan.stream.name, self.plan.stream.namespace, self.saved)

    def _bring_in(self, upto: int) -> None:
        if upto <= self._merged:
            return
        plan = self.plan
        if plan.stream.deduplicates:
            tables.merge(
                self._cursor, self._table, self._stage, upto, plan.primary_key, plan.cursor
            )
        else:
            tables.append(self._cursor, self._table, self._stage, upto)
        done = self._cursor.execute(
            f"DELETE FROM {self._stage} WHERE {quote(SEQUENCE)} <= {upto}"
        ).fetchall()
        self.kept += done[0][0]
        self._merged = upto


def _check_mapped(plan: Plan, relation: Relation, existing: Mapping[str, str]) -> None:
    """Refuse to go on in a table that was landed before mappers changed its fields.

    Raises:
        ConnectorError: it has a column that a mapper now removes, or lacks its key.
    """
    there = {name.casefold() for name in existing}
    now = {field.column.casefold() for field in plan.fields}
    old = [
        column for column in column_names(plan.selected).values() if column.casefold() not in now
    ]
    clear = next((c for c in old if c.casefold() in there), None)
    missing = next((c for c in plan.primary_key if there and c.casefold() not in there), None)
    if clear is not None:
        fact = f"has a column {clear!r}, which mappers now rename, hash or remove"
    elif missing is not None and plan.stream.deduplicates:
        fact = f"has no column {missing!r}, which is now the primary key"
    else:
        return
    raise ConnectorError(
        f"{relation} was landed with other mappers: it {fact}.",
        "The rows that are there would stay as they are, so nothing was read.",
        "Load the stream anew with `toolkit build --full-refresh`.",
    )


@contextlib.contextmanager
def transaction(cursor: "duckdb.DuckDBPyConnection") -> Iterator[None]:
    """All or nothing of what is done within."""
    cursor.execute("BEGIN TRANSACTION")
    with contextlib.ExitStack() as failed:
        failed.callback(cursor.execute, "ROLLBACK")
        yield
        failed.pop_all()
    cursor.execute("COMMIT")
