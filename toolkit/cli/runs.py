"""``toolkit runs``: what was done, when, and how it went."""

import time
from typing import TYPE_CHECKING, Any

import click

from toolkit.cli.console import say, seconds
from toolkit.cli.loading import load_project
from toolkit.cli.options import output_options, project_options
from toolkit.errors import UsageError

if TYPE_CHECKING:
    from toolkit.ledger import Run, StepRow


@click.command()
@click.argument("run_id", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    help="How many runs to list.",
)
@project_options
@output_options
def runs(run_id: str | None, as_json: bool, limit: int, **options: Any) -> None:
    """List the last runs, or the steps of one run (its id, or a unique beginning of it)."""
    project = load_project(options)
    with project.ledger() as ledger:
        if run_id is None:
            _list(ledger.runs(limit) if ledger else [], as_json)
            return
        run = ledger.run(run_id) if ledger else None
        if ledger is None or run is None:
            raise UsageError(
                f"There is no single run {run_id!r} here.", "", "`toolkit runs` lists them all."
            )
        _show(run, ledger.steps(run.id), as_json)


def _list(found: "list[Run]", as_json: bool) -> None:
    if as_json:
        import msgspec

        click.echo(msgspec.json.encode(found).decode())
    elif not found:
        click.echo("Nothing was built here yet; `toolkit build` begins.", err=True)
    else:
        for run in found:
            took = seconds(run.finished_at - run.started_at) if run.finished_at else "-"
            say(
                f"{run.id}  {_clock(run.started_at)}  {run.status:<11}  {took:>12}  "
                f"{run.target}  {run.selection}".rstrip()
            )


def _show(run: "Run", steps: "list[StepRow]", as_json: bool) -> None:
    if as_json:
        import msgspec

        click.echo(msgspec.json.encode({"run": run, "steps": steps}).decode())
        return
    say(f"{run.id}  {run.status}  {_clock(run.started_at)}  target {run.target}")
    width = max((len(step.step) for step in steps), default=0)
    for step in steps:
        took = seconds(step.seconds) if step.started_at else "-"
        line = step.message.partition("\n")[0]
        say(f"{step.status:<8} {took:>10}  {step.step:<{width}}  {line}".rstrip())
    for error in run.errors:
        message = error.message.partition("\n")[0]
        say(f"{'error':<8} {'-':>10}  {error.key or 'run':<{width}}  {message}".rstrip())


def _clock(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))
