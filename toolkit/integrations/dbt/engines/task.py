"""dbt's own task, with what the gated engine changes in it.

Imports dbt: only for those who are about to run it.
"""

import importlib
from contextlib import suppress
from typing import Any

from toolkit.integrations.dbt.engines.hold import Hold
from toolkit.integrations.dbt.engines.queue import GatedQueue
from toolkit.integrations.dbt.engines.sleeping import Sleeping
from toolkit.integrations.dbt.injected import inject_again

_BuildTask: Any = importlib.import_module("dbt.task.build").BuildTask
_selected: Any = importlib.import_module("dbt.selected_resources")


class GatedBuild(_BuildTask):  # type: ignore[misc]
    """``dbt build`` of exactly the wanted nodes."""

    def __init__(self, hold: Hold, *args: Any, **named: Any) -> None:
        self._hold = hold
        self._pool: Any = None
        super().__init__(*args, **named)

    def compile_manifest(self) -> None:
        """Without the edges that make models wait for tests, where none would wait.

        dbt looks for them in the whole graph: half a second with a thousand models.
        """
        if self._hold.tests_block:
            super().compile_manifest()
        else:
            self.graph: Any = self.compiler.compile(self.manifest)

    def get_graph_queue(self) -> Any:  # noqa: ANN401 - dbt's queue
        """A queue of what is wanted: no selection is asked of dbt."""
        unit_tests = self._hold.wanted & self.manifest.unit_tests.keys()
        self.selected_unit_tests = unit_tests
        self.build_model_to_unit_test_map(unit_tests)
        nodes = self._hold.wanted - unit_tests
        _selected.set_selected_resources(nodes)
        graph = self.graph.get_subset_graph(nodes).graph
        queue = GatedQueue(self._hold, graph, self.manifest, set(nodes))
        queue.once_more = self._once_more
        self._hold.attach(self, queue)
        return queue

    def get_runner_type(self, node: Any) -> Any:  # noqa: ANN401 - a node, a class of dbt's
        """What does a node: nothing, where it need not run after all."""
        if self._hold.asleep(node.unique_id) is not None:
            return Sleeping
        return super().get_runner_type(node)

    def handle_job_queue(self, pool: Any, callback: Any) -> None:  # noqa: ANN401 - dbt's pool
        """Keeps what dbt's main thread works with, for what is done once more."""
        self._pool, self._callback = pool, callback
        super().handle_job_queue(pool, callback)

    def call_runner(self, runner: Any) -> Any:  # noqa: ANN401 - dbt's runner and result
        """Does a node, in a thread of dbt's, and asks whether it is done with."""
        key = runner.node.unique_id
        result = super().call_runner(runner)
        wait = self._hold.retry_in(key)
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
