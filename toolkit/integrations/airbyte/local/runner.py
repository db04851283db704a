"""Runs the steps of local connections: one sync each, in the calling thread."""

import re
import threading
from collections.abc import Mapping
from pathlib import Path

from toolkit.errors import ConnectorError, ToolkitError
from toolkit.graph import AssetGraph, Relation
from toolkit.integrations.airbyte.local.landing import Target
from toolkit.integrations.airbyte.local.plan import plan_stream
from toolkit.integrations.airbyte.local.schemas import Changes, LandedSchemas, SchemaStore, settle
from toolkit.integrations.airbyte.local.state import SCHEMA, StateStore
from toolkit.integrations.airbyte.local.sync import Result, Sync
from toolkit.integrations.airbyte.log import Log
from toolkit.integrations.airbyte.model import Connection, StreamConfiguration
from toolkit.integrations.airbyte.source.catalog import MAX_AGE_SECONDS, CatalogCache
from toolkit.integrations.airbyte.source.connector import Connector
from toolkit.integrations.airbyte.source.environment import install, package_of
from toolkit.integrations.airbyte.source.overlay import ConfigOverlay
from toolkit.integrations.airbyte.source.process import Cancelled
from toolkit.integrations.airbyte.source.protocol import Catalog
from toolkit.integrations.airbyte.source.specification import SpecCache
from toolkit.integrations.base import RunContext, Status, Step
from toolkit.integrations.steps import Outcome, StepRunner
from toolkit.warehouse import Warehouse


class SyncRunner(StepRunner):
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
        super().__init__(context)
        self._warehouse = warehouse
        self._connections = connections
        self._streams = streams
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

    def do(self, step: Step, cancel: threading.Event) -> Outcome:
        """Sync a connection.

        When it must stop its connector is ended, TERM first and KILL after some seconds; a query
        of ours that writes what it has sent is not broken off.
        """
        path = self.context.log_dir / f"{re.sub(r'[^A-Za-z0-9_.-]', '_', step.key)}.log"
        with Log(path) as log:
            try:
                result = self._sync(step, cancel, log)
            except Cancelled:
                result = Result(error="The sync was stopped before it began.")
            except ToolkitError as error:
                may_pass = isinstance(error, ConnectorError) and error.may_pass
                result = Result(error=self.mask(str(error)), may_pass=may_pass)
            status: Status = "success" if result.error is None else "error"
            message = _message(result, step, path)
            log.say(f"{status}: {message}")
        return Outcome(
            status=status,
            message=message,
            made=tuple(result.made),
            adapter_response={"rows_read": result.rows, "warnings": result.warnings},
            transient=result.may_pass,
        )

    def _sync(self, step: Step, cancel: threading.Event, log: Log) -> Result:
        connection = self._connections[step.key]
        install(package_of(connection), say=lambda text: self.progress(step, text))
        settings = self.context.settings
        connector = Connector(
            connection,
            log=log.write,
            cancel=cancel,
            masker=self._masker,
            overlay=ConfigOverlay(settings.state_dir, settings.target, connection.name),
        )
        self._specify(connector)
        targets = self._targets(connector, step)
        sync = Sync(
            connector,
            self._warehouse,
            targets,
            full_refresh=self.context.full_refresh,
            sample=self.context.sample,
            progress=lambda rows, expected: self.progress(step, _so_far(rows, expected)),
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
        graph: AssetGraph = self.context.graph
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
        self.progress(step, "looking at the source")
        catalog = connector.discover()
        self._cache.put(connection, catalog)
        return self._planned(connection, catalog, step)

    def _planned(self, connection: Connection, catalog: Catalog, step: Step) -> list[Target]:
        streams = {key: self._streams[key] for key in step.makes}
        with self._warehouse.cursor() as cursor:
            known = SchemaStore(cursor, connection.name).load()
        full = self.context.full_refresh
        settled = settle(connection, catalog, streams.values(), known, full_refresh=full)
        return [
            Target(
                plan_stream(connection, settled.catalog, stream),
                self._relation(key),
                key,
                settled.changes.get(stream.key, Changes()),
            )
            for key, stream in streams.items()
        ]


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
