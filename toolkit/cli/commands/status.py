"""``toolkit status``: is it up to date, and why not."""

from typing import Any

import click

from toolkit.cli.console import ago, plural, print_json, say
from toolkit.cli.loading import load_project, selected
from toolkit.cli.options import output_options, project_options, selection_options
from toolkit.cli.written import format_options


@click.command()
@format_options(told="text: a table; json: one object a line.")
@project_options
@selection_options
@output_options
def status(form: str, **options: Any) -> None:
    """Say of each asset whether it is fresh, stale, failed or was never built, and why."""
    project = load_project(options)
    selection = selected(project, options)
    history = project.history()
    states, latest = project.states(history), history.latest
    keys = project.graph.topological(selection.assets)
    if form == "json":
        for key in keys:
            made = latest.get(key)
            record = {
                "key": key,
                "state": states[key].state,
                "reason": states[key].reason,
                "at": states[key].at,
                "rows": made.rows if made else None,
                "run": made.run_id if made else None,
                "metrics": dict(made.metrics) if made else {},
            }
            print_json(record)
        return
    width = max((len(key) for key in keys), default=0)
    for key in keys:
        state, made = states[key], latest.get(key)
        age = f"{ago(state.at)} ago" if state.at else ""
        rows = f"{made.rows:,} rows" if made and made.rows is not None else ""
        metrics = ", ".join(f"{k} {v:.4g}" for k, v in made.metrics.items()) if made else ""
        facts = "  ".join(part for part in (rows, metrics, state.reason) if part)
        say(f"{state.state:<7}  {key:<{width}}  {age:>10}  {facts}".rstrip())
    fresh = sum(states[key].state == "fresh" for key in keys)
    if not options["quiet"]:
        click.echo(f"{fresh:,} of {plural(len(keys), 'asset')} fresh.", err=True)
