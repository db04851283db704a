"""Owners, descriptions, contracts."""

from types import ModuleType

import pytest

RAW = "select 1 as id"


@pytest.mark.parametrize(
    ("folder", "more", "reported"),
    [
        ("marts", {}, True),
        ("Marts/core", {}, True),
        ("mart", {}, True),
        ("staging", {}, False),
        ("staging", {"access": "public"}, True),
        ("marts", {"owner": "Ada"}, False),
        ("marts", {"package": "elementary"}, False),
        ("smart", {}, False),
    ],
)
def test_unowned_mart(w: ModuleType, folder: str, more: dict[str, str], reported: bool) -> None:
    world = w.World(w.model("sales", RAW, folder=folder, **more))
    assert world.about("unowned-mart") == (["sales"] if reported else [])


def test_what_is_a_mart_can_be_said(w: ModuleType) -> None:
    world = w.World(
        w.model("a", RAW, folder="marts"),
        w.model("b", RAW, folder="gold"),
        w.model("metricflow_time_spine", RAW, folder="gold"),
        w.asset("exposure.shop.c", "model.shop.b"),
    )
    assert world.about("unowned-mart") == ["a"]
    assert world.about("unowned-mart", marts=("path:models/gold",)) == ["b"]
    assert world.about("unowned-mart", marts=("b+",)) == ["b"]


def test_an_unowned_mart_says_where_to_write(w: ModuleType) -> None:
    world = w.World(
        w.model("a", RAW, folder="marts", yaml_path="models/marts/_marts.yml"),
        w.model("b", RAW, folder="marts"),
    )
    first, second = world.findings("unowned-mart")
    assert (first.path, first.asset) == ("models/marts/_marts.yml", "model.shop.a")
    assert "in models/marts/_marts.yml, or" in first.mend
    assert second.path == "models/marts/b.sql"
    assert "in a YAML file beside models/marts/b.sql, or" in second.mend


def test_undocumented_exposure_input(w: ModuleType) -> None:
    world = w.World(
        w.source("users", "id", description="  "),
        w.model("a", RAW, description="A row is a day."),
        w.model("b", RAW),
        w.model("c", RAW),
        w.asset("metric.shop.m", "model.shop.c"),
        w.asset("exposure.shop.board", "source.shop.raw.users model.shop.a model.shop.b "
                "metric.shop.m"),
        w.asset("exposure.shop.sheet", "model.shop.b"),
    )  # fmt: skip
    assert world.about("undocumented-exposure-input") == ["users", "b"]
    about_users, about_b = world.findings("undocumented-exposure-input")
    assert about_b.message == "b has no description, and exposures board, sheet read it."
    assert about_users.message == "users has no description, and the exposure board reads it."
    assert about_users.path == "models/sources.yml"


@pytest.mark.parametrize(
    ("more", "reported"),
    [
        ({"access": "public"}, True),
        ({"access": "public", "contract": True}, False),
        ({"access": "protected"}, False),
        ({"access": "public", "materialized": "ephemeral"}, False),  # it cannot have one
        ({}, False),
    ],
)
def test_uncontracted_public_model(w: ModuleType, more: dict[str, object], reported: bool) -> None:
    world = w.World(w.model("a", RAW, **more))
    assert world.about("uncontracted-public-model") == (["a"] if reported else [])
