"""What leads nowhere; and all that is meant to, or of which it cannot be said."""

from types import ModuleType
from typing import Any

import pytest

# ---- unloaded-source ----


def test_a_source_beside_a_loaded_one(w: ModuleType) -> None:
    world = w.World(
        w.asset("stream.crm.users", cols="id"),
        w.source("users", "id", "stream.crm.users"),
        w.source("orders", "id"),
        w.asset("source.shop.erp.stock", cols="id", source_name="erp",
                relation=w.Relation("db", "erp", "stock")),
    )  # fmt: skip
    assert world.about("unloaded-source") == ["orders"]  # nothing of erp comes from here
    (found,) = world.findings("unloaded-source")
    assert found.message == "Nothing loads db.raw.orders."
    assert found.path == "models/sources.yml"


def test_a_project_without_connections_is_left_alone(w: ModuleType) -> None:
    assert w.World(w.source("users", "id"), w.source("orders", "id")).about("unloaded-source") == []


def test_the_line_that_would_join_them_is_told(w: ModuleType) -> None:
    stream = w.asset(
        "stream.crm.customers", cols="id", config={"destination": "wh"},
        relation=w.Relation("db", "landing", "customers"),
    )  # fmt: skip
    world = w.World(stream, w.source("customers", "id"), matched=True)
    (found,) = world.findings("unloaded-source")
    assert found.mend.startswith("If stream.crm.customers loads it, write in models/sources.yml")
    assert "meta: {toolkit: {airbyte: {connection: crm, stream: customers}}}" in found.mend


# ---- unread-model ----

RAW = "select 1 as id"


@pytest.mark.parametrize(
    ("name", "more", "reported"),
    [
        ("stg_a", {}, True),
        ("a", {"folder": "intermediate"}, True),
        ("a", {"folder": "marts"}, False),
        ("a", {"access": "public"}, False),
        ("a", {"version": "1"}, False),
        ("metricflow_time_spine", {}, False),
        ("stg_a", {"package": "elementary"}, False),
    ],
)
def test_unread_model(w: ModuleType, name: str, more: dict[str, Any], reported: bool) -> None:
    world = w.World(w.model(name, RAW, **more), w.model("sales", RAW, folder="marts"))
    assert world.about("unread-model") == ([name] if reported else [])


@pytest.mark.parametrize(
    "reader",
    ["exposure.shop.board", "python.churn", "metric.shop.m", "snapshot.shop.s", "model.shop.b"],
)
def test_any_reader_counts(w: ModuleType, reader: str) -> None:
    world = w.World(
        w.model("stg_a", RAW),
        w.asset(reader, "model.shop.stg_a", package="other"),
        w.model("sales", RAW, folder="marts"),
    )
    assert world.about("unread-model") == []


def test_a_model_that_a_test_compares_with_is_read(w: ModuleType) -> None:
    parts = [w.model("stg_a", RAW), w.model("sales", RAW, folder="marts")]
    own = w.check("unique_a", "model.shop.stg_a", column="id")
    relationship = w.check("known", "model.shop.stg_a", "model.shop.sales", column="id")
    assert w.World(*parts, own).about("unread-model") == ["stg_a"]
    assert w.World(*parts, own, relationship).about("unread-model") == []


def test_without_marts_only_steps_are_reported(w: ModuleType) -> None:
    world = w.World(
        w.model("sales", RAW, folder="core"),
        w.model("stg_users", RAW, folder="core"),
        w.model("c", RAW, folder="staging/crm"),
        w.model("d", RAW, folder="core", materialized="ephemeral"),
    )
    assert world.about("unread-model") == ["d", "stg_users", "c"]


def test_exceptions(w: ModuleType) -> None:
    world = w.World(
        w.model("stg_a", RAW, folder="legacy"), w.model("stg_b", RAW, tags=("kept",)),
        w.model("stg_c", RAW),
    )  # fmt: skip
    assert world.about("unread-model", exceptions=("path:models/legacy", "tag:kept")) == ["stg_c"]


# ---- unread-column ----

STG = "select id, name, city, age from db.raw.users"
MART = "select id, upper(name) as name from db.main.stg where city = 'x'"


def unread(w: ModuleType, *more: Any, stg: Any = None, mart: Any = None) -> list[str]:
    world = w.World(
        w.source("users", "id name city age"),
        stg or w.model("stg", STG, "source.shop.raw.users", "id name city age"),
        mart or w.model("sales", MART, "model.shop.stg", "id name", folder="marts"),
        *more,
    )
    return list(world.about("unread-column"))


def test_unread_column(w: ModuleType) -> None:
    assert unread(w) == ["stg.age"]  # city decides rows: that is read, too


@pytest.mark.parametrize(
    ("kind", "reads"), [("exposure", "model.shop.stg"), ("python", "model.shop.stg")]
)
def test_a_reader_that_is_not_sql_may_read_all(w: ModuleType, kind: str, reads: str) -> None:
    key = "python.churn" if kind == "python" else "exposure.shop.board"
    assert unread(w, w.asset(key, reads)) == []


def test_an_opaque_reader_may_read_all(w: ModuleType) -> None:
    broken = w.model("other", "selekt ((", "model.shop.stg")
    assert unread(w, broken) == []


def test_columns_that_tests_and_configurations_name_are_read(w: ModuleType) -> None:
    assert unread(w, w.check("positive", "model.shop.stg", column="age")) == []
    keyed = w.model("stg", STG, "source.shop.raw.users", "id name city age",
                    config={"unique_key": ["id", "AGE"]})  # fmt: skip
    assert unread(w, stg=keyed) == []


def test_where_a_test_may_read_any_column_nothing_is_said(w: ModuleType) -> None:
    assert unread(w, w.check("singular", "model.shop.stg")) == []
    other = w.check("known", "model.shop.stg", "model.shop.sales", column="id")
    assert unread(w, other) == []


def test_an_incremental_model_that_reads_itself_is_left_alone(w: ModuleType) -> None:
    def stg(raw: str) -> Any:
        return w.model(
            "stg", STG, "source.shop.raw.users", "id name city age", materialized="incremental",
            raw_sql=raw,
        )  # fmt: skip

    assert unread(w, stg=stg(STG + " where age > (select max(age) from {{ this }})")) == []
    assert unread(w, stg=stg(STG)) == ["stg.age"]


def test_it_is_off_unless_asked_for(w: ModuleType) -> None:
    from toolkit.rules import findings
    from toolkit.settings import RulesSettings

    world = w.World(
        w.source("users", "id name city age"),
        w.model("stg", STG, "source.shop.raw.users", "id name city age"),
        w.model("sales", MART, "model.shop.stg", "id name", folder="marts", owner="Ada"),
    )
    assert findings(world.graph, world.lineage, w.settings(RulesSettings())) == ()
