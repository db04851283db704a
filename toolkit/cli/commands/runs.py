"""``toolkit runs``: what was done, when, and how it went."""

from typing import TYPE_CHECKING, Any

import click

from toolkit.cli.console import clock, plural, print_json, say, seconds
from toolkit.cli.loading import load_project
from toolkit.cli.options import output_options, project_options
from toolkit.cli.written import format_options
from toolkit.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from toolkit.ledger import Run, StepRow
    from toolkit.ledger.timing import Timing


@click.command()
@click.argument("run_id", required=False)
@format_options()
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    help="How many runs to list.",
)
@project_options
@output_options
def runs(run_id: str | None, form: str, limit: int, **options: Any) -> None:
    """List the last runs, or the steps of one run (its id, or a unique beginning of it).

    Of each step: how it ended, how long it took, how long it took before, how long it waited
    when it could have begun; * marks the chain of steps that decided when the run ended.
    """
    project = load_project(options)
    with project.ledger() as ledger:
        if run_id is None:
            _list(ledger.runs(limit) if ledger else [], form == "json")
            return
        run = ledger.run(run_id) if ledger else None
        if ledger is None or run is None:
            raise UsageError(
                f"There is no single run {run_id!r} here.",
                "No run has this id, or more than one begins with it.",
                "`toolkit runs` lists them all.",
            )
        expected = ledger.durations(run.target, run.started_at)
        show_run(run, ledger.steps(run.id), expected, form == "json")


def _list(found: "list[Run]", as_json: bool) -> None:
    if as_json:
        print_json(found)
    elif not found:
        click.echo("Nothing was built here yet; `toolkit build` begins.", err=True)
    else:
        for run in found:
            took = seconds(run.finished_at - run.started_at) if run.finished_at else "-"
            say(
                f"{run.id}  {clock(run.started_at)}  {run.status:<11}  {took:>12}  "
                f"{run.target}  {_words(run)}".rstrip()
            )


def _words(run: "Run") -> str:
    """What was asked for, where it was not to build everything; and whether it counts."""
    words = (
        "" if run.command == "build" else run.command,
        "" if run.published or run.status == "running" else "not published",
        run.selection,
    )
    return "  ".join(word for word in words if word)


def show_run(
    run: "Run", steps: "list[StepRow]", expected: "Mapping[str, float]", as_json: bool
) -> None:
    """Print one run with its steps.

    Args:
        expected: seconds that each step took before that run.
    """
    from toolkit.ledger.timing import timing

    times = timing(run, steps)
    if as_json:
        click.echo(_json(run, steps, expected, times))
        return
    say(f"{run.id}  {run.status}  {clock(run.started_at)}  target {run.target}")
    _table(run, steps, expected, times)
    if times.path:
        share = times.path_seconds / times.wall if times.wall else 1.0
        names = {step.step: step.name for step in steps}
        say("")
        say(
            f"Critical path: {seconds(times.path_seconds)} of {seconds(times.wall)} "
            f"({min(share, 1.0):.0%}), {plural(len(times.path), 'step')}: "
            + " -> ".join(names[key] for key in times.path)
        )


def _table(
    run: "Run", steps: "list[StepRow]", expected: "Mapping[str, float]", times: "Timing"
) -> None:
    width = max((len(step.step) for step in steps), default=4)
    head = f"{'status':<8} {'took':>10} {'before':>10} {'waited':>10}"
    say(f"  {head}  {'step':<{width}}".rstrip())
    for step in steps:
        took = seconds(step.seconds) if step.started_at else "-"
        before = seconds(expected[step.step]) if step.step in expected else "-"
        waited = seconds(times.waited[step.step]) if step.step in times.waited else "-"
        mark = "*" if step.step in times.path else " "
        line, tried = step.message.partition("\n")[0], f"attempt {step.attempts}"
        if step.attempts > 1 and tried not in line:
            line = "; ".join(filter(None, (tried, line)))
        say(
            f"{mark} {step.status:<8} {took:>10} {before:>10} {waited:>10}  "
            f"{step.step:<{width}}  {line}".rstrip()
        )
    for error in run.errors:
        message = error.message.partition("\n")[0]
        say(f"  {'error':<8} {'-':>10} {'-':>10} {'-':>10}  "
            f"{error.key or 'run':<{width}}  {message}".rstrip())  # fmt: skip


def _json(
    run: "Run", steps: "list[StepRow]", expected: "Mapping[str, float]", times: "Timing"
) -> str:
    import msgspec

    told = [
        {
            **msgspec.to_builtins(step),
            "seconds": step.seconds,
            "expected": expected.get(step.step),
            "waited": times.waited.get(step.step),
            "attempts": step.attempts,
            "critical": step.step in times.path,
        }
        for step in steps
    ]
    path = {"steps": times.path, "seconds": times.path_seconds, "wall": times.wall}
    return msgspec.json.encode({"run": run, "steps": told, "critical_path": path}).decode()
