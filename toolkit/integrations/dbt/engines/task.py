"""dbt's own queue and task, with what the gated engine changes in them.

Only here are private names of dbt-core used. :func:`why_not` looks for each of them before
anything runs: where one is missing, the runner engine does the work, segment by segment.
"""

import importlib
import inspect
import threading
from bisect import insort
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Protocol

from toolkit.integrations.dbt.engines.sleeping import sleeping_runner
from toolkit.integrations.dbt.injected import inject_again

_IN_HAND = 1  # waits for the next free thread, which would else be idle until dbt's main one wakes


class Hold(Protocol):
    """What the queue and the task ask the engine. Thread-safe."""

    wanted: frozenset[str]
    threads: int

    def is_open(self, node: str) -> bool:
        """Whether no gate holds a node back; takes no lock."""

    def skips(self, node: str) -> bool:
        """Whether a node will come out as skipped; takes no lock."""

    def take_place(self, node: str) -> bool:
        """Take the places that a node needs; takes no lock but its own."""

    def give_back(self, node: str) -> None:
        """A node holds no place any more."""

    def urgency(self, node: str) -> float:
        """Who goes first, the highest."""

    def asleep(self, node: str) -> str | None:
        """Why a node need not run now that its turn has come; ``None``: it runs."""

    def retry_in(self, node: str) -> float | None:
        """Seconds until a node that failed is to be done again; ``None``: it has ended."""

    def attach(self, task: Any, queue: Any) -> None:  # noqa: ANN401 - dbt's BuildTask and queue
        """dbt's queue is there now."""


@contextmanager
def build_task(hold: Hold) -> Iterator[None]:
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


def _queue_class(hold: Hold) -> Any:  # noqa: ANN401 - a class of dbt's
    theirs: Any = importlib.import_module("dbt.graph.queue").GraphQueue

    class GatedQueue(theirs):  # type: ignore[misc]
        """Gives out a node when dbt would, its gates are open, and it has a thread and a place.

        dbt gives out all that is ready at once, and its pool of threads then takes it in that
        order. Here little more is out than there are threads, so that what gets ready later
        and is more urgent goes before what is not.
        """

        def __init__(self, graph: Any, manifest: Any, selected: set[str]) -> None:  # noqa: ANN401
            self._ready: list[tuple[float, str]] = []  # the most urgent first
            self._known: set[str] = set()
            self._out: set[str] = set()
            self._done: set[str] = set()
            self.failed: dict[str, float] = {}  # to be done again in so many seconds
            self._paused: dict[str, threading.Timer] = {}
            self._again: set[str] = set()
            self.once_more: Callable[[str], None] = lambda _: None
            super().__init__(graph, manifest, selected)

        def _find_new_additions(self, candidates: Iterable[str]) -> None:
            for node in candidates:
                if node in self._known or self.graph.in_degree(node) or not hold.is_open(node):
                    continue
                self._known.add(node)
                insort(self._ready, (-hold.urgency(node), node))
            self._give_out()

        def _give_out(self) -> None:
            later: list[tuple[float, str]] = []
            while self._ready and len(self._out) < hold.threads + _IN_HAND:
                entry = self._ready.pop(0)
                node = entry[1]
                if not hold.skips(node) and not hold.take_place(node):
                    later.append(entry)
                    continue
                self._out.add(node)
                if node in self._again:  # dbt thinks that it is still at it
                    self._again.discard(node)
                    self.once_more(node)
                else:
                    super()._find_new_additions([node])
            self._ready[:0] = later

        def release(self, nodes: Iterable[str] = ()) -> None:
            """Look again at nodes whose gates are open now, and at those that lack a place."""
            with self.lock:
                self._find_new_additions([node for node in nodes if node in self.graph])

        def mark_done(self, node_id: str) -> None:
            hold.give_back(node_id)
            with self.lock:
                self._out.discard(node_id)
                wait = self.failed.pop(node_id, None)
                if wait is None and node_id in self._done:
                    return  # it was given up, and has ended after all
                if wait is not None:
                    timer = threading.Timer(wait, self.go_on, [[node_id]])
                    timer.daemon = True
                    self._paused[node_id] = timer
                    timer.start()
                    self._give_out()
                else:
                    self._done.add(node_id)
            if wait is None:
                super().mark_done(node_id)

        def go_on(self, nodes: Iterable[str] | None = None) -> None:
            """Nodes that wait for their next attempt (default: all) need wait no longer."""
            with self.lock:
                for node in [*(self._paused if nodes is None else nodes)]:
                    timer = self._paused.pop(node, None)
                    if timer is None:
                        continue
                    timer.cancel()
                    self._again.add(node)
                    insort(self._ready, (-hold.urgency(node), node))
                self._give_out()

    return GatedQueue


def _task_class(base: Any, hold: Hold) -> Any:  # noqa: ANN401 - a class of dbt's
    from dbt import selected_resources

    queue_class, sleeping = _queue_class(hold), sleeping_runner()

    class GatedBuild(base):  # type: ignore[misc]
        """``dbt build`` of exactly the wanted nodes."""

        def get_graph_queue(self) -> Any:  # noqa: ANN401
            unit_tests = hold.wanted & self.manifest.unit_tests.keys()
            self.selected_unit_tests = unit_tests
            self.build_model_to_unit_test_map(unit_tests)
            nodes = hold.wanted - unit_tests
            selected_resources.set_selected_resources(nodes)
            graph = self.graph.get_subset_graph(nodes).graph
            queue = queue_class(graph, self.manifest, set(nodes))
            queue.once_more = self._once_more
            self._pool: Any = None
            hold.attach(self, queue)
            return queue

        def get_runner_type(self, node: Any) -> Any:  # noqa: ANN401
            if hold.asleep(node.unique_id) is not None:
                return sleeping
            return super().get_runner_type(node)

        def handle_job_queue(self, pool: Any, callback: Any) -> None:  # noqa: ANN401
            self._pool, self._callback = pool, callback
            super().handle_job_queue(pool, callback)

        def call_runner(self, runner: Any) -> Any:  # noqa: ANN401
            key = runner.node.unique_id
            result = super().call_runner(runner)
            wait = hold.retry_in(key)
            if wait is not None:
                self.job_queue.failed[key] = wait
                # --fail-fast: only what failed for good stops the others
                if getattr(self._raise_next_tick, "result", None) is result:
                    self._raise_next_tick: Any = None
            return result

        def _handle_result(self, result: Any) -> None:  # noqa: ANN401
            if result.node.unique_id not in self.job_queue.failed:
                super()._handle_result(result)

        def _once_more(self, key: str) -> None:
            """As dbt does with what its queue gives out. It is over where the pool is closed."""
            if self._raise_next_tick is None:
                with suppress(ValueError):
                    node = self.manifest.expect(key)
                    inject_again([node])
                    self.handle_job_queue_node(node, self._pool, self._callback)

        def give_up(self, key: str) -> None:
            """Count a node that runs as done, whose thread nobody can stop."""
            pool = self._pool
            pool.join = lambda: None  # which would wait for that thread
            pool._processes += 1
            pool._repopulate_pool()  # one in the place of the one that is lost
            self.job_queue.mark_done(key)

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

        sleeping_runner()
    except ImportError as error:
        return str(error)
    used: dict[str, tuple[Any, tuple[str, ...]]] = {
        "GraphQueue.__init__": (GraphQueue, ("graph", "manifest", "selected")),
        "GraphQueue._find_new_additions": (GraphQueue, ("self", "candidates")),
        "GraphQueue.mark_done": (GraphQueue, ("self", "node_id")),
        "BuildTask.get_graph_queue": (BuildTask, ("self",)),
        "BuildTask.build_model_to_unit_test_map": (BuildTask, ("self", "selected_unit_tests")),
        "BuildTask.get_runner_type": (BuildTask, ("self", "node")),
        "BuildTask.handle_job_queue": (BuildTask, ("self", "pool", "callback")),
        "BuildTask.handle_job_queue_node": (BuildTask, ("self", "node", "pool", "callback")),
        "BuildTask.call_runner": (BuildTask, ("self", "runner")),
        "BuildTask._handle_result": (BuildTask, ("self", "result")),
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
    attributes = {n for c in BuildTask.__mro__ for n in _assigned(c)}
    for name in ("_skipped_children", "_raise_next_tick", "job_queue"):
        if name not in attributes:
            return f"no BuildTask.{name}"
    if hasattr(dbt.cli.main, "BuildTask"):
        return "its command holds on to BuildTask"
    return None


def _assigned(owner: type) -> tuple[str, ...]:
    """Names of the attributes that a class's own ``__init__`` speaks of."""
    made = vars(owner).get("__init__")
    return made.__code__.co_names if inspect.isfunction(made) else ()
