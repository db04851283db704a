"""The journal: every event of a run, durable in the ledger before anyone else hears of it."""

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import msgspec

from toolkit.graph import AssetGraph
from toolkit.integrations.base import Step, StepEvent, StepFinished, StepStarted
from toolkit.ledger import Ledger, Materialization, Passed, Run, StepRow
from toolkit.plan import History, Plan
from toolkit.run.versions import Measured, Versions

if TYPE_CHECKING:
    from toolkit.run.profiler import Profiler

Listener = Callable[[StepEvent], None]


class Journal:
    """Writes a run into the ledger and tells the listeners.

    Args:
        versions: of all that is made; default: nothing is known and nothing can be measured.
        listeners: called with every event after it was written; must not raise.
        profiler: hears of all that was made, once it can be looked at.
    """

    def __init__(
        self,
        ledger: Ledger,
        run: Run,
        plan: Plan,
        graph: AssetGraph,
        versions: Versions | None = None,
        listeners: tuple[Listener, ...] = (),
        profiler: "Profiler | None" = None,
    ) -> None:
        self._profiler = profiler
        self._ledger = ledger
        self._run = run
        self._graph = graph
        self.versions = versions or Versions(plan, graph, History(), None, "duckdb")
        self._unmeasured: list[StepFinished] = []
        self._listeners = listeners
        self._lock = threading.RLock()
        self._after = {planned.step.key: planned.after for planned in plan.steps}
        self.rows = rows_of(plan, run)
        ledger.start_run(run)
        ledger.plan_steps(self.rows.values())

    def on_event(self, event: StepEvent) -> None:
        """Write one event, then tell the listeners. Thread-safe."""
        measured: list[Measured] = []
        if isinstance(event, StepStarted):
            self.versions.started(event.step)
        elif isinstance(event, StepFinished):
            measured = self.versions.measure(event)
            event = msgspec.structs.replace(event, made=tuple(item.made for item in measured))
        with self._lock:
            if isinstance(event, StepStarted):
                self._ledger.start_step(self._run.id, event.step, event.at, event.thread)
            elif isinstance(event, StepFinished):
                self._finish(event, measured)
            for listener in self._listeners:
                listener(event)

    def begin_call(self, steps: Sequence[Step]) -> None:
        """A call begins in which no step can stay asleep, and perhaps nothing can be looked at."""
        self.versions.wake(step.key for step in steps)
        for step in steps:
            self.versions.started(step.key)

    def settle(self) -> None:
        """Measure what was made while another process held the warehouse."""
        with self._lock:
            unmeasured, self._unmeasured = self._unmeasured, []
        made: list[Materialization] = []
        for event in unmeasured:  # parents first: what is measured is an input of the next
            rows = [
                materialization(item, self._run.id, event.finished_at, self._graph)
                for item in self.versions.measure(event)
            ]
            self.versions.note(rows)
            made += rows
        checks = [self._passed(event) for event in unmeasured]
        self._ledger.note(made, [passed for passed in checks if passed is not None])
        if self._profiler is not None:
            self._profiler.made(made)

    def _finish(self, event: StepFinished, measured: list[Measured]) -> None:
        planned = self.rows[event.step]
        ran = event.status != "skipped" and not self.versions.is_asleep(event.step)
        counts = [made.rows for made in event.made if made.rows is not None]
        row = StepRow(
            run_id=self._run.id,
            step=event.step,
            kind=planned.kind,
            name=planned.name,
            integration=planned.integration,
            status=event.status,
            reason=planned.reason,
            started_at=event.started_at if ran else None,
            finished_at=event.finished_at if ran else None,
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
            materialization(item, self._run.id, event.finished_at, self._graph) for item in measured
        ]
        self._ledger.finish_step(row, made, self._passed(event))
        self.rows[event.step] = row
        self.versions.note(made)
        if not self.versions.can_measure:
            self._unmeasured.append(event)
        elif self._profiler is not None:
            self._profiler.made(made)
        if event.status == "no-op":
            for key, (run_id, inputs) in self.versions.slept(event.step).items():
                self._ledger.confirm(key, run_id, inputs=inputs)

    def _passed(self, event: StepFinished) -> Passed | None:
        check = self._graph.checks.get(event.step)
        if check is None or event.status != "pass":
            return None
        return Passed(
            step=event.step,
            run_id=self._run.id,
            at=event.finished_at,
            code_version=check.code_version,
            volatile=self.versions.volatile_check(check, event.sql),
            inputs=self.versions.check_inputs(check),
        )

    def _waited_for(self, step: str) -> str | None:
        """The step that ended last of those which it had to wait for, if any ran.

        One that stayed asleep waited for others, and its children through it.
        """
        waited = {key if self.rows[key].finished_at else self.rows[key].waited_for
                  for key in self._after[step]}  # fmt: skip
        ends = [(at, key) for key in waited if key and (at := self.rows[key].finished_at)]
        return max(ends)[1] if ends else None


def rows_of(plan: Plan, run: Run) -> dict[str, StepRow]:
    """The steps of a plan as they stand in the ledger before any has begun."""
    return {
        planned.step.key: StepRow(
            run_id=run.id,
            step=planned.step.key,
            kind=planned.step.kind,
            name=planned.step.name,
            integration=planned.step.integration,
            status="no-op" if planned.action == "skip" else "planned",
            message=_at_rest(planned.reason) if planned.action == "skip" else "",
            reason=planned.reason,
        )
        for planned in plan.steps
    }


def _at_rest(reason: str) -> str:
    """What results say of a step that a plan skips; "up to date" alone would be no reason."""
    usual = "neither its code nor what it reads changed"
    return f"up to date: {usual if reason == 'up to date' else reason}"


def confirm(ledger: Ledger, plan: Plan, graph: AssetGraph, history: History) -> None:
    """Note the code of what differs from what was made in comments, and the like."""
    for key in plan.same_code:
        ledger.confirm(key, history.latest[key].run_id, code_version=graph[key].code_version)


def materialization(
    measured: Measured, run_id: str, at: float, graph: AssetGraph
) -> Materialization:
    """One asset as a run left it, as the ledger keeps it."""
    made = measured.made
    return Materialization(
        asset=made.asset,
        run_id=run_id,
        at=at,
        rows=made.rows,
        code_version=(
            graph[made.asset].code_version
            if measured.code_version is None
            else measured.code_version
        ),
        sql_version=measured.sql_version,
        data_version=made.data_version,
        volatile=measured.volatile,
        metrics=made.metrics,
        metadata=made.metadata,
        inputs=measured.inputs,
    )
