"""The ledger keeps what each step waited for last, so that a run's critical path can be told."""

from pathlib import Path

import pytest
from run_house import House

from toolkit.integrations.base import Status
from toolkit.ledger import Ledger, Run, StepRow
from toolkit.ledger.timing import timing
from toolkit.run.scheduling.rules import Guide
from toolkit.run.versions import Versions


def test_the_parent_that_ended_last(tmp_path: Path) -> None:
    edges = {"p1": "", "p2": "", "d3": "p1 p2", "p4": "d3", "p5": "p2", "p6": "p5"}

    def make(key: str) -> Status:
        return "error" if key == "p5" else "success"

    house = House(tmp_path, edges, make, Guide(urgency={"p1": 2.0, "p2": 1.0}), threads=1)
    house.run()
    rows = house.rows()
    assert {key: row.waited_for for key, row in rows.items()} == {
        "p1": None, "p2": None, "d3": "p2", "p4": "d3", "p5": "p2", "p6": "p5",
    }  # fmt: skip
    run = Run(id="r", command="build", target="dev", started_at=rows["p1"].started_at or 0.0)
    found = timing(run, rows.values())
    last = "p4" if (rows["p4"].finished_at or 0) > (rows["p5"].finished_at or 0) else "p5"
    assert found.path == {"p4": ("p2", "d3", "p4"), "p5": ("p2", "p5")}[last]
    assert set(found.waited) == {"p1", "p2", "d3", "p4", "p5"}


def test_who_stayed_asleep_is_looked_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Versions, "is_asleep", lambda _, step: step == "p2")
    monkeypatch.setattr(Versions, "slept", lambda _, step: {})
    ends: dict[str, Status] = {"p1": "success", "p2": "no-op", "p3": "success"}
    house = House(tmp_path, {"p1": "", "p2": "p1", "p3": "p2"}, ends.__getitem__)
    house.run()
    rows = house.rows()
    assert rows["p2"].finished_at is None
    assert rows["p3"].waited_for == "p1"
    run = Run(id="r", command="build", target="dev", started_at=rows["p1"].started_at or 0.0)
    assert timing(run, rows.values()).path == ("p1", "p3")


def test_what_a_step_took_before_a_run(tmp_path: Path) -> None:
    with Ledger(tmp_path / "ledger.db") as ledger:
        for number, (took, status, target) in enumerate(
            [(1.0, "success", "dev"), (2.0, "success", "dev"), (9.0, "error", "dev"),
             (7.0, "success", "prod"), (3.0, "success", "dev")]
        ):  # fmt: skip
            at = 1000.0 * number
            run = Run(id=f"r{number}", command="build", target=target, started_at=at)
            row = StepRow(
                run_id=run.id, step="m", kind="dbt", name="m", integration="dbt", status=status,
                started_at=at + 1, finished_at=at + 1 + took,
            )  # fmt: skip
            ledger.start_run(run)
            ledger.plan_steps([row])
        assert ledger.durations("dev") == {"m": 3.0}
        assert ledger.durations("dev", before=4000.0) == {"m": 2.0}
        assert ledger.durations("dev", before=1000.0) == {"m": 1.0}
        assert ledger.durations("dev", before=0.0) == {}
        assert ledger.durations("prod") == {"m": 7.0}
