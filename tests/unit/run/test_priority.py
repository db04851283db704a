"""Who goes first: the start of the longest chain, by the times that steps took."""

import heapq
from collections.abc import Mapping
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from run_house import House, plan_of

from toolkit.integrations.base import Status
from toolkit.run.scheduling.priority import urgencies
from toolkit.run.scheduling.rules import Guide


def makespan(
    edges: Mapping[str, str], seconds: Mapping[str, float], rank: Mapping[str, float], workers: int
) -> float:
    """How long a plan takes where the ready step of the highest rank always goes first."""
    missing = {key: set(parents.split()) for key, parents in edges.items()}
    ready = sorted(key for key, parents in missing.items() if not parents)
    running: list[tuple[float, str]] = []
    now = 0.0
    while ready or running:
        ready.sort(key=lambda key: (-rank[key], key))
        while ready and len(running) < workers:
            key = ready.pop(0)
            heapq.heappush(running, (now + seconds[key], key))
        now, ended = heapq.heappop(running)
        for key, parents in missing.items():
            if ended in parents:
                parents.discard(ended)
                if not parents:
                    ready.append(key)
    return now


def test_a_long_chain_goes_before_many_short_steps() -> None:
    """Graham's case: what is longest must not begin last."""
    edges = {"p1": "", "p2": "", "p3": "", "p4": "", "p5": "", "p6": "p5", "p7": "p6"}
    seconds = {"p1": 3.0, "p2": 3.0, "p3": 3.0, "p4": 3.0, "p5": 4.0, "p6": 4.0, "p7": 4.0}
    plan, _ = plan_of(edges)
    rank = urgencies(plan, seconds)
    assert rank["p5"] == 12.0
    in_order = makespan(edges, seconds, {key: -n for n, key in enumerate(edges)}, 2)
    assert (in_order, makespan(edges, seconds, rank, 2)) == (18.0, 12.0)


def test_the_order_in_which_they_begin(tmp_path: Path) -> None:
    edges = {"p1": "", "p2": "", "p3": "", "p4": "p3", "p5": "p4"}
    seconds = {"p1": 1.0, "p2": 5.0, "p3": 2.0, "p4": 2.0, "p5": 2.0}
    plan, _ = plan_of(edges)

    def make(key: str) -> Status:
        return "success"

    house = House(tmp_path, edges, make, Guide(urgency=urgencies(plan, seconds)), threads=1)
    house.run()
    assert house.single.begun == ["p3", "p2", "p4", "p5", "p1"]


def test_what_never_ran_counts_as_the_middle_one_of_its_kind() -> None:
    plan, _ = plan_of({"s1": "", "s2": "", "s3": "", "s4": "", "p1": "", "d1": ""})
    rank = urgencies(plan, {"s1": 10.0, "s2": 30.0, "s3": 100.0})
    assert rank["s4"] == 30.0
    assert rank["s4"] > rank["p1"] > rank["d1"] > 0


edges = st.integers(1, 9).flatmap(
    lambda count: st.tuples(
        *(st.frozensets(st.integers(0, max(0, n - 1)), max_size=3) for n in range(count))
    )
).map(
    lambda parents: {
        f"p{n}": " ".join(f"p{p}" for p in sorted(found) if p < n)
        for n, found in enumerate(parents)
    }
)  # fmt: skip


@given(edges, st.lists(st.integers(1, 9), min_size=9, max_size=9), st.integers(1, 3))
def test_urgency_is_the_longest_chain(
    edges: dict[str, str], times: list[int], workers: int
) -> None:
    seconds = {key: float(times[n]) for n, key in enumerate(edges)}
    plan, _ = plan_of(edges)
    rank = urgencies(plan, seconds)

    def longest(key: str) -> float:
        below = [child for child, parents in edges.items() if key in parents.split()]
        return seconds[key] + max((longest(child) for child in below), default=0.0)

    assert rank == {key: longest(key) for key in edges}
    # no order beats both bounds; list scheduling stays below twice their maximum (Graham)
    bound = max(max(rank.values()), sum(seconds.values()) / workers)
    assert bound <= makespan(edges, seconds, rank, workers) + 1e-9
    assert makespan(edges, seconds, rank, workers) <= 2 * bound
