"""One sync: a connector's messages into the warehouse, checkpoint by checkpoint."""

import contextlib
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec

from toolkit.errors import ConnectorError, ToolkitError
from toolkit.integrations.airbyte.local import tables
from toolkit.integrations.airbyte.local.landing import Landing, Target, transaction
from toolkit.integrations.airbyte.local.plan import configured_catalog
from toolkit.integrations.airbyte.local.schemas import SchemaStore
from toolkit.integrations.airbyte.local.state import (
    SAMPLE,
    Saved,
    StateStore,
    input_state,
    is_legacy,
    without_whole,
)
from toolkit.integrations.airbyte.model import StreamName
from toolkit.integrations.airbyte.source.connector import Connector
from toolkit.integrations.airbyte.source.passing import may_pass
from toolkit.integrations.airbyte.source.process import Cancelled
from toolkit.integrations.airbyte.source.protocol import (
    Estimate,
    Message,
    Record,
    State,
    StreamDescriptor,
    Trace,
)
from toolkit.integrations.base import Made
from toolkit.warehouse import Warehouse

if TYPE_CHECKING:
    import duckdb

# A commit costs about 10 ms, so checkpoints that come faster than this wait for each other.
COMMIT_SECONDS = 10.0
COMMIT_ROWS = 100_000
_PROGRESS_SECONDS = 0.2
_NAMED = 5


class Result(msgspec.Struct, kw_only=True):
    """How a sync ended.

    Attributes:
        made: the streams that are complete.
        rows: rows that came from the source.
        error: what went wrong, for people; ``None`` if nothing did.
        warnings: what a person should know although it worked.
        sample: rows of each stream at which it stopped, if it was a sample.
        may_pass: it failed, and the same again may do better.
    """

    made: list[Made] = []
    rows: int = 0
    sample: int | None = None
    error: str | None = None
    may_pass: bool = False
    warnings: list[str] = []


class Sync:
    """Runs one connection's sync.

    Args:
        full_refresh: forget states and load every stream anew.
        sample: stop each stream after so many rows. Its table is marked, and no state is kept.
        progress: takes the rows so far and how many the connector expects (if it says), at most
            five times a second.
    """

    def __init__(
        self,
        connector: Connector,
        warehouse: Warehouse,
        targets: list[Target],
        *,
        full_refresh: bool = False,
        sample: int | None = None,
        progress: Callable[[int, int | None], None] = lambda _rows, _expected: None,
    ) -> None:
        self._connector = connector
        self._warehouse = warehouse
        self._targets = targets
        self._full_refresh = full_refresh
        self._sample = sample
        self._estimates: dict[tuple[str | None, str | None], int] = {}
        self._progress = progress
        self._last_progress = 0.0
        self._last_commit = time.monotonic()
        self._rows = 0
        self._errors: dict[str, bool] = {}  # whether each may pass
        self._warnings: list[str] = []
        self._whole: tuple[str, str] | None = None
        self._landings: dict[StreamName, Landing] = {}

    def run(self) -> Result:
        """Read, load and commit.

        Whatever was complete or checkpointed before a failure stays.
        """
        import duckdb

        result = Result(sample=self._sample)
        with self._warehouse.cursor() as cursor:
            cursor.execute("SET TimeZone = 'UTC'")
            self._cursor = cursor
            try:
                self._store = StateStore(cursor, self._connector.connection.name)
                self._saved = self._store.load()
                self._schemas = SchemaStore(cursor, self._connector.connection.name)
                self._landings = self._land(cursor)
                self._read()
            except Cancelled:
                self._fail("The sync was stopped; what it had checkpointed is kept.")
            except ToolkitError as error:
                self._fail(str(error))
            except duckdb.Error as error:
                first = str(error).splitlines()[0]
                self._fail(f"The warehouse refused: {self._connector.masker.mask(first)}")
            self._end(result)
        return result

    def _land(self, cursor: "duckdb.DuckDBPyConnection") -> dict[StreamName, Landing]:
        self._sync_id = time.time_ns() // 1_000_000
        landings: dict[StreamName, Landing] = {}
        self._inputs: list[StreamName] = []
        self._fresh: set[int] = set()
        lost = {
            index
            for index, target in enumerate(self._targets)
            if self._state_of(target).state is not None
            and not tables.columns_of(cursor, target.relation)
        }
        sampled = {i for i, t in enumerate(self._targets) if self._state_of(t).kind == SAMPLE}
        if self._sample is not None:
            self._check_sample(cursor)
            sampled = set(range(len(self._targets)))
        lost |= sampled
        if lost and is_legacy(self._saved):
            # One state for all streams, which nobody but the source can take apart.
            lost = set(range(len(self._targets)))
            self._saved = without_whole(self._saved)
        for index, target in enumerate(self._targets):
            stream, saved = target.plan.stream, self._state_of(target)
            fresh = self._full_refresh or index in sampled
            fresh = fresh or (index in lost and stream.incremental)
            if fresh or not stream.incremental:
                # A state without its table would skip all rows that are not there any more.
                saved = Saved(generation=saved.generation)
                self._fresh.add(index)
            else:
                self._inputs.append(stream.key)
            landings[stream.key] = Landing(
                cursor,
                target,
                saved,
                index=index,
                fresh=fresh,
                sync_id=self._sync_id,
                sample=self._sample,
            )
        return landings

    def _check_sample(self, cursor: "duckdb.DuckDBPyConnection") -> None:
        """Refuse to put a sample in the place of rows that took long to come.

        Raises:
            ConnectorError: a table is there and is no sample.
        """
        if self._full_refresh:
            return
        for target in self._targets:
            whole = self._state_of(target).kind != SAMPLE
            if whole and tables.columns_of(cursor, target.relation):
                raise ConnectorError(
                    f"{target.relation} holds rows of a full sync, which a sample would replace.",
                    "It was not touched, and nothing was read.",
                    "Leave --sample out, sample in another target, or say that it may go: "
                    "`toolkit build --sample N --full-refresh`.",
                )

    def _state_of(self, target: Target) -> Saved:
        return self._saved.get(target.plan.stream.key, Saved())

    def _read(self) -> None:
        plans = [target.plan for target in self._targets]
        generations = {i: la.saved.generation for i, la in enumerate(self._landings.values())}
        catalog = configured_catalog(plans, generations, frozenset(self._fresh), self._sync_id)
        saved = {} if self._full_refresh else self._saved
        state = input_state(saved, self._inputs) if self._inputs else []
        try:
            # Closed at once on a failure: the connector must not write on while we commit.
            with contextlib.closing(self._connector.read(catalog, state)) as messages:
                for message in messages:
                    self._take(message)
                    if self._sample is not None and self._all_complete():
                        break
        finally:
            self._commit_checkpoints()

    def _take(self, message: Message) -> None:
        if message.record is not None:
            self._record(message.record)
        elif message.state is not None:
            self._state(message.state)
        elif message.trace is not None:
            self._trace(message.trace, message)
        if time.monotonic() - self._last_commit >= COMMIT_SECONDS:
            self._commit_checkpoints()

    def _trace(self, trace: Trace, message: Message) -> None:
        log, status = self._connector.log, trace.stream_status
        if trace.error is not None:
            said = self._connector.describe_error(message)
            self._fail(said, may_pass(said, trace.error.failure_type))
        elif trace.estimate is not None:
            self._estimate(trace.estimate)
        elif status is not None:
            why = ", ".join(reason.type for reason in status.reasons or ())
            log(f"{status.stream_descriptor.name}: {status.status}{f' ({why})' if why else ''}")
            if status.status == "COMPLETE":
                self._complete(self._landing(status.stream_descriptor))
        elif trace.analytics is not None:
            log(f"ANALYTICS {trace.analytics.type}: {trace.analytics.value}")

    def _fail(self, said: str, may_pass: bool = False) -> None:
        self._errors.setdefault(said, may_pass)

    def _estimate(self, estimate: Estimate) -> None:
        """The last word counts: of a stream for that stream, of the sync for all."""
        if estimate.row_estimate is None:
            return
        if estimate.type == "SYNC":
            self._estimates = {(None, None): estimate.row_estimate}
        else:
            self._estimates.pop((None, None), None)
            self._estimates[estimate.name, estimate.namespace] = estimate.row_estimate

    def _all_complete(self) -> bool:
        return all(landing.complete for landing in self._landings.values())

    def _record(self, record: Record) -> None:
        landing = self._landings.get((record.stream, record.namespace)) or self._landing(
            StreamDescriptor(record.stream, record.namespace)
        )
        if landing.complete:
            if self._sample is not None:
                return
            raise ConnectorError(
                f"The connector sent rows of {record.stream!r} after it had said that this stream "
                "is complete.",
                "They are not in the table.",
                "Update the connector, or report this to its maintainers.",
            )
        landing.loader.add(record.data, record.emitted_at)
        self._rows += 1
        if not self._rows % 100:
            now = time.monotonic()
            if now - self._last_progress >= _PROGRESS_SECONDS:
                self._last_progress = now
                self._progress(self._rows, sum(self._estimates.values()) or None)
        if self._sample is not None and landing.loader.arrived >= self._sample:
            self._complete(landing)

    def _landing(self, name: StreamDescriptor) -> Landing:
        """The stream that a message means; a missing namespace is tolerated."""
        found = self._landings.get((name.name, name.namespace))
        if found is None:
            named = [landing for key, landing in self._landings.items() if key[0] == name.name]
            if len(named) != 1:
                raise ConnectorError(
                    f"The connector sent something for stream {name.name!r}, which it was not "
                    "asked for.",
                    "It is not known where that belongs, so the sync was stopped.",
                    "Add the stream to the connection, or update the connector.",
                )
            found = named[0]
        return found

    def _state(self, state: State) -> None:
        if self._sample is not None:
            return
        if state.stream is not None:
            landing = self._landing(state.stream.stream_descriptor)
            landing.checkpoint(_text(state.stream.stream_state))
        elif state.global_ is not None:
            for part in state.global_.stream_states:
                self._landing(part.stream_descriptor).checkpoint(_text(part.stream_state))
            self._whole = ("GLOBAL", _text(state.global_.shared_state))
            covered = {part.stream_descriptor.name for part in state.global_.stream_states}
            for key, landing in self._landings.items():
                if key[0] not in covered:
                    landing.checkpoint(landing.saved.state or "null")
        elif bytes(state.data) != b"null":
            for landing in self._landings.values():
                landing.checkpoint("null")
            self._whole = ("LEGACY", _text(state.data))
        if sum(landing.waiting for landing in self._landings.values()) >= COMMIT_ROWS:
            self._commit_checkpoints()

    def _commit_checkpoints(self) -> None:
        """Rows and the STATEs that cover them, in one transaction."""
        self._last_commit = time.monotonic()
        landings = [la for la in self._landings.values() if la.pending is not None]
        if not landings and self._whole is None:
            return
        for landing in landings:
            landing.loader.flush()
        with transaction(self._cursor):
            for landing in landings:
                landing.commit(self._store)
            # A table that waits for its swap is still behind a state that covers them all.
            waits = any(
                landing.staged and landing.plan.stream.incremental
                for landing in self._landings.values()
            )
            if self._whole is not None and not waits:
                self._store.save_whole(*self._whole)
                self._whole = None

    def _complete(self, landing: Landing) -> None:
        if landing.complete:
            return
        landing.loader.flush()
        with transaction(self._cursor):
            landing.finish(self._store)
            stream, changes = landing.plan.stream, landing.changes
            if stream.json_schema is None and not changes.ignored:
                self._schemas.save(stream.name, stream.namespace, landing.plan.offered.json_schema)
            if self._whole is not None and self._all_complete():
                self._store.save_whole(*self._whole)
                self._whole = None

    def _end(self, result: Result) -> None:
        landings = list(self._landings.values())
        result.rows = self._rows
        open_ = [la.plan.stream.name for la in landings if not la.complete]
        code = self._connector.exit_code
        if not self._errors and code:
            reason = self._connector.masker.mask(self._connector.exit_reason())
            passes = may_pass("\n".join(self._connector.errors))
            self._fail(f"The connector failed: {reason}", passes)
        elif not self._errors and open_:
            self._fail(
                "The connector ended without saying that it is done with "
                f"{', '.join(repr(name) for name in open_)}."
            )
        for landing in landings:
            landing.discard()
            if landing.complete:
                rows, version = landing.version(self._store)
                facts = _metadata(landing)
                made = Made(asset=landing.key, rows=rows, data_version=version, metadata=facts)
                result.made.append(made)
            if landing.changes:
                self._warnings.append(f"fields of {landing.plan.stream.name}: {landing.changes}")
            if landing.loader.unknown:
                self._warnings.append(_unknown(landing))
            for field, count in landing.loader.nulled.items():
                self._warnings.append(
                    f"{count:,} values of {landing.plan.stream.name}.{field} do not fit their type "
                    "and became NULL (see _airbyte_meta)"
                )
        mask = self._connector.masker.mask  # names in messages are the connector's words, too
        if self._errors:
            # one error that stays is enough to make the next attempt useless
            result.may_pass = all(self._errors.values())
            result.error = mask(_explain([*self._errors], landings, open_))
        result.warnings = [mask(said) for said in (*self._warnings, *self._connector.warnings)]


def _metadata(landing: Landing) -> dict[str, Any]:
    found: dict[str, Any] = {
        "rows_read": landing.loader.arrived,
        "sync_mode": landing.plan.stream.sync_mode,
    }
    if landing.sample is not None:
        found["sampled"] = landing.sample
    if landing.loader.nulled:
        found["nulled"] = landing.loader.nulled
    if landing.plan.filters:
        found["rows_filtered"] = landing.loader.filtered
    if landing.changes:
        found["schema_changes"] = msgspec.json.decode(msgspec.json.encode(landing.changes))
    return found


def _unknown(landing: Landing) -> str:
    names = list(landing.loader.unknown)
    listed = ", ".join(map(repr, names[:_NAMED])) + (", ..." if len(names) > _NAMED else "")
    return (
        f"records of {landing.plan.stream.name} have fields that its schema has not, which did not "
        f"land: {listed}"
    )


def _explain(errors: list[str], landings: list[Landing], open_: list[str]) -> str:
    kept = [la for la in landings if not la.complete and la.kept]
    lines = [*errors, *(f"{la.plan.stream.name}: {la.kept:,} rows are kept." for la in kept)]
    complete = len(landings) - len(open_)
    if landings and complete:
        lines.append(f"{complete} of {len(landings)} streams are complete.")
    return "\n".join(lines)


def _text(raw: msgspec.Raw) -> str:
    return bytes(raw).decode()
