"""The gated engine: one ``dbt build`` for a whole run, whose queue waits for other tools.

dbt's own queue gives out a node when the nodes that it reads are done. Here it also waits
for what dbt knows nothing of: a sync that lands a source, a Python asset between two
models. So dbt starts once, and ingest, dbt and Python interleave without a barrier.

dbt has no public way to do that. This module uses some private names of dbt-core, all
listed in :func:`why_not`, which looks for each of them before anything runs: where one is
missing, the runner engine does the work, segment by segment.
"""

import importlib
import inspect
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from toolkit.errors import ToolkitError
from toolkit.graph import Relation
from toolkit.integrations.base import RunContext, Step, StepFinished
from toolkit.integrations.dbt.engines.gates import Gates
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
        self._hold: _Hold | None = None
        self._stopped = False
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
        hold = _Hold(keys | unit_tested(self._context.graph, keys), gates)
        with self._lock:
            hold.start(self._ended, stopped=self._stopped)
            self._hold = hold
        try:
            with _build_task(hold):
                self._build(steps, [], share_parse=False)
        finally:
            with self._lock:
                self._hold = None

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


class _Hold:
    """The gates of one dbt invocation, from before its queue exists until it is empty.

    Args:
        wanted: ``unique_id`` of each node to build: no selection is asked of dbt.
    """

    def __init__(self, wanted: set[str], waits: Mapping[str, frozenset[str]]) -> None:
        self.wanted = wanted
        self._waits = waits
        self._lock = threading.Lock()
        self._gates = Gates({})
        self._stopped = False
        self._task: Any = None
        self._queue: Any = None

    def start(self, ended: Mapping[str, bool], *, stopped: bool) -> None:
        """Count what has ended before."""
        self._gates = Gates(self._waits, ended)
        self._stopped = stopped

    def is_open(self, node: str) -> bool:
        """Whether no gate holds the node back. Takes no lock: dbt asks while it holds its own."""
        return self._gates.is_open(node)

    def attach(self, task: Any, queue: Any) -> None:  # noqa: ANN401 - dbt's BuildTask and queue
        """dbt's queue is there now: from here on it is told at once."""
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
                self._queue.release(opened)

    def _skip(self, nodes: Iterable[str]) -> None:
        """As dbt marks what is below a failed node: it comes out as skipped."""
        for node in nodes:
            for key in (node, *self._task.graph.get_dependent_nodes(node)):
                self._task._skipped_children[key] = None


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


@contextmanager
def _build_task(hold: _Hold) -> Iterator[None]:
    """Within, ``dbt build`` runs a task of ours.

    dbt's command imports the class when it is called, so the class is all that is exchanged:
    its arguments, which differ between versions, are none of our business.
    """
    module: Any = importlib.import_module("dbt.task.build")

    theirs = module.BuildTask
    module.BuildTask = _task_class(theirs, hold)
    try:
        yield
    finally:
        module.BuildTask = theirs


def _task_class(base: Any, hold: _Hold) -> Any:  # noqa: ANN401 - a class of dbt's
    from dbt import selected_resources
    from dbt.graph.queue import GraphQueue

    class GatedQueue(GraphQueue):
        """Gives out a node when dbt would, and its gates are open."""

        def _find_new_additions(self, candidates: Iterable[str]) -> None:
            super()._find_new_additions([node for node in candidates if hold.is_open(node)])

        def release(self, nodes: Iterable[str]) -> None:
            """Look again at nodes whose gates are open now."""
            with self.lock:
                self._find_new_additions([node for node in nodes if node in self.graph])

    class GatedBuild(base):  # type: ignore[misc]
        """``dbt build`` of exactly the wanted nodes."""

        def get_graph_queue(self) -> GatedQueue:
            unit_tests = hold.wanted & self.manifest.unit_tests.keys()
            self.selected_unit_tests = unit_tests
            self.build_model_to_unit_test_map(unit_tests)
            nodes = hold.wanted - unit_tests
            selected_resources.set_selected_resources(nodes)
            graph = self.graph.get_subset_graph(nodes).graph
            queue = GatedQueue(graph, self.manifest, nodes)
            hold.attach(self, queue)
            return queue

    return GatedBuild


def why_not() -> str | None:
    """What this dbt lacks for the gated engine; ``None`` where all is there.

    Looks for every private name that is used above, and for the parameters that are passed.
    """
    try:
        import dbt.cli.main
        from dbt import selected_resources
        from dbt.graph.graph import Graph
        from dbt.graph.queue import GraphQueue
        from dbt.task.build import BuildTask
    except ImportError as error:
        return str(error)
    used: dict[str, tuple[Any, tuple[str, ...]]] = {
        "GraphQueue.__init__": (GraphQueue, ("graph", "manifest", "selected")),
        "GraphQueue._find_new_additions": (GraphQueue, ("self", "candidates")),
        "BuildTask.get_graph_queue": (BuildTask, ("self",)),
        "BuildTask.build_model_to_unit_test_map": (BuildTask, ("self", "selected_unit_tests")),
        "Graph.get_subset_graph": (Graph, ("self", "selected")),
        "Graph.get_dependent_nodes": (Graph, ("self", "node")),
        "selected_resources.set_selected_resources": (selected_resources, ("selected_resources",)),
    }
    for name, (owner, parameters) in used.items():
        found = owner if name.endswith("__init__") else getattr(owner, name.split(".")[1], None)
        if found is None:
            return f"no {name}"
        if tuple(inspect.signature(found).parameters)[: len(parameters)] != parameters:
            return f"{name} takes other parameters"
    if "_skipped_children" not in {n for c in BuildTask.__mro__ for n in _assigned(c)}:
        return "no BuildTask._skipped_children"
    if hasattr(dbt.cli.main, "BuildTask"):
        return "its command holds on to BuildTask"
    return None


def _assigned(owner: type) -> tuple[str, ...]:
    """Names of the attributes that a class's own ``__init__`` speaks of."""
    made = vars(owner).get("__init__")
    return made.__code__.co_names if inspect.isfunction(made) else ()
