"""What commands print: data to standard output, everything else to standard error."""

import os
import sys
import time
from typing import TYPE_CHECKING

import click

from toolkit.errors import Problem, ToolkitError

if TYPE_CHECKING:
    from rich.console import Console


def out() -> "Console":
    """The console for data."""
    return _console(stderr=False)


def err() -> "Console":
    """The console for everything that is not data."""
    return _console(stderr=True)


def _console(*, stderr: bool) -> "Console":
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else int(os.environ.get("COLUMNS", "140"))
    return Console(
        stderr=stderr, highlight=False, soft_wrap=not stream.isatty(), width=width, emoji=False
    )


def show_error(error: ToolkitError) -> None:
    """The fact, the consequence and the next command of an error, a line each."""
    color = sys.stderr.isatty() and "NO_COLOR" not in os.environ
    click.echo(click.style("Error: ", fg="red", bold=True) + error.fact, err=True, color=color)
    if error.consequence:
        click.echo(error.consequence, err=True)
    if error.next_step:
        click.echo(click.style("Next: ", bold=True) + error.next_step, err=True, color=color)


def show_problems(problems: tuple[Problem, ...], *, limit: int = 10) -> None:
    """Count and list tolerated problems on standard error, the worst first."""
    rank = {"error": 0, "warning": 1, "info": 2}
    serious = sorted((p for p in problems if p.severity != "info"), key=lambda p: rank[p.severity])
    for problem in serious[:limit]:
        place = (
            f" [{problem.path}{f':{problem.line}' if problem.line else ''}]" if problem.path else ""
        )
        click.echo(f"{problem.severity} {problem.code}: {problem.message}{place}", err=True)
    rest = len(serious) - limit
    if rest > 0:
        click.echo(f"... and {rest} more; `toolkit debug` lists all of them.", err=True)


def seconds(value: float) -> str:
    """A duration as people write it: ``0.12 s``, ``42 s``, ``3 min 05 s``, ``2 h 10 min``."""
    if value < 9.995:  # what would be rounded up belongs to the next unit
        return f"{value:.2f} s"
    if value < 59.5:
        return f"{value:.0f} s"
    minutes, rest = divmod(round(value), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min"


def ago(at: float, now: float | None = None) -> str:
    """How long ago, in one unit: ``12 s``, ``5 min``, ``26 h``, ``9 d``."""
    age = max(0.0, (time.time() if now is None else now) - at)
    for size, unit in ((120, ""), (7200, "min"), (172800, "h")):
        if age < size:
            return (
                f"{age:.0f} s" if not unit else f"{age / {'min': 60, 'h': 3600}[unit]:.0f} {unit}"
            )
    return f"{age / 86400:.0f} d"


def plural(count: int, word: str, words: str | None = None) -> str:
    """``1 asset``, ``1,200 assets``."""
    return f"{count:,} {word if count == 1 else words or word + 's'}"
