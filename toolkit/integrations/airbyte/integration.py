"""Airbyte as an integration: streams are assets, syncs are steps."""

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from toolkit.errors import ConnectorError, Problem, SettingsError
from toolkit.graph import Asset, AssetGraph, Relation
from toolkit.integrations.airbyte.described import Described, columns_that_do_not_land, describe
from toolkit.integrations.airbyte.local.schemas import LandedSchemas
from toolkit.integrations.airbyte.mappers import kind_of
from toolkit.integrations.airbyte.model import Connection, StreamConfiguration, StreamName, called
from toolkit.integrations.airbyte.naming import Place, no_table, place_of, shared_tables
from toolkit.integrations.airbyte.readers import read_connections
from toolkit.integrations.airbyte.readers.base import Read
from toolkit.integrations.airbyte.source.catalog import CatalogCache
from toolkit.integrations.base import Loaded, RunContext, Runner, Step, Watched
from toolkit.settings import Settings


class AirbyteIntegration:
    """Airbyte connections: their streams as assets, their syncs as steps."""

    name = "airbyte"
    batches = False

    def __init__(self) -> None:
        self._connections: dict[str, Connection] = {}
        self._streams: dict[str, StreamConfiguration] = {}
        self._local = True

    def load(self, settings: Settings, known: Mapping[str, Asset]) -> Loaded:
        """Give one asset for each configured stream.

        Raises:
            SettingsError: a path under ``connections`` is not there.
            ArtifactError: a connection file is broken; names file:line.
        """
        read = self._read(settings)
        loaded = Loaded(problems=[_relative(p, settings.project_dir) for p in read.problems])
        self._connections = {sync_key(c): c for c in read.connections}
        self._streams = {}
        self._local = settings.airbyte.run == "local"
        cache = CatalogCache(settings.state_dir)
        placed: list[tuple[Asset, Connection, Place]] = []
        for connection in read.connections:
            if self._local and connection.enabled and not connection.source.local:
                loaded.problems.append(_remote_only(connection, settings))
            local = self._local and connection.enabled and connection.source.local
            landed = landed_schemas(connection, settings) if local else {}
            for stream in connection.streams:
                key = stream_key(connection, stream)
                described = describe(connection, stream, key, cache, local=local, landed=landed)
                place = self._place(connection, stream, settings)
                asset = _asset(connection, stream, key, settings, described, place)
                loaded.problems += [_relative(p, settings.project_dir) for p in described.problems]
                self._streams[key] = stream
                if place.no_table:
                    loaded.problems.append(no_table(asset, connection))
                loaded.assets.append(asset)
                placed.append((asset, connection, place))
        loaded.problems += shared_tables(placed, local=self._local)
        loaded.problems += columns_that_do_not_land(loaded.assets, known.values())
        return loaded

    def watched(self, settings: Settings) -> Watched | None:
        """The connection files, and what is in their folders; ``None`` where a server has them."""
        from toolkit.integrations.airbyte.remote.snapshot import uses_server

        if uses_server(settings):
            return None
        found = Watched()
        for path in settings.connections:
            below = [path, *(path.rglob("*") if path.is_dir() else ())]
            found.files |= {str(one) for one in below if not one.is_dir()}
            found.folders |= {str(one) for one in below if one.is_dir()}
        return found

    def refresh(self, settings: Settings) -> Problem | None:
        """Read the connections from the server again, where that is where they are from.

        Raises:
            ConnectorError: the server cannot be read, and never was.
        """
        from toolkit.integrations.airbyte.remote.snapshot import load_snapshot, uses_server

        if not uses_server(settings):
            return None
        from toolkit.integrations.airbyte.remote.client import AirbyteClient
        from toolkit.integrations.airbyte.remote.pull import pull

        client = AirbyteClient(settings.airbyte, secrets=settings.secrets, patience=20.0)
        try:
            pull(settings, client, streams=False)
        except ConnectorError as error:
            if load_snapshot(settings) is None:
                raise
            return Problem(
                asset=None,
                code="connections-not-refreshed",
                message=f"{error.fact} What was read from it before is used.",
            )
        finally:
            client.close()
        return None

    def kept_files(self, settings: Settings) -> list[Path]:
        """The fields of each stream as of its last sync into this target."""
        names = [connection.name for connection in self._connections.values()]
        return [LandedSchemas(settings.state_dir, settings.target, name).path for name in names]

    def _read(self, settings: Settings) -> Read:
        if settings.airbyte.run == "remote":
            from toolkit.integrations.airbyte.remote.snapshot import read_snapshot, uses_server

            if uses_server(settings):
                return read_snapshot(settings)
        return read_connections(settings.connections, settings.destinations)

    def _place(
        self, connection: Connection, stream: StreamConfiguration, settings: Settings
    ) -> Place:
        return place_of(
            connection,
            stream,
            destinations=settings.destinations,
            database=settings.profile.database if settings.profile else None,
            local=self._local and connection.source.local,
        )

    def steps(self, graph: AssetGraph, keys: frozenset[str]) -> list[Step]:
        """One sync for each enabled connection with a stream among ``keys``."""
        steps: list[Step] = []
        for key, connection in self._connections.items():
            if not connection.enabled or (self._local and not connection.source.local):
                continue
            streams = [stream_key(connection, stream) for stream in connection.streams]
            there = tuple(stream for stream in streams if stream in graph)
            makes = tuple(stream for stream in there if stream in keys)
            if makes:
                steps.append(
                    Step(
                        key=key,
                        kind="sync",
                        integration=self.name,
                        # A server always syncs all streams of a connection.
                        makes=makes if self._local else there,
                        reads=(),
                        name=connection.name,
                        uses_duckdb=self._local,
                    )
                )
        return steps

    def open(self, context: RunContext) -> Runner:
        """Make ready for one run: create the schemas that streams land in.

        Raises:
            SettingsError: syncs would run here, and this target's warehouse is not DuckDB.
        """
        if context.settings.airbyte.run == "remote":
            from toolkit.integrations.airbyte.remote.runner import RemoteRunner

            return RemoteRunner(context, self._connections, self._streams)
        if context.warehouse is None:
            raise SettingsError(
                "Connectors that run locally land in DuckDB, and this target's warehouse is "
                f"{context.settings.profile.type if context.settings.profile else 'not known'}.",
                "No connection was synced.",
                "Use a target of type duckdb, or let an Airbyte server run the syncs.",
            )
        from toolkit.integrations.airbyte.local.runner import SyncRunner

        return SyncRunner(context, context.warehouse, self._connections, self._streams)


def sync_key(connection: Connection) -> str:
    """Key of a connection's step."""
    return f"sync.{connection.name}"


def stream_key(connection: Connection, stream: StreamConfiguration) -> str:
    """Key of a stream's asset; with its namespace where the name alone is not enough."""
    same = sum(other.name == stream.name for other in connection.streams)
    name = called(stream.name, stream.namespace) if same > 1 else stream.name
    return f"stream.{connection.name}.{name}"


def landed_schemas(
    connection: Connection, settings: Settings
) -> Mapping[StreamName, dict[str, Any]]:
    """Schemas as of the last syncs; none where the tables are gone with their file."""
    profile = settings.profile
    if profile is None or profile.file is None or not profile.file.exists():
        return {}
    return LandedSchemas(settings.state_dir, settings.target, connection.name).get()


def _asset(
    connection: Connection,
    stream: StreamConfiguration,
    key: str,
    settings: Settings,
    described: Described,
    place: Place,
) -> Asset:
    return Asset(
        key=key,
        kind="stream",
        name=key.removeprefix(f"stream.{connection.name}."),
        integration=AirbyteIntegration.name,
        relation=place.relation,
        aliases=place.aliases,
        columns=described.columns,
        description=stream.description or connection.description,
        owner=connection.owner,
        tags=connection.tags,
        path=_path(connection.path, settings.project_dir),
        line=stream.line,
        fqn=(AirbyteIntegration.name, connection.name, stream.name),
        source_name=connection.name,
        config=_config(connection, stream),
        meta={
            "enabled": connection.enabled,
            **({"airbyte": described.notes} if described.notes else {}),
        },
        subtype=connection.source.package
        or connection.source.image
        or connection.source.type
        or "low-code",
        code_version=_code_version(connection, stream, place.relation),
    )


def _config(connection: Connection, stream: StreamConfiguration) -> dict[str, Any]:
    config: dict[str, Any] = {
        "connection": connection.name,
        "enabled": connection.enabled,
        "stream": stream.name,
        "namespace": stream.namespace,
        "sync_mode": stream.sync_mode,
        "primary_key": [".".join(path) for path in stream.primary_key],
        "cursor_field": ".".join(stream.cursor_field),
        "destination": connection.destination.name,
        "destination_type": connection.destination.type,
        "namespace_definition": connection.namespace_definition,
        "prefix": connection.prefix,
        "format": connection.format,
    }
    if connection.connection_id is not None:
        config["connection_id"] = connection.connection_id
    if connection.schedule:
        config["schedule"] = dict(connection.schedule)
    if stream.mappers:
        config["mappers"] = [kind_of(mapper) for mapper in stream.mappers]
    return config


def _code_version(
    connection: Connection, stream: StreamConfiguration, relation: Relation | None
) -> str:
    """Fingerprint of how a stream is made; the configuration counts before it is rendered."""
    source = connection.source
    manifest = b""
    if source.manifest is not None and source.manifest.is_file():
        manifest = source.manifest.read_bytes()
    parts = [
        [source.package, source.version, source.config, hashlib.sha256(manifest).hexdigest()],
        [stream.name, stream.namespace, stream.sync_mode, stream.primary_key, stream.cursor_field],
        [stream.selected_fields, stream.json_schema, str(relation)],
    ]
    if stream.mappers:
        parts.append(list(stream.mappers))
    if source.image is not None:
        parts.append([source.image])
    return hashlib.sha256(msgspec.json.encode(parts, order="deterministic")).hexdigest()[:16]


def _path(path: Path, project: Path) -> str:
    return Path(os.path.relpath(path.resolve(), project.resolve())).as_posix()


def _relative(problem: Problem, project: Path) -> Problem:
    if problem.path is None:
        return problem
    return msgspec.structs.replace(problem, path=_path(Path(problem.path), project))


def _remote_only(connection: Connection, settings: Settings) -> Problem:
    return Problem(
        asset=None,
        code="remote-connection",
        message=f"Connection {connection.name!r} belongs to an Airbyte server and names no "
        "connector package: its streams are in the graph, but a local run cannot sync them.",
        severity="info",
        path=_path(connection.path, settings.project_dir),
        line=connection.lines.get(("name",), connection.line),
    )
