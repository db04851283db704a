"""Steps that take too long: broken off, or left behind where nobody can stop them."""

import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from run_house import House

from toolkit.integrations.base import Status
from toolkit.run.scheduling.alarm import Alarm
from toolkit.run.scheduling.rules import Guide, Policy
from toolkit.settings import RunSettings


def guide(timeout: float, *keys: str, **more: Any) -> Guide:
    return Guide(policies=dict.fromkeys(keys, Policy(timeout=timeout, **more)))


def test_a_step_that_takes_too_long_is_broken_off_and_others_go_on(tmp_path: Path) -> None:
    def make(key: str) -> Mapping[str, Any]:
        if key == "p1":
            assert house.single.stopped[key].wait(240)
            return {"status": "error", "message": "The query was interrupted."}
        return {"status": "success"}

    house = House(tmp_path, {"p1": "", "p2": "p1", "p3": ""}, make, guide(0.05, "p1"))
    assert house.run() == {"p1": "error", "p2": "skipped", "p3": "success"}
    assert house.messages()["p1"] == (
        "timed out after 0.05 s and was broken off\nThe query was interrupted."
    )
    assert house.messages()["p2"] == "skipped: p1 has an error"


def test_what_ends_in_time_is_not_touched(tmp_path: Path) -> None:
    house = House(tmp_path, {"p1": "", "p2": "p1"}, guide=guide(60, "p1", "p2"))
    assert set(house.run().values()) == {"success"}
    assert house.single.stops == []


def test_who_is_done_when_the_stop_comes_has_succeeded(tmp_path: Path) -> None:
    def make(key: str) -> Status:
        assert house.single.stopped[key].wait(240)
        return "success"

    house = House(tmp_path, {"p1": ""}, make, guide(0.05, "p1"))
    assert house.run() == {"p1": "success"}


def test_what_nobody_can_stop_holds_up_nobody(tmp_path: Path) -> None:
    """It keeps neither its thread nor its place, and what it says later counts for nothing."""
    for_ever, spoke = threading.Event(), threading.Event()

    def make(key: str) -> Status:
        if key == "p1":
            for_ever.wait()
            spoke.set()
        return "success"

    limits = RunSettings(pools={"gpu": 1})
    policy = Policy(timeout=0.05, pool="gpu", retries=3, retry_wait=0)
    rules = Guide(settings=limits, policies={"p1": policy, "p2": Policy(pool="gpu")})
    edges = {"p1": "", "p2": "", "p3": "p1"}
    house = House(tmp_path, edges, make, rules, threads=1, grace=0.05)
    found = house.run()
    assert found == {"p1": "error", "p2": "success", "p3": "skipped"}
    assert house.messages()["p1"].startswith(
        "timed out after 0.05 s; it could not be stopped and may still run."
    )
    assert house.single.begun.count("p1") == 1  # not once more beside itself
    assert [t.name for t in threading.enumerate() if t.name.startswith("left behind")]
    for_ever.set()
    assert spoke.wait(240)
    assert {key: row.status for key, row in house.rows().items()} == found


def test_each_attempt_has_its_own_time(tmp_path: Path) -> None:
    def make(key: str) -> Status:
        if house.single.begun.count(key) == 1:
            assert house.single.stopped[key].wait(240)
            return "error"
        return "success"

    house = House(tmp_path, {"p1": ""}, make, guide(0.05, "p1", retries=1, retry_wait=0.0))
    assert house.run() == {"p1": "success"}
    assert house.messages() == {"p1": "attempt 2 of 2"}
    failed = house.rows()["p1"].adapter_response["failed_attempts"]
    assert failed == ["timed out after 0.05 s and was broken off"]


def test_a_sync_that_takes_too_long_is_not_tried_again(tmp_path: Path) -> None:
    def make(key: str) -> Mapping[str, Any]:
        assert house.single.stopped[key].wait(240)
        return {"status": "error", "transient": True}

    rule = guide(0.05, "s1", retries=3, retry_wait=0.0)
    house = House(tmp_path, {"s1": ""}, make, rule)
    assert house.run() == {"s1": "error"}
    assert house.single.begun == ["s1"]


def test_a_stop_that_raises_is_told(tmp_path: Path) -> None:
    for_ever = threading.Event()

    def refuse(key: str) -> None:
        raise RuntimeError("the server is away")

    def make(key: str) -> Status:
        for_ever.wait()
        return "success"

    house = House(tmp_path, {"p1": ""}, make, guide(0.05, "p1"), grace=0.3)
    house.single.stop_step = refuse  # type: ignore[method-assign]
    assert house.run() == {"p1": "error"}
    for_ever.set()
    assert house.messages()["p1"].endswith("the server is away")


def test_calls_come_in_the_order_of_their_time() -> None:
    came: list[str] = []
    done = threading.Event()
    alarm = Alarm()
    alarm.later(0.1, lambda: (came.append("late"), done.set()))  # type: ignore[func-returns-value]
    alarm.later(0.05, lambda: came.append("soon"))
    assert done.wait(240)
    assert came == ["soon", "late"]
    alarm.close()
    alarm.later(0, lambda: sys.exit("too late"))
    names = [thread.name for thread in threading.enumerate() if thread.is_alive()]
    assert "alarm" not in names or not came[2:]
