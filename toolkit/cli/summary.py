"""What ``toolkit build`` says at its end."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from toolkit.cli.console import err, plural, say, seconds

if TYPE_CHECKING:
    from toolkit.ledger import StepRow
    from toolkit.project import Project
    from toolkit.run import BuildResult

_STATUSES = ("success", "pass", "warn", "fail", "error", "skipped", "no-op")


def summarize(project: "Project", result: "BuildResult", *, only_failures: bool = False) -> None:
    """A table of what was done by kind, then every failure with its message, and the end.

    Args:
        only_failures: nothing where all went well (``--quiet``).
    """
    failed = [step for step in result.steps if step.status in ("error", "fail")]
    if not only_failures:
        _table(project, result.steps)
    for step in failed:
        _failure(step.status.upper(), step.step, _path(project, step.step), step.message)
    for error in result.run.errors:
        _failure("ERROR", error.key or "", None, error.message)
    run = result.run
    took = seconds((run.finished_at or run.started_at) - run.started_at)
    rows = sum(step.rows or 0 for step in result.steps if step.kind == "sync")
    landed = f", {plural(rows, 'row')} landed" if rows else ""
    done = plural(len(result.steps), "step")
    if failed or run.errors:
        hooks = sum(error.key is not None for error in run.errors)
        others = len(run.errors) - hooks
        parts = [
            *([f"{len(failed)} of {done}"] if failed else []),
            *([plural(hooks, "hook")] if hooks else []),
            *([plural(others, "other thing")] if others else []),
        ]
        click.echo(err=True)
        click.echo(f"{' and '.join(parts)} failed in {took}{landed}. Run {run.id}; "
                   f"`toolkit runs {run.id}` shows all steps.", err=True)  # fmt: skip
    elif not only_failures:
        click.echo(err=True)
        click.echo(f"{done} done in {took}{landed}. Run {run.id}.", err=True)


def _table(project: "Project", steps: "Iterable[StepRow]") -> None:
    from rich.table import Table

    graph = project.graph
    kinds: dict[str, list[str]] = {}
    for step in steps:
        kind = graph[step.step].kind if step.step in graph else step.kind
        kinds.setdefault(kind, []).append(step.status)
    shown = [status for status in _STATUSES if any(status in found for found in kinds.values())]
    table = Table("kind", *shown, box=None, pad_edge=False, header_style="bold")
    for column in table.columns[1:]:
        column.justify = "right"
    for kind, found in kinds.items():
        table.add_row(kind, *(f"{found.count(status):,}" or "" for status in shown))
    console = err()
    console.print()
    console.print(table)


def _failure(word: str, key: str, path: str | None, message: str) -> None:
    """One failure. Names, paths and messages are text of users, never rich's markup."""
    from rich.text import Text

    from toolkit.text import printable

    console = err()
    console.print()
    console.print(Text.assemble((word, "bold red"), f" {printable(key)}" if key else ""))
    for line in [*([path] if path else []), *message.strip().splitlines()]:
        say("  " + line, err=True)


def _path(project: "Project", key: str) -> str | None:
    if key in project.graph.checks:
        return project.graph.checks[key].path
    return project.graph[key].path if key in project.graph else None
