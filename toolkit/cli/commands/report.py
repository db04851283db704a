"""``toolkit report``: the one-file HTML report and the JSON beside it."""

import time
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from toolkit.cli.loading import load_project
from toolkit.cli.options import Paths, artifact_options, output_options, project_options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from toolkit.integrations.python.models.manage import ModelRow
    from toolkit.ledger import Ledger, ProfileRow
    from toolkit.lineage import Lineage
    from toolkit.project import Project
    from toolkit.report.page.data import ReportData, RunRecord
    from toolkit.rules import Finding

_RUNS = 50


@click.command()
@click.option(
    "--output", "-o", type=click.Path(path_type=Path, dir_okay=False),
    help="Write the HTML to this file. Default: report.html in target/toolkit.",
)  # fmt: skip
@click.option(
    "foreign", "--with", type=click.Path(path_type=Path), cls=Paths, multiple=True,
    help="Show what other tools found, too: the JSON of `sqlfluff lint --format "
    "json`, the run_results.json of a build of dbt-project-evaluator.",
)  # fmt: skip
@project_options
@artifact_options
@output_options
def report(output: Path | None, foreign: tuple[Path, ...], **options: Any) -> None:
    """Write report.html, lineage.json and graph.json."""
    project = load_project(options)
    path = write_all(project, output, foreign)
    click.echo(path)


def write_all(
    project: "Project", output: Path | None = None, foreign: "Sequence[Path]" = ()
) -> Path:
    """Write the report and its JSON; give the report's path.

    Args:
        foreign: files with what other tools found.

    Raises:
        ToolkitError: an artifact cannot be read, or the folder cannot be written.
    """
    from toolkit.errors import ToolkitError
    from toolkit.report.files import write_json
    from toolkit.report.graph_json import graph_document
    from toolkit.report.lineage.formats import lineage_document
    from toolkit.report.page.html import write_report

    settings = project.settings
    folder = settings.output_dir
    path = output if output is not None else folder / "report.html"
    traced = project.lineage()
    found = _findings(project, traced, foreign)
    secrets = settings.secrets
    try:
        write_json(
            folder / "lineage.json",
            lineage_document(project.name, settings.target, project.dialect, project.graph, traced),
            secrets,
        )
        document = graph_document(project.name, settings.target, project.graph)
        write_json(folder / "graph.json", document, secrets)
        write_report(report_data(project, traced, found), path)
    except OSError as error:
        raise ToolkitError(
            f"{error.filename or path} cannot be written: {error.strerror}.",
            "An earlier report, where there is one, was left as it was.",
            "Make the folder writable, or name another file with --output.",
        ) from error
    return path


def report_data(
    project: "Project", traced: "Lineage", found: "Sequence[Finding]" = ()
) -> "ReportData":
    """Graph, lineage and ledger as the report wants them.

    Args:
        found: what rules say.
    """
    from toolkit.report.page.data import AssetState, ReportData

    settings = project.settings
    runs: tuple[RunRecord, ...] = ()
    profiles: dict[str, list[ProfileRow]] = {}
    models: dict[str, ModelRow] = {}
    with project.ledger() as ledger:
        if settings.manifest is None and ledger is not None:
            runs = _records(ledger, settings.target)
            profiles = _profiles(project, ledger)
            models = _models(project, ledger)
    history = project.history()
    known = {
        key: AssetState(state=state.state, reason=state.reason)
        for key, state in (project.states(history) if runs else {}).items()
        if state.state != "outside"
    }
    return ReportData(
        project=project.name,
        target=settings.target,
        dialect=project.dialect,
        made_at=time.time(),
        version=version("toolkit"),
        graph=project.graph,
        lineage=traced,
        problems=(*project.problems, *traced.problems),
        findings=tuple(found),
        runs=runs,
        materializations=history.latest,
        results=history.last_steps,
        states=known,
        models=models,
        profiles=profiles,
        commit=_commit(settings.project_dir) if settings.manifest is None else None,
        secrets=settings.secrets,
    )


def _records(ledger: "Ledger", target: str) -> "tuple[RunRecord, ...]":
    """The newest runs with their steps, and what they made for ``target``."""
    from toolkit.report.page.data import RunRecord

    runs = ledger.runs(_RUNS)
    made = ledger.points(target, [run.id for run in runs])
    return tuple(
        RunRecord(run, tuple(ledger.steps(run.id)), tuple(made.get(run.id, ()))) for run in runs
    )


def _profiles(project: "Project", ledger: "Ledger") -> "dict[str, list[ProfileRow]]":
    """What was counted of each asset, the newest first; less of each, the more there are."""
    from toolkit.recall import seen_profiles

    points = max(4, min(20, 20_000 // max(1, len(project.graph.assets))))
    found = ledger.profiles.recent(project.settings.target, points)
    return {
        key: seen_profiles(rows, project.graph, project.settings)
        for key, rows in found.items()
        if key in project.graph
    }


def _models(project: "Project", ledger: "Ledger") -> "dict[str, ModelRow]":
    """The versions of each ML model of which any is stored."""
    wanted = {asset.name: asset.key for asset in project.graph if asset.kind == "ml_model"}
    if not wanted:
        return {}
    from toolkit.integrations.python.models.manage import model
    from toolkit.integrations.python.models.store import store_of

    store = store_of(project.settings, ledger)
    return {wanted[name]: model(store, ledger, name) for name in store.names() if name in wanted}


def _commit(folder: Path) -> str | None:
    """What is checked out there; ``None`` outside of a repository, or without git."""
    import subprocess

    command = ["git", "-C", str(folder), "rev-parse", "--verify", "--quiet", "HEAD"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None if done.returncode == 0 else None


def _findings(project: "Project", traced: "Lineage", foreign: "Sequence[Path]") -> "list[Finding]":
    """What `toolkit lint` would say, and what other tools have found."""
    from toolkit.rules import findings
    from toolkit.rules.foreign import read_foreign
    from toolkit.rules.lines import with_lines

    graph, settings = project.graph, project.settings
    ours = findings(graph, traced, settings, project=project.name, dialect=project.dialect)
    theirs = [one for path in foreign for one in read_foreign(path, graph, settings)]
    return [*with_lines(ours, graph, settings.project_dir), *theirs]
