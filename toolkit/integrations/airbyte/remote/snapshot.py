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

# A shape says what is kept of a value: of an object these keys, of a list the items in their
# shape, of anything else itself if the function says so.
Shape = Mapping[str, Any] | list[Any] | Callable[[Any], bool]

_PLAIN_PLACE = re.compile(r"[^?@=;&/\\\s]{1,256}")


def _is_there(value: object) -> bool:
    return value is not None


def _is_list(value: object) -> bool:
    return isinstance(value, list)


def _is_switch(value: object) -> bool:
    return isinstance(value, bool)


def _is_place(value: object) -> bool:
    return isinstance(value, str) and _PLAIN_PLACE.fullmatch(value) is not None


def _plain(*keys: str) -> dict[str, Any]:
    return dict.fromkeys(keys, _is_there)


# A mapper without its keys, an encryption's above all.
_MAPPER = _plain("targetField", "method", "fieldNameSuffix", "originalFieldName", "newFieldName",
                 "conditions", "algorithm")  # fmt: skip
_STREAM = {
    **_plain("name", "namespace", "syncMode", "cursorField", "primaryKey", "includeFiles"),
    **_plain("destinationObjectName"),
    "selectedFields": [{"fieldPath": _is_list}],
    "mappers": [{"type": _is_there, "mapperConfiguration": _MAPPER}],
}
CONNECTION = {
    **_plain("connectionId", "name", "sourceId", "destinationId", "workspaceId", "status"),
    **_plain("namespaceDefinition", "namespaceFormat", "prefix"),
    **_plain("nonBreakingSchemaUpdatesBehavior"),
    "schedule": _plain("scheduleType", "cronExpression", "basicTiming"),
    "tags": [_plain("name")],
    "configurations": {"streams": [_STREAM]},
}
SOURCE = _plain("sourceId", "name", "sourceType", "workspaceId")
# Of a configuration nothing is looked at but names of places in the destinations' own words.
DESTINATION = {
    **_plain("destinationId", "name", "destinationType", "workspaceId"),
    "configuration": {
        **dict.fromkeys(("database", "schema", "project_id", "dataset_id"), _is_place),
        **dict.fromkeys(("catalog", "default_schema", "schema_name"), _is_place),
        **dict.fromkeys(("raw_data_schema", "raw_data_dataset", "raw_schema_override"), _is_place),
        "destinationType": _is_place,
        "disable_type_dedupe": _is_switch,
    },
}
OFFERED = _plain("streamName", "streamnamespace", "streamNamespace", "syncModes",
                 "defaultCursorField", "sourceDefinedCursorField",
                 "sourceDefinedPrimaryKey")  # fmt: skip


def keep(raw: Any, shape: Shape) -> Any:  # noqa: ANN401 - JSON of any form
    """A value without what its shape does not name; ``None`` if it is not of that shape."""
    if isinstance(shape, Mapping):
        if not isinstance(raw, Mapping):
            return None
        kept = {key: keep(raw.get(key), inner) for key, inner in shape.items()}
        return {key: value for key, value in kept.items() if value is not None}
    if isinstance(shape, list):
        if not isinstance(raw, list):
            return None
        return [item for one in raw if (item := keep(one, shape[0])) is not None]
    return raw if shape(raw) else None


def kept_streams(
    streams: Sequence[Mapping[str, Any]], synced: frozenset[str]
) -> list[dict[str, Any]]:
    """What a source offers of the streams with these names: fields by their first name only."""
    found = []
    for stream in streams:
        if text(stream, "streamName") not in synced:
            continue
        kept = keep(stream, OFFERED)
        paths = stream.get("propertyFields")
        first = (
            [p[0] for p in paths if isinstance(p, list) and p] if isinstance(paths, list) else []
        )
        names = dict.fromkeys(name for name in first if isinstance(name, str))
        found.append({**kept, "propertyFields": [[name] for name in names]})
    return found


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
