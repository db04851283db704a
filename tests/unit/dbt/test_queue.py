"""dbt's own queue with our gates, limits and order: every node comes out once, in time."""

from collections.abc import Mapping
from itertools import cycle
from queue import Empty
from types import SimpleNamespace
from typing import Any

import networkx as nx
from hypothesis import given, settings
from hypothesis import strategies as st

from toolkit.integrations.base import Step
from toolkit.integrations.dbt.engines.queue import GatedQueue
from toolkit.run.scheduling.limits import Limits
from toolkit.run.scheduling.rules import Guide, Policy
from toolkit.settings import RunSettings


class Held:
    """What the engine says to the queue; gates and limits as the test sets them."""

    def __init__(self, nodes: list[str], pools: Mapping[str, str], size: int, threads: int) -> None:
        steps = [
            Step(key=node, kind="dbt", integration="dbt", makes=(), reads=(), name=node)
            for node in nodes
        ]
        self.limits = Limits(
            steps,
            frozenset({"dbt"}),
            Guide(
                settings=RunSettings(pools={"gpu": size}),
                policies={key: Policy(pool=pool) for key, pool in pools.items()},
            ),
        )
        self.wanted = frozenset(nodes)
        self.threads = threads
        self.closed: set[str] = set()
        self.skipped: set[str] = set()
        self.rank: dict[str, float] = {}
        self.interrupted = False

    def is_open(self, node: str) -> bool:
        return node not in self.closed

    def skips(self, node: str) -> bool:
        return node in self.skipped

    def take_place(self, node: str) -> bool:
        return self.limits.take_place(node)

    def give_back(self, node: str) -> None:
        self.limits.give_back(node)

    def urgency(self, node: str) -> float:
        return self.rank.get(node, 0.0)


def queue_of(held: Held, edges: Mapping[str, set[str]]) -> Any:
    graph = nx.DiGraph()
    graph.add_nodes_from(edges)
    graph.add_edges_from((parent, child) for child, above in edges.items() for parent in above)
    manifest = SimpleNamespace(expect=lambda node: SimpleNamespace(unique_id=node))
    queue = GatedQueue(held, graph, manifest, set(edges))  # type: ignore[arg-type]
    held.limits.on_free(queue.release)
    return queue


def given_out(queue: Any) -> list[str]:
    """What dbt's main thread would take now."""
    found: list[str] = []
    try:
        while True:
            found.append(queue.get(block=False).unique_id)
    except Empty:
        return found


def test_the_most_urgent_goes_first_also_when_it_gets_ready_later() -> None:
    edges: dict[str, set[str]] = {"a": set(), "b": set(), "c": set(), "d": {"a"}, "e": set()}
    held = Held([*edges], {}, 1, threads=1)
    held.rank = {"a": 5, "d": 4, "b": 3, "c": 2, "e": 1}
    queue = queue_of(held, edges)
    order = given_out(queue)
    assert order == ["a", "b"]  # one runs, one is in hand
    for node in "abdce":
        queue.mark_done(node)
        order += given_out(queue)
    assert order == ["a", "b", "d", "c", "e"]


def test_a_node_that_will_be_skipped_needs_no_place() -> None:
    edges: dict[str, set[str]] = {"a": set(), "b": set(), "c": {"b"}}
    held = Held([*edges], {"a": "gpu", "b": "gpu", "c": "gpu"}, 1, threads=4)
    queue = queue_of(held, edges)
    assert given_out(queue) == ["a"]
    held.skipped = {"b", "c"}
    queue.release()
    assert given_out(queue) == ["b"]
    queue.mark_done("b")
    assert given_out(queue) == ["c"]


def test_a_node_that_was_given_up_counts_once() -> None:
    edges: dict[str, set[str]] = {"a": set(), "b": {"a"}}
    queue = queue_of(Held([*edges], {}, 1, threads=1), edges)
    assert given_out(queue) == ["a"]
    queue.mark_done("a")  # given up
    queue.mark_done("a")  # and it ended after all
    assert given_out(queue) == ["b"]
    queue.mark_done("b")
    assert queue.inner.unfinished_tasks == 0


dags = st.integers(1, 9).flatmap(
    lambda count: st.tuples(*(st.frozensets(st.integers(0, 8), max_size=3) for _ in range(count)))
)
chances = st.lists(st.integers(0, 99), min_size=60, max_size=60)


@settings(max_examples=300, deadline=None)
@given(dags, st.frozensets(st.integers(0, 8)), st.frozensets(st.integers(0, 8)),
       st.integers(1, 2), st.integers(1, 3), chances)  # fmt: skip
def test_every_node_comes_out_once_and_the_limits_hold(
    parents: tuple[frozenset[int], ...],
    pooled: frozenset[int],
    gated: frozenset[int],
    size: int,
    threads: int,
    chances: list[int],
) -> None:
    nodes = [f"n{n}" for n in range(len(parents))]
    edges = {
        node: {f"n{p}" for p in parents[n] if p < n} for n, node in enumerate(nodes)
    }  # fmt: skip
    held = Held(nodes, {f"n{n}": "gpu" for n in pooled if n < len(nodes)}, size, threads)
    held.closed = {f"n{n}" for n in gated if n < len(nodes)}
    queue = queue_of(held, edges)
    once_more: list[str] = []
    queue.once_more = once_more.append
    running: list[str] = []
    done: list[str] = []
    tries: dict[str, int] = {}
    chance = cycle(chances)
    while len(done) < len(nodes):
        came = given_out(queue) + once_more
        once_more.clear()
        for node in came:
            assert edges[node] <= set(done)
            assert node not in held.closed
        running += came
        assert len(running) <= threads + 1
        assert len({*running} & {f"n{n}" for n in pooled}) <= size
        moves = [("open", node) for node in sorted(held.closed)]
        moves += [("end", node) for node in running]
        assert moves, "nothing can happen any more"
        move, node = moves[next(chance) % len(moves)]
        if move == "open":
            held.closed.discard(node)
            queue.release([node])
            continue
        running.remove(node)
        if tries.get(node, 0) < 2 and next(chance) % 4 == 0:
            tries[node] = tries.get(node, 0) + 1
            queue.failed[node] = 3600.0
            queue.mark_done(node)
            queue.go_on([node])
        else:
            done.append(node)
            queue.mark_done(node)
    assert sorted(done) == nodes
    assert queue.inner.unfinished_tasks == 0
    assert held.limits.taken["pool gpu"] == 0
