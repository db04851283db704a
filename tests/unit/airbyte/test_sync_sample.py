"""Samples for development, and progress by what a connector expects."""

import json
from pathlib import Path
from typing import Any

import pytest
from airbyte_harness import DEDUP, Project, complete

from toolkit.integrations.airbyte.local import sync
from toolkit.integrations.base import StepProgress

ROWS = {"rows": ["users", 1, 1000], "state_every": 100}
COUNT = "SELECT count(*), max(id) FROM raw.users"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


@pytest.mark.parametrize(
    "mode",
    [
        "full_refresh_overwrite",
        "full_refresh_append",
        "full_refresh_overwrite_deduped",
        "incremental_append",
        "incremental_deduped_history",
    ],
)
def test_a_sample_is_replaced_by_the_next_full_sync(project: Project, mode: str) -> None:
    stream = {"name": "users", **DEDUP, "sync_mode": mode}
    project.fake([ROWS, *complete("users")], streams=[stream])
    first = project.sync(sample=30)
    assert first.status == "success", first.message
    assert first.message == "1 stream, 30 rows (sampled: at most 30 of each stream)"
    assert first.made[0].metadata["sampled"] == 30
    assert project.sql(COUNT) == [(30, 30)]
    assert project.sync(sample=50).made[0].rows == 50
    full = project.sync()
    assert "sampled" not in full.made[0].metadata
    assert project.sql(COUNT) == [(1000, 1000)]


def test_the_connector_is_stopped_once_all_streams_have_enough(project: Project) -> None:
    streams = [{"name": "users", **DEDUP}, {"name": "orders", **DEDUP}]
    few = {"rows": ["orders", 1, 3]}
    project.fake([few, ROWS, *complete("orders"), {"hang": True}], streams=streams, timeout=60)
    done = project.sync(sample=10)
    assert (done.status, [made.rows for made in done.made]) == ("success", [10, 3])


def test_a_sample_never_takes_the_place_of_a_full_sync(project: Project) -> None:
    project.fake([ROWS, *complete("users")])
    project.sync()
    refused = project.sync(sample=10)
    assert refused.status == "error"
    assert "holds rows of a full sync, which a sample would replace" in refused.message
    assert project.sync().message == "1 stream, 0 rows"  # its state is untouched
    assert project.sync(sample=10, full_refresh=True).status == "success"
    assert project.sql(COUNT) == [(10, 10)]


def test_a_sample_that_fails_leaves_nothing(project: Project) -> None:
    project.fake([{"rows": ["users", 1, 5]}, {"exit": 1}])
    assert project.sync(sample=10).status == "error"
    assert project.tables() == []


@pytest.mark.parametrize("kind", ["GLOBAL", "LEGACY"])
def test_a_state_for_all_streams_does_not_outlive_a_sample(
    project: Project, kind: str, tmp_path: Path
) -> None:
    part = {"stream_descriptor": {"name": "users"}, "stream_state": {"id": 1000}}
    body = {
        "GLOBAL": {"global": {"shared_state": {"lsn": 9}, "stream_states": [part]}},
        "LEGACY": {"data": {"users": 1000}},
    }[kind]
    state = {"message": {"type": "STATE", "state": {"type": kind, **body}}}
    seen = tmp_path / "seen.json"
    actions = [{"rows": ["users", 1, 1000]}, state, *complete("users")]
    project.fake(actions, config={"seen": str(seen)})
    assert project.sync().status == "success"
    assert project.sync(sample=10, full_refresh=True).status == "success"
    assert project.sync().status == "success"
    assert "--state" not in json.loads(seen.read_text())["files"]
    assert project.sql(COUNT) == [(1000, 1000)]


def estimate(rows: int, **more: Any) -> dict[str, Any]:
    trace = {"type": "ESTIMATE", "emitted_at": 0, "estimate": {**more, "row_estimate": rows}}
    return {"message": {"type": "TRACE", "trace": trace}}


@pytest.mark.parametrize(
    ("estimates", "expected"),
    [
        ([], "{:,} rows"),
        ([estimate(1000, type="STREAM", name="users")], "{:,} of about 1,000 rows"),
        (
            [
                estimate(700, type="STREAM", name="users"),
                estimate(1000, type="STREAM", name="users"),
                estimate(500, type="STREAM", name="orders"),
            ],
            "{:,} of about 1,500 rows",
        ),
        ([estimate(2000, type="SYNC")], "{:,} of about 2,000 rows"),
        ([estimate(50, type="SYNC")], "{:,} rows"),
    ],
)
def test_progress_says_what_the_connector_expects(
    project: Project,
    monkeypatch: pytest.MonkeyPatch,
    estimates: list[dict[str, Any]],
    expected: str,
) -> None:
    monkeypatch.setattr(sync, "_PROGRESS_SECONDS", 0.0)
    project.fake([*estimates, ROWS, *complete("users")])
    assert project.sync().status == "success"
    said = [e.message for e in project.events if isinstance(e, StepProgress)]
    assert said[-10:] == [expected.format(rows) for rows in range(100, 1001, 100)]


def test_other_traces_are_logged(project: Project) -> None:
    limited = {
        "type": "STREAM_STATUS",
        "emitted_at": 0,
        "stream_status": {
            "stream_descriptor": {"name": "users"},
            "status": "RUNNING",
            "reasons": [{"type": "RATE_LIMITED", "rate_limited": {"quota_reset": 1}}],
        },
    }
    counted = {"type": "ANALYTICS", "emitted_at": 0, "analytics": {"type": "db", "value": "pg"}}
    messages = [{"message": {"type": "TRACE", "trace": trace}} for trace in (limited, counted)]
    project.fake([*messages, ROWS, *complete("users")])
    assert project.sync().status == "success"
    assert "users: RUNNING (RATE_LIMITED)" in project.log()
    assert "ANALYTICS db: pg" in project.log()
