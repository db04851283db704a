"""What commands print: data to standard output, everything else to standard error."""

import os
import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from toolkit.errors import Problem, ToolkitError
from toolkit.text import printable

if TYPE_CHECKING:
    from rich.console import Console


GATE = 3
"""The exit code of a gate that the user set (``--fail-on``)."""

VERDICT_COLORS = {"breaking": "red", "review": "yellow", "safe": "green"}


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


def say(text: str, *, err: bool = False) -> None:
    """Print a line; control characters in it, wherever they come from, are spelled out."""
    click.echo(printable(text), err=err)


def print_json(value: object) -> None:
    """A value as one line of JSON, as data."""
    import msgspec

    click.echo(msgspec.json.encode(value).decode())


def json_line(event: str, **fields: object) -> None:
    """One JSON object on standard error, as ``--log-format json`` wants everything there."""
    import json

    click.echo(json.dumps({"event": event, **fields}), err=True)


def colored() -> bool:
    """Whether standard error is in color."""
    return sys.stderr.isatty() and "NO_COLOR" not in os.environ


def show_error(error: ToolkitError) -> None:
    """The fact, the consequence and the next command of an error, a line each."""
    color = colored()
    head, tail = click.style("Error: ", fg="red", bold=True), click.style("Next: ", bold=True)
    click.echo(head + printable(error.fact), err=True, color=color)
    if error.consequence:
        say(error.consequence, err=True)
    if error.next_step:
        click.echo(tail + printable(error.next_step), err=True, color=color)


def show_problems(problems: Sequence[Problem], *, limit: int = 10, as_json: bool = False) -> None:
    """List tolerated problems on standard error, the worst first; count what is over ``limit``.

    Args:
        as_json: one object a line, and all of them.
    """
    rank = {"error": 0, "warning": 1, "info": 2}
    serious = sorted((p for p in problems if p.severity != "info"), key=lambda p: rank[p.severity])
    if as_json:
        for problem in serious:
            json_line(
                "problem", severity=problem.severity, code=problem.code, message=problem.message,
                asset=problem.asset, path=problem.path, line=problem.line,
            )  # fmt: skip
        return
    for problem in serious[:limit]:
        say(f"{problem.severity} {problem.code}: {problem.message}{where(problem)}", err=True)
    rest = len(serious) - limit
    if rest > 0:
        click.echo(f"... and {rest} more; `toolkit debug` lists all of them.", err=True)


def where(problem: Problem) -> str:
    """`` [models/orders.sql:12]``, as far as it is known."""
    if not problem.path:
        return ""
    return f" [{problem.path}:{problem.line}]" if problem.line else f" [{problem.path}]"


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


def clock(at: float) -> str:
    """A time here, to the second."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))


def ago(at: float, now: float | None = None) -> str:
    """How long ago, in one unit: ``12 s``, ``5 min``, ``26 h``, ``9 d``."""
    age = max(0.0, (time.time() if now is None else now) - at)
    for size, unit in ((120, ""), (7200, "min"), (172800, "h")):
        if age < size:
            return (
                f"{age:.0f} s" if not unit else f"{age / {'min': 60, 'h': 3600}[unit]:.0f} {unit}"
            )
    return f"{age / 86400:.0f} d"


# kinds of assets that are no words to count with
_COUNTED = {
    "python": ("Python asset", "Python assets"),
    "ml_model": ("ML model", "ML models"),
    "saved_query": ("saved query", "saved queries"),
    "semantic_model": ("semantic model", "semantic models"),
}


def plural(count: int, word: str, words: str | None = None) -> str:
    """``1 asset``, ``1,200 assets``; a kind of asset goes by its name for people."""
    one, many = _COUNTED.get(word, (word, words or word + "s"))
    return f"{count:,} {one if count == 1 else many}"
