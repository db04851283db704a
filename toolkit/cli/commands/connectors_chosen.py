"""The connections that a subcommand of ``toolkit connectors`` is about, and their connectors."""

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from toolkit.integrations.airbyte.model import Connection
    from toolkit.integrations.airbyte.source.connector import Connector
    from toolkit.settings import Settings


def connections_of(settings: "Settings") -> "list[Connection]":
    """All that are configured, or were read from the server; problems are said."""
    from toolkit.cli.commands.connectors_remote import read_kept
    from toolkit.integrations.airbyte.readers import read_connections

    read = read_kept(settings) or read_connections(settings.connections, settings.destinations)
    for problem in read.problems:
        click.echo(f"{problem.severity} {problem.code}: {problem.message}", err=True)
    return read.connections


def chosen_of(settings: "Settings", names: tuple[str, ...]) -> "list[Connection]":
    """The connections of these names; all where none is named.

    Raises:
        UsageError: there is none of such a name.
    """
    import difflib

    from toolkit.errors import UsageError

    connections = connections_of(settings)
    known = {connection.name: connection for connection in connections}
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            raise UsageError(
                f"There is no connection {name!r}.",
                "Nothing was done.",
                f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(known)}.",
            )
    return [known[name] for name in names] if names else connections


def local_of(settings: "Settings", names: tuple[str, ...]) -> "list[Connection]":
    """Of the chosen ones those that can run on this machine; disabled ones only if named.

    Raises:
        UsageError: a named one cannot, or there is none of that name.
    """
    chosen = chosen_of(settings, names)
    for connection in chosen:
        if names and not connection.source.local:
            from toolkit.errors import UsageError

            raise UsageError(
                f"Connection {connection.name!r} belongs to an Airbyte server and names no "
                "connector.",
                "Nothing of it can run on this machine, so nothing was done.",
                "Use a target with `run: remote`, or give its source a `package`, `manifest` or "
                "`image`.",
            )
    return [c for c in chosen if c.source.local and (c.enabled or names)]


def connector_of(connection: "Connection", settings: "Settings") -> "Connector":
    """The connector of a connection, installed first if need be.

    Raises:
        ConnectorError: it cannot be installed.
    """
    from toolkit.integrations.airbyte.source.connector import Connector
    from toolkit.integrations.airbyte.source.environment import install as install_package
    from toolkit.integrations.airbyte.source.environment import package_of
    from toolkit.integrations.airbyte.source.overlay import ConfigOverlay
    from toolkit.masking import Masker

    install_package(package_of(connection), say=lambda text: click.echo(text, err=True))
    overlay = ConfigOverlay(settings.state_dir, settings.target, connection.name)
    return Connector(connection, masker=Masker(settings.secrets), overlay=overlay)


def discovering(connection: "Connection", settings: "Settings") -> "Connector":
    """One that knows what it must hide; without a specification, by the keys' names alone."""
    from toolkit.errors import ConnectorError
    from toolkit.integrations.airbyte.source.specification import SpecCache

    connector = connector_of(connection, settings)
    try:
        connector.specify(SpecCache())
    except ConnectorError as error:
        click.echo(f"Only keys that look secret are masked: {error.fact}", err=True)
    return connector
