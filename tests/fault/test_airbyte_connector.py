"""A connector that misbehaves, and a sync that is killed: what is in the table is always exact."""

import importlib.util
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

_HARNESS = Path(__file__).parents[1] / "unit" / "airbyte" / "harness.py"
if "airbyte_harness" not in sys.modules:
    _SPEC = importlib.util.spec_from_file_location("airbyte_harness", _HARNESS)
    assert _SPEC is not None
    assert _SPEC.loader is not None
    sys.modules["airbyte_harness"] = importlib.util.module_from_spec(_SPEC)
    _SPEC.loader.exec_module(sys.modules["airbyte_harness"])

from airbyte_harness import DEDUP, Project, complete  # noqa: E402

pytestmark = [pytest.mark.slow, pytest.mark.fault]

FULL = {"name": "users", "sync_mode": "full_refresh_overwrite"}
ROWS = {"rows": ["users", 1, 20], "state_every": 5}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv("TOOLKIT_CACHE_DIR", str(tmp_path / "cache"))
    return Project(tmp_path)


def message(**parts: Any) -> dict[str, Any]:
    return {"message": parts}


ERROR = message(
    type="TRACE",
    trace={"type": "ERROR", "error": {"message": "no such account", "failure_type": "config"}},
)
UNKNOWN = message(type="RECORD", record={"stream": "ghosts", "data": {}, "emitted_at": 1})

# What the connector does after 20 rows with a STATE after each 5, and what the message says.
FAULTS: dict[str, tuple[list[dict[str, Any]], str]] = {
    "exit 1": ([{"stderr": "out of luck"}, {"exit": 1}], "exit code 1: out of luck"),
    "killed": ([{"exit": 137}], "exit code 137"),
    "traced error": ([ERROR, {"exit": 1}], "no such account"),
    "traced error, exit 0": ([ERROR], "no such account"),
    "half a line": ([{"write": '{"type":"RECORD","record":{"stream":"us'}], "cannot be read"),
    "no COMPLETE": ([], "without saying that it is done with 'users'"),
    "INCOMPLETE": ([{"status": ["users", "INCOMPLETE"]}], "without saying that it is done"),
    "unknown stream": ([UNKNOWN, *complete("users")], "stream 'ghosts', which it was not asked"),
    "silence": ([{"hang": True}], "was silent for 1 seconds"),
    "silence, TERM ignored": ([{"ignore_term": True}, {"hang": True}], "was silent for 1 seconds"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_keeps_what_was_checkpointed_and_no_more(project: Project, fault: str) -> None:
    after, expected = FAULTS[fault]
    tail = {"rows": ["users", 21, 23]}  # no STATE follows these
    project.fake([ROWS, tail, *after], timeout=1)
    failed = project.sync()
    assert failed.status == "error"
    assert expected in failed.message
    assert failed.made == ()
    assert project.sql("SELECT count(*), max(id) FROM raw.users") == [(20, 20)]
    project.fake([{"rows": ["users", 1, 30], "state_every": 5}, *complete("users")])
    mended = project.sync()
    assert mended.message == "1 stream, 10 rows"
    assert project.sql("SELECT count(*), count(DISTINCT id) FROM raw.users") == [(30, 30)]


def test_rubbish_between_messages_is_logged(project: Project) -> None:
    rubbish = [{"print": text} for text in ("Downloading...", "{", "[]", "{}", '{"a": 1}', "null")]
    project.fake([*rubbish, ROWS, *rubbish, *complete("users")])
    assert project.sync().message == "1 stream, 20 rows"
    assert "Downloading..." in project.log()


def test_a_state_before_any_row_is_kept(project: Project) -> None:
    project.fake([{"state": ["users", 15]}, {"rows": ["users", 16, 18]}, {"exit": 1}])
    assert project.sync().status == "error"
    project.fake([ROWS, *complete("users")])
    project.sync()
    assert project.sql("SELECT min(id), max(id), count(*) FROM raw.users") == [(16, 20, 5)]


def test_streams_that_were_complete_stay_when_another_fails(project: Project) -> None:
    project.fake(
        [ROWS, *complete("users"), {"rows": ["orders", 1, 5]}, {"exit": 1}],
        streams=[FULL, {"name": "orders", "sync_mode": "full_refresh_overwrite"}],
    )
    failed = project.sync()
    assert failed.status == "error"
    assert "1 of 2 streams are complete" in failed.message
    assert [(made.asset, made.rows) for made in failed.made] == [("stream.fake.users", 20)]
    assert project.tables() == ["raw.users"]


def test_a_line_of_many_megabytes(project: Project) -> None:
    project.fake([{"big": ["users", 1, 20_000_000]}, *complete("users")])
    assert project.sync().status == "success"
    assert project.sql("SELECT length(name) FROM raw.users") == [(20_000_000,)]


def alive(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def eventually(condition: Callable[[], bool], seconds: float = 240) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        threading.Event().wait(0.02)
    return condition()


def test_nothing_outlives_a_hung_connector(project: Project, tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    actions = [{"ignore_term": True}, {"grandchild": str(pids)}, ROWS, {"hang": True}]
    project.fake(actions, timeout=1)
    began = time.monotonic()
    assert project.sync().status == "error"
    assert time.monotonic() - began < 120
    assert not [pid for pid in map(int, pids.read_text().split()) if alive(pid)]


def test_nothing_outlives_a_sync_that_we_stop(project: Project, tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    project.fake([{"grandchild": str(pids)}, UNKNOWN, {"hang": True}])
    assert "not asked for" in project.sync().message
    assert not [pid for pid in map(int, pids.read_text().split()) if alive(pid)]


def test_cancel_stops_soon_and_keeps_checkpoints(project: Project, tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    project.fake([ROWS, {"grandchild": str(pids)}, {"hang": True}])
    cancel = threading.Event()
    finished: list[Any] = []
    thread = threading.Thread(target=lambda: finished.append(project.sync(cancel=cancel)))
    thread.start()
    assert eventually(lambda: pids.exists() and bool(pids.read_text()))
    cancel.set()
    thread.join(240)
    assert finished[0].status == "error"
    assert "was stopped" in finished[0].message
    assert not [pid for pid in map(int, pids.read_text().split()) if alive(pid)]
    assert project.sql("SELECT count(*) FROM raw.users") == [(20,)]


DRIVER = """
import importlib.util, sys
from pathlib import Path
spec = importlib.util.spec_from_file_location("airbyte_harness", sys.argv[1])
harness = sys.modules["airbyte_harness"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(harness)
from toolkit.integrations.airbyte.local import sync
sync.COMMIT_ROWS, sync._PROGRESS_SECONDS = 300, 0.0
project = harness.Project(Path(sys.argv[2]))
project.run(emit=lambda event: print(event, flush=True))
"""


@pytest.mark.parametrize("seed", range(int(os.environ.get("TOOLKIT_FAULT_RUNS", "2")) // 50 or 2))
@pytest.mark.parametrize("mode", ["incremental_deduped_history", "full_refresh_overwrite"])
def test_kill_9_of_the_whole_sync(project: Project, tmp_path: Path, mode: str, seed: int) -> None:
    pids = tmp_path / "pids"
    stream = {"name": "users", **DEDUP, "sync_mode": mode}
    every = {"rows": ["users", 1, 20_000], "state_every": 50}
    project.fake([{"grandchild": str(pids)}, every, *complete("users")], streams=[stream])
    seen = random.Random(seed).randrange(1, 150)
    victim = subprocess.Popen(
        [sys.executable, "-c", DRIVER, str(_HARNESS), str(tmp_path)],
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert victim.stdout is not None
    lines = sum(1 for _, line in zip(range(seen), victim.stdout, strict=False) if line)
    os.killpg(victim.pid, signal.SIGKILL)
    victim.wait()
    victim.stdout.close()
    assert lines == seen  # it was killed in the middle
    orphans = [int(pid) for pid in pids.read_text().split()]
    assert eventually(lambda: not [pid for pid in orphans if alive(pid)])

    states = "SELECT state FROM _toolkit.connector_state WHERE stream = 'users'"
    if mode == "incremental_deduped_history":
        tables = project.tables()
        rows = project.sql("SELECT count(*) FROM raw.users")[0][0] if tables else 0
        saved = project.sql(states)
        covered = json.loads(saved[0][0])["id"] if saved and saved[0][0] else 0
        assert rows == covered  # state = data
    else:
        assert "raw.users" not in project.tables()
    assert project.sync().status == "success"
    query = "SELECT count(*), count(DISTINCT id), sum(id) FROM raw.users"
    assert project.sql(query) == [(20_000, 20_000, 200_010_000)]
    assert project.tables() == ["raw.users"]
