"""On a terminal: lines as steps end, and below them what runs now, as a tree by tool.

Imported only where a terminal is there: rich is not free.
"""

import sys
import threading
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from rich.console import Console
from rich.live import Live as RichLive
from rich.text import Text

from toolkit.graph import AssetGraph
from toolkit.integrations.base import StepEvent
from toolkit.ledger import Run
from toolkit.plan import Plan
from toolkit.run.progress.lines import Lines
from toolkit.run.progress.tree import Tree

_STYLES = {"tool": "bold", "step": "", "more": "dim", "whole": "bold"}
_ROOM = 2  # lines of the terminal that stay free: the last of what has ended, and the cursor


class _Console(Console):
    """A console on which one thread at a time takes back the tree, prints, and draws it anew.

    rich reckons how many lines to take back, lets go of its lock, and then draws. Where another
    thread draws in between, and fewer lines, a line of what has ended would be taken back, too.
    """

    drawing: AbstractContextManager[Any] = nullcontext()

    def print(self, *objects: Any, **how: Any) -> None:
        """Print, with the tree below."""
        with self.drawing:
            super().print(*objects, **how)


class Live:
    """Prints the end of each step, and keeps the tree below.

    Args:
        durations: seconds that each step took when it last succeeded, by key.
        threads: how many steps a tool runs at once; 0 = not known.
    """

    def __init__(
        self, plan: Plan, graph: AssetGraph, durations: Mapping[str, float], threads: int = 0
    ) -> None:
        self._console = _Console(file=sys.stderr, highlight=False, emoji=False)
        self._lines = Lines(plan, graph, color=not self._console.no_color)
        self._tree = Tree(plan, graph, durations, threads)
        self._lock = threading.Lock()
        self._live = RichLive(
            get_renderable=self._below,
            console=self._console,
            refresh_per_second=8,
            transient=True,
            redirect_stdout=sys.stdout.isatty(),  # else it is somebody's data
        )
        self._console.drawing = self._live._lock  # no other would do: rich draws under this one

    def __enter__(self) -> "Live":
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def on_event(self, event: StepEvent) -> None:
        """Move a step between "runs now" and "has ended"."""
        with self._lock:
            self._tree.take(event)
            line = self._lines.line(event)
        self._print(line)

    def on_run(self, run: Run) -> None:
        """Print at the begin what is up to date, at the end what an interruption left undone."""
        with self._lock:
            line = self._lines.ahead() if run.status == "running" else self._lines.left()
        self._print(line)

    def _print(self, line: str | None) -> None:
        # Not under the lock: rich draws the tree under a lock of its own, and asks for ours then.
        if line is not None:
            self._console.print(Text.from_ansi(line), soft_wrap=True)

    def _below(self) -> Text:
        height = self._console.size.height - _ROOM
        with self._lock:
            lines = self._tree.lines(time.time(), max(1, height))
        text = Text("\n", no_wrap=True, overflow="ellipsis")
        return text.join(Text(line, style=_STYLES[part]) for part, line in lines)
