"""``toolkit report``: the one-file HTML report and the JSON beside it."""

import time
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from toolkit.cli.loading import load_project
from toolkit.cli.options import artifact_options, output_options, project_options

if TYPE_CHECKING:
    from toolkit.lineage import Lineage
    from toolkit.project import Project
    from toolkit.report.data import ReportData

_RUNS = 50


@click.command()
@click.option(
    "--output", "-o", type=click.Path(path_type=Path, dir_okay=False),
    help="Write the HTML to this file. Default: report.html in target/toolkit.",
)  # fmt: skip
@project_options
@artifact_options
@output_options
def report(output: Path | None, **options: Any) -> None:
    """Write report.html, lineage.json and graph.json."""
    project = load_project(options)
    path = write_all(project, output)
    click.echo(path)


def write_all(project: "Project", output: Path | None = None) -> Path:
    """Write the report and its JSON; give the report's path.

    Raises:
        ToolkitError: an artifact cannot be read, or the folder cannot be written.
    """
    from toolkit.errors import ToolkitError
    from toolkit.report.files import write_json
    from toolkit.report.graph_json import graph_document
    from toolkit.report.html import write_report
    from toolkit.report.lineage_formats import lineage_document

    settings = project.settings
    folder = settings.output_dir
    path = output if output is not None else folder / "report.html"
    traced = project.lineage()
    secrets = settings.secrets
    try:
        write_json(
            folder / "lineage.json",
            lineage_document(project.name, settings.target, project.dialect, project.graph, traced),
            secrets,
        )
        document = graph_document(project.name, settings.target, project.graph)
        write_json(folder / "graph.json", document, secrets)
        write_report(report_data(project, traced), path)
    except OSError as error:
        raise ToolkitError(
            f"{error.filename or path} cannot be written: {error.strerror}.",
            "An earlier report, where there is one, was left as it was.",
            "Make the folder writable, or name another file with --output.",
        ) from error
    return path


def report_data(project: "Project", traced: "Lineage") -> "ReportData":
    """Graph, lineage and ledger as the report wants them."""
    from toolkit.report.data import AssetState, ReportData, RunRecord

    settings = project.settings
    runs: tuple[RunRecord, ...] = ()
    with project.ledger() as ledger:
        if settings.manifest is None and ledger is not None:
            runs = tuple(RunRecord(run, tuple(ledger.steps(run.id))) for run in ledger.runs(_RUNS))
    history = project.history()
    known = {
        key: AssetState(state=state.state, reason=state.reason)
        for key, state in (project.states() if runs else {}).items()
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
        runs=runs,
        materializations=history.latest,
        results=history.last_steps,
        states=known,
        secrets=settings.secrets,
    )
