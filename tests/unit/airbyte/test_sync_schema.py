"""Fields that change at the source between two syncs, and what the connection says of it."""

from pathlib import Path
from typing import Any

import pytest
from airbyte_harness import Project, complete

from toolkit.graph import Asset
from toolkit.integrations.airbyte import AirbyteIntegration

BEFORE = {"id": "integer", "n": "integer", "old": "string"}
NOW = {"id": "integer", "n": "number", "new": "boolean"}
SAID = "fields of users: new: new, gone: old, n is DOUBLE, was BIGINT"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def sync(
    project: Project,
    data: dict[str, Any],
    types: dict[str, str],
    behaviour: str | None,
    mode: str = "incremental_append",
    **options: Any,
) -> Any:
    record = {"stream": "users", "data": data, "emitted_at": 1}
    schema = {"properties": {name: {"type": kind} for name, kind in types.items()}}
    said = {} if behaviour is None else {"non_breaking_schema_updates_behavior": behaviour}
    project.fake(
        [{"message": {"type": "RECORD", "record": record}}, *complete("users")],
        streams=[{"name": "users", "sync_mode": mode}],
        config={"schemas": {"users": schema}},  # another configuration: discovered anew
        **said,
    )
    return project.sync(**options)


def columns(project: Project) -> dict[str, str]:
    described = project.sql("DESCRIBE raw.users")
    return {name: kind for name, kind, *_ in described if not name.startswith("_airbyte")}


FIRST = {"id": 1, "n": 1, "old": "x"}
SECOND = {"id": 2, "n": 2.5, "new": True}
GROWN = {"id": "BIGINT", "n": "DOUBLE", "old": "VARCHAR", "new": "BOOLEAN"}
AS_IT_WAS = {"id": "BIGINT", "n": "BIGINT", "old": "VARCHAR"}


@pytest.mark.parametrize(
    ("behaviour", "expected", "said"),
    [
        (None, GROWN, SAID),
        ("propagate_columns", GROWN, SAID),
        ("propagate_fully", GROWN, SAID),
        ("ignore", AS_IT_WAS, f"{SAID} (ignored)"),
    ],
)
def test_changes_are_done_and_said(
    project: Project, behaviour: str | None, expected: dict[str, str], said: str
) -> None:
    assert sync(project, FIRST, BEFORE, behaviour).message == "1 stream, 1 row"
    done = sync(project, SECOND, NOW, behaviour)
    assert done.status == "success", done.message
    assert said in done.message
    assert columns(project) == expected
    assert done.made[0].metadata["schema_changes"]["new"] == ["new"]
    assert done.made[0].metadata["schema_changes"]["changed"] == {"n": ["BIGINT", "DOUBLE"]}
    again = sync(project, SECOND, NOW, behaviour)
    # What was taken over is no news any more; what is ignored stays one.
    assert ("fields of users" in again.message) is (behaviour == "ignore")


def test_a_full_refresh_stream_keeps_its_columns_when_changes_are_ignored(
    project: Project,
) -> None:
    mode = "full_refresh_overwrite"
    sync(project, FIRST, BEFORE, "ignore", mode)
    sync(project, SECOND, NOW, "ignore", mode)
    assert columns(project) == AS_IT_WAS
    sync(project, SECOND, NOW, "ignore", mode, full_refresh=True)
    assert columns(project) == {"id": "BIGINT", "n": "DOUBLE", "new": "BOOLEAN"}
    assert "fields of users" not in sync(project, SECOND, NOW, "ignore", mode).message


def test_a_connection_that_stops_at_changes(project: Project) -> None:
    sync(project, FIRST, BEFORE, "disable_connection")
    stopped = sync(project, SECOND, NOW, "disable_connection")
    assert stopped.status == "error"
    assert "the fields of stream 'users' have changed at the source" in stopped.message
    assert "new: new, gone: old, n is DOUBLE, was BIGINT" in stopped.message
    assert project.sql("SELECT count(*) FROM raw.users") == [(1,)]
    assert sync(project, SECOND, NOW, "propagate_columns").status == "success"
    assert sync(project, SECOND, NOW, "disable_connection").status == "success"


def test_a_sync_that_fails_does_not_accept_what_changed(project: Project) -> None:
    sync(project, FIRST, BEFORE, "ignore")
    project.fake(
        [{"exit": 1}],
        streams=[{"name": "users", "sync_mode": "incremental_append"}],
        config={"schemas": {"users": {"properties": {"id": {"type": "integer"}}}}},
    )
    assert project.sync().status == "error"
    assert SAID in sync(project, SECOND, NOW, "propagate_columns").message


@pytest.mark.parametrize(
    ("behaviour", "expected", "known_from"),
    [
        ("ignore", {"id", "n", "old"}, "landed"),
        ("propagate_columns", {"id", "n", "new"}, "discovered"),
    ],
)
def test_the_graph_shows_what_lands(
    project: Project, behaviour: str, expected: set[str], known_from: str
) -> None:
    sync(project, FIRST, BEFORE, behaviour)
    sync(project, SECOND, NOW, behaviour)

    def stream() -> Asset:
        (asset,) = AirbyteIntegration().load(project.settings, {}).assets
        return asset

    assert set(stream().columns) == expected
    assert stream().meta["airbyte"]["columns_from"] == known_from
    (project.folder / "shop.duckdb").unlink()  # nothing has landed any more
    assert set(stream().columns) == {"id", "n", "new"}


@pytest.mark.parametrize(
    ("stream", "known_from"),
    [
        ({"json_schema": {"properties": {"id": {"type": "integer"}}}}, "json_schema"),
        ({"selected_fields": ["id"]}, "selection"),
        ({}, "table"),
    ],
)
def test_where_columns_are_known_from(
    project: Project, stream: dict[str, Any], known_from: str
) -> None:
    project.fake([], streams=[{"name": "users", **stream}])
    (asset,) = AirbyteIntegration().load(project.settings, {}).assets
    assert asset.meta["airbyte"]["columns_from"] == known_from


DIFF = "Run `toolkit connectors diff fake` to see what this breaks downstream."


@pytest.mark.parametrize(
    "stream",
    [
        {"name": "nobody"},
        {"name": "users", "selected_fields": ["nothing"]},
        {
            "name": "users",
            "sync_mode": "incremental_deduped_history",
            "primary_key": [["nothing"]],
        },
    ],
)
def test_what_is_not_offered_any_more_names_the_next_command(
    project: Project, stream: dict[str, Any]
) -> None:
    project.fake([], streams=[stream])
    assert DIFF in project.sync().message


def test_a_changed_type_names_the_next_command(project: Project) -> None:
    sync(project, {"id": 1, "n": "x"}, {"id": "integer", "n": "string"}, None)
    sync(project, {"id": 1, "n": "x", "old": 1}, {"id": "integer", "old": "boolean"}, None)
    changed = {"id": "integer", "old": "integer"}
    assert DIFF in sync(project, {"id": 2, "old": 1}, changed, None).message
