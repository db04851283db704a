"""What dbt's queue and task, as we change them, ask the gated engine: what may begin now."""

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from toolkit.graph import AssetGraph, Relation
from toolkit.integrations.base import RunContext
from toolkit.integrations.dbt.engines.gates import Gates
from toolkit.integrations.dbt.markers import mark, marked_in, unmark

_T = TypeVar("_T")


class Hold:
    """The gates of one dbt invocation, from before its queue exists until it is empty.

    Args:
        wanted: ``unique_id`` of each node to build: no selection is asked of dbt.
        again: called with a node that failed and will be done once more.

    Attributes:
        interrupted: the run is to stop: dbt's main thread must not wait for anything any more.
    """

    def __init__(
        self,
        wanted: frozenset[str],
        waits: Mapping[str, frozenset[str]],
        context: RunContext,
        again: Callable[[str], None],
    ) -> None:
        self.wanted = wanted
        self.threads = max(1, context.threads)
        self.tests_block = _is_below_a_test(context.graph, wanted)
        self._control = context.control
        self._again = again
        self._waits = waits
        self._marked = marked_in(context, wanted)
        self._run_id = context.run_id
        self._lock = threading.Lock()
        self._gates = Gates({})
        self._stopped = False
        self.interrupted = False
        self.trouble: Exception | None = None
        self._task: Any = None
        self._queue: Any = None

    def start(self, ended: Mapping[str, bool], *, stopped: bool, interrupted: bool) -> None:
        """Count what has ended before."""
        self._gates = Gates(self._waits, ended)
        self._stopped = stopped
        self.interrupted = interrupted

    def is_open(self, node: str) -> bool:
        """Whether no gate holds the node back. Takes no lock: dbt asks while it holds its own."""
        return self._gates.is_open(node)

    def skips(self, node: str) -> bool:
        """Whether dbt will skip the node: it needs no place then. Takes no lock, as above."""
        return self._task is not None and node in self._task._skipped_children

    def take_place(self, node: str) -> bool:
        """Take the places that a node needs, if all are free."""
        return self._control.take_place(node)

    def give_back(self, node: str) -> None:
        """A node holds no place any more."""
        self._control.give_back(node)

    def urgency(self, node: str) -> float:
        """Who goes first, the highest."""
        return self._control.urgency(node)

    def asleep(self, node: str) -> str | None:
        """Why a node need not run now that its turn has come; ``None``: it runs."""
        if node not in self.wanted:
            return None
        return self._asked(lambda: self._control.asleep(node))

    def retry_in(self, node: str) -> float | None:
        """Seconds until a node that failed is to be done again; ``None``: it has ended."""
        wait = self._asked(lambda: self._control.retry_in(node))
        if wait is not None:
            self._again(node)
        return wait

    def _asked(self, question: Callable[[], _T | None]) -> _T | None:
        """The answer. What goes wrong is kept: in a thread of dbt's, it would never come back."""
        try:
            return question()
        except Exception as error:  # noqa: BLE001 - see above; run_gated raises it
            self.trouble = self.trouble or error
            return None

    def look(self) -> None:
        """A place got free somewhere: perhaps a node waits for it."""
        with self._lock:
            if self._queue is not None:
                self._queue.release()

    def give_up(self, node: str) -> None:
        """Go on without a node that runs and cannot be stopped."""
        with self._lock:
            if self._queue is None:
                return
            self._skip([node])
            task = self._task
        task.give_up(node)

    def end_all(self) -> None:
        """dbt has returned: nothing is told to its queue any more."""
        with self._lock:
            self._task = self._queue = None

    def attach(self, task: Any, queue: Any) -> None:  # noqa: ANN401 - dbt's BuildTask and queue
        """dbt's queue is there now: from here on it is told at once."""
        mark(task.manifest, self._marked, self._run_id)
        with self._lock:
            self._task, self._queue = task, queue
            if self._stopped:
                self._gates.open_all()
            self._skip(self.wanted if self._stopped else self._gates.blocked)
            # What opened after the queue had looked for its first nodes.
            queue.release(self.wanted)

    def end(self, step: str, *, blocks: bool, landed: Sequence[Relation]) -> None:
        """A step has ended."""
        with self._lock:
            blocked = set(self._gates.blocked)
            opened = self._gates.end(step, blocks=blocks)
            if self._queue is not None:
                unmark(self._task.manifest, step)
                self._skip(self._gates.blocked - blocked)
                _tell_cache(self._task, landed)
                self._queue.release(opened)

    def stop(self) -> None:
        """Skip all that has not begun."""
        with self._lock:
            self._stopped = True
            opened = self._gates.open_all()
            if self._queue is not None:
                self._skip(self.wanted)
                self._queue.go_on()
                self._queue.release(opened)

    def _skip(self, nodes: Iterable[str]) -> None:
        """As dbt marks what is below a failed node: it comes out as skipped."""
        for node in nodes:
            for key in (node, *self._task.graph.get_dependent_nodes(node)):
                self._task._skipped_children[key] = None


def _is_below_a_test(graph: AssetGraph, wanted: frozenset[str]) -> bool:
    """Whether a wanted node reads, by whatever way, what a wanted test is about."""
    checks = [graph.checks[key] for key in wanted if key in graph.checks]
    tested = {asset for check in checks for asset in check.assets}
    return not wanted.isdisjoint(graph.descendants(tested))


def _tell_cache(task: Any, landed: Iterable[Relation]) -> None:  # noqa: ANN401 - dbt's BuildTask
    """dbt lists a schema once in a run; what landed since then must be known to macros too."""
    if not landed:
        return
    from dbt.adapters.factory import get_adapter

    adapter = get_adapter(task.config)
    for place in landed:
        if place.schema is not None and (place.database, place.schema) in adapter.cache:
            adapter.cache.add(
                adapter.Relation.create(
                    database=place.database,
                    schema=place.schema,
                    identifier=place.identifier,
                    type="table",
                )
            )
