"""What a server said of its connections, kept in a file so that the graph needs no network.

Only the keys named here are kept: a source's or destination's configuration holds secrets, and
of it nothing but the names of database and schema is.
"""

import re
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from toolkit.errors import ArtifactError, Problem
from toolkit.files import write_whole
from toolkit.integrations.airbyte.readers.api import read_objects
from toolkit.integrations.airbyte.readers.base import Read
from toolkit.integrations.airbyte.remote.address import address_of
from toolkit.integrations.airbyte.remote.replies import text
from toolkit.settings import Settings

OLD_SECONDS = 24 * 3600.0
"""After this the graph says that it shows what was, and how to read it again."""
_VERSION = 1


class Snapshot(msgspec.Struct, kw_only=True):
    """What was read from a server.

    Attributes:
        server: the public API's address.
        workspaces: that were asked for; empty = all.
        read_at: seconds since the epoch.
        connections / sources / destinations: as the public API spells them, kept keys only.
        streams: by source id what the source offers, of streams that some connection syncs;
            only for sources that told.
    """

    version: int = _VERSION
    server: str = ""
    workspaces: tuple[str, ...] = ()
    read_at: float = 0.0
    connections: list[dict[str, Any]] = []
    sources: list[dict[str, Any]] = []
    destinations: list[dict[str, Any]] = []
    streams: dict[str, list[dict[str, Any]]] = {}


def uses_server(settings: Settings) -> bool:
    """Whether this target's connections are those of its server, and not of files."""
    target = settings.airbyte
    if target.run != "remote" or settings.manifest is not None:
        return False
    if target.connections is None:
        return not settings.connections
    return target.connections == "server"


def snapshot_path(settings: Settings) -> Path:
    """Where the active target's snapshot is kept."""
    name = re.sub(r"[^A-Za-z0-9_.-]", "_", settings.target) or "default"
    return settings.state_dir / "airbyte" / f"{name}.json"


def load_snapshot(settings: Settings) -> Snapshot | None:
    """The snapshot of this target's server; ``None`` where there is none that can be used."""
    try:
        found = msgspec.json.decode(snapshot_path(settings).read_bytes(), type=Snapshot)
    except (OSError, msgspec.MsgspecError):
        return None
    target = settings.airbyte
    if found.version != _VERSION or found.workspaces != target.workspaces:
        return None
    return found if found.server == address_of(target.url).api else None


def save_snapshot(settings: Settings, snapshot: Snapshot) -> Path:
    """Keep it, in place of the one before.

    Raises:
        ArtifactError: the file cannot be written.
    """
    path = snapshot_path(settings)
    data = msgspec.json.format(msgspec.json.encode(snapshot), indent=1)
    try:
        write_whole(path, data, mode=0o600)
    except OSError as error:
        raise ArtifactError(
            f"{path} cannot be written: {error.strerror}.",
            "What the Airbyte server said is not kept.",
            "Make the project's .toolkit folder writable.",
        ) from error
    return path


# ---- what is kept ----

_CONNECTION = (
    "connectionId", "name", "sourceId", "destinationId", "workspaceId", "status",
    "namespaceDefinition", "namespaceFormat", "prefix", "nonBreakingSchemaUpdatesBehavior",
)  # fmt: skip
_SCHEDULE = ("scheduleType", "cronExpression", "basicTiming")
_STREAM = (
    "name", "namespace", "syncMode", "cursorField", "primaryKey", "includeFiles",
    "destinationObjectName",
)  # fmt: skip
_OFFERED = (
    "streamName", "streamnamespace", "streamNamespace", "syncModes", "defaultCursorField",
    "sourceDefinedCursorField", "sourceDefinedPrimaryKey",
)  # fmt: skip
_SOURCE = ("sourceId", "name", "sourceType", "workspaceId")
_DESTINATION = ("destinationId", "name", "destinationType", "workspaceId")
# Names of places in the destinations' own words; nothing else of a configuration is looked at.
_PLACES = (
    "database", "schema", "project_id", "dataset_id", "catalog", "default_schema",
    "schema_name", "raw_data_schema", "destinationType",
)  # fmt: skip
_SWITCHES = ("disable_type_dedupe",)
_MAPPER = ("targetField", "method", "fieldNameSuffix", "originalFieldName", "newFieldName",
           "conditions", "algorithm")  # fmt: skip
_PLAIN_PLACE = re.compile(r"[^?@=;&/\\\s]{1,256}")


def kept_connection(raw: Mapping[str, Any]) -> dict[str, Any]:
    """A connection without what we do not need."""
    kept = _some(raw, _CONNECTION)
    schedule = raw.get("schedule")
    if isinstance(schedule, dict):
        kept["schedule"] = _some(schedule, _SCHEDULE)
    tags = raw.get("tags")
    if isinstance(tags, list):
        kept["tags"] = [{"name": name} for tag in tags if (name := text(tag, "name"))]
    configurations = raw.get("configurations")
    streams = configurations.get("streams") if isinstance(configurations, dict) else None
    if isinstance(streams, list):
        kept["configurations"] = {"streams": [_stream(s) for s in streams if isinstance(s, dict)]}
    return kept


def kept_source(raw: Mapping[str, Any]) -> dict[str, Any]:
    """A source without its configuration."""
    return _some(raw, _SOURCE)


def kept_destination(raw: Mapping[str, Any]) -> dict[str, Any]:
    """A destination, of its configuration only the names of places."""
    kept = _some(raw, _DESTINATION)
    configuration = raw.get("configuration")
    if isinstance(configuration, dict):
        places = {
            key: value
            for key in _PLACES
            if isinstance(value := configuration.get(key), str) and _PLAIN_PLACE.fullmatch(value)
        }
        switches = {
            key: value for key in _SWITCHES if isinstance(value := configuration.get(key), bool)
        }
        kept["configuration"] = places | switches
    return kept


def kept_streams(
    streams: Sequence[Mapping[str, Any]], synced: frozenset[str]
) -> list[dict[str, Any]]:
    """What a source offers of the streams with these names: fields by their first name only."""
    found = []
    for stream in streams:
        if text(stream, "streamName") not in synced:
            continue
        kept = _some(stream, _OFFERED)
        paths = stream.get("propertyFields")
        first = (
            [p[0] for p in paths if isinstance(p, list) and p] if isinstance(paths, list) else []
        )
        names = dict.fromkeys(name for name in first if isinstance(name, str))
        found.append({**kept, "propertyFields": [[name] for name in names]})
    return found


def _some(raw: Mapping[str, Any], keys: Sequence[str]) -> dict[str, Any]:
    return {key: raw[key] for key in keys if raw.get(key) is not None}


def _stream(raw: Mapping[str, Any]) -> dict[str, Any]:
    kept = _some(raw, _STREAM)
    selected = raw.get("selectedFields")
    if isinstance(selected, list):
        kept["selectedFields"] = [
            {"fieldPath": entry["fieldPath"]}
            for entry in selected
            if isinstance(entry, dict) and isinstance(entry.get("fieldPath"), list)
        ]
    mappers = raw.get("mappers")
    if isinstance(mappers, list):
        kept["mappers"] = [_mapper(mapper) for mapper in mappers if isinstance(mapper, dict)]
    return kept


def _mapper(raw: Mapping[str, Any]) -> dict[str, Any]:
    """A mapper without its keys, an encryption's above all."""
    kept = _some(raw, ("type",))
    configuration = raw.get("mapperConfiguration")
    if isinstance(configuration, dict):
        kept["mapperConfiguration"] = _some(configuration, _MAPPER)
    return kept


# ---- reading it ----


def read_snapshot(settings: Settings, now: Callable[[], float] = time.time) -> Read:
    """The connections as the server had them when it was last asked."""
    snapshot = load_snapshot(settings)
    path = snapshot_path(settings)
    if snapshot is None:
        return Read(problems=[_not_read(settings)])
    read = Read()
    age = now() - snapshot.read_at
    if age > OLD_SECONDS:
        read.problems.append(_old(settings, age))
    sources = {text(raw, "sourceId"): raw for raw in snapshot.sources}
    destinations = {text(raw, "destinationId"): raw for raw in snapshot.destinations}
    for raw in snapshot.connections:
        source_id = text(raw, "sourceId")
        beside = (sources.get(source_id), destinations.get(text(raw, "destinationId")))
        objects = [raw, *(entry for entry in beside if entry is not None)]
        offered = snapshot.streams.get(source_id or "")
        try:
            one = read_objects(
                objects, path, streams={source_id: offered} if source_id and offered else None
            )
        except ArtifactError as error:  # one bad object costs itself and no more
            read.problems.append(_unreadable(raw, error, path))
            continue
        read.problems += one.problems
        read.connections += one.connections
    _name_apart(read, path)
    return read


def _name_apart(read: Read, path: Path) -> None:
    """A server may have two connections of one name; the graph's keys must differ."""
    times = Counter(connection.name for connection in read.connections)
    for index, connection in enumerate(read.connections):
        if times[connection.name] < 2:
            continue
        name = f"{connection.name}-{(connection.connection_id or str(index))[:8]}"
        read.connections[index] = msgspec.structs.replace(connection, name=name)
    for name in sorted(name for name, count in times.items() if count > 1):
        read.problems.append(
            Problem(
                asset=None,
                code="connections-of-one-name",
                message=f"The Airbyte server has {times[name]} connections called {name!r}: here "
                "the first eight signs of their ids are added to the name. Rename them there.",
                severity="info",
                path=str(path),
            )
        )


def _not_read(settings: Settings) -> Problem:
    return Problem(
        asset=None,
        code="connections-not-read",
        message=f"The connections of target {settings.target!r} are those of its Airbyte server, "
        "and they have not been read yet: its streams are missing. Run `toolkit connectors pull`.",
    )


def _old(settings: Settings, age: float) -> Problem:
    return Problem(
        asset=None,
        code="connections-old",
        message=f"The connections of target {settings.target!r} are shown as the Airbyte server "
        f"had them {age / 3600:.0f} hours ago. Run `toolkit connectors pull` to read them again.",
        severity="info",
    )


def _unreadable(raw: Mapping[str, Any], error: ArtifactError, path: Path) -> Problem:
    name = text(raw, "name") or text(raw, "connectionId") or "without a name"
    fact = error.fact.removeprefix(f"{path}: ")
    return Problem(
        asset=None,
        code="connection-unreadable",
        message=f"Connection {name!r} of the Airbyte server was left out: {fact}",
        path=str(path),
    )
