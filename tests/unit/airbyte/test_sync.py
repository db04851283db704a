"""Syncs of a scripted connector, a real process, into a real DuckDB."""

import json
from pathlib import Path

import pytest
from airbyte_harness import DEDUP, DestinationMap, Project, complete

from toolkit.integrations.airbyte.local import sync

FULL = {"name": "users", "sync_mode": "full_refresh_overwrite"}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_incremental_goes_on_from_its_state(project: Project) -> None:
    project.fake([{"rows": ["users", 1, 10], "state_every": 5}, *complete("users")])
    first = project.sync()
    assert (first.status, first.message) == ("success", "1 stream, 10 rows")
    assert first.made[0].asset == "stream.fake.users"
    assert first.made[0].rows == 10
    project.fake([{"rows": ["users", 1, 25], "state_every": 5}, *complete("users")])
    second = project.sync()
    assert second.message == "1 stream, 15 rows"
    assert project.sql("SELECT count(*), sum(id) FROM raw.users") == [(25, 325)]
    assert second.made[0].data_version != first.made[0].data_version


def test_nothing_new_leaves_the_data_version(project: Project) -> None:
    project.fake([{"rows": ["users", 1, 10], "state_every": 5}, *complete("users")])
    first, second = project.sync(), project.sync()
    assert second.message == "1 stream, 0 rows"
    assert second.made[0].data_version == first.made[0].data_version


def test_columns_are_typed_and_metadata_added(project: Project) -> None:
    project.fake([{"rows": ["users", 1, 2]}, *complete("users")])
    project.sync()
    described = {name: kind for name, kind, *_ in project.sql("DESCRIBE raw.users")}
    assert described == {
        "id": "BIGINT",
        "name": "VARCHAR",
        "updated_at": "TIMESTAMP WITH TIME ZONE",
        "_airbyte_raw_id": "UUID",
        "_airbyte_extracted_at": "TIMESTAMP WITH TIME ZONE",
        "_airbyte_meta": "JSON",
        "_airbyte_generation_id": "BIGINT",
    }
    assert project.sql(
        "SELECT epoch_ms(_airbyte_extracted_at), _airbyte_meta->'changes', _airbyte_generation_id "
        "FROM raw.users ORDER BY id"
    ) == [(1_700_000_000_001, "[]", 0), (1_700_000_000_002, "[]", 0)]


def test_full_refresh_replaces(project: Project) -> None:
    project.fake([{"rows": ["users", 1, 10]}, *complete("users")], streams=[FULL])
    project.sync()
    project.fake([{"rows": ["users", 5, 6]}, *complete("users")], streams=[FULL])
    project.sync()
    assert project.sql("SELECT id, _airbyte_generation_id FROM raw.users ORDER BY 1") == [
        (5, 1),
        (6, 1),
    ]
    assert project.tables() == ["raw.users"]


def test_full_refresh_that_fails_keeps_the_old_table(project: Project) -> None:
    project.fake([{"rows": ["users", 1, 10]}, *complete("users")], streams=[FULL])
    project.sync()
    project.fake([{"rows": ["users", 5, 6]}, {"exit": 1}], streams=[FULL])
    assert project.sync().status == "error"
    assert project.sql("SELECT count(*) FROM raw.users") == [(10,)]
    assert project.tables() == ["raw.users"]


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("full_refresh_append", [(1,), (1,), (2,), (2,)]),
        ("full_refresh_overwrite", [(1,), (2,)]),
        ("full_refresh_overwrite_deduped", [(1,), (2,)]),
        ("incremental_append", [(1,), (1,), (2,), (2,)]),
        ("incremental_deduped_history", [(1,), (2,)]),
    ],
)
def test_two_equal_syncs_without_state(
    project: Project, mode: str, expected: list[tuple[int]]
) -> None:
    stream = {"name": "users", "sync_mode": mode, "primary_key": [["id"]]}
    project.fake([{"rows": ["users", 1, 2]}, *complete("users")], streams=[stream])
    assert [project.sync().status, project.sync().status] == ["success", "success"]
    assert project.sql("SELECT id FROM raw.users ORDER BY 1") == expected


def record(**data: object) -> dict[str, object]:
    body = {"stream": "users", "data": data, "emitted_at": 1}
    return {"message": {"type": "RECORD", "record": body}}


@pytest.mark.parametrize("mode", ["incremental_deduped_history", "full_refresh_overwrite_deduped"])
def test_the_last_row_by_cursor_then_by_arrival_wins(project: Project, mode: str) -> None:
    stream = {"name": "users", **DEDUP, "sync_mode": mode}
    actions = [
        record(id=1, name="new", updated_at="2026-02-01T00:00:00Z"),
        record(id=1, name="old", updated_at="2026-01-01T00:00:00Z"),
        record(id=2, name="first", updated_at="2026-01-01T00:00:00Z"),
        record(id=2, name="second", updated_at="2026-01-01T00:00:00Z"),
        record(id=None, name="no key", updated_at=None),
    ]
    project.fake([*actions, *complete("users")], streams=[stream])
    project.sync()
    query = "SELECT id, name FROM raw.users ORDER BY id"
    assert project.sql(query) == [(1, "new"), (2, "second"), (None, "no key")]


def test_an_older_row_does_not_replace_a_newer_one_in_the_table(project: Project) -> None:
    project.fake([record(id=1, name="new", updated_at="2026-02-01T00:00:00Z"), *complete("users")])
    project.sync()
    project.fake([record(id=1, name="old", updated_at="2026-01-01T00:00:00Z"), *complete("users")])
    project.sync()
    assert project.sql("SELECT name FROM raw.users") == [("new",)]


def test_values_that_do_not_fit_become_null_and_are_named(project: Project) -> None:
    bad = [
        record(id="x", name="a", updated_at="2026-01-01T00:00:00Z"),
        record(id=1.5, name="b", updated_at="never"),
        record(id=2.0, name={"n": 1}),
        record(id="7"),
    ]
    stream = {"name": "users", "sync_mode": "full_refresh_overwrite"}
    project.fake([*bad, *complete("users")], streams=[stream])
    done = project.sync()
    assert done.status == "success"
    assert "2 values of users.id do not fit their type" in done.message
    rows = project.sql(
        "SELECT id, name, updated_at IS NULL, "
        "json_extract_string(_airbyte_meta, '$.changes[*].field') FROM raw.users"
    )
    assert rows == [
        (None, "a", False, ["id"]),
        (None, "b", True, ["id", "updated_at"]),
        (2, '{"n":1}', True, []),
        (7, None, True, []),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [('"a\\ud800b"', "a?b"), ('"a\\u0000b"', "a\x00b"), ("NaN", None), ('"\\ud83d\\ude00"', "😀")],
)
def test_odd_text_is_kept_or_repaired(project: Project, text: str, expected: str | None) -> None:
    data = '{"id":1,"name":' + text + "}"
    line = '{"type":"RECORD","record":{"stream":"users","data":' + data + ',"emitted_at":1}}'
    project.fake([{"print": line}, *complete("users")])
    done = project.sync()
    assert done.status == "success", done.message
    assert project.sql("SELECT id, name FROM raw.users") == [(1, expected)]


def test_hostile_names_round_trip(project: Project) -> None:
    names = [
        '"; DROP TABLE canary; --',
        "Id",
        "id",
        "",
        "ünï",
        "a.b",
        "select",
        "x" * 500,
        "'",
        "~/",
    ]
    schema = {"properties": {name: {"type": "integer"} for name in names}}
    data = {name: number for number, name in enumerate(names)}
    message = {"type": "RECORD", "record": {"stream": 'u"s; --', "data": data, "emitted_at": 1}}
    project.fake(
        [{"message": message}, *complete('u"s; --')],
        streams=[{"name": 'u"s; --'}],
        config={"schemas": {'u"s; --': schema}},
        destination={"schema": 'ra"w; DROP'},
    )
    project.sql("CREATE TABLE canary (i INT)")
    assert project.sync().status == "success", project.log()
    assert project.tables() == ["main.canary", "ra_w__drop.u_s____"]
    columns = "COLUMNS(lambda c: NOT starts_with(c, '_airbyte'))"
    assert project.sql(f"SELECT {columns} FROM ra_w__drop.u_s____") == [tuple(range(len(names)))]


def test_a_new_column_is_added_and_a_type_widened(project: Project) -> None:
    def schema(**types: str) -> dict[str, object]:
        return {"properties": {name: {"type": kind} for name, kind in types.items()}}

    def sync(data: dict[str, object], **types: str) -> str:
        record = {"stream": "users", "data": data, "emitted_at": 1}
        project.fake(
            [{"message": {"type": "RECORD", "record": record}}, *complete("users")],
            streams=[{"name": "users", "sync_mode": "incremental_append"}],
            config={"schemas": {"users": schema(**types)}},
        )
        return project.sync().message

    sync({"id": 1, "n": 1}, id="integer", n="integer")
    sync({"id": 2, "n": 2.5, "new": True}, id="integer", n="number", new="boolean")
    sync({"id": 3, "n": 3}, id="integer", n="integer")
    assert project.sql("SELECT id, n, new FROM raw.users ORDER BY 1") == [
        (1, 1.0, None),
        (2, 2.5, True),
        (3, 3.0, None),
    ]
    message = sync({"id": True}, id="boolean")
    assert "Column 'id' of shop.raw.users is BIGINT, but the source now gives BOOLEAN." in message
    assert "--full-refresh" in message


def test_full_refresh_option_drops_state_and_rebuilds(project: Project) -> None:
    project.fake([{"rows": ["users", 1, 10], "state_every": 5}, *complete("users")])
    project.sync()
    again = project.sync(full_refresh=True)
    assert again.message == "1 stream, 10 rows"
    assert project.sql("SELECT count(*), max(_airbyte_generation_id) FROM raw.users") == [(10, 1)]
    assert project.sync().message == "1 stream, 0 rows"


def test_a_dropped_table_is_loaded_anew_in_spite_of_its_state(project: Project) -> None:
    project.fake([{"rows": ["users", 1, 10], "state_every": 5}, *complete("users")])
    project.sync()
    project.sql("DROP TABLE raw.users")
    project.sync()
    assert project.sql("SELECT count(*) FROM raw.users") == [(10,)]


def test_only_chosen_streams_are_read(project: Project, tmp_path: Path) -> None:
    streams = [{"name": "users"}, {"name": "orders"}]
    seen = tmp_path / "seen.json"
    project.fake(
        [{"rows": ["orders", 1, 3]}, *complete("orders")],
        streams=streams,
        config={"seen": str(seen)},
    )
    done = project.sync(keys=["stream.fake.orders"])
    assert (done.status, [made.asset for made in done.made]) == ("success", ["stream.fake.orders"])
    given = json.loads(seen.read_text())
    catalog = given["files"]["--catalog"]["streams"]
    assert [stream["stream"]["name"] for stream in catalog] == ["orders"]
    assert set(given["modes"].values()) == {"0o600"}
    assert not any(Path(path).exists() for path in given["modes"])


def test_a_table_that_no_sync_made_is_left_alone(project: Project) -> None:
    project.sql("CREATE SCHEMA raw; CREATE TABLE raw.users (mine INT)")
    project.fake([{"rows": ["users", 1, 3]}, *complete("users")], streams=[FULL])
    done = project.sync()
    assert "shop.raw.users exists, but no sync made it" in done.message
    assert project.sql("SELECT * FROM raw.users") == []


def test_two_streams_in_one_table_are_refused(project: Project) -> None:
    for name in ("a", "b"):
        project.fake([{"rows": ["users", 1, 3]}, *complete("users")], name=name)
    done = project.run()
    assert [event.status for event in done] == ["error", "error"]
    assert "land in the same table shop.raw.users" in done[0].message


def test_a_mapped_destination_says_the_schema(tmp_path: Path) -> None:
    mapped = {"warehouse": DestinationMap(schema="Landing")}
    project = Project(tmp_path, destinations=mapped)
    project.fake([{"rows": ["users", 1, 3]}, *complete("users")])
    assert project.sync().status == "success"
    assert project.tables() == ["Landing.users"]


def test_a_stream_that_is_not_offered_is_refused_before_reading(project: Project) -> None:
    project.fake([{"rows": ["users", 1, 3]}], streams=[{"name": "user"}])
    message = project.sync().message
    assert "the source offers no stream 'user'" in message
    assert "Did you mean 'users'?" in message
    assert "fake.yml:" in message


def test_secrets_are_masked_everywhere(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_TOKEN", "s3cr3t-canary")
    error = {"type": "TRACE", "trace": {"type": "ERROR", "error": {"message": "no s3cr3t-canary"}}}
    project.fake(
        [
            {"stderr": "using s3cr3t-canary"},
            {"print": "plain hunter2-canary"},
            {"message": error},
            {"exit": 1},
        ],
        config={"token": "{{ env_var('SHOP_TOKEN') }}", "password": "hunter2-canary"},
    )
    done = project.sync()
    assert "no *****" in done.message
    everything = done.message + project.log()
    assert "canary" not in everything
    assert "using *****" in everything


def test_a_missing_environment_variable_is_named(project: Project) -> None:
    project.fake([], config={"token": "{{ env_var('SHOP_TOKEN_THAT_IS_NOT_SET') }}"})
    message = project.sync().message
    assert "fake.yml:" in message
    assert (
        "`source.config.token` needs the environment variable SHOP_TOKEN_THAT_IS_NOT_SET" in message
    )


def test_a_global_state_goes_back_to_the_source(project: Project, tmp_path: Path) -> None:
    part = {"stream_descriptor": {"name": "users"}, "stream_state": {"id": 3}}
    state = {"type": "GLOBAL", "global": {"shared_state": {"lsn": 9}, "stream_states": [part]}}
    seen = tmp_path / "seen.json"
    actions = [
        {"rows": ["users", 1, 3]},
        {"message": {"type": "STATE", "state": state}},
        *complete("users"),
    ]
    project.fake(actions, config={"seen": str(seen)})
    assert project.sync().status == "success"
    project.sync()
    assert json.loads(seen.read_text())["files"]["--state"] == [state]
    assert project.sql("SELECT count(*) FROM raw.users") == [(3,)]


def test_a_full_refresh_stream_is_read_without_state(project: Project, tmp_path: Path) -> None:
    seen = tmp_path / "seen.json"
    rows = {"rows": ["users", 1, 4], "state_every": 2}
    project.fake([rows, *complete("users")], streams=[FULL], config={"seen": str(seen)})
    assert [project.sync().message, project.sync().message] == ["1 stream, 4 rows"] * 2
    assert "--state" not in json.loads(seen.read_text())["files"]


def test_connections_sync_side_by_side(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sync, "COMMIT_ROWS", 100)  # many small transactions at once
    names = [f"c{number}" for number in range(5)]
    for name in names:
        project.fake(
            [{"rows": ["users", 1, 3000], "state_every": 100}, *complete("users")],
            name=name,
            prefix=f"{name}_",
        )
    done = project.run(threads=5)
    assert [event.message for event in done] == ["1 stream, 3,000 rows"] * 5
    for name in names:
        assert project.sql(f"SELECT count(*) FROM raw.{name}_users") == [(3000,)]
    assert project.sql("SELECT count(*) FROM _toolkit.connector_state") == [(5,)]
