"""The ledger keeps what it was told, and refuses what it cannot keep."""

import sqlite3
import threading
from pathlib import Path

import msgspec
import pytest

from toolkit.errors import LedgerError
from toolkit.ledger import Ledger, Materialization, Point, Run, RunError, StepRow
from toolkit.ledger.schema import MIGRATIONS


def a_run(run_id: str = "r1", at: float = 1.0) -> Run:
    return Run(id=run_id, command="build", target="dev", started_at=at)


def a_step(step: str, run_id: str = "r1", **more: object) -> StepRow:
    fields = {
        "run_id": run_id, "step": step, "kind": "dbt", "name": step,
        "integration": "dbt", "status": "planned", **more,
    }  # fmt: skip
    return StepRow(**fields)  # type: ignore[arg-type]


def test_a_run_its_steps_and_what_they_made_come_back(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "ledger.db"
    with Ledger(path) as ledger:
        ledger.start_run(a_run())
        ledger.plan_steps([a_step("b"), a_step("a")])
        ledger.start_step("r1", "a", 2.0, "t1")
        ledger.finish_step(
            a_step("a", status="success", started_at=2.0, finished_at=3.5, rows=7,
                   timing=[{"name": "execute"}]),
            [Materialization(asset="a", run_id="r1", at=3.5, rows=7, metrics={"auc": 0.5})],
        )  # fmt: skip
        ledger.finish_run("r1", "failed", 4.0)
    with Ledger(path) as ledger:
        assert ledger.runs()[0].status == "failed"
        assert [s.step for s in ledger.steps("r1")] == ["b", "a"]
        assert ledger.last_steps("dev")["a"].seconds == 1.5
        assert ledger.last_steps("dev")["a"].timing == [{"name": "execute"}]
        assert "b" not in ledger.last_steps("dev")
        assert ledger.latest("dev")["a"].metrics == {"auc": 0.5}


def test_latest_is_the_run_that_was_begun_last_whatever_the_clock_said(tmp_path: Path) -> None:
    with Ledger(tmp_path / "l.db") as ledger:
        for run_id, at in (("r1", 20.0), ("r2", 10.0)):
            ledger.start_run(a_run(run_id, at))
            ledger.plan_steps([a_step("a", run_id)])
            made = Materialization(asset="a", run_id=run_id, at=at)
            ledger.finish_step(a_step("a", run_id, status="success", started_at=at), [made])
        assert ledger.latest("dev")["a"].run_id == "r2"
        assert ledger.last_steps("dev")["a"].run_id == "r2"
        assert [run.id for run in ledger.runs()] == ["r2", "r1"]
        assert [made.run_id for made in ledger.materializations("a")] == ["r2", "r1"]


def test_points_are_of_published_runs_of_the_target(tmp_path: Path) -> None:
    with Ledger(tmp_path / "l.db") as ledger:
        for run_id, target in (("r1", "dev"), ("r2", "dev"), ("r3", "prod"), ("r4", "dev")):
            ledger.start_run(msgspec.structs.replace(a_run(run_id), target=target))
            for asset, rows in (("b", 7), ("a", None)):
                made = Materialization(
                    asset=asset, run_id=run_id, at=1.0, rows=rows, metrics={"auc": 0.5}
                )
                ledger.finish_step(a_step(asset, run_id, status="success"), [made])
        ledger.set_published("r4", False)
        assert ledger.points("dev", ["r1", "r3", "r4", "r9"]) == {
            "r1": [Point(asset="a", metrics={"auc": 0.5}),
                   Point(asset="b", rows=7, metrics={"auc": 0.5})],
        }  # fmt: skip
        assert ledger.points("dev", []) == {}


def test_old_runs_go_and_the_last_time_of_each_step_stays(tmp_path: Path) -> None:
    with Ledger(tmp_path / "l.db") as ledger:
        for number in range(130):
            run_id = f"r{number}"
            ledger.start_run(a_run(run_id, float(number)))
            names = ["often", "once"] if number == 1 else ["often"]
            ledger.plan_steps([*(a_step(name, run_id) for name in names), a_step("never", run_id)])
            for name in names:
                made = Materialization(asset=name, run_id=run_id, at=float(number))
                done = a_step(name, run_id, status="success", started_at=float(number))
                ledger.finish_step(done, [made])
        ledger.forget_old()
        assert [run.id for run in ledger.runs(200)] == [f"r{n}" for n in range(129, 29, -1)] + [
            "r1"
        ]
        last = ledger.last_steps("dev")
        assert {key: row.run_id for key, row in last.items()} == {"often": "r129", "once": "r1"}
        latest = ledger.latest("dev")
        assert {key: made.run_id for key, made in latest.items()} == {"often": "r129", "once": "r1"}
        assert [step.step for step in ledger.steps("r1")] == ["once"]


@pytest.mark.parametrize(
    ("asked", "found"), [("r12", "r12"), ("r1", "r1"), ("r", None), ("x", None)]
)
def test_a_run_is_found_by_its_id_or_a_unique_beginning(
    tmp_path: Path, asked: str, found: str | None
) -> None:
    with Ledger(tmp_path / "l.db") as ledger:
        ledger.start_run(a_run("r12"))
        ledger.start_run(a_run("r1"))
        run = ledger.run(asked)
        assert (run.id if run else None) == found


def test_threads_take_turns(tmp_path: Path) -> None:
    with Ledger(tmp_path / "l.db") as ledger:
        ledger.start_run(a_run())
        names = [f"s{i}" for i in range(40)]
        ledger.plan_steps([a_step(name) for name in names])
        threads = [
            threading.Thread(target=ledger.finish_step, args=(a_step(n, status="success"),))
            for n in names
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert {s.status for s in ledger.steps("r1")} == {"success"}


def test_what_failed_beside_the_steps_is_kept(tmp_path: Path) -> None:
    hook = RunError(key="operation.shop.start", message="no such table")
    with Ledger(tmp_path / "l.db") as ledger:
        ledger.start_run(a_run())
        ledger.finish_run("r1", "failed", 4.0, [hook, RunError(message="stopped")])
        run = ledger.run("r1")
    assert run is not None
    assert run.errors == (hook, RunError(message="stopped"))


def test_a_ledger_of_the_first_version_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "l.db"
    with sqlite3.connect(path) as connection:
        connection.executescript(MIGRATIONS[0] + "PRAGMA user_version = 1;")
        connection.execute("INSERT INTO run VALUES ('r0', 'build', 'dev', 1, 2, 'success', '', '')")
    connection.close()
    with Ledger(path) as ledger:
        [run] = ledger.runs()
        assert (run.id, run.errors) == ("r0", ())
        ledger.start_run(a_run())
        assert len(ledger.runs()) == 2


def test_a_newer_ledger_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "l.db"
    Ledger(path).close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(LedgerError, match="newer toolkit"):
        Ledger(path)


def test_a_file_that_is_no_ledger_is_named(tmp_path: Path) -> None:
    path = tmp_path / "l.db"
    path.write_bytes(b"not a database at all, but long enough to be read as one" * 40)
    with pytest.raises(LedgerError, match="cannot be used"):
        Ledger(path)


def test_targets_are_told_apart(tmp_path: Path) -> None:
    with Ledger(tmp_path / "l.db") as ledger:
        ledger.start_run(a_run())
        ledger.plan_steps([a_step("a")])
        made = Materialization(asset="a", run_id="r1", at=1.0)
        ledger.finish_step(a_step("a", status="success", started_at=1.0), [made])
        assert list(ledger.latest("dev")) == list(ledger.last_steps("dev")) == ["a"]
        assert ledger.latest("prod") == ledger.last_steps("prod") == {}


def test_what_sqlite_itself_rolls_back_is_told_as_it_was(tmp_path: Path) -> None:
    """A full disk ends the transaction, too: no ROLLBACK of ours may hide what happened."""
    path = tmp_path / "l.db"
    with Ledger(path) as ledger:
        ledger.start_run(a_run())
        with sqlite3.connect(path) as other:
            other.execute(
                "CREATE TRIGGER full BEFORE INSERT ON step WHEN NEW.step = 'b' "
                "BEGIN SELECT RAISE(ROLLBACK, 'no room'); END"
            )
        other.close()
        with pytest.raises(LedgerError, match="no room"):
            ledger.plan_steps([a_step("a"), a_step("b")])
        ledger.plan_steps([a_step("c")])
        assert [step.step for step in ledger.steps("r1")] == ["c"]
