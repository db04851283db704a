"""dbt's own queue, which here waits for more than dbt knows of.

Imports dbt: only for those who are about to run it.
"""

import importlib
import threading
from bisect import insort
from collections.abc import Callable, Iterable
from queue import Empty
from typing import Any

from toolkit.integrations.dbt.engines.hold import Hold

_GraphQueue: Any = importlib.import_module("dbt.graph.queue").GraphQueue

_LOOK_SECONDS = 0.5  # for an interruption that did not get through
_IN_HAND = 1  # waits for the next free thread, which would else be idle until dbt's main one wakes


class GatedQueue(_GraphQueue):  # type: ignore[misc]
    """Gives out a node when dbt would, its gates are open, and it has a thread and a place.

    dbt gives out all that is ready at once, and its pool of threads then takes it in that
    order. Here little more is out than there are threads, so that what gets ready later
    and is more urgent goes before what is not.
    """

    def __init__(self, hold: Hold, graph: Any, manifest: Any, selected: set[str]) -> None:  # noqa: ANN401
        self._hold = hold
        self._ready: list[tuple[float, str]] = []  # the most urgent first
        self._known: set[str] = set()
        self._out: set[str] = set()
        self._done: set[str] = set()
        self.failed: dict[str, float] = {}  # to be done again in so many seconds
        self._paused: dict[str, threading.Timer] = {}
        self._again: set[str] = set()
        self.once_more: Callable[[str], None] = lambda _: None
        super().__init__(graph, manifest, selected)

    def get(self, block: bool = True, timeout: float | None = None) -> Any:  # noqa: ANN401
        """The next node; comes from dbt's main thread.

        Raises:
            KeyboardInterrupt: also where dbt has swallowed the one that was meant for it. It would
                wait here for a sync, say, that waits to be stopped.
        """
        while block and timeout is None:
            if self._hold.interrupted:
                raise KeyboardInterrupt
            try:
                return super().get(timeout=_LOOK_SECONDS)
            except Empty:
                continue
        return super().get(block, timeout)

    def _find_new_additions(self, candidates: Iterable[str]) -> None:
        for node in candidates:
            if node in self._known or self.graph.in_degree(node) or not self._hold.is_open(node):
                continue
            self._known.add(node)
            insort(self._ready, (-self._hold.urgency(node), node))
        self._give_out()

    def _give_out(self) -> None:
        later: list[tuple[float, str]] = []
        while self._ready and len(self._out) < self._hold.threads + _IN_HAND:
            entry = self._ready.pop(0)
            node = entry[1]
            if not self._hold.skips(node) and not self._hold.take_place(node):
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
        """A node has ended, or waits for its next attempt."""
        self._hold.give_back(node_id)
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
                insort(self._ready, (-self._hold.urgency(node), node))
            self._give_out()
