"""One JSON object an event (``--log-format json``)."""

import json
import sys
import threading
from collections import Counter
from collections.abc import Mapping
from typing import IO

from toolkit.integrations.base import StepEvent, StepProgress, StepStarted
from toolkit.ledger import Run
from toolkit.plan import Plan
from toolkit.run.progress.words import rows_of, say, skipped_ahead


class Json:
    """Prints an object for each event of a step that ran, or was cut off at run time.

    What was known to be up to date before the run is only counted.
    """

    def __init__(
        self,
        plan: Plan,
        durations: Mapping[str, float] | None = None,
        stream: IO[str] | None = None,
    ) -> None:
        self._total = len(plan.steps)
        self._ahead = set(skipped_ahead(plan))
        self._durations = durations or {}
        self._counts: Counter[str] = Counter()
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
            record = {"event": "step_started", "step": event.step, "at": event.at,
                      "expected": self._durations.get(event.step)}  # fmt: skip
        elif isinstance(event, StepProgress):
            record = {"event": "step_progress", "step": event.step, "message": event.message,
                      "retry": event.retry}  # fmt: skip
        else:
            if event.step in self._ahead and event.status == "no-op":
                return
            record = {
                "event": "step_finished", "step": event.step, "status": event.status,
                "started_at": event.started_at, "finished_at": event.finished_at,
                "message": event.message, "rows": rows_of(event), "failures": event.failures,
            }  # fmt: skip
            with self._lock:
                self._ahead.discard(event.step)
                self._counts[event.status] += 1
        self._print(record)

    def on_run(self, run: Run) -> None:
        """Print the begin of the run, or its end."""
        if run.status == "running":
            self._print({
                "event": "run_started", "run": run.id, "target": run.target,
                "steps": self._total, "up_to_date": len(self._ahead), "at": run.started_at,
            })  # fmt: skip
            return
        counts = self._counts + Counter({"no-op": len(self._ahead)})
        self._print({
            "event": "run_finished", "run": run.id, "status": run.status, "counts": counts,
            "errors": [{"key": e.key, "message": e.message} for e in run.errors],
            "at": run.finished_at,
        })  # fmt: skip

    def _print(self, record: dict[str, object]) -> None:
        with self._lock:
            say(json.dumps(record), self._stream)
