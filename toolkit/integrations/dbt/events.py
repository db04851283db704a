"""dbt's events as ours.

dbt calls us in its worker threads and waits for us, so each event is handled in few
steps. Unknown events are ignored: every dbt version adds some.
"""

import threading
import time
from collections.abc import Iterable
from typing import Any, Protocol

from toolkit.errors import WarehouseError
from toolkit.graph import Asset
from toolkit.integrations.base import Made, RunContext, Status, Step, StepFinished, StepStarted

_STATUS: dict[str, Status] = {
    "success": "success", "error": "error", "fail": "fail", "warn": "warn", "pass": "pass",
    "skipped": "skipped", "no-op": "no-op", "runtime error": "error", "partial success": "error",
}  # fmt: skip
_COUNTED = frozenset({"table", "incremental", "seed", "snapshot"})


class NodeResult(Protocol):
    """The part of dbt's RunResult that we read."""

    node: Any
    status: Any
    message: str | None
    failures: int | None
    thread_id: str
    timing: Iterable[Any]
    execution_time: float
    adapter_response: dict[str, Any]


class EventReader:
    """Turns the events of one dbt invocation into step events.

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
        self.messages: list[str] = []

    def on_event(self, message: Any) -> None:  # noqa: ANN401 - dbt's generated EventMsg
        """Take one dbt event."""
        name = message.info.name
        if name == "NodeStart":
            self._start(message.data.node_info.unique_id)
        elif name == "NodeFinished":
            result = message.data.run_result
            self._finish(
                message.data.node_info.unique_id,
                status=result.status,
                text=result.message,
                failures=result.num_failures,
                thread=result.thread,
                timing=[
                    {"name": t.name, "started_at": t.started_at.ToJsonString(),
                     "completed_at": t.completed_at.ToJsonString()}
                    for t in result.timing_info
                ],
                adapter_response=_plain(result.adapter_response),
            )  # fmt: skip
        elif name == "JinjaLogInfo":
            self.messages.append(message.info.msg)

    def on_results(self, results: Iterable[NodeResult]) -> None:
        """Take dbt's final results: those of nodes that it skipped come only here."""
        for result in results:
            self._finish(
                result.node.unique_id,
                status=str(result.status),
                text=result.message or "",
                failures=result.failures,
                thread=result.thread_id,
                timing=(),
                adapter_response=result.adapter_response,
            )

    def close(self, reason: str) -> None:
        """Report every step that dbt never spoke of as failed, with ``reason``."""
        for key in self._steps:
            self._finish(
                key, status="error", text=reason, failures=None, thread="", timing=(),
                adapter_response={},
            )  # fmt: skip

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

    def _finish(
        self, key: str, *, status: str, text: str, failures: int | None, thread: str,
        timing: Iterable[dict[str, str]], adapter_response: dict[str, Any],
    ) -> None:  # fmt: skip
        if key not in self._steps:
            return
        ours = _STATUS.get(status, "error")
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
                message=(text or "").strip(),
                failures=failures if step.kind == "check" else None,
                relation=str(asset.relation) if asset and asset.relation else None,
                thread=thread,
                timing=tuple(timing),
                adapter_response=adapter_response,
                made=(self._made(asset),) if asset and ours == "success" else (),
            )
        )

    def _made(self, asset: Asset) -> Made:
        """Rows are counted where that is cheap: DuckDB knows a table's count."""
        warehouse = self._context.warehouse
        if warehouse is None or asset.relation is None or asset.materialized not in _COUNTED:
            return Made(asset=asset.key)
        try:
            return Made(asset=asset.key, rows=warehouse.row_count(asset.relation))
        except WarehouseError:  # e.g. a materialization that is no table here
            return Made(asset=asset.key)


def _plain(response: Any) -> dict[str, Any]:  # noqa: ANN401 - a protobuf Struct
    from google.protobuf.json_format import MessageToDict

    return dict(MessageToDict(response))
