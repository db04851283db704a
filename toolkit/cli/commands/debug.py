"""``toolkit debug``: is everything in place, and if not, what to do."""

import platform
from collections.abc import Callable, Iterable
from importlib.metadata import PackageNotFoundError, version
from itertools import groupby
from typing import TYPE_CHECKING, Any

import click

from toolkit.cli.commands.debug_sources import loaders_known, sources_text
from toolkit.cli.console import plural, where
from toolkit.cli.loading import load_project
from toolkit.cli.options import output_options, project_options
from toolkit.cli.written import format_options
from toolkit.errors import Problem, ToolkitError
from toolkit.text import printable

if TYPE_CHECKING:
    from toolkit.graph.unmatched import Unmatched
    from toolkit.project import Project

_PACKAGES = (
    "toolkit", "dbt-core", "dbt-adapters", "dbt-duckdb", "duckdb", "sqlglot", "pyarrow",
    "airbyte-api", "networkx", "scikit-learn",
)  # fmt: skip

_WORDS = {"error": "wrong", "warning": "look", "info": "note"}
_NOTES = 3  # of one sort, as text


class _Findings:
    """What was looked at and what was found; said at once, or kept for one JSON document.

    Attributes:
        failures: how many things are to mend.
        looks: how many are to look at.
    """

    def __init__(self, *, as_json: bool) -> None:
        self.failures = 0
        self.looks = 0
        self._as_json = as_json
        self._checks: list[dict[str, str]] = []
        self._problems: list[dict[str, Any]] = []
        self._unmatched: list[dict[str, Any]] = []

    def check(self, name: str, text: str, *, status: str = "ok", next_step: str = "") -> None:
        """One line: ``ok`` or ``wrong``, what it is about, what is so and what to do."""
        self.failures += status == "wrong"
        self._checks.append({"status": status, "name": name, "text": text, "next": next_step})
        if not self._as_json:
            _line(status, name, " ".join((text, next_step)).strip())

    def run(self, name: str, part: Callable[[], str]) -> None:
        """A check that may fail."""
        try:
            self.check(name, part())
        except ToolkitError as error:
            self.check(name, error.fact, status="wrong", next_step=error.next_step)

    def problem(self, problem: Problem) -> None:
        """A problem of the graph, the lineage or the server."""
        self.failures += problem.severity == "error"
        self.looks += problem.severity == "warning"
        if not self._as_json:
            _problem(problem)
            return
        from toolkit.report.lineage.formats import problem_document

        self._problems.append(problem_document(problem))

    def problems(self, found: Iterable[Problem]) -> None:
        """All of the graph; as text, many notes of one sort are a few and their number."""
        order = sorted(found, key=lambda p: (p.severity, p.code, p.asset or ""))
        for (severity, code), alike in groupby(order, key=lambda p: (p.severity, p.code)):
            shown = list(alike)
            rest = len(shown) - _NOTES
            if severity == "info" and rest > 1 and not self._as_json:
                shown = shown[:_NOTES]
            else:
                rest = 0
            for problem in shown:
                self.problem(problem)
            if rest:
                _line("note", code, f"... and {rest:,} more; --json lists all of them.")

    def unmatched(self, items: "tuple[Unmatched, ...]") -> None:
        """Streams and sources that were not joined; as text they are problems."""
        from toolkit.report.graph_json import unmatched_document

        self._unmatched = [unmatched_document(item) for item in items]

    def end(self) -> None:
        """The last line, or the document."""
        if self._as_json:
            import json

            document = {
                "ok": self.failures == 0,
                "checks": self._checks,
                "problems": self._problems,
                "unmatched": self._unmatched,
            }
            click.echo(json.dumps(document, indent=2))
        elif self.failures:
            click.echo(f"{plural(self.failures, 'thing')} to mend, see above.")
        elif self.looks:
            click.echo(f"Nothing to mend; {plural(self.looks, 'thing')} to look at.")
        else:
            click.echo("All is in place.")


@click.command()
@format_options()
@project_options
@output_options
def debug(form: str, **options: Any) -> int:
    """Check versions, profile, warehouse, connectors, unmatched streams and opaque models.

    Exit code: 0 when nothing is wrong, 1 when something needs mending.
    """
    as_json = form == "json"
    findings = _Findings(as_json=as_json)
    findings.check("versions", _versions())
    try:
        project = load_project(options)
    except ToolkitError as error:  # a broken project is an error of its own, exit code 2
        if as_json:
            findings.check("project", error.fact, status="wrong", next_step=error.next_step)
            findings.end()
        raise
    settings = project.settings
    findings.check("project", f"{project.name} in {settings.project_dir}")
    profile = settings.profile
    kind = profile.type if profile else "unknown adapter"
    findings.check("profile", f"{settings.profile_name}, target {settings.target} ({kind})")
    config = settings.config_file
    findings.check("toolkit.yml", str(config) if config else "none: a plain dbt project is fine")
    findings.run("server", lambda: _server(project, findings))
    findings.run("warehouse", lambda: _warehouse(project))
    findings.run("graph", lambda: _graph(project))
    if findings.failures == 0:
        findings.run("sources", lambda: sources_text(project.graph))
        findings.run("lineage", lambda: _lineage(project, findings))
        whole = as_json or loaders_known(project.graph)
        findings.problems(p for p in project.problems if whole or p.code != "unmatched-source")
        if as_json:
            findings.unmatched(project.graph.unmatched)
    findings.end()
    return 1 if findings.failures else 0


def _versions() -> str:
    found = []
    for package in _PACKAGES:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            found.append(f"{package} not installed")
    return f"Python {platform.python_version()}, " + ", ".join(found)


def _server(project: "Project", findings: _Findings) -> str:
    if project.settings.airbyte.run != "remote":
        return "none: connectors run here"
    problems = project.refresh()
    for problem in problems:
        findings.problem(problem)
    return "not read now, see above" if problems else "its connections are up to date"


def _warehouse(project: "Project") -> str:
    profile = project.settings.profile
    if profile is None or profile.type != "duckdb" or profile.path is None:
        return "not DuckDB; `dbt debug` tests the connection"
    if not profile.path.startswith(("md:", ":memory:")):
        from toolkit.warehouse import Warehouse

        Warehouse(profile).close()
    return f"DuckDB at {profile.path} can be opened"


def _graph(project: "Project") -> str:
    graph = project.graph
    kinds: dict[str, int] = {}
    for asset in graph:
        kinds[asset.kind] = kinds.get(asset.kind, 0) + 1
    parts = ", ".join(plural(count, kind) for kind, count in kinds.items())
    return f"{plural(len(graph), 'asset')} ({parts}), {plural(len(graph.checks), 'check')}"


def _lineage(project: "Project", findings: _Findings) -> str:
    lineage = project.lineage()
    covered = lineage.coverage
    for problem in lineage.problems:
        if problem.severity != "info":
            findings.problem(problem)
    return (
        f"{covered.columns:,} columns; of {plural(covered.assets, 'asset')} {covered.full} full, "
        f"{covered.partial} partial, {covered.opaque} opaque"
    )


def _problem(problem: Problem) -> None:
    first, *more = problem.message.splitlines()
    _line(_WORDS[problem.severity], problem.code, first + where(problem))
    for line in more:
        click.echo(f"{'':25}{printable(line)}")


def _line(word: str, name: str, text: str) -> None:
    colors = {"ok": "green", "look": "yellow", "wrong": "red", "note": "blue"}
    click.echo(f"{click.style(f'{word:<5}', fg=colors[word])}  {name:<16}  {printable(text)}")
