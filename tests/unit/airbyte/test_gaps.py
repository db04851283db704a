"""Odd sources: fields that no schema has, names with a NUL, one state for all streams."""

import json
from pathlib import Path
from typing import Any

import pytest
from airbyte_harness import DEDUP, Project, complete


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def record(**data: object) -> dict[str, Any]:
    body = {"stream": "users", "data": data, "emitted_at": 1}
    return {"message": {"type": "RECORD", "record": body}}


def legacy(**data: int) -> dict[str, Any]:
    return {"message": {"type": "STATE", "state": {"type": "LEGACY", "data": data}}}


def test_fields_that_no_schema_has_are_named(project: Project) -> None:
    odd = record(id=1, extra="x", **{f"f{n}": n for n in range(9)})
    project.fake([record(id=2, name="known"), odd, *complete("users")])
    done = project.sync()
    assert done.status == "success"
    assert done.message == (
        "1 stream, 2 rows; records of users have fields that its schema has not, which did not "
        "land: 'extra', 'f0', 'f1', 'f2', 'f3', ..."
    )
    assert project.sql("SELECT id, name FROM raw.users ORDER BY id") == [(1, None), (2, "known")]


def test_fields_that_are_not_selected_are_not_unknown(project: Project) -> None:
    stream = {"name": "users", "selected_fields": ["id"]}
    project.fake([record(id=2, name="known"), *complete("users")], streams=[stream])
    assert project.sync().message == "1 stream, 1 row"


@pytest.mark.parametrize("name", ["nul\0inside", "\0", "'\0'"])
def test_a_nul_in_a_field_name(project: Project, name: str) -> None:
    schema = {"properties": {"id": {"type": "integer"}, name: {"type": "integer"}}}
    project.fake(
        [record(**{"id": 1, name: 2}), record(**{"id": 3, name: "four"}), *complete("users")],
        streams=[{"name": "users"}],
        config={"schemas": {"users": schema}},
    )
    done = project.sync()
    assert done.status == "success", done.message
    columns = [column for column, *_ in project.sql("DESCRIBE raw.users")]
    assert project.sql(f'SELECT id, "{columns[1]}" FROM raw.users ORDER BY id') == [
        (1, 2),
        (3, None),
    ]
    rows = project.sql("SELECT _airbyte_meta FROM raw.users WHERE id = 3")
    assert json.loads(rows[0][0])["changes"][0]["field"] == name


BOTH = ({"name": "users", **DEDUP}, {"name": "orders", "sync_mode": "incremental_append"})


def test_a_legacy_state_goes_back_as_it_came(project: Project, tmp_path: Path) -> None:
    def sync(last: int) -> Any:
        seen = tmp_path / "seen.json"
        rows = [{"rows": [name, 1, last]} for name in ("users", "orders")]
        actions = [*rows, legacy(users=last, orders=last), *complete("users", "orders")]
        project.fake(actions, streams=BOTH, config={"seen": str(seen)})
        done = project.sync()
        assert done.status == "success", done.message
        return done.message, json.loads(seen.read_text())["files"].get("--state")

    assert sync(3) == ("2 streams, 6 rows", None)
    assert sync(5) == ("2 streams, 4 rows", {"users": 3, "orders": 3})
    assert sync(5) == ("2 streams, 0 rows", {"users": 5, "orders": 5})
    for table in ("users", "orders"):
        assert project.sql(f"SELECT count(*), max(id) FROM raw.{table}") == [(5, 5)]
    # Without one of its tables the state is of no use to any stream: all are read anew.
    project.sql("DROP TABLE raw.orders")
    assert sync(5) == ("2 streams, 10 rows", None)
    for table in ("users", "orders"):
        assert project.sql(f"SELECT count(*), max(id) FROM raw.{table}") == [(5, 5)]
    assert sync(6) == ("2 streams, 2 rows", {"users": 5, "orders": 5})


def test_a_legacy_state_waits_for_tables_that_are_loaded_anew(project: Project) -> None:
    """Killed between its STATE and the end, the next sync must not skip what was not swapped in."""
    rows = [{"rows": [name, 1, 5]} for name in ("users", "orders")]
    state = legacy(users=5, orders=5)
    project.fake([*rows, state, *complete("users", "orders")], streams=BOTH)
    assert project.sync().status == "success"
    project.sql("DROP TABLE raw.orders")
    rows = [{"rows": [name, 1, 9]} for name in ("users", "orders")]
    broken = [*rows, legacy(users=9, orders=9), *complete("orders"), {"exit": 1}]
    project.fake(broken, streams=BOTH)
    assert project.sync().status == "error"
    project.fake([*rows, legacy(users=9, orders=9), *complete("users", "orders")], streams=BOTH)
    assert project.sync().status == "success"
    for table in ("users", "orders"):
        assert project.sql(f"SELECT count(DISTINCT id), max(id) FROM raw.{table}") == [(9, 9)]
