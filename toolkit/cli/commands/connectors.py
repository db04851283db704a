"""``toolkit connectors``: what is configured, installed, and what a source offers."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from toolkit.cli.commands.connectors_chosen import (
    chosen_of,
    connections_of,
    connector_of,
    discovering,
    local_of,
)
from toolkit.cli.commands.connectors_diff import diff
from toolkit.cli.options import project_options, settings_from
from toolkit.cli.written import format_options

if TYPE_CHECKING:
    from toolkit.integrations.airbyte.model import Connection
    from toolkit.integrations.airbyte.source.docker import Image
    from toolkit.integrations.airbyte.source.environment import Package
    from toolkit.settings import Settings


@click.group()
def connectors() -> None:
    """List, install and try the Airbyte connectors that are configured."""


connectors.add_command(diff)

_DEBUG = click.option("--debug/--no-debug", "-d", help="Show debug logging and tracebacks.")


@connectors.command(name="list", short_help="List connections with their connectors.")
@format_options()
@project_options
@_DEBUG
def list_(form: str, **options: Any) -> None:
    """Show each connection, its connector, and whether that is installed."""
    settings = settings_from(options)
    rows = [_row(connection, settings) for connection in connections_of(settings)]
    if form == "json":
        click.echo(json.dumps(rows, indent=2))
        return
    width = max((len(row["name"]) for row in rows), default=0)
    for row in rows:
        streams = f"{len(row['streams'])} stream" + ("" if len(row["streams"]) == 1 else "s")
        state = row["state"] if row["enabled"] else "disabled"
        ages = "".join(f", {text}" for text in _ages(row))
        click.echo(f"{row['name']:<{width}}  {row['connector']}  {streams}  {state}{ages}")
    if not rows:
        click.echo("No connections are configured (`connections:` in toolkit.yml).", err=True)
    from toolkit.cli.commands.connectors_remote import age

    click.echo(age(settings), err=True, nl=bool(age(settings)))


@connectors.command(short_help="Read the connections of the Airbyte server.")
@format_options()
@project_options
@_DEBUG
def pull(form: str, **options: Any) -> None:
    """Read the connections of this target's Airbyte server, and remember them for the graph."""
    from toolkit.cli.commands.connectors_remote import pull_connections

    found = pull_connections(settings_from(options))
    if form == "json":
        click.echo(json.dumps(found, indent=2))
    else:
        click.echo(f"{found['connections']:,} connections of {found['server']} are in the graph.")


@connectors.command(short_help="Install the connectors that are missing.")
@click.argument("names", nargs=-1, metavar="[CONNECTION]...")
@click.option("--all", "everything", is_flag=True, help="Disabled connections too.")
@format_options()
@project_options
@_DEBUG
@click.pass_context
def install(
    ctx: click.Context, /, names: tuple[str, ...], everything: bool, form: str, **options: Any
) -> None:
    """Install the connectors of enabled connections; does nothing for those that are there.

    Each gets an environment of its own in the cache folder, never in this one; an image is
    pulled. Goes on when one cannot be installed, and leaves with 1 then.
    """
    from toolkit.cli.console import show_error
    from toolkit.errors import ConnectorError
    from toolkit.integrations.airbyte.source.environment import install as install_package
    from toolkit.integrations.airbyte.source.environment import package_of

    chosen = chosen_of(settings_from(options), names)
    wanted = [c for c in chosen if c.source.local and (c.enabled or everything or names)]
    done = []
    for package in dict.fromkeys(package_of(connection) for connection in wanted):
        row: dict[str, Any] = {"package": package.name, "version": package.version}
        try:
            new = install_package(package, say=lambda text: click.echo(text, err=True))
        except ConnectorError as error:
            done.append({**row, "installed": False, "error": str(error)})
            show_error(error)
            continue
        done.append({**row, "installed": new})
        click.echo(f"{package}: {'installed' if new else 'was there'}", err=form == "json")
    if form == "json":
        click.echo(json.dumps(done, indent=2))
    if any("error" in row for row in done):
        ctx.exit(1)


@connectors.command(short_help="Ask sources for their streams and fields.")
@click.argument("names", nargs=-1, metavar="[CONNECTION]...")
@format_options()
@project_options
@_DEBUG
@click.option("--cached", is_flag=True, help="Ask no source; show what is remembered.")
@click.pass_context
def discover(
    ctx: click.Context, /, names: tuple[str, ...], form: str, cached: bool, **options: Any
) -> None:
    """Ask sources for their streams and fields, print them, and remember them for the graph.

    Goes on when one cannot be asked, and leaves with 1 then.
    """
    from toolkit.cli.console import show_error
    from toolkit.errors import ToolkitError
    from toolkit.integrations.airbyte.columns import fields_of
    from toolkit.integrations.airbyte.source.catalog import CatalogCache

    settings = settings_from(options)
    cache = CatalogCache(settings.state_dir)
    found: dict[str, Any] = {}
    failed = False
    for connection in local_of(settings, names):
        catalog = cache.get(connection) if cached else None
        try:
            if catalog is None and not cached:
                catalog = discovering(connection, settings).discover()
                cache.put(connection, catalog)
        except ToolkitError as error:
            show_error(error)
        if catalog is None:
            failed = True
            if cached:
                click.echo(f"{connection.name}: never discovered with this configuration", err=True)
            continue
        if cached:
            click.echo(
                f"{connection.name}: {', '.join(_ages(_facts(connection, settings)))}", err=True
            )
        found[connection.name] = [
            {
                "name": stream.name,
                "namespace": stream.namespace,
                "sync_modes": list(stream.supported_sync_modes),
                "primary_key": stream.source_defined_primary_key or [],
                "cursor_field": stream.default_cursor_field or [],
                "fields": {field.name: field.type for field in fields_of(stream.json_schema)},
            }
            for stream in catalog.streams
        ]
    if form == "json":
        click.echo(json.dumps(found, indent=2))
    else:
        _show_streams(found)
    if failed:
        ctx.exit(1)


def _show_streams(found: Mapping[str, Any]) -> None:
    for name, streams in found.items():
        for stream in streams:
            click.echo(f"{name}.{stream['name']}  ({', '.join(stream['sync_modes'])})")
            for field, kind in stream["fields"].items():
                click.echo(f"  {field}: {kind}")


@connectors.command(short_help="Ask connectors whether they reach their sources.")
@click.argument("names", nargs=-1, metavar="[CONNECTION]...")
@format_options()
@project_options
@_DEBUG
@click.pass_context
def check(ctx: click.Context, /, names: tuple[str, ...], form: str, **options: Any) -> None:
    """Ask each connector whether it can reach its source; leaves with 1 if one cannot.

    Where an Airbyte server runs the syncs it is asked instead: whether the connection is
    there and active, and whether its source answers, as far as it tells.
    """
    from toolkit.errors import ToolkitError

    settings = settings_from(options)
    if settings.airbyte.run == "remote":
        _check_server(ctx, settings, names, form)
        return
    results = []
    chosen = local_of(settings, names)
    if not chosen:
        click.echo("No connection is synced on this machine: nothing was asked.", err=True)
    for connection in chosen:
        try:
            _check(connection, settings)
        except ToolkitError as error:
            results.append({"name": connection.name, "ok": False, "message": str(error)})
        else:
            results.append({"name": connection.name, "ok": True, "message": ""})
        last = results[-1]
        if form != "json":
            click.echo(f"{last['name']}: {'ok' if last['ok'] else last['message']}")
    if form == "json":
        click.echo(json.dumps(results, indent=2))
    if not all(result["ok"] for result in results):
        ctx.exit(1)


def _check(connection: "Connection", settings: "Settings") -> None:
    """First what can be told without the source: does the configuration fit?

    Raises:
        ToolkitError: it does not, or the connector cannot reach its source.
    """
    from toolkit.errors import SettingsError
    from toolkit.integrations.airbyte.source.specification import SpecCache

    connector = connector_of(connection, settings)
    mistakes = connector.specify(SpecCache())
    if mistakes:
        raise SettingsError(
            "\n".join(f"{text}." for text in mistakes),
            f"The connector of {connection.name!r} wants another configuration; its source was "
            "not asked.",
            f"Correct it, then run `toolkit connectors check {connection.name}` again.",
        )
    connector.check()


def _check_server(
    ctx: click.Context, settings: "Settings", names: tuple[str, ...], form: str
) -> None:
    from toolkit.cli.commands.connectors_remote import check_connections

    chosen = chosen_of(settings, names)
    results = check_connections(settings, [c for c in chosen if c.enabled or names])
    if form == "json":
        click.echo(json.dumps(results, indent=2))
    else:
        for one in results:
            last = f"; {one['last_job']}" if one["last_job"] else ""
            word = "ok" if one["ok"] else "not ok"
            click.echo(f"{one['name']}: {word}, {one['message']}{last}")
    if not all(one["ok"] for one in results):
        ctx.exit(1)


def _row(connection: "Connection", settings: "Settings") -> dict[str, Any]:
    from toolkit.errors import ConnectorError
    from toolkit.integrations.airbyte.source.environment import package_of

    name, state = connection.source.type or connection.source.package or "?", "remote"
    if settings.airbyte.run != "remote" and connection.source.local:
        try:
            package = package_of(connection)
        except ConnectorError as error:
            state = error.fact
        else:
            name, state = str(package), _state(package)
    return {
        "name": connection.name,
        "enabled": connection.enabled,
        "connector": name,
        "manifest": str(connection.source.manifest) if connection.source.manifest else None,
        "state": state,
        "streams": [stream.name for stream in connection.streams],
        "path": connection.where(),
        "target": settings.target,
        **_facts(connection, settings),
    }


def _state(package: "Package | Image") -> str:
    from toolkit.errors import ConnectorError

    try:
        return "installed" if package.is_installed() else "not installed"
    except ConnectorError as error:  # no engine for an image
        return error.fact


def _facts(connection: "Connection", settings: "Settings") -> dict[str, Any]:
    """Seconds since what is remembered of a local source was asked; ``None`` where it was not."""
    from toolkit.errors import ConnectorError
    from toolkit.integrations.airbyte.source.catalog import CatalogCache
    from toolkit.integrations.airbyte.source.overlay import ConfigOverlay
    from toolkit.integrations.airbyte.source.specification import SpecCache

    facts: dict[str, float | None] = {}
    if connection.source.local and settings.airbyte.run != "remote":
        overlay = ConfigOverlay(settings.state_dir, settings.target, connection.name)
        facts["discovered_age"] = CatalogCache(settings.state_dir).age(connection)
        facts["configuration_changed_age"] = overlay.age()
        try:
            facts["specification_age"] = SpecCache().age(connection)
        except ConnectorError:  # no version is pinned
            facts["specification_age"] = None
    return facts


def _ages(row: Mapping[str, Any]) -> list[str]:
    import time

    from toolkit.cli.console import ago

    said = {
        "discovered_age": "discovered",
        "specification_age": "specification read",
        "configuration_changed_age": "configuration changed by the connector",
    }
    ages = ((text, row.get(key)) for key, text in said.items())
    return [f"{text} {ago(time.time() - age)} ago" for text, age in ages if age is not None]
