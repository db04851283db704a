"""dbt's events as ours.

dbt calls us in its worker threads and waits for us, so each event is handled in few steps.
"""

import threading
import time
from collections.abc import Iterable

from toolkit.graph import Asset, Check
from toolkit.integrations.base import Made, RunContext, Status, Step, StepFinished, StepStarted
from toolkit.integrations.dbt.plain import plain_sql
from toolkit.integrations.dbt.results import NodeEvent, NodeResult

_STATUS: dict[str, Status] = {
    "success": "success", "error": "error", "fail": "fail", "warn": "warn", "pass": "pass",
    "skipped": "skipped", "no-op": "no-op", "runtime error": "error", "partial success": "error",
}  # fmt: skip
_TESTED = frozenset({"pass", "warn", "fail"})
_FAIL_FAST = "Skipping due to fail_fast"  # dbt's, of each node; the scheduler names the cause
_WRITTEN_SECONDS = 2.0  # a file system may keep times that coarsely


class EventReader:
    """Turns what one dbt invocation says of its nodes into step events.

    Args:
        context: of the run.
        steps: those that were asked for; nodes beyond them are not reported.
    """

    def __init__(self, context: RunContext, steps: Iterable[Step]) -> None:
        self._context = context
        self._steps = {step.key: step for step in steps}
        self._lock = threading.Lock()
        self._started: dict[str, float] = {}
        self._finished: set[str] = set()

    def on_event(self, event: NodeEvent) -> None:
        """Take one event."""
        if event.kind == "start":
            self._start(event.key)
        elif event.result is not None:
            self._finish(event.result)

    def on_results(self, results: Iterable[NodeResult]) -> None:
        """Take dbt's final results: those of nodes that it skipped come only here."""
        for result in results:
            self._finish(result)

    def again(self, key: str) -> None:
        """A step whose end was told will be done once more."""
        with self._lock:
            self._finished.discard(key)
            self._started.pop(key, None)

    def close(self, reason: str) -> None:
        """Report every step that dbt never spoke of as failed, with ``reason``."""
        for key in self._steps:
            self._finish(NodeResult(key=key, status="error", message=reason))

    def _start(self, key: str) -> None:
        if key not in self._steps or self._context.control.asleep(key) is not None:
            return
        now = time.time()
        with self._lock:
            if key in self._started:
                return
            self._started[key] = now
        thread = threading.current_thread().name
        self._context.emit(StepStarted(step=key, at=now, thread=thread))

    def _finish(self, result: NodeResult) -> None:
        key = result.key
        if key not in self._steps:
            return
        ours = _STATUS.get(result.status, "error")
        if ours != "skipped":
            self._start(key)  # exactly one start for each end
        with self._lock:
            if key in self._finished:
                return
            self._finished.add(key)
        now = time.time()
        step = self._steps[key]
        started = self._started.get(key, now)
        asset = self._context.graph.assets.get(key)
        asleep = self._context.control.asleep(key) if ours == "no-op" else None
        made = asset is not None and ours in ("success", "no-op") and asleep is None
        passed = ours == "pass"
        said = result.message.strip()
        said = "" if ours == "skipped" and said == _FAIL_FAST else said
        self._context.emit(
            StepFinished(
                step=key,
                status=ours,
                started_at=started,
                finished_at=now,
                message=asleep or said,
                failures=result.failures if step.kind == "check" and ours in _TESTED else None,
                relation=str(asset.relation) if asset and asset.relation else None,
                thread=result.thread,
                timing=tuple(result.timing),
                adapter_response=result.adapter_response,
                made=(self._made(asset, started),) if asset and made else (),
                sql=self._sql(self._context.graph.checks.get(key), started) if passed else None,
            )
        )

    def _made(self, asset: Asset, started: float) -> Made:
        sql = self._sql(asset, started)
        if sql is None and asset.kind == "snapshot":
            sql = plain_sql(asset, self._context.graph)
        return Made(asset=asset.key, sql=sql)

    def _sql(self, node: Asset | Check | None, started: float) -> str | None:
        """The SQL that ran, from the file that dbt wrote just now."""
        if node is None or node.sql_path is None:
            return None
        path = self._context.settings.target_path / node.sql_path
        try:
            if path.stat().st_mtime < started - _WRITTEN_SECONDS:
                return None
            return path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return None
