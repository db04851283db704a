"""How many steps run at once: real threads, and a pure account of places."""

import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from run_house import House, plan_of

from toolkit.integrations.base import Status
from toolkit.run.scheduling.limits import Limits
from toolkit.run.scheduling.rules import Guide, Policy
from toolkit.settings import RunSettings


def guide(members: dict[str, str] | None = None, **settings: dict[str, int]) -> Guide:
    """Steps by the name of their pool, and the limits."""
    return Guide(
        settings=RunSettings(**settings),
        policies={key: Policy(pool=pool) for key, pool in (members or {}).items()},
    )


GPU = dict.fromkeys(["p1", "p2", "s1", "s2"], "gpu")
LIMITS: dict[str, tuple[str, Guide, int, int]] = {
    # name: (steps, limits, --threads, how many of them run at once)
    "threads for all": ("p1 p2 p3 p4 p5 p6", guide(), 3, 3),
    "four syncs": ("s1 s2 s3 s4 s5 s6 s7 s8", guide(), 1, 4),
    "threads of syncs": ("s1 s2 s3 s4 s5 s6", guide(), 6, 6),
    "syncs beside the others": ("p1 p2 s1 s2 s3 s4", guide(), 2, 6),
    "a kind has its own": ("s1 s2 s3 s4", guide(concurrency={"sync": 2}), 3, 2),
    "more than threads": ("s1 s2 s3 s4 s5 s6", guide(concurrency={"sync": 3}), 1, 3),
    "kinds beside each other": ("p1 s1", guide(concurrency={"sync": 1}), 1, 2),
    "a pool": ("p1 p2 s1 s2", guide(GPU, pools={"gpu": 2}), 4, 2),
    "a pool of one": ("p1 p2 s1 s2", guide(GPU, pools={"gpu": 1}), 4, 1),
    "a pool and a kind": ("s1 s2", guide(GPU, pools={"gpu": 2}, concurrency={"sync": 1}), 4, 1),
}


@pytest.mark.parametrize("name", LIMITS)
def test_as_many_as_may_and_no_more(name: str, tmp_path: Path) -> None:
    keys, limits, threads, most = LIMITS[name]
    meeting = threading.Barrier(most, timeout=20)

    def make(key: str) -> Status:
        meeting.wait()  # passes only when so many run at once
        return "success"

    house = House(tmp_path, dict.fromkeys(keys.split(), ""), make, limits, threads=threads)
    assert set(house.run().values()) == {"success"}
    assert house.single.most == most


def test_a_step_that_lacks_a_place_holds_up_no_other(tmp_path: Path) -> None:
    done = threading.Event()

    def make(key: str) -> Status:
        if key == "p3":
            done.set()
        if key == "p1":  # has the one place until p3, which needs none, has run
            return "success" if done.wait(20) else "error"
        return "success"

    limits = guide({"p1": "gpu", "p2": "gpu"}, pools={"gpu": 1})
    house = House(tmp_path, {"p1": "", "p2": "", "p3": ""}, make, limits)
    assert set(house.run().values()) == {"success"}
    assert house.single.begun.index("p3") < house.single.begun.index("p2")


def test_a_segment_waits_for_the_places_of_its_steps(tmp_path: Path) -> None:
    ends: list[str] = []

    def make(key: str) -> Status:
        ends.append(key)
        return "success"

    limits = guide({"p1": "gpu", "d1": "gpu"}, pools={"gpu": 1})
    house = House(tmp_path, {"p1": "", "d1": "", "d2": "d1"}, make, limits)
    assert set(house.run().values()) == {"success"}
    assert ends[0] == "p1"  # it was ready first, and had the place


def test_how_many_of_a_segment_run_at_once() -> None:
    plan, _ = plan_of({"d1": "", "d2": "", "d3": "", "d4": ""})
    steps = [planned.step for planned in plan.steps]
    pools = {"d1": "gpu", "d2": "gpu", "d3": "gpu"}
    held = Limits(steps, frozenset({"dbt"}), guide(pools, pools={"gpu": 2}))
    assert held.at_once(steps, 8) == 2
    assert held.at_once(steps[:2], 8) == 8  # as many places as steps: nothing to hold back
    assert held.at_once(steps[3:], 8) == 8
    assert Limits(steps, frozenset({"dbt"}), guide(concurrency={"dbt": 3})).at_once(steps, 8) == 3


moves = st.lists(st.tuples(st.sampled_from(["take", "give"]), st.integers(0, 7)), max_size=60)


@given(moves, st.integers(1, 3), st.integers(1, 3))
def test_places_are_neither_lost_nor_made(
    moves: list[tuple[str, int]], gpu: int, syncs: int
) -> None:
    plan, _ = plan_of({f"{kind}{n}": "" for kind in "ps" for n in range(4)})
    steps = [planned.step for planned in plan.steps]
    pools = {"p0": "gpu", "p1": "gpu", "s0": "gpu", "s1": "gpu"}
    limits = Limits(
        steps, frozenset(), guide(pools, pools={"gpu": gpu}, concurrency={"sync": syncs})
    )
    limits.set_threads(2)
    told: list[int] = []
    limits.on_free(lambda: told.append(1))
    held: set[str] = set()
    for move, number in moves:
        key = steps[number].key
        if move == "take" and limits.take_place(key):
            held.add(key)
        elif move == "give":
            before = len(told)
            limits.give_back(key)
            assert (len(told) > before) is (key in held)
            held.discard(key)
        expected = {
            "threads": len({k for k in held if k[0] == "p"}),
            "kind sync": len({k for k in held if k[0] == "s"}),
            "pool gpu": len(held & set(pools)),
        }
        assert limits.taken == expected
        assert expected["threads"] <= 2
        assert expected["kind sync"] <= syncs
        assert expected["pool gpu"] <= gpu
    for key in [*held]:
        limits.give_back(key)
    assert set(limits.taken.values()) == {0}
    assert limits.take_place(steps[0].key)  # nobody is kept out for ever
