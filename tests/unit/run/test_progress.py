"""The display of a run as text that a person can check."""

import io
import json
import os
import re
import time
from collections.abc import Callable, Iterator
from typing import IO

import msgspec
import pytest

from toolkit.graph import Asset, AssetGraph
from toolkit.integrations.base import (
    Made,
    Status,
    Step,
    StepEvent,
    StepFinished,
    StepProgress,
    StepStarted,
)
from toolkit.ledger import Run, RunError
from toolkit.plan import Plan, PlannedStep
from toolkit.run.progress import Json, Lines, progress

GRAPH = AssetGraph(
    [
        Asset(key="model.shop.orders", kind="model", name="orders", integration="dbt"),
        Asset(key="python.scores", kind="ml_model", name="scores", integration="python"),
    ]
)


def planned(key: str, kind: str, name: str) -> PlannedStep:
    step = Step(key=key, kind=kind, integration="x", makes=(), reads=(), name=name)  # type: ignore[arg-type]
    return PlannedStep(step=step, after=frozenset(), reason="selected")


PLAN = Plan(
    steps=(
        planned("sync.app", "sync", "app"),
        planned("model.shop.orders", "dbt", "orders"),
        planned("test.shop.unique", "check", "unique"),
        planned("test.shop.odd", "check", "odd"),
        planned("python.scores", "python", "scores"),
        *(planned(f"model.shop.m{i}", "dbt", f"m{i}") for i in range(5)),
    )
)


def ended(step: str, status: Status, took: float, message: str = "", *made: Made) -> StepFinished:
    return StepFinished(
        step=step, status=status, started_at=1000.0, finished_at=1000.0 + took, message=message,
        made=made, failures=2 if status == "fail" else None,
    )  # fmt: skip


EVENTS: list[StepEvent] = [
    StepStarted(step="sync.app", at=1000.0),
    StepProgress(step="sync.app", message="users: 1,000 rows"),
    ended("sync.app", "success", 1.25, "done", Made(asset="a", rows=1), Made(asset="b", rows=1999)),
    StepStarted(step="model.shop.orders", at=1000.0),
    ended("model.shop.orders", "success", 0.5, "OK", Made(asset="model.shop.orders", rows=1)),
    ended("test.shop.unique", "fail", 0.1, "Got 2 results, configured to fail if != 0"),
    ended("test.shop.odd", "warn", 0.1, "Got 1 result"),
    ended("python.scores", "error", 2, "ValueError: no good\nin scores.py:6"),
    ended("model.shop.m0", "skipped", 0, "skipped: unique failed"),
    ended("model.shop.m1", "no-op", 0),
    ended("model.shop.m2", "success", 0, "", Made(asset="model.shop.m2", metrics={"auc": 0.91239})),
]
LINES = """\
00:16:41   1 of 10  OK     sync app  2,000 rows  1.25 s
00:16:40   2 of 10  OK     model orders  1 row  0.50 s
00:16:40   3 of 10  FAIL   check unique  0.10 s  Got 2 results, configured to fail if != 0
00:16:40   4 of 10  WARN   check odd  0.10 s  Got 1 result
00:16:42   5 of 10  ERROR  ml_model scores  2.00 s  ValueError: no good
      in scores.py:6
00:16:40   6 of 10  SKIP   dbt m0  skipped: unique failed
00:16:40   7 of 10  NO-OP  dbt m1  0.00 s
00:16:40   8 of 10  OK     dbt m2  auc 0.9124  0.00 s
"""


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def test_lines() -> None:
    stream = io.StringIO()
    with Lines(PLAN, GRAPH, stream) as display:
        for event in EVENTS:
            display.on_event(event)
    assert stream.getvalue() == LINES


def test_lines_in_color_differ_in_nothing_but_color() -> None:
    stream = io.StringIO()
    with Lines(PLAN, GRAPH, stream, color=True) as display:
        for event in EVENTS:
            display.on_event(event)
    assert "\033[32mOK   \033[0m" in stream.getvalue()
    assert "\033[31mFAIL \033[0m" in stream.getvalue()
    assert re.sub(r"\033\[\d+m", "", stream.getvalue()) == LINES


def test_json() -> None:
    stream = io.StringIO()
    run = Run(id="r1", command="build", target="dev", started_at=1000.0)
    hook = RunError(key="operation.shop.start", message="no such table")
    ended_run = msgspec.structs.replace(run, status="failed", finished_at=1003.0, errors=(hook,))
    with Json(PLAN, {"sync.app": 2.5}, stream) as display:
        display.on_run(run)
        for event in EVENTS[:3] + EVENTS[5:6]:
            display.on_event(event)
        display.on_run(ended_run)
    assert [json.loads(line) for line in stream.getvalue().splitlines()] == [
        {"event": "run_started", "run": "r1", "target": "dev", "steps": 10, "up_to_date": 0,
         "at": 1000.0},
        {"event": "step_started", "step": "sync.app", "at": 1000.0, "expected": 2.5},
        {"event": "step_progress", "step": "sync.app", "message": "users: 1,000 rows",
         "retry": False},
        {"event": "step_finished", "step": "sync.app", "status": "success", "started_at": 1000.0,
         "finished_at": 1001.25, "message": "done", "rows": 2000, "failures": None},
        {"event": "step_finished", "step": "test.shop.unique", "status": "fail",
         "started_at": 1000.0, "finished_at": 1000.1, "rows": None, "failures": 2,
         "message": "Got 2 results, configured to fail if != 0"},
        {"event": "run_finished", "run": "r1", "status": "failed", "at": 1003.0,
         "counts": {"success": 1, "fail": 1},
         "errors": [{"key": "operation.shop.start", "message": "no such table"}]},
    ]  # fmt: skip


def test_what_an_interruption_leaves_is_one_line() -> None:
    stream = io.StringIO()
    run = Run(id="r1", command="build", target="dev", started_at=1000.0, status="interrupted")
    with Lines(PLAN, GRAPH, stream) as display:
        display.on_event(EVENTS[2])
        for i in range(5):
            left = "skipped: the run was interrupted"
            display.on_event(ended(f"model.shop.m{i}", "skipped", 0, left))
        display.on_run(run)
        display.on_run(run)
    assert stream.getvalue().splitlines() == [
        LINES.splitlines()[0], "5 steps skipped: the run was interrupted.",
    ]  # fmt: skip


def test_no_text_is_obeyed() -> None:
    """Neither a terminal nor rich takes anything in a name or a message for a command."""
    plan = Plan(steps=(planned("python.odd", "python", "[red]o\x1b]0;title\x07dd"),))
    stream = io.StringIO()
    with Lines(plan, GRAPH, stream) as display:
        display.on_event(ended("python.odd", "error", 0, "[/] \x1b[2J\r\u202egone\nthere"))
    assert [line.partition("  ")[2] for line in stream.getvalue().splitlines()] == [
        r"1 of 1  ERROR  python [red]o\x1b]0;title\x07dd  0.00 s  [/] \x1b[2J\r\u202egone",
        "    there",
    ]


@pytest.mark.parametrize(
    "make",
    [lambda s: Lines(PLAN, GRAPH, s), lambda s: Json(PLAN, stream=s)],
    ids=["lines", "json"],
)
def test_a_reader_that_went_away_stops_nothing(make: Callable[[IO[str]], Lines | Json]) -> None:
    ours, theirs = os.pipe()
    os.close(ours)
    with os.fdopen(theirs, "w") as stream, make(stream) as display:
        for event in EVENTS:
            display.on_event(event)


@pytest.mark.parametrize(
    ("log_format", "quiet", "kind"),
    [("text", False, Lines), ("json", False, Json), ("json", True, Json), ("text", True, None)],
)
def test_the_display_that_fits(log_format: str, quiet: bool, kind: type | None) -> None:
    display = progress(PLAN, GRAPH, log_format=log_format, quiet=quiet)
    assert (type(display) if display is not None else None) is kind


IDLE = Plan(
    steps=(
        *PLAN.steps[:2],
        *(msgspec.structs.replace(p, action="skip") for p in PLAN.steps[2:9]),  # type: ignore[arg-type]
        msgspec.structs.replace(PLAN.steps[9], action="if changed"),  # type: ignore[arg-type]
    )
)
CUT_OFF: list[StepEvent] = [
    ended("model.shop.m4", "no-op", 0, "up to date: nothing that it reads changed"),
    EVENTS[4],
    ended("model.shop.m0", "no-op", 0, "up to date: up to date"),  # known before, so not said
]


def test_what_was_up_to_date_before_the_run_is_one_line() -> None:
    stream = io.StringIO()
    run = Run(id="r1", command="build", target="dev", started_at=1000.0)
    with Lines(IDLE, GRAPH, stream) as display:
        display.on_run(run)
        for event in CUT_OFF:
            display.on_event(event)
        display.on_run(msgspec.structs.replace(run, status="success"))
    assert (
        stream.getvalue()
        == """\
7 of 10 steps are up to date.
00:16:40  1 of 3  UP TO DATE  dbt m4  nothing that it reads changed
00:16:40  2 of 3  OK     model orders  1 row  0.50 s
"""
    )


def test_what_was_up_to_date_before_the_run_is_a_number_in_json() -> None:
    stream = io.StringIO()
    run = Run(id="r1", command="build", target="dev", started_at=1000.0)
    with Json(IDLE, {}, stream) as display:
        display.on_run(run)
        for event in CUT_OFF:
            display.on_event(event)
        display.on_run(msgspec.structs.replace(run, status="success", finished_at=1001.0))
    begin, *events, end = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert (begin["steps"], begin["up_to_date"]) == (10, 7)
    assert [(e["step"], e["status"], e["message"]) for e in events] == [
        ("model.shop.m4", "no-op", "up to date: nothing that it reads changed"),
        ("model.shop.orders", "success", "OK"),
    ]
    assert end["counts"] == {"success": 1, "no-op": 8}


def test_an_attempt_that_is_not_the_last_is_a_line() -> None:
    stream = io.StringIO()
    again = "attempt 1 of 3 failed (HTTP 503); trying again in 5.0 s"
    with Lines(PLAN, GRAPH, stream) as display:
        display.on_event(StepStarted(step="sync.app", at=1000.0))
        display.on_event(StepProgress(step="sync.app", message=again, retry=True))
        display.on_event(StepProgress(step="sync.app", message="users: 1,000 rows"))
        display.on_event(EVENTS[2])
    first, second = stream.getvalue().splitlines()
    assert first.partition("  ")[2] == f" 0 of 10  RETRY  sync app  {again}"
    assert second == LINES.splitlines()[0]
