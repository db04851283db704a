"""What ``toolkit build`` says at its end. Imports nothing heavy: it may be nothing."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from toolkit.cli.console import colored, plural, say, seconds
from toolkit.text import printable

if TYPE_CHECKING:
    from toolkit.ledger import StepRow
    from toolkit.project import Project
    from toolkit.run import BuildResult

_UP_TO_DATE = "up to date"
_COLUMNS = ("success", "pass", "warn", "fail", "error", "skipped", "no-op", _UP_TO_DATE)


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
    if failed or result.run.errors:
        _say_last(_failed_in(result, len(failed)))
    elif not only_failures:
        _say_last(_done_in(result))


def _done_in(result: "BuildResult") -> str:
    fresh = sum(step.up_to_date for step in result.steps)
    if fresh and fresh == len(result.steps):
        all_ = "The step is" if fresh == 1 else f"All {plural(fresh, 'step')} are"
        return f"{all_} up to date. Run {result.run.id}."
    return (
        f"{plural(len(result.steps) - fresh, 'step')} done in {_rest(result)}. Run {result.run.id}."
    )


def _failed_in(result: "BuildResult", failed: int) -> str:
    run = result.run
    ran = sum(not step.up_to_date for step in result.steps)
    hooks = sum(error.key is not None for error in run.errors)
    others = len(run.errors) - hooks
    parts = [
        *([f"{failed} of {plural(ran, 'step')}"] if failed else []),
        *([plural(hooks, "hook")] if hooks else []),
        *([plural(others, "other thing")] if others else []),
    ]
    return (
        f"{' and '.join(parts)} failed in {_rest(result)}. Run {run.id}; "
        f"`toolkit runs {run.id}` shows all steps."
    )


def _rest(result: "BuildResult") -> str:
    """How long it took, what landed, and what need not be done."""
    run = result.run
    rows = sum(step.rows or 0 for step in result.steps if step.kind == "sync")
    fresh = sum(step.up_to_date for step in result.steps)
    parts = [
        seconds((run.finished_at or run.started_at) - run.started_at),
        *([f"{plural(rows, 'row')} landed"] if rows else []),
        *([f"{plural(fresh, 'step')} up to date"] if fresh else []),
    ]
    return ", ".join(parts)


def _say_last(line: str) -> None:
    click.echo(err=True)
    click.echo(line, err=True)


def _table(project: "Project", steps: "Iterable[StepRow]") -> None:
    graph = project.graph
    kinds: dict[str, list[str]] = {}
    for step in steps:
        kind = graph[step.step].kind if step.step in graph else step.kind
        found = kinds.setdefault(printable(kind), [])
        found.append(_UP_TO_DATE if step.up_to_date else step.status)
    shown = [name for name in _COLUMNS if any(name in found for found in kinds.values())]
    if not shown:
        return
    rows = [[k, *(f"{f.count(s):,}" if s in f else "" for s in shown)] for k, f in kinds.items()]
    head = ["kind", *shown]
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    click.echo(err=True)
    click.echo(click.style(_aligned(head, widths), bold=True), err=True, color=colored())
    for row in rows:
        click.echo(_aligned(row, widths), err=True)


def _aligned(cells: list[str], widths: list[int]) -> str:
    first, *rest = zip(cells, widths, strict=True)
    return "  ".join([f"{first[0]:<{first[1]}}", *(f"{c:>{w}}" for c, w in rest)]).rstrip()


def _failure(word: str, key: str, path: str | None, message: str) -> None:
    """One failure. Names, paths and messages are text of users."""
    click.echo(err=True)
    head = click.style(word, fg="red", bold=True)
    click.echo(head + (f" {printable(key)}" if key else ""), err=True, color=colored())
    for line in [*([path] if path else []), *message.strip().splitlines()]:
        say("  " + line, err=True)


def _path(project: "Project", key: str) -> str | None:
    if key in project.graph.checks:
        return project.graph.checks[key].path
    return project.graph[key].path if key in project.graph else None
