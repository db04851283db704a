"""What the ledger keeps beside runs and steps: the warehouse, durations, versions, profiles."""

import sqlite3
from pathlib import Path
from typing import Any

import msgspec
import pytest

from toolkit.errors import LedgerError
from toolkit.graph.profile import ColumnProfile, TableProfile
from toolkit.ledger import KILLED, Ledger, Left, Materialization, Passed, Run, StepRow
from toolkit.ledger.models import ModelEvent, ModelVersion
from toolkit.ledger.profiles import KEPT, LastProfile, ProfileRow


def begin(ledger: Ledger, run_id: str, at: float = 1.0, target: str = "dev") -> None:
    ledger.start_run(Run(id=run_id, command="build", target=target, started_at=at))


def step(key: str, run_id: str = "r1", **facts: Any) -> StepRow:
    row = StepRow(
        run_id=run_id, step=key, kind="dbt", name=key, integration="dbt", status="planned"
    )
    return msgspec.structs.replace(row, **facts)


@pytest.fixture
def ledger(tmp_path: Path) -> Any:
    with Ledger(tmp_path / "l.db") as opened:
        begin(opened, "r1")
        yield opened


def test_a_killed_run_is_closed_at_the_last_time_that_it_wrote(ledger: Ledger) -> None:
    begin(ledger, "r0", 50.0)
    ledger.plan_steps([step("a", "r0"), step("b", "r0"), step("c", "r0")])
    ledger.start_step("r0", "a", 51.0)
    ended = step("a", "r0", status="success", started_at=51.0, finished_at=53.0)
    ledger.finish_step(ended)
    ledger.start_step("r0", "b", 52.0)
    ledger.finish_run("r1", "success", 2.0)
    begin(ledger, "r2", 90.0)
    ledger.close_abandoned()
    found = {row.step: (row.status, row.message, row.finished_at) for row in ledger.steps("r0")}
    assert found == {
        "a": ("success", "", 53.0),
        "b": ("error", KILLED, 52.0),
        "c": ("planned", "", None),
    }
    ends = {run.id: (run.status, run.finished_at) for run in ledger.runs()}
    assert ends == {
        "r0": ("interrupted", 53.0),
        "r1": ("success", 2.0),  # it had ended
        "r2": ("interrupted", 90.0),  # no step of it began
    }


def test_how_the_warehouse_is_left_is_kept_for_each_target_and_taken_back(ledger: Ledger) -> None:
    ledger.leave("dev", Left(stamp="one"))
    ledger.leave("prod", Left(stamp="other"))
    ledger.leave("dev", Left(stamp="two", outside={"raw": "v1"}))
    assert ledger.left("dev") == Left(stamp="two", outside={"raw": "v1"})
    ledger.leave("dev", None)
    assert ledger.left("dev") is None
    assert ledger.left("prod") == Left(stamp="other")


def test_a_check_that_passed_counts_where_its_run_is_seen(ledger: Ledger) -> None:
    for run_id, target in (("r2", "dev"), ("r3", "prod"), ("r4", "dev")):
        begin(ledger, run_id, target=target)
        passed = Passed(step="unique", run_id=run_id, at=1.0, inputs={"orders": run_id})
        ledger.plan_steps([step("unique", run_id)])
        ledger.finish_step(step("unique", run_id, status="pass"), passed=passed)
    ledger.set_published("r4", False)
    assert {key: row.inputs for key, row in ledger.passed("dev").items()} == {
        "unique": {"orders": "r2"}
    }
    ledger.set_published("r4", True)
    assert ledger.passed("dev")["unique"].run_id == "r4"
    assert ledger.passed("prod")["unique"].run_id == "r3"


def test_what_is_noted_again_takes_the_place_of_what_was_known(ledger: Ledger) -> None:
    made = Materialization(asset="a", run_id="r1", at=1.0, data_version="old")
    ledger.note([made])
    check = Passed(step="unique", run_id="r1", at=1.0)
    ledger.note([msgspec.structs.replace(made, data_version="new")], [check])
    assert [one.data_version for one in ledger.materializations("a")] == ["new"]
    assert ledger.passed("dev") == {"unique": check}


@pytest.mark.parametrize(
    ("agrees", "inputs", "code"),
    [
        ({"inputs": {"raw": "v2"}}, {"raw": "v2"}, "1"),
        ({"code_version": "2"}, {"raw": "v1"}, "2"),
        ({"inputs": {}, "code_version": "2"}, {}, "2"),
        ({}, {"raw": "v1"}, "1"),
    ],
)
def test_what_agrees_with_newer_inputs_or_code_is_noted(
    ledger: Ledger, agrees: dict[str, Any], inputs: dict[str, str], code: str
) -> None:
    begin(ledger, "r2")
    for run_id in ("r1", "r2"):
        facts: dict[str, Any] = {"run_id": run_id, "at": 1.0, "code_version": "1"}
        read = {"raw": "v1"}
        ledger.note([Materialization(asset=name, inputs=read, **facts) for name in "ab"],
                    [Passed(step="a", inputs=read, **facts)])  # fmt: skip
    ledger.confirm("a", "r2", **agrees)
    newest, older = ledger.materializations("a")
    assert (newest.inputs, newest.code_version) == (inputs, code)
    assert (older.inputs, older.code_version) == ({"raw": "v1"}, "1")
    passed = ledger.passed("dev")["a"]
    assert (passed.inputs, passed.code_version) == (inputs, code)
    assert ledger.latest("dev")["b"].inputs == {"raw": "v1"}


def test_how_long_a_step_took_when_it_last_succeeded(ledger: Ledger) -> None:
    rows = [
        ("r2", "a", "success", 10.0, 14.0),
        ("r3", "a", "error", 20.0, 29.0),  # not a time that it takes
        ("r3", "late", "pass", 25.0, 26.0),
        ("r3", "back", "warn", 21.0, 20.0),  # the clock was set back
        ("r3", "open", "success", 21.0, None),
    ]
    for run_id in ("r2", "r3"):
        begin(ledger, run_id)
        ledger.plan_steps([step(row[1], run_id) for row in rows if row[0] == run_id])
    for run_id, key, status, started, ended in rows:
        ledger.finish_step(step(key, run_id, status=status, started_at=started, finished_at=ended))
    assert ledger.durations("dev") == {"a": 4.0, "late": 1.0, "back": 0.0}
    assert ledger.durations("dev", before=25.0) == {"a": 4.0, "back": 0.0}
    assert ledger.durations("prod") == {}


def test_steps_may_wait_for_the_disk_and_runs_do_not(ledger: Ledger, tmp_path: Path) -> None:
    """SQLite's word for each: 1 is NORMAL, 2 is FULL."""
    told: list[str] = []
    ledger._connection.set_trace_callback(told.append)
    for wait in (True, True, False, False):
        ledger.steps_may_wait(wait)
    assert told == ["PRAGMA synchronous = NORMAL", "PRAGMA synchronous = FULL"]
    assert ledger._connection.execute("PRAGMA synchronous").fetchone()[0] == 2


def test_what_fails_in_the_middle_leaves_nothing_behind(ledger: Ledger) -> None:
    ledger.plan_steps([step("a")])
    wrong = Materialization(asset="a", run_id="no such run", at=1.0)
    with pytest.raises(LedgerError, match="FOREIGN KEY"):
        ledger.finish_step(step("a", status="success"), [wrong])
    assert [row.status for row in ledger.steps("r1")] == ["planned"]
    ledger.start_step("r1", "a", 2.0)
    assert [row.status for row in ledger.steps("r1")] == ["running"]


def test_a_ledger_that_is_closed_is_an_error_with_its_path(tmp_path: Path) -> None:
    path = tmp_path / "l.db"
    ledger = Ledger(path)
    ledger.close()
    with pytest.raises(LedgerError, match=f"{path} cannot be used"):
        ledger.runs()


# ---- versions of models ----


def version(name: str, model: str = "churn") -> ModelVersion:
    return ModelVersion(
        model=model, version=name, target="dev", at=1.0, run_id="r1", format="skops",
        sha256="s", info_sha256="i", content=f"content of {name}",
    )  # fmt: skip


def event(name: str, what: Any, model: str = "churn", **facts: Any) -> ModelEvent:
    return ModelEvent(model=model, version=name, target="dev", at=1.0, event=what, **facts)


def test_a_version_and_what_became_of_it_come_back_until_it_is_forgotten(ledger: Ledger) -> None:
    models = ledger.models
    begin(ledger, "r2")
    for name in ("v1", "v2"):
        models.add(version(name), event(name, "trained", run_id="r1"))
    models.add(version("v1", "price"), event("v1", "trained", "price"))
    models.note(event("v2", "refused", run_id="r2", why="check auc failed"))
    models.note(event("v2", "promoted", who="ada"))
    ledger.set_published("r2", False)
    assert models.version("churn", "v2") == version("v2")
    assert models.version("churn", "v3") is None
    assert [(e.version, e.event, e.why, e.who, e.counts) for e in models.events("churn")] == [
        ("v1", "trained", "", "", True),
        ("v2", "trained", "", "", True),
        ("v2", "refused", "check auc failed", "", False),  # its run is not seen
        ("v2", "promoted", "", "ada", True),
    ]
    models.forget("churn", "v2")
    assert models.version("churn", "v2") is None
    assert [e.version for e in models.events("churn")] == ["v1"]
    assert models.version("price", "v1") == version("v1", "price")


def test_a_version_is_noted_with_its_event_or_not_at_all(ledger: Ledger) -> None:
    ledger.models.add(version("v1"), event("v1", "trained"))
    with pytest.raises(LedgerError):
        ledger.models.add(version("v1"), event("v1", "trained"))
    assert len(ledger.models.events("churn")) == 1


# ---- profiles ----


def counted(rows: int) -> TableProfile:
    return TableProfile(rows=rows, columns=(ColumnProfile(name="id", type="BIGINT", nulls=0),))


def profile(run_id: str, rows: int, **facts: Any) -> ProfileRow:
    base = ProfileRow(asset="a", run_id=run_id, target="dev", at=1.0, profile=counted(rows))
    return msgspec.structs.replace(base, **facts)


def bodies(ledger: Ledger) -> int:
    with sqlite3.connect(ledger.path) as connection:
        (count,) = connection.execute("SELECT count(*) FROM profile_body").fetchone()
    connection.close()
    return int(count)


def test_what_was_counted_comes_back_newest_first_and_once_for_the_same_rows(
    ledger: Ledger,
) -> None:
    profiles = ledger.profiles
    for run_id in ("r2", "r3", "r4"):
        begin(ledger, run_id)
    first = profile("r1", 7, data_version="v1", method="m", unusual=("rows",))
    profiles.add(first)
    profiles.add(profile("r2", 7))
    profiles.add(profile("r3", 9))
    profiles.add(profile("r4", 11))
    profiles.add(profile("r3", 7, asset="b"))
    ledger.set_published("r4", False)
    assert [row.run_id for row in profiles.of("a", "dev")] == ["r3", "r2", "r1"]
    assert profiles.of("a", "dev")[-1] == first
    assert [row.run_id for row in profiles.of("a", "dev", 1)] == ["r3"]
    assert profiles.of("a", "prod") == []
    seen = {key: [row.run_id for row in rows] for key, rows in profiles.recent("dev", 2).items()}
    assert seen == {"a": ["r3", "r2"], "b": ["r3"]}
    assert bodies(ledger) == 3  # of 7, 9 and 11 rows


def test_an_asset_that_came_out_as_before_is_noted_without_counting(ledger: Ledger) -> None:
    profiles = ledger.profiles
    begin(ledger, "r2", 2.0)
    assert profiles.last("a", "dev") is None
    profiles.add(profile("r1", 7, data_version="v1", method="m"))
    last = profiles.last("a", "dev")
    assert last == LastProfile("a", "dev", "r1", "v1", "m")
    profiles.again(last, "r2", 2.0)
    expected = profile("r2", 7, data_version="v1", method="m", at=2.0)
    assert profiles.of("a", "dev")[0] == expected
    assert bodies(ledger) == 1


def test_of_each_asset_the_newest_are_kept_and_nothing_that_nobody_has(ledger: Ledger) -> None:
    for number in range(KEPT + 2):
        begin(ledger, f"n{number}")
        ledger.profiles.add(profile(f"n{number}", number))
    kept = ledger.profiles.of("a", "dev", 2 * KEPT)
    assert [row.run_id for row in kept] == [f"n{n}" for n in range(KEPT + 1, 1, -1)]
    assert bodies(ledger) == KEPT


def test_what_a_rule_and_a_person_say_of_one_count(ledger: Ledger) -> None:
    profiles = ledger.profiles
    begin(ledger, "r2")
    profiles.add(profile("r1", 7))
    profiles.add(profile("r2", 900))
    profiles.judge("a", "r2", {"rows", "nulls"})
    profiles.accept("a", "r2")
    assert profiles.get("a", "r2") == profile("r2", 900, unusual=("nulls", "rows"), accepted=True)
    assert profiles.get("a", "r1") == profile("r1", 7)
    assert profiles.get("a", "r3") is None
