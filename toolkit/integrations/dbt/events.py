"""dbt's events as ours.

dbt calls us in its worker threads and waits for us, so each event is handled in few steps.
"""

import threading
import time
from collections.abc import Iterable

from toolkit.errors import WarehouseError
from toolkit.graph import Asset
from toolkit.integrations.base import Made, RunContext, Status, Step, StepFinished, StepStarted
from toolkit.integrations.dbt.results import NodeEvent, NodeResult
from toolkit.warehouse import Warehouse

_STATUS: dict[str, Status] = {
    "success": "success", "error": "error", "fail": "fail", "warn": "warn", "pass": "pass",
    "skipped": "skipped", "no-op": "no-op", "runtime error": "error", "partial success": "error",
}  # fmt: skip
_TESTED = frozenset({"pass", "warn", "fail"})
_COUNTED = frozenset({"table", "incremental", "seed", "snapshot"})


class EventReader:
    """Turns what one dbt invocation says of its nodes into step events.

    Args:
        context: of the run.
        steps: those that were asked for; nodes beyond them are not reported.
        warehouse: where rows can be counted; ``None`` while another process holds it.
    """

    def __init__(
        self, context: RunContext, steps: Iterable[Step], warehouse: Warehouse | None
    ) -> None:
        self._context = context
        self._steps = {step.key: step for step in steps}
        self._warehouse = warehouse
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

    def close(self, reason: str) -> None:
        """Report every step that dbt never spoke of as failed, with ``reason``."""
        for key in self._steps:
            self._finish(NodeResult(key=key, status="error", message=reason))

    def _start(self, key: str) -> None:
        if key not in self._steps:
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
        asset = self._context.graph.assets.get(key)
        self._context.emit(
            StepFinished(
                step=key,
                status=ours,
                started_at=self._started.get(key, now),
                finished_at=now,
                message=result.message.strip(),
                failures=result.failures if step.kind == "check" and ours in _TESTED else None,
                relation=str(asset.relation) if asset and asset.relation else None,
                thread=result.thread,
                timing=tuple(result.timing),
                adapter_response=result.adapter_response,
                made=(self._made(asset),) if asset and ours in ("success", "no-op") else (),
            )
        )

    def _made(self, asset: Asset) -> Made:
        """Rows are counted where that is cheap: DuckDB knows a table's count."""
        warehouse = self._warehouse
        if warehouse is None or asset.relation is None or asset.materialized not in _COUNTED:
            return Made(asset=asset.key)
        try:
            return Made(asset=asset.key, rows=warehouse.row_count(asset.relation))
        except WarehouseError:  # e.g. a materialization that is no table here
            return Made(asset=asset.key)
