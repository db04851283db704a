"""``toolkit connectors diff``: what sources offer now, against all that relies on them."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from toolkit.cli.console import GATE, VERDICT_COLORS
from toolkit.cli.options import artifact_options, output_options, project_options
from toolkit.cli.written import format_options

if TYPE_CHECKING:
    from toolkit.integrations.airbyte.drift.impact import Judge
    from toolkit.integrations.airbyte.drift.offers import ConnectionDrift, View
    from toolkit.integrations.airbyte.model import Connection, StreamName
    from toolkit.integrations.airbyte.source.protocol import Catalog
    from toolkit.project import Project

_UNREACHED = 1
_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command(short_help="Compare what sources offer with what is used.")
@click.argument("names", nargs=-1, metavar="[CONNECTION]...")
@click.option(
    "--against", type=_FILE,
    help="What the sources offer, from this file instead of from the sources.",
)  # fmt: skip
@click.option(
    "--base", type=_FILE,
    help="What they offered before, from this file instead of what was discovered last.",
)  # fmt: skip
@click.option(
    "--offline", is_flag=True,
    help="Start no connector: use what was discovered in the last 24 hours.",
)  # fmt: skip
@click.option("--save", type=_FILE, help="Write what the sources offer, as --against reads it.")
@format_options(("text", "json", "markdown"))
@click.option(
    "--fail-on", type=click.Choice(["breaking", "review", "never"]), default="never",
    show_default=True, help="Exit with 3 if there is anything as bad as this, or worse.",
)  # fmt: skip
@click.option(
    "--all", "everything", is_flag=True,
    help="Show what is safe too, and what is offered and not selected.",
)  # fmt: skip
@project_options
@artifact_options
@output_options
@click.pass_context
def diff(
    ctx: click.Context, /, names: tuple[str, ...], against: Path | None, base: Path | None,
    offline: bool, save: Path | None, form: str, fail_on: str, everything: bool, **options: Any,
) -> None:  # fmt: skip
    """Compare what sources offer now with what the configuration and the models use.

    Says of each change what it would break, by column lineage, before a sync does. Changes
    nothing: `toolkit connectors discover` takes a source's new fields over.
    """
    from toolkit.cli.console import plural
    from toolkit.cli.loading import load_project
    from toolkit.errors import UsageError

    if against is not None and (offline or save is not None):
        raise UsageError(
            f"--against and {'--offline' if offline else '--save'} do not go together.",
            "Nothing was done.",
            "Leave one of them out.",
        )
    project = load_project(options)
    compared = Compared(project, names, against, base, offline=offline)
    drifts = compared.all()
    if save is not None:
        _save(save, compared.catalogs)
    click.echo(_rendered(project, drifts, form, everything=everything), nl=False)
    worst = {"breaking": ("breaking",), "review": ("breaking", "review"), "never": ()}[fail_on]
    found = sum(finding.verdict in worst for drift in drifts for finding in drift.findings)
    unreached = [drift.connection for drift in drifts if drift.trouble is not None]
    if not options["quiet"]:
        if found:
            click.echo(f"--fail-on {fail_on}: {plural(found, 'change')} found", err=True)
        if unreached:
            click.echo(f"not known: {', '.join(unreached)}", err=True)
    if found or unreached:
        ctx.exit(GATE if found else _UNREACHED)


class Compared:
    """Asks each chosen connection's source, and compares."""

    def __init__(
        self,
        project: "Project",
        names: tuple[str, ...],
        against: Path | None,
        base: Path | None,
        *,
        offline: bool,
    ) -> None:
        from toolkit.cli.commands.connectors_chosen import chosen_of
        from toolkit.integrations.airbyte.source.catalog import CatalogCache

        self._project = project
        self._settings = project.settings
        chosen = chosen_of(self._settings, names)
        self._connections = [c for c in chosen if c.enabled or names]
        self._against = _Saved(against, len(self._connections))
        self._base = _Saved(base, len(self._connections))
        self._offline = offline
        self._cache = CatalogCache(self._settings.state_dir)
        self.catalogs: dict[str, Catalog] = {}

    def all(self) -> "list[ConnectionDrift]":
        """The drift of each connection."""
        from toolkit.integrations.airbyte.drift.impact import Judge

        project = self._project
        # The lineage first: it may have dbt compile what has no SQL yet, and make a new graph.
        lineage = project.lineage()
        judge = Judge(project.graph, lineage, project.dialect)
        with self._tables() as table:
            return [self._of(connection, judge, table) for connection in self._connections]

    def _of(
        self,
        connection: "Connection",
        judge: "Judge",
        table: Callable[[str], Mapping[str, str] | None],
    ) -> "ConnectionDrift":
        from toolkit.errors import ToolkitError
        from toolkit.integrations.airbyte.drift.offers import ConnectionDrift, examine

        drift = ConnectionDrift(connection=connection.name, path=connection.where())
        known = self._known(connection, drift)
        try:
            offered = self._offered(connection, drift)
        except ToolkitError as error:
            drift.trouble = str(error)
            return drift
        local = self._settings.airbyte.run == "local" and connection.source.local
        examine(connection, drift, judge, offered, known, local=local, table=table)
        return drift

    def _offered(self, connection: "Connection", drift: "ConnectionDrift") -> "View | None":
        """What the source offers; ``None`` where only the configuration's files can say.

        Raises:
            ToolkitError: the source was asked, and did not answer.
        """
        from toolkit.cli.commands.connectors_chosen import discovering
        from toolkit.errors import ConnectorError
        from toolkit.integrations.airbyte.drift.offers import view_of
        from toolkit.integrations.airbyte.source.catalog import MAX_AGE_SECONDS

        if self._against:
            drift.offered, view = self._against.of(connection.name)
            if view is None:
                raise ConnectorError(
                    f"{drift.offered} has no catalog of {connection.name!r}.",
                    "What its source offers is not known.",
                    "Add it to the file, or name the connections that are in it.",
                )
            return view
        if not connection.source.local:
            drift.offered = "what the configuration's files say"
            return None
        if self._offline:
            catalog = self._cache.get(connection, max_age=MAX_AGE_SECONDS)
            drift.offered = "discovered in the last 24 hours"
            if catalog is None:
                raise ConnectorError(
                    f"The source of {connection.name!r} was not asked in the last 24 hours.",
                    "What it offers is not known.",
                    f"Run `toolkit connectors discover {connection.name}`, or leave --offline out.",
                )
        else:
            catalog = discovering(connection, self._settings).discover()
            drift.offered = "by the source, now"
        self.catalogs[connection.name] = catalog
        return view_of(catalog)

    def _known(self, connection: "Connection", drift: "ConnectionDrift") -> "View | None":
        """What the source offered before."""
        from toolkit.integrations.airbyte.drift.offers import view_of, with_schemas

        if self._base:
            drift.known, view = self._base.of(connection.name)
            return view
        if not connection.source.local:
            return None
        catalog, landed = self._cache.get(connection), self._landed(connection)
        if catalog is None or (self._offline and not landed):
            return None
        # A sync that stops has discovered, too: what it stopped for must not look known.
        drift.known = "at the last sync" if landed else "what was discovered last"
        return view_of(with_schemas(catalog, landed))

    def _landed(self, connection: "Connection") -> "Mapping[StreamName, dict[str, Any]]":
        from toolkit.integrations.airbyte.integration import landed_schemas

        return landed_schemas(connection, self._settings)

    @contextmanager
    def _tables(self) -> Iterator[Callable[[str], Mapping[str, str] | None]]:
        """Columns of landed tables; none of any where the warehouse cannot be seen."""
        from toolkit.errors import WarehouseError

        profile, graph = self._settings.profile, self._project.graph
        is_file = profile is not None and profile.path is not None and Path(profile.path).is_file()
        if profile is None or profile.type != "duckdb" or not is_file:
            yield lambda _: None
            return
        from toolkit.warehouse import Warehouse

        try:
            warehouse = Warehouse(profile, read_only=True)
        except WarehouseError as error:
            click.echo(f"Landed tables were not looked at: {error.fact}", err=True)
            yield lambda _: None
            return

        def columns(key: str) -> Mapping[str, str] | None:
            relation = graph[key].relation if key in graph else None
            return warehouse.columns(relation) if relation is not None else None

        try:
            yield columns
        finally:
            warehouse.close()


class _Saved:
    """A file with catalogs; nothing where none was given.

    Args:
        chosen: how many connections are looked at.
    """

    def __init__(self, path: Path | None, chosen: int) -> None:
        self._path = path
        if path is None:
            return
        from toolkit.errors import UsageError
        from toolkit.integrations.airbyte.drift.offers import read_views

        self._views = read_views(path)
        if not isinstance(self._views, dict) and chosen > 1:
            raise UsageError(
                f"{path} holds one catalog, and {chosen} connections are looked at.",
                "Whose catalog it is cannot be known, so nothing was done.",
                "Name the connection, or give a file with a catalog for each by its name.",
            )

    def __bool__(self) -> bool:
        return self._path is not None

    def of(self, connection: str) -> "tuple[str, View | None]":
        """The file's name, and what it holds of a connection."""
        assert self._path is not None
        if isinstance(self._views, dict):
            return self._path.name, self._views.get(connection)
        return self._path.name, self._views


def _save(path: Path, catalogs: "Mapping[str, Catalog]") -> None:
    from toolkit.report.files import json_text, write_atomically

    write_atomically(path, json_text(catalogs))


def _rendered(
    project: "Project", drifts: "list[ConnectionDrift]", form: str, *, everything: bool
) -> str:
    from toolkit.masking import Masker
    from toolkit.report.drift import DriftReport
    from toolkit.report.files import json_text

    settings = project.settings
    report = DriftReport(project.graph, drifts, settings.project_dir, everything=everything)
    if form == "json":
        text = json_text(report.document(project.name, settings.target))
    elif form == "markdown":
        text = report.markdown()
    elif drifts:
        text = report.text(_painter())
    else:
        text = "No connections are enabled (`connections:` in toolkit.yml).\n"
    return Masker(settings.secrets).mask(text)


def _painter() -> Callable[[str, str], str]:
    """Colours on a terminal, plain text elsewhere."""
    from toolkit.cli.console import out

    console = out()
    if not console.is_terminal or console.no_color:
        return lambda _, text: text
    return lambda verdict, text: click.style(text, fg=VERDICT_COLORS[verdict], bold=True)
