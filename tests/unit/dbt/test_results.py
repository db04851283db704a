"""The JSON that the dbt executable prints and writes."""

import json

from toolkit.integrations.dbt.results import parse_line, parse_run_results

FINISHED = {
    "info": {"name": "NodeFinished", "level": "debug", "msg": "done", "code": "Q025", "new": 1},
    "data": {
        "node_info": {"unique_id": "model.shop.a", "materialized": "table"},
        "run_result": {
            "status": "success", "message": "OK ", "num_failures": 0, "thread": "Thread-1",
            "timing_info": [
                {"name": "compile", "started_at": "2026-01-01T00:00:00Z",
                 "completed_at": "2026-01-01T00:00:01Z"},
                {"name": "execute"},
            ],
            "adapter_response": {"_message": "OK"}, "execution_time": 0.1,
        },
    },
}  # fmt: skip


def test_a_node_that_has_ended() -> None:
    line = parse_line(json.dumps(FINISHED).encode())
    assert line is not None
    event = line.event()
    assert event is not None
    assert event.result is not None
    assert (event.kind, event.key) == ("finish", "model.shop.a")
    assert (event.result.status, event.result.message, event.result.failures) == (
        "success",
        "OK",
        0,
    )
    assert [t["name"] for t in event.result.timing] == ["compile"]


def test_a_node_that_begins_and_what_is_no_node() -> None:
    start = b'{"info": {"name": "NodeStart"}, "data": {"node_info": {"unique_id": "model.s.b"}}}'
    line = parse_line(start)
    assert line is not None
    event = line.event()
    assert event is not None
    assert (event.kind, event.key, event.result) == ("start", "model.s.b", None)
    for other in (
        b'{"info": {"name": "LogStartLine"}, "data": {"node_info": {"unique_id": "x"}}}',
        b'{"info": {"name": "NodeStart"}, "data": {}}',
        b'{"info": {"name": "NodeFinished"}, "data": {"node_info": {"unique_id": "x"}}}',
        b"{}",
    ):
        found = parse_line(other)
        assert found is not None
        assert found.event() is None


def test_rubbish_is_no_line() -> None:
    assert parse_line(b"Traceback (most recent call last):") is None
    assert parse_line(b'{"info": 7}') is None


def test_run_results() -> None:
    content = {
        "metadata": {"dbt_version": "2.0.0"},
        "results": [
            {"unique_id": "test.s.t", "status": "fail", "failures": 3, "message": "Got 3",
             "thread_id": "Thread-2", "timing": [], "adapter_response": {}, "relation_name": None},
            {"unique_id": "model.s.m", "status": "skipped", "message": None, "failures": None},
        ],
    }  # fmt: skip
    test, model = parse_run_results(json.dumps(content).encode())
    assert (test.key, test.status, test.failures, test.thread) == (
        "test.s.t",
        "fail",
        3,
        "Thread-2",
    )
    assert test.failed
    assert (model.key, model.status, model.message) == ("model.s.m", "skipped", "")
    assert not model.failed
