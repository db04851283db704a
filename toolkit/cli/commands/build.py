"""``toolkit build``: bring it up to date."""

import contextlib
from typing import TYPE_CHECKING, Any

import click

from toolkit.cli.loading import load_project, selected, selection_words
from toolkit.cli.options import output_options, project_options, selection_options

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from toolkit.errors import ToolkitError
    from toolkit.ledger import Run, StepRow
    from toolkit.plan import Plan
    from toolkit.project import Project
    from toolkit.run.progress import Progress


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
@click.option(
    "--publish", is_flag=True,
    help="Build into a copy of the DuckDB file; it takes the file's place when every step and "
    "every check of severity error has passed.",
)  # fmt: skip
@click.option(
    "--force", is_flag=True, help="Run everything that is selected, also what is up to date."
)
@click.option(
    "--resume", is_flag=True,
    help="Go on with the last build if it did not end well, a killed one too: the same selection, "
    "without what ended well in it.",
)  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Show what would run, as `toolkit plan`.")
@project_options
@selection_options
@output_options
@click.pass_context
def build(
    ctx: click.Context,
    /,
    full_refresh: bool,
    force: bool,
    resume: bool,
    sample: int | None,
    fail_fast: bool,
    publish: bool,
    dry_run: bool,
    **options: Any,
) -> int:
    """Ingest, run dbt and call Python assets in dependency order.

    What is up to date is left out; `toolkit plan` says why. A failed step or a failed check of
    severity error blocks what is downstream of it and nothing else. Exit code: 0 all is well, 1
    something failed.
    """
    from toolkit.cli.console import show_problems

    project = load_project(options)
    as_json = options["log_format"] == "json"
    quiet = options["quiet"] or as_json
    tolerated = () if dry_run else project.refresh()
    if not options["quiet"]:
        show_problems((*tolerated, *project.problems), limit=5, as_json=as_json)
    selected(project, options)
    if publish and resume:
        raise _fresh_copy()
    how = {**selection_words(options), "full_refresh": full_refresh, "force": force}
    how |= _resumed(project, how) if resume else {}
    plan = project.plan(**how)
    if dry_run:
        from toolkit.cli.commands.plan import show_plan

        show_plan(plan, as_json=False, quiet=quiet)
        return 0
    if not plan.to_run:
        project.confirm(plan)
        _nothing(project, plan, as_json=as_json, quiet=quiet)
        remember(ctx, project, plan, quiet=quiet)
        return 0
    more = {"sample": sample, "fail_fast": fail_fast, "publish": publish}
    return _run(ctx, project, plan, how | more, options)


def _fresh_copy() -> "ToolkitError":
    from toolkit.errors import UsageError

    return UsageError(
        "--publish begins with a copy of what is live, and --resume goes on in what is there.",
        "It is not clear which is meant, so nothing was run.",
        "Leave out --resume: with --publish, too, only what is not up to date is run.",
    )


def _resumed(project: "Project", how: dict[str, Any]) -> dict[str, Any]:
    """As the last build was called, if it did not end well; a selection that is given counts."""
    from toolkit.recall import options_of

    run = project.unfinished()
    if run is None:
        return {}
    before = options_of(run)
    chosen = {key: how[key] for key in ("select", "exclude") if how[key]}
    full = how["full_refresh"] or bool(before.get("full_refresh"))
    return {**(before if not chosen else {}), "full_refresh": full, "resumed": run}


def _run(
    ctx: click.Context,
    project: "Project",
    plan: "Plan",
    how: dict[str, Any],
    options: "Mapping[str, Any]",
) -> int:
    from toolkit.cli.commands.build_summary import summarize
    from toolkit.cli.console import plural
    from toolkit.run.progress import progress

    as_json = options["log_format"] == "json"
    quiet = options["quiet"] or as_json
    if not quiet:
        click.echo(f"Building {plural(len(plan.to_run), 'step')} for {project.name}, "
                   f"target {project.settings.target}{_into(project, how)}.", err=True)  # fmt: skip
    display = progress(
        plan, project.graph, log_format=options["log_format"], quiet=options["quiet"],
        durations=_durations(project), threads=project.settings.threads,
    )  # fmt: skip
    watch = _Watch(ctx, project, plan, display)
    with watch, display or contextlib.nullcontext():
        result = project.build(
            **how, plan=plan, listeners=[display.on_event] if display else [], on_run=watch.on_run
        )
    if not as_json:
        summarize(project, result, only_failures=quiet)
    if result.publication is not None:
        from toolkit.cli.commands.rollback import tell_publication

        tell_publication(result.publication, as_json=as_json, quiet=quiet)
    if result.exit_code == 0 and not as_json and not how["full_refresh"]:
        selection = {name: how[name] for name in _SELECTION}
        remember(ctx, project, project.plan(**selection), quiet=quiet)
    return result.exit_code


_SELECTION = (
    "select", "exclude", "indirect", "state", "resource_types", "exclude_resource_types",
)  # fmt: skip


def remember(ctx: click.Context, project: "Project", plan: "Plan", *, quiet: bool) -> None:
    """Note for the next build that it has nothing to do, if so; see :mod:`toolkit.cli.quick`."""
    from toolkit.cli import quick

    words = ctx.obj.get("words") if isinstance(ctx.obj, dict) else None
    if plan.to_run or not plan.steps or plan.same_code or not words:
        return
    with contextlib.suppress(OSError):  # only a help
        if quick.note(project, words, up_to_date(plan), quiet=quiet):
            folder = quick.results_folder(project, words)
            write_results(project, *nothing_ran(project, plan), folder=folder)


def _into(project: "Project", how: "Mapping[str, Any]") -> str:
    """That a copy is made, and of how much: it may take a while."""
    profile = project.settings.profile
    if not how["publish"] or profile is None or profile.file is None or not profile.file.exists():
        return ""
    size = profile.file.stat().st_size / 1_000_000
    return f", in a copy of {profile.file.name} ({size:,.1f} MB)"


def _durations(project: "Project") -> dict[str, float]:
    """Seconds that each step took when it last succeeded."""
    with project.ledger() as ledger:
        return ledger.durations(project.settings.target) if ledger is not None else {}


class _Watch:
    """Writes run_results.json and junit.xml when the run has ended, however it ended.

    CI uploads what it finds there: results of the run before would be a lie.
    """

    def __init__(
        self, ctx: click.Context, project: "Project", plan: "Plan", display: "Progress | None"
    ) -> None:
        self._ctx, self._project, self._plan, self._display = ctx, project, plan, display
        self._run: Run | None = None

    def on_run(self, run: "Run") -> None:
        """Note the run: when it begins, and when it has ended."""
        self._run = run
        if isinstance(self._ctx.obj, dict):
            self._ctx.obj["run"] = run
        if self._display is not None:
            self._display.on_run(run)

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        from toolkit.errors import ToolkitError

        if self._run is None:
            return
        # what stopped the run is to be told, not what followed from it
        meanwhile = contextlib.suppress(*((ToolkitError, OSError) if kind else ()))
        with meanwhile:
            write_results(self._project, self._run, self._plan)


def _nothing(project: "Project", plan: "Plan", *, as_json: bool, quiet: bool) -> None:
    """Say that nothing is to do, and write the results of that; the ledger keeps none."""
    from toolkit.cli.console import json_line

    write_results(project, *nothing_ran(project, plan))
    said = "Nothing to build: no selected asset is made by anything."
    if plan.steps:
        said = up_to_date(plan)
    if as_json:
        json_line("note", message=said)
    elif not quiet:
        click.echo(said, err=True)


def up_to_date(plan: "Plan") -> str:
    """What a build says that has nothing to do."""
    from toolkit.cli.console import plural

    return f"Nothing to do: {plural(len(plan.steps), 'step')} up to date."


def nothing_ran(project: "Project", plan: "Plan") -> "tuple[Run, Plan, list[StepRow]]":
    """A run in which every step was up to date, for its results."""
    from toolkit.run import ended, new_run
    from toolkit.run.journal import rows_of

    run = new_run(project.settings.target)
    return ended(run), plan, list(rows_of(plan, run).values())


def write_results(
    project: "Project",
    run: "Run",
    plan: "Plan",
    steps: "list[StepRow] | None" = None,
    folder: "Path | None" = None,
) -> None:
    """Write run_results.json and junit.xml of a run.

    Args:
        steps: default: as the ledger has them.
        folder: default: where people look for them.

    Raises:
        LedgerError, OSError: it cannot be read, or they cannot be written.
    """
    from toolkit.report.junit import write_junit
    from toolkit.report.run_results import write_run_results

    folder = folder or project.settings.output_dir
    graph, secrets = project.graph, project.settings.secrets
    if steps is None:
        with project.ledger() as ledger:
            steps = ledger.steps(run.id) if ledger is not None else []
    unmade = [item.asset for item in plan.unmade]
    write_run_results(folder / "run_results.json", run, steps, graph, secrets, unmade)
    write_junit(folder / "junit.xml", run, steps, graph, project.name, secrets)
