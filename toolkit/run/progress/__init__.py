"""Progress of a run: plain lines, or a live display, or JSON lines. All to standard error."""

import os
import sys
from collections.abc import Mapping
from typing import Protocol

from toolkit.graph import AssetGraph
from toolkit.integrations.base import StepEvent
from toolkit.ledger import Run
from toolkit.plan import Plan
from toolkit.run.progress.json_lines import Json
from toolkit.run.progress.lines import Lines

__all__ = ["Json", "Lines", "Progress", "progress"]


class Progress(Protocol):
    """Shows events as they come; a context manager around the run."""

    def __enter__(self) -> "Progress": ...
    def __exit__(self, *_: object) -> None: ...
    def on_event(self, event: StepEvent) -> None:
        """Take one event; called from several threads."""

    def on_run(self, run: Run) -> None:
        """Take the run when it begins, and again when it has ended."""


def progress(
    plan: Plan,
    graph: AssetGraph,
    *,
    log_format: str,
    quiet: bool,
    durations: Mapping[str, float] | None = None,
    threads: int = 0,
) -> Progress | None:
    """The display that fits: JSON where asked, live on a terminal, plain lines elsewhere.

    Args:
        durations: seconds that each step took when it last succeeded, by key.
        threads: how many steps a tool runs at once; 0 = not known.
    """
    durations = durations or {}
    if log_format == "json":
        return Json(plan, durations)
    if quiet:
        return None
    if sys.stderr.isatty() and os.environ.get("TERM") not in ("dumb", "unknown"):
        from toolkit.run.progress.live import Live

        return Live(plan, graph, durations, threads)
    color = bool(os.environ.get("FORCE_COLOR")) and "NO_COLOR" not in os.environ
    return Lines(plan, graph, color=color)
