"""The gated engine: one ``dbt build`` for a whole run, whose queue waits for other tools.

dbt's own queue gives out a node when the nodes that it reads are done. Here it also waits
for what dbt knows nothing of: a sync that lands a source, a Python asset between two
models. So dbt starts once, and ingest, dbt and Python interleave without a barrier.

dbt has no public way to do that: the private names that it takes are all in
``queue``, ``task`` and ``exchange``.
"""

import sys
import threading
import time
from collections.abc import Mapping, Sequence

from toolkit.errors import ToolkitError
from toolkit.integrations.base import RunContext, Step, StepFinished
from toolkit.integrations.dbt.engines.exchange import build_task, why_not
from toolkit.integrations.dbt.engines.hold import Hold
from toolkit.integrations.dbt.engines.runner import RunnerEngine
from toolkit.integrations.dbt.in_process import DbtSession
from toolkit.integrations.dbt.select_args import unit_tested


class GatedEngine(RunnerEngine):
    """One in-process ``dbt build`` for all steps; falls back to one for each segment."""

    name = "gated"

    def __init__(self, session: DbtSession, context: RunContext, buildable: frozenset[str]) -> None:
        super().__init__(session, context, buildable)
        self._lock = threading.Lock()
        self._ended: dict[str, bool] = {}
        self._hold: Hold | None = None
        self._stopped = False
        self._interrupted = False
        self._takes: bool | None = None

    def takes_gates(self) -> bool:
        """Whether this dbt has all that is needed; says so on standard error if not, once."""
        if self._takes is not None:
            return self._takes
        reason = why_not()
        self._takes = reason is None
        if reason is not None and self._context.settings.engine == "gated":
            raise ToolkitError(
                f"The gated engine does not know this dbt ({reason}).",
                "dbt's part was not built.",
                "Leave out --engine gated: another engine is chosen then.",
            )
        if reason is not None:
            print(
                f"dbt runs segment by segment: the gated engine does not know this dbt ({reason}).",
                file=sys.stderr,
                flush=True,
            )
        return self._takes

    def run_gated(self, steps: Sequence[Step], gates: Mapping[str, frozenset[str]]) -> None:
        """Build ``steps`` in one dbt invocation that holds back what its gates say."""
        keys = {step.key for step in steps}
        wanted = frozenset(keys | unit_tested(self._context.graph, keys))
        hold = Hold(wanted, gates, self._context, self._again)
        with self._lock:
            hold.start(self._ended, stopped=self._stopped, interrupted=self._interrupted)
            self._hold = hold
        try:
            self._context.control.on_free(hold.look)
            with build_task(hold):
                self._build(steps, [], share_parse=False)
        finally:
            with self._lock:
                self._hold = None
            hold.end_all()
        if hold.trouble is not None:
            raise hold.trouble

    def ended(self, event: StepFinished, *, blocks: bool) -> None:
        """Let go of the nodes that waited for this step and for no other."""
        graph = self._context.graph
        relations = [graph[made.asset].relation for made in event.made if made.asset in graph]
        with self._lock:
            self._ended[event.step] = blocks
            hold = self._hold
        if hold is not None:
            hold.end(event.step, blocks=blocks, landed=[r for r in relations if r is not None])

    def stop(self) -> None:
        """Have dbt skip all that has not begun."""
        with self._lock:
            self._stopped = True
            hold = self._hold
        if hold is not None:
            hold.stop()

    def interrupt(self) -> None:
        """Break off queries, and dbt's wait for other tools, where the signal got lost in dbt."""
        with self._lock:
            self._interrupted = True
            if self._hold is not None:
                self._hold.interrupted = True
        super().interrupt()

    def abandon(self, key: str) -> None:
        """Have dbt go on without a node that nobody can stop."""
        with self._lock:
            hold = self._hold
        if hold is None:
            return
        self._session.forget(key)
        check = self._context.graph.checks.get(key)
        if check is None or check.kind != "unit_test":
            hold.give_up(key)
            return
        for model in check.assets:  # dbt runs a unit test in the thread of its model
            if model in hold.wanted:
                now = time.time()
                self._context.emit(
                    StepFinished(step=model, status="skipped", started_at=now, finished_at=now)
                )
                hold.give_up(model)
