"""``toolkit lineage``: where a column comes from, and who uses it."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from toolkit.cli.console import GATE
from toolkit.cli.loading import load_project
from toolkit.cli.options import artifact_options, output_options, project_options
from toolkit.cli.written import OutputFile, format_options, give

if TYPE_CHECKING:
    from toolkit.lineage import Lineage
    from toolkit.project import Project

_FORMATS = ["text", "json", "html", "openlineage", "mermaid", "dot", "csv"]


@click.command()
@click.argument("asset", required=False)
@click.option("--upstream", is_flag=True, help="Only what it comes from.")
@click.option("--downstream", is_flag=True, help="Only what uses it.")
@click.option("--depth", type=click.IntRange(min=1), help="How many assets away to go.")
@format_options(_FORMATS)
@click.option(
    "--output", "-o", type=OutputFile(_FORMATS), metavar="FILE",
    help="Write to this file instead of standard output.",
)  # fmt: skip
@click.option(
    "--namespace", metavar="URI",
    help="With --format openlineage: where the tables live, such as postgres://host:5432. "
    "Default: as the profile says.",
)  # fmt: skip
@click.option(
    "--min-coverage", type=click.FloatRange(0, 100), metavar="N",
    help="Exit with 3 unless N percent of the assets that have something to trace are traced in "
    "full; partial and opaque ones are not. With ASSET, it and what is reached from it count.",
)  # fmt: skip
@project_options
@artifact_options
@output_options
def lineage(
    asset: str | None, upstream: bool, downstream: bool, depth: int | None, form: str,
    output: Path | None, namespace: str | None, min_coverage: float | None, **options: Any,
) -> None:  # fmt: skip
    """Trace columns: the whole graph, or one ASSET or ASSET.COLUMN up and down.

    ASSET is a key (model.shop.customers) or a name (customers; dim.v2 and dim_v2 for a version).
    """
    from toolkit.cli.console import show_problems
    from toolkit.cli.names import resolve

    project = load_project(options)
    traced = project.lineage()
    key, column = resolve(project.graph, traced, asset) if asset is not None else (None, None)
    if upstream == downstream:  # neither or both: both ways
        upstream = downstream = True
    directions: list[Literal["upstream", "downstream"]] = []
    directions += ["upstream"] if upstream else []
    directions += ["downstream"] if downstream else []
    if form == "openlineage":
        keys = None if key is None else _around(project, key, directions, depth)
        if key is not None and column is not None:
            part = traced.only([getattr(traced, way)(key, column, depth) for way in directions])
            keys = {key, *part.columns}
        text = _openlineage(project, traced, keys, namespace, quiet=options["quiet"])
    elif form == "html":
        text = _html(project, traced, key, column, directions, depth)
    elif form == "text" and depth is None:
        text = _text(project, traced, key, column, directions)
    else:
        text = _data(project, traced, key, column, directions, depth, form)
    give(text, output)
    if not options["quiet"] and key is None:
        show_problems(traced.problems, limit=5)
    if min_coverage is not None:
        keys = None if key is None else _around(project, key, directions, depth)
        _hold_to(min_coverage, traced, keys, quiet=options["quiet"])


def _around(
    project: "Project", key: str, directions: "list[Literal['upstream', 'downstream']]",
    depth: int | None,
) -> set[str]:  # fmt: skip
    """The asset and those that depend on it or that it depends on, whether traced or not."""
    keys = {key}
    keys |= project.graph.ancestors([key], depth) if "upstream" in directions else set()
    keys |= project.graph.descendants([key], depth) if "downstream" in directions else set()
    return keys


def _hold_to(asked: float, traced: "Lineage", keys: set[str] | None, *, quiet: bool) -> None:
    """Say how much is traced in full; leave with 3 where that is less than what was asked."""
    coverage = traced.coverage_of(keys)
    reached = coverage.full * 100 >= asked * coverage.assets
    if reached and quiet:
        return
    figure = (
        f"{math.floor(coverage.full * 1000 / coverage.assets) / 10:.1f} % "
        f"({coverage.full:,} of {coverage.assets:,} assets are traced in full)"
        if coverage.assets
        else "no asset has anything to trace"
    )
    below = "" if reached else f", below the {asked:g} % asked for (--min-coverage)"
    click.echo(f"column lineage coverage: {figure}{below}", err=True)
    if not reached:
        click.get_current_context().exit(GATE)


def _openlineage(
    project: "Project", traced: "Lineage", keys: set[str] | None, namespace: str | None, *,
    quiet: bool,
) -> str:  # fmt: skip
    import os
    from datetime import UTC, datetime
    from importlib.metadata import version

    from toolkit.masking import Masker
    from toolkit.report.lineage.openlineage import OpenLineage
    from toolkit.report.lineage.openlineage_names import dataset_namespace

    settings = project.settings
    where = namespace or dataset_namespace(project.dialect, settings.profile)
    if where is None:
        where = f"{project.dialect}://{project.name}"
        if not quiet:
            click.echo(
                f"The tables' OpenLineage namespace is not known, so it is {where}: other tools "
                "call the same tables otherwise; give --namespace.",
                err=True,
            )
    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")  # reproducible output, as elsewhere
    at = datetime.fromtimestamp(int(epoch), UTC) if epoch.isdecimal() else datetime.now(UTC)
    events = OpenLineage(
        project.graph, traced, project=project.name, namespace=where,
        at=at.isoformat(timespec="seconds"), version=version("toolkit"),
    )  # fmt: skip
    return Masker(settings.secrets).mask(events.ndjson(keys))


def _text(
    project: "Project", traced: "Lineage", key: str | None, column: str | None,
    directions: "list[Literal['upstream', 'downstream']]",
) -> str:  # fmt: skip
    from toolkit.report.lineage.text import asset_tree, column_tree, lineage_summary

    if key is None:
        return lineage_summary(project.graph, traced)
    if column is None:
        return asset_tree(project.graph, traced, key, directions)
    return column_tree(project.graph, traced, key, column, directions)


def _html(
    project: "Project", traced: "Lineage", key: str | None, column: str | None,
    directions: "list[Literal['upstream', 'downstream']]", depth: int | None,
) -> str:  # fmt: skip
    """The report's page, of the traced part only."""
    from toolkit.cli.commands.report import report_data
    from toolkit.report.page.html import render_report
    from toolkit.report.page.part import part_of

    data = report_data(project, traced)
    if key is None:
        return render_report(data)
    if column is None:
        return render_report(part_of(data, _around(project, key, directions, depth), traced))
    part = traced.only([getattr(traced, way)(key, column, depth) for way in directions])
    return render_report(part_of(data, {key, *part.columns}, part))


def _data(
    project: "Project", traced: "Lineage", key: str | None, column: str | None,
    directions: "list[Literal['upstream', 'downstream']]", depth: int | None, form: str,
) -> str:  # fmt: skip
    from toolkit.report.files import json_text
    from toolkit.report.lineage import formats as lineage_formats

    part, keys, coverage = traced, None, traced.coverage
    if key is not None:
        part = traced.only([getattr(traced, way)(key, column, depth) for way in directions])
        keys = {key, *part.columns}
        coverage = traced.coverage_of(_around(project, key, directions, depth))
    if form == "csv":
        return lineage_formats.lineage_csv(part)
    if form in ("mermaid", "dot"):
        if key is not None and column is None:
            keys = _around(project, key, directions, depth)
        draw = lineage_formats.mermaid if form == "mermaid" else lineage_formats.dot
        return draw(project.graph, keys)
    document = lineage_formats.lineage_document(
        project.name, project.settings.target, project.dialect, project.graph, part, coverage
    )
    if keys is not None:
        document["assets"] = {k: v for k, v in document["assets"].items() if k in keys}
        document["problems"] = [p for p in document["problems"] if p["asset"] in keys]
    if form == "text":  # with a depth: the edges as lines
        return "".join(
            f"{'.'.join(e.source)} -> {'.'.join(e.target)}  {e.subtype}\n"
            for e in part.column_edges
        ) + "".join(
            f"{'.'.join(e.source)} -> {e.target}  {e.subtype} (all rows)\n"
            for e in part.asset_edges
        )
    return json_text(document)
