"""What ``toolkit connectors`` does for a target whose syncs an Airbyte server runs."""

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from toolkit.integrations.airbyte.model import Connection
    from toolkit.integrations.airbyte.readers.base import Read
    from toolkit.settings import Settings

_PATIENCE = 20.0  # seconds: somebody waits at the terminal


def pull_connections(settings: "Settings") -> dict[str, Any]:
    """Read the server's connections and keep them; what was read, for people and programs.

    Raises:
        UsageError: this target has no server, or reads its connections from files.
        ConnectorError: the server cannot be read.
    """
    from toolkit.errors import UsageError
    from toolkit.integrations.airbyte.remote.client import AirbyteClient
    from toolkit.integrations.airbyte.remote.pull import pull
    from toolkit.integrations.airbyte.remote.snapshot import snapshot_path, uses_server

    if not uses_server(settings):
        here = settings.airbyte.run != "remote"
        raise UsageError(
            f"Target {settings.target!r} "
            + ("has no Airbyte server." if here else "reads its connections from files."),
            "Nothing was read.",
            f"Set `airbyte.{settings.target}.run: remote` in toolkit.yml, or choose another "
            "--target."
            if here
            else f"Set `airbyte.{settings.target}.connections: server` in toolkit.yml.",
        )
    client = AirbyteClient(
        settings.airbyte,
        secrets=settings.secrets,
        patience=_PATIENCE,
        log=lambda line: click.echo(line, err=True),
    )
    try:
        pulled = pull(settings, client, say=lambda line: click.echo(line, err=True))
    finally:
        client.close()
    for name, why in sorted(pulled.silent.items()):
        click.echo(f"The fields of source {name!r} are not known: {why}", err=True)
    return {
        "server": pulled.snapshot.server,
        "connections": len(pulled.snapshot.connections),
        "sources": len(pulled.snapshot.sources),
        "destinations": len(pulled.snapshot.destinations),
        "sources_without_fields": sorted(pulled.silent),
        "path": str(snapshot_path(settings)),
    }


def read_kept(settings: "Settings") -> "Read | None":
    """The connections that were read from the server; ``None`` where they are in files."""
    from toolkit.integrations.airbyte.remote.snapshot import read_snapshot, uses_server

    return read_snapshot(settings) if uses_server(settings) else None


def age(settings: "Settings") -> str:
    """How long ago the server was read, for people; empty where it was not."""
    from toolkit.integrations.airbyte.remote.snapshot import load_snapshot, uses_server

    kept = load_snapshot(settings) if uses_server(settings) else None
    if kept is None:
        return ""
    minutes = max(0, int(time.time() - kept.read_at)) // 60
    ago = f"{minutes} minutes" if minutes < 120 else f"{minutes // 60} hours"
    return f"As {kept.server} said {ago} ago; `toolkit connectors pull` asks again."


def check_connections(
    settings: "Settings", connections: "Sequence[Connection]"
) -> list[dict[str, Any]]:
    """What the server says of each: is it there, is it on, does its source answer.

    Raises:
        ConnectorError: the server cannot be asked at all.
    """
    from toolkit.integrations.airbyte.remote.client import AirbyteClient
    from toolkit.integrations.airbyte.remote.pull import check

    client = AirbyteClient(settings.airbyte, secrets=settings.secrets, patience=_PATIENCE)
    try:
        checked = check(client, connections)
    finally:
        client.close()
    return [
        {"name": one.name, "ok": one.ok, "message": one.message, "last_job": one.last_job}
        for one in checked
    ]
