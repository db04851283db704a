"""``toolkit runs``: what was done, when, and how it went."""

import time
from typing import Any

import click

from toolkit.cli.console import seconds
from toolkit.cli.loading import load_project
from toolkit.cli.options import output_options, project_options
from toolkit.errors import UsageError


@click.command()
@click.argument("run_id", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--limit", default=20, show_default=True, help="How many runs to list.")
@project_options
@output_options
def runs(run_id: str | None, as_json: bool, limit: int, **options: Any) -> None:
    """List the last runs, or the steps of one run (its id, or a unique beginning of it)."""
    import msgspec

    from toolkit.ledger import Ledger

    project = load_project(options)
    path = project.settings.state_dir / "ledger.db"
    if not path.exists():
        if run_id is not None:
            raise UsageError(f"There is no run {run_id!r}.", "", "`toolkit build` makes the first.")
        click.echo("[]" if as_json else "Nothing was built here yet; `toolkit build` begins.")
        return
    with Ledger(path) as ledger:
        if run_id is None:
            found = ledger.runs(limit)
            if as_json:
                click.echo(msgspec.json.encode(found).decode())
                return
            for run in found:
                took = seconds(run.finished_at - run.started_at) if run.finished_at else "-"
                click.echo(
                    f"{run.id}  {_clock(run.started_at)}  {run.status:<11}  {took:>12}  "
                    f"{run.target}  {run.selection}".rstrip()
                )
            return
        one = ledger.run(run_id)
        if one is None:
            raise UsageError(
                f"There is no single run {run_id!r} in {path}.", "", "`toolkit runs` lists them."
            )
        steps = ledger.steps(one.id)
    if as_json:
        click.echo(msgspec.json.encode({"run": one, "steps": steps}).decode())
        return
    click.echo(f"{one.id}  {one.status}  {_clock(one.started_at)}  target {one.target}")
    width = max((len(step.step) for step in steps), default=0)
    for step in steps:
        took = seconds(step.seconds) if step.started_at else "-"
        line = step.message.partition("\n")[0]
        click.echo(f"{step.status:<8} {took:>10}  {step.step:<{width}}  {line}".rstrip())


def _clock(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))
