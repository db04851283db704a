"""Reads all connections of a server, and says what it thinks of each."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec

from toolkit.integrations.airbyte.model import Connection
from toolkit.integrations.airbyte.remote.client import AirbyteClient
from toolkit.integrations.airbyte.remote.replies import objects, text
from toolkit.integrations.airbyte.remote.snapshot import (
    CONNECTION,
    DESTINATION,
    SOURCE,
    Snapshot,
    keep,
    kept_streams,
    load_snapshot,
    save_snapshot,
)
from toolkit.integrations.airbyte.remote.transport import ServerError
from toolkit.settings import Settings

_AT_ONCE = 4


class Pulled(msgspec.Struct, frozen=True, kw_only=True):
    """What reading a server gave.

    Attributes:
        silent: why the streams of a source could not be had, by the source's name.
    """

    snapshot: Snapshot
    silent: dict[str, str] = {}


def pull(
    settings: Settings,
    client: AirbyteClient,
    *,
    streams: bool = True,
    say: Callable[[str], None] = lambda _: None,
) -> Pulled:
    """Read connections, sources, destinations and fields, and keep them.

    Args:
        streams: ask what all sources offer; else only those that we know nothing of.
        say: takes a line about how far it is.

    Raises:
        ServerError: connections, sources or destinations cannot be had; nothing is changed.
        ArtifactError: the file cannot be written.
    """
    before = load_snapshot(settings)
    snapshot = Snapshot(
        server=client.address.api,
        workspaces=settings.airbyte.workspaces,
        read_at=client.server_now(),
        connections=_sorted([keep(raw, CONNECTION) for raw in client.connections()]),
        sources=_sorted([keep(raw, SOURCE) for raw in client.sources()]),
        destinations=_sorted([keep(raw, DESTINATION) for raw in client.destinations()]),
    )
    say(f"{len(snapshot.connections):,} connections, {len(snapshot.sources):,} sources")
    used = {text(raw, "sourceId") for raw in snapshot.connections}
    names = {
        source_id: text(raw, "name") or source_id
        for raw in snapshot.sources
        if (source_id := text(raw, "sourceId")) in used and source_id is not None
    }
    known = dict(before.streams) if before is not None and not streams else {}
    synced = _synced(snapshot.connections)
    asked = [
        source_id
        for source_id in names
        if not synced[source_id] <= {text(s, "streamName") for s in known.get(source_id, [])}
    ]
    silent: dict[str, str] = {}

    def ask(source_id: str) -> list[dict[str, Any]] | None:
        try:
            return kept_streams(client.stream_properties(source_id), synced[source_id])
        except ServerError as error:
            silent[names[source_id]] = error.fact
            return None

    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="fields") as pool:
        for source_id, found in zip(asked, pool.map(ask, asked), strict=True):
            if found is not None:
                known[source_id] = found
    snapshot.streams = {key: known[key] for key in sorted(known) if key in names}
    save_snapshot(settings, snapshot)
    return Pulled(snapshot=snapshot, silent=silent)


def _synced(connections: Sequence[Mapping[str, Any]]) -> dict[str, frozenset[str]]:
    """Names of the streams that connections sync, by source id."""
    found: dict[str, set[str]] = {}
    for raw in connections:
        streams = objects(raw.get("configurations"), "streams")
        names = {name for stream in streams if (name := text(stream, "name"))}
        found.setdefault(text(raw, "sourceId") or "", set()).update(names)
    return {key: frozenset(names) for key, names in found.items()}


def _sorted(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """In an order that does not depend on the server, so that the file can be compared."""
    return sorted(items, key=lambda raw: (str(raw.get("name")), msgspec.json.encode(raw)))


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """What the server says of one connection."""

    name: str
    ok: bool
    message: str
    last_job: str | None = None


def check(client: AirbyteClient, connections: Sequence[Connection]) -> list[Checked]:
    """Whether each connection is there and active, and whether its source can be reached.

    Raises:
        ServerError: the server cannot be asked at all.
    """
    there = client.connections()
    return [_check(client, connection, there) for connection in connections]


def _check(
    client: AirbyteClient, connection: Connection, there: Sequence[dict[str, object]]
) -> Checked:
    wanted = connection.connection_id
    found = [
        raw
        for raw in there
        if (raw.get("connectionId") == wanted if wanted else raw.get("name") == connection.name)
    ]
    if len(found) != 1:
        what = f"{len(found)} connections have this name" if found else "it is not there"
        return Checked(name=connection.name, ok=False, message=f"{what} (Airbyte at {client.host})")
    connection_id = text(found[0], "connectionId") or ""
    try:
        job = client.last_job(connection_id)
        last = f"job {job.id} {job.status}" if job is not None else None
        status = text(found[0], "status") or "active"
        if status.lower() != "active":
            return Checked(name=connection.name, ok=False, message=f"is {status}", last_job=last)
        source_id = text(found[0], "sourceId")
        reached, said = client.check_source(source_id) if source_id else (None, "")
    except ServerError as error:
        return Checked(name=connection.name, ok=False, message=error.fact)
    if reached is False:
        message = "its source cannot be reached" + (f": {said}" if said else "")
        return Checked(name=connection.name, ok=False, message=message, last_job=last)
    message = "active" + ("; its source answers" if reached else "; its source could not be tried")
    return Checked(name=connection.name, ok=True, message=message, last_job=last)
