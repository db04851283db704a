"""``toolkit build``: bring it up to date."""

import contextlib
from typing import TYPE_CHECKING, Any

import click

from toolkit.cli.loading import load_project, selected, selection_words
from toolkit.cli.options import output_options, project_options, selection_options

if TYPE_CHECKING:
    from toolkit.project import Project
    from toolkit.run import BuildResult


@click.command()
@click.option(
    "--full-refresh", "-f", is_flag=True,
    help="Drop incremental models and connector states, and make them anew.",
)  # fmt: skip
@click.option(
    "--sample", type=click.IntRange(min=1), metavar="N",
    help="Stop each stream after N rows, for development. The next build without it loads all.",
)  # fmt: skip
@click.option("--fail-fast/--no-fail-fast", "-x", help="Begin no new step after a failure.")
@click.option(
    "--engine", type=click.Choice(["auto", "gated", "runner", "cli"]), default="auto",
    help="How dbt is run: gated (one invocation), runner (one for each segment), cli (the "
    "dbt executable). Default: the best one that this dbt allows.",
)  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Show what would run, as `toolkit plan`.")
@project_options
@selection_options
@output_options
def build(
    full_refresh: bool, sample: int | None, fail_fast: bool, dry_run: bool, **options: Any
) -> int:
    """Ingest, run dbt and call Python assets in dependency order.

    A failed step or a failed test of severity error blocks what is downstream of it and
    nothing else. Exit code: 0 all is well, 1 something failed.
    """
    from toolkit.cli.console import plural, show_problems
    from toolkit.run.progress import progress

    project = load_project(options)
    quiet = options["quiet"] or options["log_format"] == "json"
    tolerated = () if dry_run else project.refresh()
    if not quiet:
        show_problems((*tolerated, *project.problems), limit=5)
    selected(project, options)
    words = selection_words(options)
    plan = project.plan(**words, full_refresh=full_refresh)
    if dry_run:
        from toolkit.cli.plan import show_plan

        show_plan(plan, as_json=False, quiet=quiet)
        return 0
    if not plan.steps:
        if not quiet:
            click.echo("Nothing to build: no selected asset is made by anything.", err=True)
        return 0
    if not quiet:
        click.echo(f"Building {plural(len(plan.steps), 'step')} for {project.name}, "
                   f"target {project.settings.target}.", err=True)  # fmt: skip
    display = progress(
        plan, project.graph, log_format=options["log_format"], quiet=options["quiet"]
    )
    listeners = [display.on_event] if display else []
    with display or contextlib.nullcontext():
        result = project.build(
            **words, full_refresh=full_refresh, sample=sample, fail_fast=fail_fast, plan=plan,
            listeners=listeners,
        )  # fmt: skip
    write_results(project, result)
    if not quiet:
        summarize(project, result)
    return result.exit_code


def write_results(project: "Project", result: "BuildResult") -> None:
    """Write run_results.json and junit.xml for every step of the run."""
    from toolkit.report.junit import write_junit
    from toolkit.report.run_results import write_run_results

    folder = project.settings.output_dir
    graph, secrets = project.graph, project.settings.secrets
    write_run_results(folder / "run_results.json", result.run, result.steps, graph, secrets)
    write_junit(folder / "junit.xml", result.run, result.steps, graph, project.name, secrets)


def summarize(project: "Project", result: "BuildResult") -> None:
    """A table of what was done by kind, then every failure with its message."""
    from rich.table import Table

    from toolkit.cli.console import err, plural, seconds

    console, graph = err(), project.graph
    statuses = ["success", "pass", "warn", "fail", "error", "skipped", "no-op"]
    kinds: dict[str, list[str]] = {}
    for step in result.steps:
        kind = graph[step.step].kind if step.step in graph else step.kind
        kinds.setdefault(kind, []).append(step.status)
    shown = [status for status in statuses if any(status in found for found in kinds.values())]
    table = Table("kind", *shown, box=None, pad_edge=False, header_style="bold")
    for column in table.columns[1:]:
        column.justify = "right"
    for kind, found in kinds.items():
        table.add_row(kind, *(f"{found.count(status):,}" or "" for status in shown))
    console.print()
    console.print(table)
    failed = [step for step in result.steps if step.status in ("error", "fail")]
    for step in failed:
        console.print()
        console.print(f"[bold red]{step.status.upper()}[/] {step.step}")
        path = _path(project, step.step)
        if path:
            console.print(f"  {path}")
        for line in step.message.strip().splitlines():
            console.print("  " + line, markup=False)
    for message in result.errors:
        console.print("\n[bold red]ERROR[/]")
        console.print(message, markup=False)
    run = result.run
    took = seconds((run.finished_at or run.started_at) - run.started_at)
    rows = sum(step.rows or 0 for step in result.steps if step.kind == "sync")
    landed = f", {plural(rows, 'row')} landed" if rows else ""
    done = plural(len(result.steps), "step")
    click.echo(err=True)
    if failed or result.errors:
        click.echo(f"{len(failed)} of {done} failed in {took}{landed}. Run {run.id}; "
                   f"`toolkit runs {run.id}` shows all steps.", err=True)  # fmt: skip
    else:
        click.echo(f"{done} done in {took}{landed}. Run {run.id}.", err=True)


def _path(project: "Project", key: str) -> str | None:
    if key in project.graph.checks:
        return project.graph.checks[key].path
    return project.graph[key].path if key in project.graph else None
