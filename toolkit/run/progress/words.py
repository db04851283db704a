"""What the displays call things: kinds, statuses, times."""

import os
from typing import IO

from toolkit.graph import AssetGraph
from toolkit.integrations.base import FAILED, Step, StepFinished
from toolkit.plan import Plan
from toolkit.text import printable

_SHOWN = 3  # lines of a failure's message, while others still run
INTERRUPTED = "skipped: the run was interrupted"  # as the scheduler says of each step left
UP_TO_DATE = "up to date: "  # so begins the message of a step that was not needed
COLORS = {"OK": 32, "PASS": 32, "WARN": 33, "RETRY": 33, "FAIL": 31, "ERROR": 31}  # of a terminal

_WORDS = {
    "success": "OK", "pass": "PASS", "warn": "WARN", "fail": "FAIL", "error": "ERROR",
    "skipped": "SKIP", "no-op": "NO-OP",
}  # fmt: skip
_TOOLS = {"airbyte": "Airbyte", "dbt": "dbt", "python": "Python"}


def word_of(event: StepFinished) -> str:
    """How a step ended, in one word or three."""
    return "UP TO DATE" if is_up_to_date(event) else _WORDS[event.status]


def is_up_to_date(event: StepFinished) -> bool:
    """Whether the step was not run because it turned out not to be needed."""
    return event.status == "no-op" and event.message.startswith(UP_TO_DATE)


def skipped_ahead(plan: Plan) -> frozenset[str]:
    """Keys of the steps that are known to be up to date before anything runs."""
    return frozenset(p.step.key for p in plan.steps if p.action == "skip")


def kind_of(step: Step, graph: AssetGraph) -> str:
    """What people call a step's kind: the asset's kind for what makes one asset."""
    return graph[step.key].kind if step.key in graph else step.kind


def tool_name(integration: str) -> str:
    """A tool's name as its makers write it."""
    return _TOOLS.get(integration, printable(integration))


def clock(seconds: float) -> str:
    """A time that goes on: ``12.3 s``, ``3 min 05 s``, ``2 h 10 min``."""
    if seconds < 59.95:
        return f"{max(0.0, seconds):.1f} s"
    return _long(seconds)


def about(seconds: float) -> str:
    """A time that nobody knows exactly: ``0.4 s``, ``12 s``, ``3 min 05 s``."""
    if seconds < 9.5:
        return f"{max(0.0, seconds):.1f} s"
    return f"{seconds:.0f} s" if seconds < 59.5 else _long(seconds)


def _long(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s"


def one_line(message: str) -> str:
    """A message without its line ends, fit for a terminal."""
    return " ".join(printable(message).split())


def rows_of(event: StepFinished) -> int | None:
    """Rows of all that a step made, where any of them is known."""
    counts = [made.rows for made in event.made if made.rows is not None]
    return sum(counts) if counts else None


def facts(event: StepFinished) -> list[str]:
    """What is worth saying of a step that has ended, beside its name."""
    if is_up_to_date(event):
        return [one_line(event.message.removeprefix(UP_TO_DATE))]
    found = []
    rows = rows_of(event)
    if rows is not None:
        found.append(f"{rows:,} {'row' if rows == 1 else 'rows'}")
    for made in event.made:
        if made.kept:  # a check let it pass; what is in it was told when it was made
            found.append(f"{made.metadata.get('version', made.asset)} promoted")
            continue
        found += [f"{printable(name)} {value:.4g}" for name, value in made.metrics.items()]
        found += ["candidate"] if made.candidate else []
    if event.status != "skipped":
        found.append(f"{event.finished_at - event.started_at:.2f} s")
    if event.message and (event.status in FAILED or event.status in ("skipped", "warn")):
        found.append("\n      ".join(_beginning(event.message)))
    return found


def _beginning(message: str) -> list[str]:
    """The first lines of a message; all of it is told once more at the end of the run."""
    lines = printable(message).strip().splitlines()
    return lines if len(lines) <= _SHOWN else [*lines[:_SHOWN], "..."]


def say(line: str, stream: IO[str]) -> None:
    """Print a line at once; where the reader went away (``2>&1 | head``), go on in silence.

    A build must not stop half-way because nobody looks any more.
    """
    try:
        print(line, file=stream, flush=True)
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
