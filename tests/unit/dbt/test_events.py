"""dbt's events and results as ours, spoken to as dbt does: with its own event classes."""

import os
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from toolkit.graph import Asset, AssetGraph, Check, Relation
from toolkit.integrations.base import (
    NoControl,
    RunContext,
    Step,
    StepEvent,
    StepFinished,
    StepStarted,
)
from toolkit.integrations.dbt.events import EventReader
from toolkit.integrations.dbt.results import event_of_message, result_of_object
from toolkit.settings import Settings

TABLE, VIEW, TEST = "model.shop.orders", "model.shop.stg", "test.shop.unique"


def step(key: str) -> Step:
    kind = "check" if key == TEST else "dbt"
    return Step(key=key, kind=kind, integration="dbt", makes=(), reads=(), name=key)


@pytest.fixture
def heard() -> list[StepEvent]:
    return []


@pytest.fixture
def reader(tmp_path: Path, heard: list[StepEvent]) -> EventReader:
    assets = [
        Asset(
            key=TABLE, kind="model", name="orders", integration="dbt", materialized="table",
            relation=Relation("shop", "main", "orders"), sql_path="run/orders.sql",
        ),
        Asset(
            key=VIEW, kind="model", name="stg", integration="dbt", materialized="view",
            relation=Relation("shop", "main", "stg"),
        ),
    ]  # fmt: skip
    check = Check(key=TEST, name="unique", kind="data_test", integration="dbt", assets=(TABLE,),
                  sql_path="run/unique.sql")  # fmt: skip
    context = RunContext(
        run_id="r", graph=AssetGraph(assets, [check]), warehouse=None, emit=heard.append,
        settings=Settings(
            project_name="shop", project_dir=tmp_path, target="dev", target_path=tmp_path,
            state_dir=tmp_path,
        ),
        cancel=threading.Event(), log_dir=tmp_path,
    )  # fmt: skip
    return EventReader(context, [step(TABLE), step(VIEW), step(TEST)])


def started(key: str) -> Any:
    """From dbt's NodeStart message."""
    return event_of_message(_message("NodeStart", {"node_info": {"unique_id": key}}))


def finished(key: str, **result: Any) -> Any:
    """From dbt's NodeFinished message."""
    data = {"node_info": {"unique_id": key}, "run_result": result}
    return event_of_message(_message("NodeFinished", data))


def _message(name: str, data: dict[str, Any]) -> Any:
    from dbt.events import core_types_pb2
    from google.protobuf.json_format import ParseDict

    message = getattr(core_types_pb2, f"{name}Msg")()
    return ParseDict({"info": {"name": name}, "data": data}, message)


def result(key: str, status: str, message: str | None = None, **more: Any) -> Any:
    """From dbt's RunResult, which it hands over only at the end."""
    from dbt.artifacts.schemas.results import NodeStatus

    theirs = SimpleNamespace(
        node=SimpleNamespace(unique_id=key, resource_type=key.partition(".")[0]),
        status=NodeStatus(status),
        message=message, failures=more.get("failures"), thread_id="Thread-1", timing=[],
        execution_time=0.1, adapter_response={},
    )  # fmt: skip
    return result_of_object(theirs)


def ends(heard: list[StepEvent]) -> list[StepFinished]:
    return [event for event in heard if isinstance(event, StepFinished)]


def test_a_table_is_started_once_and_ends_as_made(
    reader: EventReader, heard: list[StepEvent]
) -> None:
    before = time.time()
    reader.on_event(started(TABLE))
    reader.on_event(started(TABLE))
    reader.on_event(
        finished(
            TABLE, status="success", message="OK", thread="Thread-3",
            timing_info=[{"name": "execute", "started_at": "2026-01-01T00:00:00Z",
                          "completed_at": "2026-01-01T00:00:01Z"}],
            adapter_response={"rows_affected": 3},
        )
    )  # fmt: skip
    reader.on_results([result(TABLE, "success")])
    first, last = heard
    assert isinstance(first, StepStarted)
    assert before <= first.at
    assert isinstance(last, StepFinished)
    assert (last.status, last.started_at, last.thread) == ("success", first.at, "Thread-3")
    assert last.relation == "shop.main.orders"
    assert [made.asset for made in last.made] == [TABLE]
    assert last.timing[0]["name"] == "execute"
    assert last.adapter_response == {"rows_affected": 3.0}


def test_the_sql_that_dbt_wrote_just_now_goes_with_what_was_made(
    reader: EventReader, heard: list[StepEvent], tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "orders.sql").write_text("select 1")
    (folder / "unique.sql").write_text("select 2")
    reader.on_event(finished(TABLE, status="success"))
    reader.on_event(finished(TEST, status="pass"))
    table, test = ends(heard)
    assert [made.sql for made in table.made] == ["select 1"]
    assert test.sql == "select 2"


def test_the_sql_of_an_earlier_run_is_not_what_made_it(
    reader: EventReader, heard: list[StepEvent], tmp_path: Path
) -> None:
    old = tmp_path / "run" / "orders.sql"
    old.parent.mkdir()
    old.write_text("select 1")
    os.utime(old, (time.time() - 60, time.time() - 60))
    reader.on_event(finished(TABLE, status="success"))
    [end] = ends(heard)
    assert [made.sql for made in end.made] == [None]


def test_a_step_that_stays_asleep_ends_as_no_op_and_makes_nothing(
    reader: EventReader, heard: list[StepEvent]
) -> None:
    class OneAsleep(NoControl):
        def asleep(self, key: str) -> str | None:
            return "up to date: nothing that it reads changed" if key == TABLE else None

    reader._context.control = OneAsleep()
    reader.on_event(started(TABLE))
    reader.on_event(finished(TABLE, status="no-op"))
    [end] = ends(heard)
    assert (end.status, end.message) == ("no-op", "up to date: nothing that it reads changed")
    assert end.made == ()


@pytest.mark.parametrize(
    ("dbts", "ours"),
    [
        ("success", "success"), ("error", "error"), ("fail", "fail"), ("warn", "warn"),
        ("pass", "pass"), ("skipped", "skipped"), ("runtime error", "error"),
        ("partial success", "error"), ("no-op", "no-op"),
    ],
)  # fmt: skip
def test_every_status_of_dbt(
    reader: EventReader, heard: list[StepEvent], dbts: str, ours: str
) -> None:
    reader.on_results([result(TABLE, dbts, " why \n")])
    [end] = ends(heard)
    assert (end.status, end.message) == (ours, "why")
    assert bool(end.made) is (ours in ("success", "no-op"))
    begun = [event for event in heard if isinstance(event, StepStarted)]
    assert bool(begun) is (ours != "skipped")


def test_dbt_has_no_status_that_is_not_in_the_table() -> None:
    from dbt.artifacts.schemas.results import NodeStatus

    known = {"success", "error", "fail", "warn", "pass", "skipped", "runtime error",
             "partial success", "no-op"}  # fmt: skip
    assert {str(status) for status in NodeStatus} == known


def test_failures_belong_to_checks(reader: EventReader, heard: list[StepEvent]) -> None:
    reader.on_event(finished(TEST, status="fail", num_failures=7, message="Got 7 results"))
    reader.on_event(finished(TABLE, status="success", num_failures=0))
    assert [end.failures for end in ends(heard)] == [7, None]


def test_nodes_that_were_not_asked_for_are_not_reported(
    reader: EventReader, heard: list[StepEvent]
) -> None:
    reader.on_event(started("model.shop.other"))
    reader.on_event(finished("operation.shop.hook", status="success"))
    reader.on_results([result("model.shop.other", "success")])
    assert heard == []


def test_events_that_it_does_not_know_are_ignored() -> None:
    assert event_of_message(_message("LogStartLine", {"description": "x"})) is None


def test_what_dbt_never_spoke_of_has_an_error(reader: EventReader, heard: list[StepEvent]) -> None:
    reader.on_event(finished(VIEW, status="success"))
    reader.close("dbt stopped")
    reader.close("again")
    assert [(e.step, e.status, e.message) for e in ends(heard)] == [
        (VIEW, "success", ""), (TABLE, "error", "dbt stopped"), (TEST, "error", "dbt stopped"),
    ]  # fmt: skip
    begun = [event.step for event in heard if isinstance(event, StepStarted)]
    assert begun == [VIEW, TABLE, TEST]


def test_what_fail_fast_skips_is_for_the_scheduler_to_explain(
    reader: EventReader, heard: list[StepEvent]
) -> None:
    reader.on_results([result(TABLE, "skipped", "Skipping due to fail_fast")])
    assert [end.message for end in ends(heard)] == [""]


def test_a_node_that_is_done_again_is_told_again(
    reader: EventReader, heard: list[StepEvent]
) -> None:
    reader.on_event(finished(TABLE, status="error"))
    reader.again(TABLE)
    reader.on_event(finished(TABLE, status="success"))
    assert [end.status for end in ends(heard)] == ["error", "success"]
    assert len([event for event in heard if isinstance(event, StepStarted)]) == 2
