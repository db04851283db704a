"""Trying again: what is tried, how long it is waited, and what is told of it."""

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from run_house import House, plan_of

from toolkit.integrations.base import StepFinished
from toolkit.run.scheduling.retry import Retries, may_help, wait_before
from toolkit.run.scheduling.rules import Guide, Policy, default_policy
from toolkit.settings import RunSettings

SOON = Policy(retries=2, retry_wait=0.01)
LATE = Policy(retries=2, retry_wait=500)


def all_of(edges: dict[str, str], policy: Policy, **settings: Any) -> Guide:
    return Guide(policies=dict.fromkeys(edges, policy), settings=RunSettings(**settings))


class Flaky:
    """Fails so many times, then succeeds."""

    def __init__(self, times: int, **end: Any) -> None:
        self.left, self.end = times, end

    def __call__(self, key: str) -> Mapping[str, Any]:
        if key.endswith("1") and self.left:
            self.left -= 1
            return {"status": "error", "message": f"{self.left} left\nmore", **self.end}
        return {"status": "success", "message": "well"}


def test_a_failed_step_is_tried_again_and_blocks_nothing(tmp_path: Path) -> None:
    edges = {"p1": "", "p2": "p1", "d3": "p1"}
    house = House(tmp_path, edges, Flaky(2), all_of(edges, SOON))
    assert set(house.run().values()) == {"success"}
    assert house.single.begun == ["p1", "p1", "p1", "p2"]
    row = house.rows()["p1"]
    assert row.message == "well; attempt 3 of 3"
    assert row.adapter_response == {"attempts": 3, "failed_attempts": ["1 left", "0 left"]}
    assert [said.message[:44] for said in house.said] == [
        "attempt 1 of 3 failed (1 left); trying again",
        "attempt 2 of 3 failed (0 left); trying again",
    ]


def test_it_fails_in_the_end(tmp_path: Path) -> None:
    edges = {"p1": "", "p2": "p1"}
    house = House(tmp_path, edges, Flaky(9), all_of(edges, SOON))
    assert house.run() == {"p1": "error", "p2": "skipped"}
    assert house.messages()["p1"] == "6 left\nmore\nIt was tried 3 times."
    assert house.messages()["p2"] == "skipped: p1 has an error"


TRIED: dict[str, tuple[str, dict[str, Any], Policy | None, bool]] = {
    # name: (step, how it fails, what a rule says, is it tried again?)
    "a sync, by itself": ("s1", {"status": "error", "transient": True}, None, True),
    "a sync that stays broken": ("s1", {"status": "error"}, None, False),
    "a sync that stays broken, with a rule": ("s1", {"status": "error"}, SOON, False),
    "Python, by itself": ("p1", {"status": "error"}, None, False),
    "Python, with a rule": ("p1", {"status": "error"}, SOON, True),
    "dbt, with a rule": ("d1", {"status": "error"}, SOON, True),
    "a check that failed": ("c1", {"status": "fail"}, SOON, False),
    "a check that could not run": ("c1", {"status": "error"}, SOON, True),
}


@pytest.mark.parametrize("name", TRIED)
def test_what_is_tried_again(name: str) -> None:
    key, end, rule, tried = TRIED[name]
    plan, _ = plan_of({key: ""})
    step = plan.steps[0].step
    event = StepFinished(step=key, started_at=0, finished_at=1, **end)
    wait = Retries().again(step, event, rule or default_policy(step))
    assert (wait is not None) is tried
    assert may_help(step, event) or not tried


def test_the_wait_holds_no_place(tmp_path: Path) -> None:
    """The one place and the one thread are free for p2, for which p1's next attempt waits."""
    ran = threading.Event()

    def make(key: str) -> Mapping[str, Any]:
        if key == "p2":
            ran.set()
        return {"status": "success" if ran.is_set() else "error"}

    edges = {"p1": "", "p2": ""}
    policy = Policy(retries=5, retry_wait=0.01, pool="gpu")
    house = House(tmp_path, edges, make, all_of(edges, policy, pools={"gpu": 1}), threads=1)
    assert house.run() == {"p1": "success", "p2": "success"}


def test_fail_fast_makes_a_failure_that_waits_final(tmp_path: Path) -> None:
    waits = threading.Event()

    def make(key: str) -> Mapping[str, Any]:
        if key == "p2":
            assert waits.wait(240)
            return {"status": "fail"}
        return {"status": "error", "message": "down"}

    edges = {"p1": "", "p2": "", "p3": "p1"}
    house = House(tmp_path, edges, make, all_of(edges, LATE))
    house.on_said = lambda _: waits.set()
    assert house.run(fail_fast=True) == {"p1": "error", "p2": "fail", "p3": "skipped"}
    assert house.messages()["p1"] == "down"


def test_an_interruption_does_not_wait_for_the_next_attempt(tmp_path: Path) -> None:
    def make(key: str) -> Mapping[str, Any]:
        if key == "d2":
            assert waits.wait(240)
            raise KeyboardInterrupt
        return {"status": "error", "message": "down"}

    waits = threading.Event()
    edges = {"p1": "", "d2": ""}
    house = House(tmp_path, edges, make, all_of(edges, LATE))
    house.on_said = lambda _: waits.set()
    with pytest.raises(KeyboardInterrupt):
        house.run()
    assert {key: row.status for key, row in house.rows().items()} == {"p1": "error", "d2": "error"}
    assert house.messages()["p1"] == "down"


def test_a_segment_is_not_repeated(tmp_path: Path) -> None:
    """Without gates dbt has skipped what is below, and has gone."""
    edges = {"d1": "", "d2": "d1"}
    house = House(tmp_path, edges, Flaky(1), all_of(edges, SOON))
    assert house.run()["d1"] == "error"
    assert house.tools["dbt"].calls == [["d1", "d2"]]


@given(st.integers(2, 99), st.floats(0, 5000), st.floats(0, 1))
def test_waits_grow_and_have_an_end(attempt: int, first: float, chance: float) -> None:
    wait = wait_before(attempt, first, chance)
    middle = wait_before(attempt, first, 0.5)
    assert 0.75 * middle <= wait + 1e-9
    assert wait <= 1.25 * middle + 1e-9
    assert middle <= max(first, 600)
    assert middle <= wait_before(attempt + 1, first, 0.5)
    if attempt == 2:
        assert middle == pytest.approx(first)
