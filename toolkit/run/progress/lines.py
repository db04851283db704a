"""A line for each step that has ended, as in CI logs."""

import sys
import threading
import time
from typing import IO

from toolkit.graph import AssetGraph
from toolkit.integrations.base import StepEvent, StepFinished, StepProgress
from toolkit.ledger import Run
from toolkit.plan import Plan
from toolkit.run.progress.words import (
    COLORS,
    INTERRUPTED,
    facts,
    kind_of,
    one_line,
    say,
    skipped_ahead,
    word_of,
)
from toolkit.text import printable


class Lines:
    """Prints plain lines.

    What was known to be up to date before the run is one line at its begin, not a line each.
    """

    def __init__(
        self, plan: Plan, graph: AssetGraph, stream: IO[str] | None = None, *, color: bool = False
    ) -> None:
        self._names = {
            p.step.key: f"{kind_of(p.step, graph)} {printable(p.step.name)}" for p in plan.steps
        }
        self._ahead = skipped_ahead(plan)
        self._all = len(plan.steps)
        self._done = 0
        self._left = 0  # what an interruption left undone
        self._color = color
        self._stream = stream or sys.stderr
        self._lock = threading.Lock()

    def __enter__(self) -> "Lines":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def on_event(self, event: StepEvent) -> None:
        """Print the end of a step, and of an attempt that is not the last."""
        with self._lock:
            line = self.line(event)
            if line is not None:
                say(line, self._stream)

    def on_run(self, run: Run) -> None:
        """Print at the begin what is up to date, at the end what an interruption left undone."""
        with self._lock:
            line = self.ahead() if run.status == "running" else self.left()
            if line is not None:
                say(line, self._stream)

    def ahead(self) -> str | None:
        """What need not run at all: a line for each such step would bury the rest."""
        if not self._ahead:
            return None
        count = len(self._ahead)
        steps, are = "step" if self._all == 1 else "steps", "is" if count == 1 else "are"
        return f"{count:,} of {self._all:,} {steps} {are} up to date."

    def left(self) -> str | None:
        """What an interruption left undone, once: a line for each step would bury the rest."""
        count, self._left = self._left, 0
        steps = "1 step" if count == 1 else f"{count:,} steps"
        return f"{steps} skipped: the run was interrupted." if count else None

    def line(self, event: StepEvent) -> str | None:
        """``12:04:05  7 of 42  OK     model customers  1,000 rows  0.12 s``, or nothing to say."""
        if isinstance(event, StepFinished):
            return self._end(event)
        if isinstance(event, StepProgress) and event.retry:
            return self._said(time.time(), event.step, "RETRY", [one_line(event.message)])
        return None

    def _end(self, event: StepFinished) -> str | None:
        if event.step in self._ahead and event.status == "no-op":
            return None
        if event.message == INTERRUPTED:
            self._left += 1
            return None
        self._done += 1
        return self._said(event.finished_at, event.step, word_of(event), facts(event))

    def _said(self, at: float, step: str, word: str, said: list[str]) -> str:
        shown = f"{word:<5}"
        if self._color and word in COLORS:
            shown = f"\033[{COLORS[word]}m{shown}\033[0m"
        total = str(self._all - len(self._ahead - {step}))
        clock = time.strftime("%H:%M:%S", time.localtime(at))
        parts = [f"{clock}  {self._done:>{len(total)}} of {total}  {shown}",
                 self._names.get(step, step), *said]  # fmt: skip
        return "  ".join(parts)
