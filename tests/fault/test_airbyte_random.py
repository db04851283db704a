"""A connector that fails at a random record in a random way leaves what it checkpointed, exactly.

TOOLKIT_FAULT_RUNS says how many runs (default 10; `make fault` does 200).
"""

import importlib.util
import json
import os
import random
import sys
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

from toolkit.integrations.airbyte.local import sync  # noqa: E402

pytestmark = [pytest.mark.slow, pytest.mark.fault]

RUNS = int(os.environ.get("TOOLKIT_FAULT_RUNS", "10"))
ROWS = 10_000

STACK = {"type": "TRACE", "trace": {"type": "ERROR", "error": {"message": "no such account"}}}
FAULTS: dict[str, list[dict[str, Any]]] = {
    "exit 1": [{"exit": 1}],
    "kill -9": [{"kill": True}],
    "exit 0 without COMPLETE": [{"exit": 0}],
    "half a record": [{"write": '{"type":"RECORD","record":{"stream":"users","data":{"id":'}],
    "half a state": [{"write": '{"type":"STATE","state":{"type":"STREAM","stream":{"str'}],
    "a record of no stream": [{"print": '{"type":"RECORD","record":{"data":{},"emitted_at":1}}'}],
    "traced error": [{"message": STACK}, {"exit": 1}],
    "silence": [{"hang": True}],
    "silence, TERM ignored": [{"ignore_term": True}, {"hang": True}],
    "output closed": [{"close_stdout": True}, {"hang": True}],
}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv("TOOLKIT_CACHE_DIR", str(tmp_path / "cache"))
    return Project(tmp_path)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(RUNS))
def test_the_committed_prefix_and_no_more(
    project: Project, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = random.Random(seed)
    fault = rng.choice(sorted(FAULTS))
    at, every = rng.randrange(1, ROWS), rng.choice([1, 7, 100, 1000, 3000])
    monkeypatch.setattr(sync, "COMMIT_ROWS", rng.choice([50, 1000, 100_000]))
    mode = rng.choice(["incremental_deduped_history", "incremental_append"])
    streams = [{"name": "users", **DEDUP, "sync_mode": mode}]
    told = f"seed {seed}: {fault} after record {at} of {mode}, a STATE after each {every}"

    rows = {"rows": ["users", 1, at], "state_every": every}
    project.fake([rows, *FAULTS[fault]], streams=streams, timeout=2)
    assert project.sync().status == "error", told
    covered = at - at % every
    there = project.sql("SELECT count(*), coalesce(max(id), 0) FROM raw.users")
    assert there == [(covered, covered)], told
    saved = project.sql("SELECT state FROM _toolkit.connector_state WHERE stream = 'users'")
    state = json.loads(saved[0][0])["id"] if saved else 0
    assert state == covered, told

    rows = {"rows": ["users", 1, ROWS], "state_every": every}
    project.fake([rows, *complete("users")], streams=streams)
    mended = project.sync()
    assert mended.message == f"1 stream, {ROWS - covered:,} rows", told
    exact = project.sql("SELECT count(*), count(DISTINCT id), sum(id) FROM raw.users")
    assert exact == [(ROWS, ROWS, ROWS * (ROWS + 1) // 2)], told
    assert project.tables() == ["raw.users"], told


@pytest.mark.timeout(600)
def test_a_line_of_100_megabytes(project: Project) -> None:
    size = 100_000_000
    project.fake([{"big": ["users", 1, size]}, *complete("users")], timeout=60)
    assert project.sync().status == "success"
    assert project.sql("SELECT id, length(name) FROM raw.users") == [(1, size)]


@pytest.mark.soak
def test_floods_of_words_end_in_a_log_that_has_an_end(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    from toolkit.integrations.airbyte import log

    monkeypatch.setattr(log, "_MOST_BYTES", 1_000_000)
    floods = [{"logs": 1_000_000}, {"stderrs": 200_000}]
    project.fake([*floods, {"rows": ["users", 1, 5]}, *complete("users")])
    done = project.sync()
    assert (done.status, done.message) == ("success", "1 stream, 5 rows")
    assert len(project.log()) < 1_100_000
    assert "more lines are not kept" in project.log()


def test_output_that_is_closed_by_a_process_that_goes_on(project: Project) -> None:
    rows = {"rows": ["users", 1, 20], "state_every": 5}
    project.fake([rows, *complete("users"), {"close_stdout": True}, {"hang": True}], timeout=1)
    done = project.sync()
    assert done.status == "error"
    assert "was silent for 1 seconds" in done.message
    assert project.sql("SELECT count(*) FROM raw.users") == [(20,)]
