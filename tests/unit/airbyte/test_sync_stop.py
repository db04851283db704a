"""One sync is stopped, and what its failure says of trying again."""

import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from airbyte_harness import Project, complete

from toolkit.errors import ConnectorError
from toolkit.graph import AssetGraph
from toolkit.integrations.airbyte import AirbyteIntegration
from toolkit.integrations.airbyte.source.passing import may_pass
from toolkit.integrations.base import (
    RunContext,
    StepEvent,
    StepFinished,
    StepProgress,
    StoppableRunner,
)
from toolkit.integrations.cancel import StepCancel
from toolkit.warehouse import Warehouse


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


@pytest.mark.slow
def test_a_stopped_sync_leaves_nothing_behind_and_others_go_on(
    project: Project, tmp_path: Path
) -> None:
    """Also where the connector ignores TERM and has a child in a session of its own."""
    pids, go_on = tmp_path / "pids", tmp_path / "go-on"
    project.fake(
        [{"rows": ["users", 1, 5]}, {"state": ["users", 5]}, {"ignore_term": True},
         {"grandchild": str(pids)}, {"rows": ["users", 6, 300]}, {"hang": True}],
    )  # fmt: skip
    stream = {"name": "orders", "sync_mode": "full_refresh_overwrite"}
    project.fake(
        [{"wait_for": str(go_on)}, {"rows": ["orders", 1, 3]}, *complete("orders")],
        name="other", streams=[stream],
    )  # fmt: skip
    came: dict[str, StepFinished] = {}
    hangs = threading.Event()

    def emit(event: StepEvent) -> None:
        if isinstance(event, StepFinished):
            came[event.step] = event
        elif isinstance(event, StepProgress) and "rows" in event.message:
            hangs.set()

    integration = AirbyteIntegration()
    loaded = integration.load(project.settings, {})
    graph = AssetGraph(loaded.assets)
    steps = {step.key: step for step in integration.steps(graph, frozenset(graph.assets))}
    warehouse = Warehouse(project.profile)
    try:
        runner = integration.open(
            RunContext(
                run_id="run", settings=project.settings, graph=graph, warehouse=warehouse,
                emit=emit, cancel=threading.Event(), log_dir=project.logs,
            )
        )  # fmt: skip
        assert isinstance(runner, StoppableRunner)
        threads = [threading.Thread(target=runner.run, args=([step],)) for step in steps.values()]
        for thread in threads:
            thread.start()
        assert hangs.wait(240)
        runner.stop_step("sync.fake")
        runner.stop_step("sync.nobody")
        threads[list(steps).index("sync.fake")].join(240)
        assert came["sync.fake"].status == "error"
        assert "what it had checkpointed is kept" in came["sync.fake"].message
        assert not came["sync.fake"].transient
        go_on.touch()
        threads[list(steps).index("sync.other")].join(240)
        assert came["sync.other"].status == "success"
        runner.close()
    finally:
        warehouse.close()
    deadline = time.monotonic() + 120  # a killed process is there until it is reaped
    while not all(gone(int(pid)) for pid in pids.read_text().split()):
        assert time.monotonic() < deadline
        threading.Event().wait(0.05)
    assert project.sql("SELECT count(*) FROM raw.users") == [(5,)]


def trace(message: str, failure_type: str | None) -> dict[str, Any]:
    error = {"message": message, "failure_type": failure_type}
    return {
        "message": {"type": "TRACE", "trace": {"type": "ERROR", "emitted_at": 0, "error": error}}
    }


ENDS: dict[str, tuple[list[dict[str, Any]], bool]] = {
    # name: (how the connector ends, may it pass?)
    "its own word": ([trace("Oh no.", "transient_error"), {"exit": 1}], True),
    "wrong configuration": ([trace("HTTP 503", "config_error"), {"exit": 1}], False),
    "something unexpected": ([trace("KeyError: 'x'", "system_error"), {"exit": 1}], False),
    "unexpected, no network": ([trace("Connection refused", "system_error"), {"exit": 1}], True),
    "one of two stays": (
        [trace("Busy.", "transient_error"), trace("No such table.", "config_error"), {"exit": 1}],
        False,
    ),
    "dies without a word": ([{"exit": 3}], False),
    "dies of a reset connection": ([{"stderr": "ConnectionResetError: reset by peer"},
                                    {"stderr": "Connection reset by peer"}, {"exit": 3}], True),
    "says nothing of the end": ([{"rows": ["users", 1, 3]}], False),
}  # fmt: skip


@pytest.mark.parametrize("name", ENDS)
def test_whether_a_failure_may_pass(project: Project, name: str) -> None:
    actions, passes = ENDS[name]
    project.fake(actions)
    end = project.sync()
    assert end.status == "error"
    assert end.transient is passes


SAID = {
    "HTTPConnectionPool(host='x'): Read timed out. (read timeout=60)": True,
    "429 Client Error: Too Many Requests for url: https://api": True,
    "Response status code: 502": True,
    "503 Server Error": True,
    "getaddrinfo: Temporary failure in name resolution": True,
    "FATAL: password authentication failed": False,
    "column 503 is unknown": False,
    "404 Client Error: Not Found": False,
    "500 rows were read": False,
    "": False,
}


@pytest.mark.parametrize("said", SAID)
def test_words_of_what_may_pass(said: str) -> None:
    assert may_pass(said) is SAID[said]
    assert may_pass(said, "transient_error")
    assert not may_pass(said, "config_error")


def test_an_error_does_not_pass_unless_it_says_so() -> None:
    assert not ConnectorError("x").may_pass


def test_a_step_is_stopped_with_its_run_or_alone() -> None:
    run = threading.Event()
    one, other = StepCancel(run), StepCancel(run)
    assert not one.wait(0.01)
    one.set()
    assert (one.is_set(), other.is_set(), run.is_set()) == (True, False, False)
    run.set()
    assert other.wait()
