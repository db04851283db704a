"""Runs the steps of local connections: one sync each, in the calling thread."""

import re
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from toolkit.errors import ConnectorError, ToolkitError
from toolkit.graph import AssetGraph, Relation
from toolkit.integrations.airbyte.local.schemas import Changes, LandedSchemas, SchemaStore, settle
from toolkit.integrations.airbyte.local.state import SCHEMA, StateStore
from toolkit.integrations.airbyte.local.sync import Result, Sync, Target
from toolkit.integrations.airbyte.model import Connection, StreamConfiguration
from toolkit.integrations.airbyte.source.catalog import (
    MAX_AGE_SECONDS,
    CatalogCache,
    plan_stream,
)
from toolkit.integrations.airbyte.source.connector import Connector
from toolkit.integrations.airbyte.source.environment import install, package_of
from toolkit.integrations.airbyte.source.overlay import ConfigOverlay
from toolkit.integrations.airbyte.source.process import Cancelled
from toolkit.integrations.airbyte.source.protocol import Catalog
from toolkit.integrations.airbyte.source.specification import SpecCache
from toolkit.integrations.base import (
    RunContext,
    Status,
    Step,
    StepFinished,
    StepProgress,
    StepStarted,
)
from toolkit.integrations.cancel import StepCancel
from toolkit.masking import Masker
from toolkit.warehouse import Warehouse

_LOG_BYTES = 64 * 1024 * 1024
_FLUSH_SECONDS = 0.2


class SyncRunner:
    """Runs syncs into the run's warehouse.

    Args:
        connections: by the key of their step.
        streams: each connection's stream for each asset key.
    """

    def __init__(
        self,
        context: RunContext,
        warehouse: Warehouse,
        connections: Mapping[str, Connection],
        streams: Mapping[str, StreamConfiguration],
    ) -> None:
        self._context = context
        self._warehouse = warehouse
        self._connections = connections
        self._streams = streams
        self._masker = Masker(context.settings.secrets)
        self._cancels: dict[str, StepCancel] = {}
        self._cache = CatalogCache(context.settings.state_dir)
        # All schemas at once and up front: two transactions that create one conflict.
        wanted = {SCHEMA}
        for key in streams:
            relation = context.graph[key].relation if key in context.graph else None
            if relation is not None and relation.schema is not None:
                wanted.add(relation.schema)
        for schema in sorted(wanted):
            warehouse.create_schema(schema)
        with warehouse.cursor() as cursor:
            StateStore.create(cursor)
            SchemaStore.create(cursor)

    def run(self, steps: Sequence[Step]) -> None:
        """Sync these connections, one after the other; a failure is an event."""
        for step in steps:
            self._run(step)

    def stop_step(self, key: str) -> None:
        """Stop a sync: its connector is ended, TERM first and KILL after some seconds.

        A query of ours that writes what it has sent is not broken off.
        """
        cancel = self._cancels.get(key)
        if cancel is not None:
            cancel.set()

    def close(self) -> None:
        """Nothing is held between steps."""

    def _run(self, step: Step) -> None:
        started = time.time()
        thread = threading.current_thread().name
        self._context.emit(StepStarted(step=step.key, at=started, thread=thread))
        connection = self._connections[step.key]
        self._cancels[step.key] = StepCancel(self._context.cancel)
        path = self._context.log_dir / f"{re.sub(r'[^A-Za-z0-9_.-]', '_', step.key)}.log"
        with path.open("a", encoding="utf-8") as file:
            log = _Log(file)
            try:
                result = self._sync(connection, step, log)
            except Cancelled:
                result = Result(error="The sync was stopped before it began.", cancelled=True)
            except ToolkitError as error:
                may_pass = isinstance(error, ConnectorError) and error.may_pass
                result = Result(error=self._masker.mask(str(error)), may_pass=may_pass)
            status: Status = "success" if result.error is None else "error"
            message = _message(result, step, path)
            log.end(f"{status}: {message}")
        self._context.emit(
            StepFinished(
                step=step.key,
                status=status,
                started_at=started,
                finished_at=time.time(),
                message=message,
                thread=thread,
                made=tuple(result.made),
                adapter_response={"rows_read": result.rows, "warnings": result.warnings},
                transient=result.may_pass,
            )
        )

    def _sync(self, connection: Connection, step: Step, log: "_Log") -> Result:
        package = package_of(connection)
        install(package, say=lambda text: self._progress(step, text))
        settings = self._context.settings
        connector = Connector(
            connection,
            log=log.write,
            cancel=self._cancels[step.key],
            masker=self._masker,
            overlay=ConfigOverlay(settings.state_dir, settings.target, connection.name),
        )
        self._specify(connector)
        targets = self._targets(connector, step)
        sync = Sync(
            connector,
            self._warehouse,
            targets,
            full_refresh=self._context.full_refresh,
            sample=self._context.sample,
            progress=lambda rows, expected: self._progress(step, _so_far(rows, expected)),
        )
        result = sync.run()
        with self._warehouse.cursor() as cursor:
            schemas = SchemaStore(cursor, connection.name).load()
        LandedSchemas(settings.state_dir, settings.target, connection.name).put(schemas)
        return result

    def _specify(self, connector: Connector) -> None:
        """Learn what is secret. What does not fit is said and no more: the connector judges."""
        try:
            for mistake in connector.specify(SpecCache()):
                connector.log(f"WARN {mistake}")
        except ConnectorError as error:
            connector.log(f"WARN only keys that look secret are masked: {error.fact}")

    def _relation(self, key: str) -> Relation:
        graph: AssetGraph = self._context.graph
        relation = graph[key].relation
        assert relation is not None  # a local connection's streams always land somewhere
        others = [a.key for a in graph.at(relation) if a.kind == "stream" and a.key != key]
        if others:
            raise ConnectorError(
                f"{key} and {', '.join(others)} land in the same table {relation}.",
                "Each would overwrite the other, so nothing was read.",
                "Give one of the connections another `prefix` or `schema`.",
            )
        return relation

    def _targets(self, connector: Connector, step: Step) -> list[Target]:
        connection = connector.connection
        catalog = self._cache.get(connection, max_age=MAX_AGE_SECONDS)
        if catalog is not None:
            try:
                return self._planned(connection, catalog, step)
            except ConnectorError:
                pass  # The source may have changed since; ask it.
        self._progress(step, "looking at the source")
        catalog = connector.discover()
        self._cache.put(connection, catalog)
        return self._planned(connection, catalog, step)

    def _planned(self, connection: Connection, catalog: Catalog, step: Step) -> list[Target]:
        streams = {key: self._streams[key] for key in step.makes}
        with self._warehouse.cursor() as cursor:
            known = SchemaStore(cursor, connection.name).load()
        full = self._context.full_refresh
        settled = settle(connection, catalog, streams.values(), known, full_refresh=full)
        return [
            Target(
                plan_stream(connection, settled.catalog, stream),
                self._relation(key),
                key,
                settled.changes.get((stream.name, stream.namespace), Changes()),
            )
            for key, stream in streams.items()
        ]

    def _progress(self, step: Step, message: str) -> None:
        self._context.emit(StepProgress(step=step.key, message=message))


class _Log:
    """The step's log file; written from the connector's threads too.

    What a connector says beyond :data:`_LOG_BYTES` is counted and not kept: a chatty one must
    not fill the disk.
    """

    def __init__(self, file: IO[str]) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._size = 0
        self._flushed = 0.0
        self._dropped = 0

    def write(self, text: str, *, ours: bool = False) -> None:
        with self._lock:
            if self._file.closed:
                return
            if self._size > _LOG_BYTES and not ours:
                self._dropped += 1
                return
            stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
            self._size += self._file.write(f"{stamp} {text}\n")
            now = time.monotonic()
            if ours or now - self._flushed >= _FLUSH_SECONDS:
                self._flushed = now
                self._file.flush()

    def end(self, text: str) -> None:
        if self._dropped:
            self.write(f"{self._dropped:,} more lines are not kept", ours=True)
        self.write(text, ours=True)


def _so_far(rows: int, expected: int | None) -> str:
    if expected is not None and expected >= rows:
        return f"{rows:,} of about {expected:,} rows"
    return f"{rows:,} rows"


def _message(result: Result, step: Step, log: Path) -> str:
    count = len(step.makes)
    streams = f"{count} stream" + ("" if count == 1 else "s")
    if result.error is not None:
        return f"{result.error}\nThe log is {log}."
    said = f"{streams}, {result.rows:,} row" + ("" if result.rows == 1 else "s")
    if result.sample is not None:
        said += f" (sampled: at most {result.sample:,} of each stream)"
    return "; ".join([said, *result.warnings])
