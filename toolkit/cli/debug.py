"""``toolkit debug``: is everything in place, and if not, what to do."""

import platform
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

import click

from toolkit.cli.console import plural
from toolkit.cli.debug_sources import sources_text
from toolkit.cli.loading import load_project
from toolkit.cli.options import output_options, project_options
from toolkit.errors import Problem, ToolkitError

if TYPE_CHECKING:
    from toolkit.project import Project

_PACKAGES = (
    "toolkit", "dbt-core", "dbt-adapters", "dbt-duckdb", "duckdb", "sqlglot", "pyarrow",
    "airbyte-api", "networkx", "scikit-learn",
)  # fmt: skip


@click.command()
@project_options
@output_options
def debug(**options: Any) -> int:
    """Check versions, profile, warehouse, connectors, unmatched streams and opaque models.

    Exit code: 0 when nothing is wrong, 1 when something needs mending.
    """
    _versions()
    project = load_project(options)  # a broken project is an error of its own, exit code 2
    settings = project.settings
    _line("ok", "project", f"{project.name} in {settings.project_dir}")
    profile = settings.profile
    kind = profile.type if profile else "unknown adapter"
    _line("ok", "profile", f"{settings.profile_name}, target {settings.target} ({kind})")
    config = settings.config_file
    _line("ok", "toolkit.yml", str(config) if config else "none: a plain dbt project is fine")
    parts = (("server", _server), ("warehouse", _warehouse), ("graph", _graph))
    failures = sum(_try(name, part, project) for name, part in parts)
    if failures == 0:
        failures += _try("sources", lambda project: sources_text(project.graph), project)
        failures += _try("lineage", _lineage, project)
        problems = (*project.problems,)
        failures += _problems(problems)
    click.echo(
        "All is in place." if failures == 0 else f"{plural(failures, 'thing')} to mend, see above."
    )
    return 1 if failures else 0


def _versions() -> None:
    found = []
    for package in _PACKAGES:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            found.append(f"{package} not installed")
    _line("ok", "versions", f"Python {platform.python_version()}, " + ", ".join(found))


def _try(name: str, part: Callable[["Project"], str], project: "Project") -> int:
    try:
        _line("ok", name, part(project))
    except ToolkitError as error:
        _line("wrong", name, " ".join((error.fact, error.next_step)).strip())
        return 1
    return 0


def _server(project: "Project") -> str:
    if project.settings.airbyte.run != "remote":
        return "none: connectors run here"
    problems = project.refresh()
    for problem in problems:
        _problem(problem)
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


def _lineage(project: "Project") -> str:
    lineage = project.lineage()
    covered = lineage.coverage
    for problem in lineage.problems:
        if problem.severity != "info":
            _problem(problem)
    return (
        f"{covered.columns:,} columns; of {plural(covered.assets, 'asset')} {covered.full} full, "
        f"{covered.partial} partial, {covered.opaque} opaque"
    )


def _problems(problems: tuple[Problem, ...]) -> int:
    for problem in sorted(problems, key=lambda p: (p.severity, p.code, p.asset or "")):
        _problem(problem)
    return sum(problem.severity == "error" for problem in problems)


def _problem(problem: Problem) -> None:
    word = {"error": "wrong", "warning": "look", "info": "note"}[problem.severity]
    place = ""
    if problem.path:
        place = f" [{problem.path}{f':{problem.line}' if problem.line else ''}]"
    first, *more = problem.message.splitlines()
    _line(word, problem.code, first + place)
    for line in more:
        click.echo(f"{'':25}{line}")


def _line(word: str, name: str, text: str) -> None:
    colors = {"ok": "green", "look": "yellow", "wrong": "red", "note": "blue"}
    click.echo(f"{click.style(f'{word:<5}', fg=colors[word])}  {name:<16}  {text}")
