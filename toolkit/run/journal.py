"""The journal: every event of a run, durable in the ledger before anyone else hears of it."""

import threading
from collections.abc import Callable, Mapping

from toolkit.graph import AssetGraph
from toolkit.integrations.base import StepEvent, StepFinished, StepStarted
from toolkit.ledger import Ledger, Materialization, Run, StepRow
from toolkit.plan import Plan, made_parents

Listener = Callable[[StepEvent], None]


class Journal:
    """Writes a run into the ledger and tells the listeners.

    Args:
        latest: last materialization of each asset before this run.
        listeners: called with every event after it was written; must not raise.
    """

    def __init__(
        self,
        ledger: Ledger,
        run: Run,
        plan: Plan,
        graph: AssetGraph,
        latest: Mapping[str, Materialization],
        listeners: tuple[Listener, ...] = (),
    ) -> None:
        self._ledger = ledger
        self._run = run
        self._graph = graph
        self._latest = dict(latest)
        self._listeners = listeners
        self._lock = threading.RLock()
        self._after = {planned.step.key: planned.after for planned in plan.steps}
        self.rows: dict[str, StepRow] = {
            planned.step.key: StepRow(
                run_id=run.id,
                step=planned.step.key,
                kind=planned.step.kind,
                name=planned.step.name,
                integration=planned.step.integration,
                status="planned",
                reason=planned.reason,
            )
            for planned in plan.steps
        }
        ledger.start_run(run)
        ledger.plan_steps(self.rows.values())

    def on_event(self, event: StepEvent) -> None:
        """Write one event, then tell the listeners. Thread-safe."""
        with self._lock:
            if isinstance(event, StepStarted):
                self._ledger.start_step(self._run.id, event.step, event.at, event.thread)
            elif isinstance(event, StepFinished):
                self._finish(event)
            for listener in self._listeners:
                listener(event)

    def _finish(self, event: StepFinished) -> None:
        planned = self.rows[event.step]
        counts = [made.rows for made in event.made if made.rows is not None]
        row = StepRow(
            run_id=self._run.id,
            step=event.step,
            kind=planned.kind,
            name=planned.name,
            integration=planned.integration,
            status=event.status,
            reason=planned.reason,
            started_at=None if event.status == "skipped" else event.started_at,
            finished_at=None if event.status == "skipped" else event.finished_at,
            message=event.message,
            rows=sum(counts) if counts else None,
            failures=event.failures,
            relation=event.relation,
            thread=event.thread,
            waited_for=self._waited_for(event.step),
            timing=[dict(item) for item in event.timing],
            adapter_response=dict(event.adapter_response),
        )
        made = [
            Materialization(
                asset=item.asset,
                run_id=self._run.id,
                at=event.finished_at,
                rows=item.rows,
                code_version=self._graph[item.asset].code_version,
                data_version=item.data_version,
                metrics=item.metrics,
                metadata=item.metadata,
                inputs=self._inputs(item.asset),
            )
            for item in event.made
        ]
        self._ledger.finish_step(row, made)
        self.rows[event.step] = row
        self._latest.update({item.asset: item for item in made})

    def _waited_for(self, step: str) -> str | None:
        """The step that ended last of those which it had to wait for, if any ran."""
        ends = [(at, key) for key in self._after[step] if (at := self.rows[key].finished_at)]
        return max(ends)[1] if ends else None

    def _inputs(self, asset: str) -> dict[str, str]:
        """Which version of what it reads this was made from; the run's id where none is known."""
        made = {key: self._latest[key] for key in made_parents(asset, self._graph, self._latest)}
        return {key: parent.data_version or parent.run_id for key, parent in made.items()}
