"""Two views of a stream -> typed changes, by the column that each field lands in."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.errors import ArtifactError
from toolkit.integrations.airbyte.drift.changes import (
    Change,
    Comparison,
    Seen,
    compare_streams,
    removed_stream,
    seen_in,
)
from toolkit.integrations.airbyte.drift.offers import Landed, differing, read_views
from toolkit.integrations.airbyte.drift.schema_facts import nested_losses
from toolkit.integrations.airbyte.drift.similar import looks_renamed
from toolkit.integrations.airbyte.readers import read_connections
from toolkit.integrations.airbyte.source.protocol import CatalogStream

harness = sys.modules["airbyte_harness"]

TEXT = {"type": ["null", "string"]}
WHOLE = {"type": "integer"}
NUMBER = {"type": "number"}
HASHING = {
    "type": "hashing",
    "mapperConfiguration": {
        "targetField": "email", "method": "MD5", "fieldNameSuffix": "_hash",
    },
}  # fmt: skip
RENAMING = {
    "type": "field-renaming",
    "mapperConfiguration": {"originalFieldName": "email", "newFieldName": "mail"},
}


def seen(properties: Mapping[str, Any], **more: Any) -> Seen:
    schema = {"type": "object", "properties": properties, "required": more.pop("required", [])}
    return seen_in(CatalogStream(name="users", json_schema=schema, **more))


@pytest.fixture
def changes(tmp_path: Path) -> Any:
    """Compares a stream that is configured so."""

    def compare(
        known: Seen | None, offered: Seen, *, table: Any = None, read: Any = (), **stream: Any
    ) -> list[Change]:
        project = harness.Project(tmp_path)
        project.fake([], streams=[{"name": "users", **stream}])
        (connection,) = read_connections([project.connections]).connections
        compared = Comparison(
            connection, connection.streams[0], "stream.fake.users", known, offered,
            table=table, read=read,
        )  # fmt: skip
        return list(compared.changes())

    return compare


def facts(change: Change) -> dict[str, Any]:
    """What is said and is not the same in every change."""
    told = {name: getattr(change, name) for name in change.__struct_fields__}
    left_out = ("stream", "asset", "where", "uses")
    return {k: v for k, v in told.items() if v and k not in left_out}


BEFORE = {"id": WHOLE, "email": TEXT}


@pytest.mark.parametrize(
    ("now", "stream", "expected"),
    [
        (BEFORE, {}, []),
        (
            {"id": WHOLE}, {},
            [{"kind": "field-removed", "field": "email", "was": "VARCHAR", "column": "email"}],
        ),
        (  # what a mapper makes of it is what goes
            {"id": WHOLE}, {"mappers": [HASHING]},
            [
                {"kind": "field-removed", "field": "email", "was": "VARCHAR",
                 "column": "email_hash"},
                {"kind": "mapper-broken", "detail": "mapper 1 (hashing) cannot be applied: there "
                 "is no field 'email' at that place"},
            ],
        ),
        (  # not selected: it never landed
            {"id": WHOLE}, {"selected_fields": ["id"]},
            [{"kind": "field-removed", "field": "email"}],
        ),
        (
            {"id": WHOLE, "email_address": TEXT}, {},
            [
                {"kind": "field-removed", "field": "email", "was": "VARCHAR", "column": "email",
                 "renamed_to": "email_address"},
                {"kind": "field-added", "field": "email_address", "now": "VARCHAR",
                 "column_now": "email_address"},
            ],
        ),
        (  # another spelling of the same column
            {"id": WHOLE, "Email": TEXT}, {},
            [{"kind": "field-moved", "field": "email", "was": "VARCHAR", "now": "VARCHAR",
              "column": "email", "column_now": "email", "renamed_to": "Email"}],
        ),
        (
            {"id": WHOLE, "Email": WHOLE}, {},
            [{"kind": "field-retyped", "field": "email", "was": "VARCHAR", "now": "BIGINT",
              "column": "email", "column_now": "email", "renamed_to": "Email"}],
        ),
        (
            {"id": NUMBER, "email": TEXT}, {},
            [{"kind": "field-retyped", "field": "id", "was": "BIGINT", "now": "DOUBLE",
              "column": "id", "column_now": "id"}],
        ),
        ({"id": WHOLE, "email": WHOLE}, {"mappers": [HASHING]}, []),  # a hash is text all the same
        ({"id": WHOLE, "email": {"type": "string"}}, {}, []),
        (
            {**BEFORE, "mail": TEXT}, {"mappers": [RENAMING]},
            [
                {"kind": "field-moved", "field": "email", "was": "VARCHAR", "now": "VARCHAR",
                 "column": "mail", "column_now": "email", "detail": "'mail' lands there now"},
                {"kind": "mapper-broken", "detail": "mapper 1 (field-renaming) cannot be applied: "
                 "there is a field 'mail' already"},
            ],
        ),
        (
            {**BEFORE, "email_hash": TEXT}, {"mappers": [HASHING]},
            [
                {"kind": "field-moved", "field": "email", "was": "VARCHAR", "now": "VARCHAR",
                 "column": "email_hash", "column_now": "email",
                 "detail": "'email_hash' lands there now"},
                {"kind": "mapper-broken", "masks": True, "detail": "mapper 1 (hashing) cannot be "
                 "applied: there is a field 'email_hash' already"},
            ],
        ),
        ({**BEFORE, "age": WHOLE}, {"selected_fields": ["id", "email"]}, []),
    ],
)  # fmt: skip
def test_fields_are_compared_by_where_they_land(
    changes: Any, now: Any, stream: Any, expected: Any
) -> None:
    found = changes(seen(BEFORE), seen(now), **stream)
    assert [facts(change) for change in found] == expected


def test_keys_cursors_and_modes(changes: Any) -> None:
    key = {"source_defined_primary_key": [["id"]]}
    was = seen(BEFORE, default_cursor_field=["email"], supported_sync_modes=("incremental",), **key)
    now = seen(BEFORE, default_cursor_field=["id"])
    found = changes(was, now, sync_mode="incremental_deduped_history")
    assert [facts(change) for change in found] == [
        {"kind": "key-changed", "was": "id"},
        {"kind": "cursor-changed", "was": "email", "now": "id"},
        {"kind": "mode-removed", "was": "incremental_deduped_history"},
    ]
    # what the configuration says itself does not change
    mode = {"sync_mode": "incremental_deduped_history"}
    fixed = {"primary_key": [["id"]], "cursor_field": ["email"], **mode}
    assert [c.kind for c in changes(was, now, **fixed)] == ["mode-removed"]


def test_what_the_configuration_names_and_nobody_offers(changes: Any) -> None:
    found = changes(
        None, seen(BEFORE),
        selected_fields=["id", "emial"], primary_key=[["key"]], cursor_field=["seen_at"],
        sync_mode="incremental_deduped_history",
    )  # fmt: skip
    assert [(c.kind, c.field, c.renamed_to) for c in found if c.kind != "mode-removed"] == [
        ("selection-missing", "emial", "email"),
        ("key-missing", "key", None),
        ("cursor-missing", "seen_at", None),
    ]
    assert all(c.where and ".yml:" in c.where for c in found)


def test_a_removed_field_knows_who_names_it(changes: Any) -> None:
    (change,) = changes(
        seen(BEFORE), seen({"email": TEXT}),
        selected_fields=["id", "email"], primary_key=[["id"]], sync_mode="full_refresh_append",
    )  # fmt: skip
    assert [(use.key, use.stops) for use in change.uses] == [
        ("selected_fields", True),
        ("primary_key", False),  # an append needs none
    ]


def test_nulls(changes: Any) -> None:
    some, always = seen({"id": WHOLE}), seen({"id": WHOLE}, required=["id"])
    assert [c.kind for c in changes(some, always)] == ["field-required"]
    assert [c.kind for c in changes(always, some)] == ["field-optional"]
    named_only = seen({"email": TEXT}, required=["email"])  # may be null all the same
    assert changes(seen({"email": TEXT}), named_only) == []


def test_the_table_stands_in_for_what_nobody_remembers(changes: Any) -> None:
    table = {"id": "DOUBLE", "gone": "VARCHAR", "_airbyte_raw_id": "UUID"}
    found = changes(None, seen(BEFORE), table=table)
    assert [(c.kind, c.column, c.was, c.now) for c in found] == [
        ("field-removed", "gone", "VARCHAR", None),
        ("field-retyped", "id", "DOUBLE", "BIGINT"),
    ]


def test_columns_that_are_read_and_that_nothing_lands_in(changes: Any) -> None:
    read = ["ID", "mail", "_airbyte_extracted_at", "secret"]
    hide = {"type": "field-filtering", "mapperConfiguration": {"targetField": "secret"}}
    found = changes(None, seen({**BEFORE, "secret": TEXT}), read=read, mappers=[hide])
    assert [(c.kind, c.column, c.renamed_to, bool(c.detail)) for c in found] == [
        ("column-missing", "mail", "email", False),
        ("column-missing", "secret", None, True),
    ]


def test_names_without_types_tell_no_types(changes: Any) -> None:
    names = Seen(name="users", properties={"id": None, "x": None}, typed=False)
    found = changes(seen(BEFORE), names)
    assert [(c.kind, c.field) for c in found] == [("field-removed", "email"), ("field-added", "x")]


def test_streams(tmp_path: Path) -> None:
    project = harness.Project(tmp_path)
    project.fake([], streams=[{"name": "users"}, {"name": "orders", "namespace": "eu"}])
    (connection,) = read_connections([project.connections]).connections
    us = Seen(name="orders", namespace="us")
    offered = [Seen(name="users"), us, Seen(name="new"), Seen(name="old")]
    added, spare = compare_streams(connection, [Seen(name="old"), us], offered)
    assert [change.stream for change in added] == ["new"]
    assert spare == ("us.orders", "new", "old")
    assert removed_stream(connection.streams[1], "key", offered).renamed_to == "us.orders"


@pytest.mark.parametrize(
    ("was", "now", "lost"),
    [
        ({"a": TEXT, "b": WHOLE}, {"a": TEXT}, ["b is gone"]),
        ({"a": TEXT}, {"a": WHOLE}, ["a was string, is integer"]),
        ({"a": {"properties": {"x": TEXT}}}, {"a": {"properties": {"y": TEXT}}}, ["a.x is gone"]),
        ({"a": TEXT}, {"a": {"type": "string"}, "c": TEXT}, []),
        ({"a": TEXT}, {}, []),  # a schema that says nothing says nothing
    ],
)
def test_within_objects(was: Any, now: Any, lost: list[str]) -> None:
    assert nested_losses({"properties": was}, {"properties": now}) == lost
    lists = [{"type": "array", "items": {"properties": inner}} for inner in (was, now)]
    assert nested_losses(*lists) == lost


@pytest.mark.parametrize(
    ("name", "candidates", "expected"),
    [
        ("email", ["email_address", "name"], "email_address"),
        ("userName", ["user_name"], "user_name"),
        ("created_at", ["creation_time"], None),
        ("created_at", ["at_created"], "at_created"),
        ("price", ["age", "name"], None),
        ("email", ["email_home", "email_work"], None),  # one is as likely as the other
        ("email", [], None),
    ],
)
def test_names_that_look_alike(name: str, candidates: list[str], expected: str | None) -> None:
    assert looks_renamed(name, "VARCHAR", dict.fromkeys(candidates, "VARCHAR")) == expected
    assert looks_renamed(name, "VARCHAR", dict.fromkeys(candidates, "BIGINT")) is None


def test_landed_tables_are_compared_too() -> None:
    has = {"id": "BIGINT", "Gone": "VARCHAR", "price": "DOUBLE", "_airbyte_meta": "JSON"}
    lands = {"ID": "BIGINT", "price": "VARCHAR", "new": "DATE", "untyped": ""}
    assert differing("users", lands, has) == [
        Landed("users", "Gone", "VARCHAR", None),
        Landed("users", "price", "DOUBLE", "VARCHAR"),
        Landed("users", "new", None, "DATE"),
    ]


SCHEMAS = st.dictionaries(
    st.sampled_from(["id", "Id", "email", "a b", "a_b", "x"]),
    st.sampled_from([TEXT, WHOLE, NUMBER, {"type": "object"}]),
)


@given(SCHEMAS)
def test_nothing_changes_where_nothing_changes(properties: Any) -> None:
    from toolkit.integrations.airbyte.model import (
        Connection,
        Destination,
        Source,
        StreamConfiguration,
    )

    stream = StreamConfiguration(name="users")
    connection = Connection(
        name="c", source=Source(), destination=Destination(type="duckdb"), streams=(stream,),
        path=Path("c.yml"), format="ours",
    )  # fmt: skip
    view = seen(properties)
    compared = Comparison(connection, stream, "stream.c.users", view, view)
    assert list(compared.changes()) == []


# ---- files ----

STREAM = '{"name": "users", "json_schema": {"properties": {"id": {"type": "integer"}}}}'


@pytest.mark.parametrize(
    "text",
    [
        f'{{"streams": [{STREAM}]}}',
        f'{{"type": "CATALOG", "catalog": {{"streams": [{STREAM}]}}}}',
        f'{{"type": "LOG"}}\n{{"type": "CATALOG", "catalog": {{"streams": [{STREAM}]}}}}',
        f'{{"streams": [{{"stream": {STREAM}, "sync_mode": "full_refresh"}}]}}',
        f'{{"catalog": {{"streams": [{{"stream": {STREAM.replace("_s", "S")}}}]}}}}',
        '[{"streamName": "users", "propertyFields": [["id"], ["id", "x"]]}]',
        '{"data": [{"streamName": "users", "propertyFields": [["id"]]}]}',
    ],
)
def test_files_with_one_catalog(tmp_path: Path, text: str) -> None:
    (tmp_path / "c.json").write_text(text)
    view = read_views(tmp_path / "c.json")
    assert isinstance(view, tuple)
    assert [(s.name, list(s.properties)) for s in view] == [("users", ["id"])]


def test_a_file_with_catalogs_by_connection(tmp_path: Path) -> None:
    (tmp_path / "c.json").write_text(f'{{"a": {{"streams": [{STREAM}]}}, "b": {{"streams": []}}}}')
    views = read_views(tmp_path / "c.json")
    assert isinstance(views, dict)
    assert {name: len(view) for name, view in views.items()} == {"a": 1, "b": 0}


@pytest.mark.parametrize("text", ["", "[1]", "{}", "3", '{"streams": [3]}', '{"a": {"b": 1}}'])
def test_files_that_are_no_catalog(tmp_path: Path, text: str) -> None:
    (tmp_path / "c.json").write_text(text)
    with pytest.raises(ArtifactError, match=r"c\.json cannot be read as a catalog"):
        read_views(tmp_path / "c.json")
    with pytest.raises(ArtifactError):
        read_views(tmp_path / "missing.json")
