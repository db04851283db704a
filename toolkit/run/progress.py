"""Progress of a run: plain lines, or a live display, or JSON lines. All to standard error."""

import json
import os
import sys
import threading
import time
from typing import IO, TYPE_CHECKING, Protocol

from toolkit.graph import AssetGraph
from toolkit.integrations.base import (
    FAILED,
    Step,
    StepEvent,
    StepFinished,
    StepProgress,
    StepStarted,
)
from toolkit.ledger import Run
from toolkit.plan import Plan
from toolkit.text import printable

if TYPE_CHECKING:
    from rich.text import Text

_WORDS = {
    "success": "OK", "pass": "PASS", "warn": "WARN", "fail": "FAIL", "error": "ERROR",
    "skipped": "SKIP", "no-op": "NO-OP",
}  # fmt: skip
_INTERRUPTED = "skipped: the run was interrupted"  # as the scheduler says of each step left
_COLORS = {"OK": "green", "PASS": "green", "WARN": "yellow", "FAIL": "red", "ERROR": "red"}


class Progress(Protocol):
    """Shows events as they come; a context manager around the run."""

    def __enter__(self) -> "Progress": ...
    def __exit__(self, *_: object) -> None: ...
    def on_event(self, event: StepEvent) -> None:
        """Take one event; called from several threads."""

    def on_run(self, run: Run) -> None:
        """Take the run when it begins, and again when it has ended."""


class Lines:
    """A line for each step that has ended, as in CI logs."""

    def __init__(
        self, plan: Plan, graph: AssetGraph, stream: IO[str] | None = None, *, color: bool = False
    ) -> None:
        self._names = {
            p.step.key: f"{kind_of(p.step, graph)} {printable(p.step.name)}" for p in plan.steps
        }
        self._total = len(plan.steps)
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
        """Print the end of a step."""
        if isinstance(event, StepFinished):
            with self._lock:
                line = self.line(event)
                if line is not None:
                    _say(line, self._stream)

    def on_run(self, run: Run) -> None:
        """Print what an interruption left undone."""
        with self._lock:
            left = self.left()
            if left is not None:
                _say(left, self._stream)

    def left(self) -> str | None:
        """What an interruption left undone, once: a line for each step would bury the rest."""
        count, self._left = self._left, 0
        steps = "1 step" if count == 1 else f"{count:,} steps"
        return f"{steps} skipped: the run was interrupted." if count else None

    @property
    def done(self) -> int:
        """How many steps have ended."""
        return self._done

    def line(self, event: StepFinished) -> str | None:
        """``12:04:05  7 of 42  OK     model customers  1,000 rows  0.12 s``."""
        if event.message == _INTERRUPTED:
            self._left += 1
            return None
        self._done += 1
        word = _WORDS[event.status]
        shown = f"{word:<5}"
        if self._color and word in _COLORS:
            code = {"green": 32, "yellow": 33, "red": 31}[_COLORS[word]]
            shown = f"\033[{code}m{shown}\033[0m"
        width = len(str(self._total))
        clock = time.strftime("%H:%M:%S", time.localtime(event.finished_at))
        parts = [f"{clock}  {self._done:>{width}} of {self._total}  {shown}",
                 self._names.get(event.step, event.step), *_facts(event)]  # fmt: skip
        return "  ".join(parts)


class Json:
    """One JSON object an event (``--log-format json``)."""

    def __init__(self, plan: Plan, stream: IO[str] | None = None) -> None:
        self._total = len(plan.steps)
        self._counts: dict[str, int] = {}
        self._stream = stream or sys.stderr
        self._lock = threading.Lock()

    def __enter__(self) -> "Json":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def on_event(self, event: StepEvent) -> None:
        """Print one event as one line."""
        record: dict[str, object]
        if isinstance(event, StepStarted):
            record = {"event": "step_started", "step": event.step, "at": event.at}
        elif isinstance(event, StepProgress):
            record = {"event": "step_progress", "step": event.step, "message": event.message}
        else:
            record = {
                "event": "step_finished", "step": event.step, "status": event.status,
                "started_at": event.started_at, "finished_at": event.finished_at,
                "message": event.message, "rows": _rows(event), "failures": event.failures,
            }  # fmt: skip
            with self._lock:
                self._counts[event.status] = self._counts.get(event.status, 0) + 1
        self._print(record)

    def on_run(self, run: Run) -> None:
        """Print the begin of the run, or its end."""
        if run.status == "running":
            self._print({
                "event": "run_started", "run": run.id, "target": run.target,
                "steps": self._total, "at": run.started_at,
            })  # fmt: skip
            return
        self._print({
            "event": "run_finished", "run": run.id, "status": run.status, "counts": self._counts,
            "errors": [{"key": e.key, "message": e.message} for e in run.errors],
            "at": run.finished_at,
        })  # fmt: skip

    def _print(self, record: dict[str, object]) -> None:
        with self._lock:
            _say(json.dumps(record), self._stream)


class Live:
    """On a terminal: lines as they end, and below them what runs now."""

    def __init__(self, plan: Plan, graph: AssetGraph) -> None:
        from rich.console import Console
        from rich.live import Live as RichLive

        self._console = Console(stderr=True, highlight=False)
        self._lines = Lines(plan, graph, color=not self._console.no_color)
        self._names = {p.step.key: printable(p.step.name) for p in plan.steps}
        self._running: dict[str, tuple[float, str]] = {}
        self._total = len(plan.steps)
        self._lock = threading.Lock()
        self._live = RichLive(
            get_renderable=self._below, console=self._console, refresh_per_second=8, transient=True
        )

    def __enter__(self) -> "Live":
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def on_event(self, event: StepEvent) -> None:
        """Move a step between "runs now" and "has ended"."""
        from rich.text import Text

        with self._lock:
            if isinstance(event, StepStarted):
                self._running[event.step] = (event.at, "")
            elif isinstance(event, StepProgress):
                started, _ = self._running.get(event.step, (time.time(), ""))
                self._running[event.step] = (started, event.message)
            else:
                self._running.pop(event.step, None)
                line = self._lines.line(event)
                if line is not None:
                    self._console.print(Text.from_ansi(line), soft_wrap=True)

    def on_run(self, run: Run) -> None:
        """Print what an interruption left undone."""
        with self._lock:
            left = self._lines.left()
            if left is not None:
                self._console.print(left, markup=False)

    def _below(self) -> "Text":
        from rich.text import Text

        with self._lock:
            running = list(self._running.items())
        now = time.time()
        lines = [f"{self._lines.done} of {self._total} done"]
        for key, (started, message) in running[:8]:
            said = f"{self._names.get(key, key)}  {_one_line(message)}"
            lines.append(f"  {now - started:6.1f} s  {said}".rstrip())
        if len(running) > 8:
            lines.append(f"  ... and {len(running) - 8} more")
        return Text("\n".join(lines), style="dim")


def progress(plan: Plan, graph: AssetGraph, *, log_format: str, quiet: bool) -> Progress | None:
    """The display that fits: JSON where asked, live on a terminal, plain lines elsewhere."""
    if log_format == "json":
        return Json(plan)
    if quiet:
        return None
    color = bool(os.environ.get("FORCE_COLOR")) and "NO_COLOR" not in os.environ
    return Live(plan, graph) if sys.stderr.isatty() else Lines(plan, graph, color=color)


def _say(line: str, stream: IO[str]) -> None:
    """Print a line at once; where the reader went away (``2>&1 | head``), go on in silence.

    A build must not stop half-way because nobody looks any more.
    """
    try:
        print(line, file=stream, flush=True)
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def kind_of(step: Step, graph: AssetGraph) -> str:
    """What people call a step's kind: the asset's kind for what makes one asset."""
    return graph[step.key].kind if step.key in graph else step.kind


def _one_line(message: str) -> str:
    return " ".join(printable(message).split())


def _rows(event: StepFinished) -> int | None:
    counts = [made.rows for made in event.made if made.rows is not None]
    return sum(counts) if counts else None


def _facts(event: StepFinished) -> list[str]:
    facts = []
    rows = _rows(event)
    if rows is not None:
        facts.append(f"{rows:,} {'row' if rows == 1 else 'rows'}")
    for made in event.made:
        facts += [f"{printable(name)} {value:.4g}" for name, value in made.metrics.items()]
    if event.status != "skipped":
        facts.append(f"{event.finished_at - event.started_at:.2f} s")
    if event.message and (event.status in FAILED or event.status in ("skipped", "warn")):
        facts.append(printable(event.message).strip().replace("\n", "\n      "))
    return facts
