"""What a manifest's nodes become."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from toolkit.graph import Asset, AssetGraph, Check, Relation
from toolkit.integrations.base import Loaded
from toolkit.integrations.dbt import DbtIntegration

Document = dict[str, Any]
Load = Callable[[Document], Loaded]


def asset(loaded: Loaded, key: str) -> Asset:
    return next(a for a in loaded.assets if a.key == key)


def check(loaded: Loaded, key: str) -> Check:
    return next(c for c in loaded.checks if c.key == key)


def test_a_model(document: Document, load: Load) -> None:
    found = asset(load(document), "model.shop.customers")
    assert found.relation == Relation("db", "main", "customers")
    assert found.depends_on == ("source.shop.raw.users",)  # macros are no assets
    assert found.tags == ("nightly",)
    assert found.contract
    assert found.yaml_path == "models/models.yml"
    assert found.sql == "select 1 as customers"
    [column] = found.columns.values()
    assert (column.name, column.type, column.tags) == ("id", "int", ("pii",))


def test_a_source_lives_under_its_identifier(document: Document, load: Load) -> None:
    found = asset(load(document), "source.shop.raw.users")
    assert found.relation == Relation("db", "landing", "USERS_V1")
    assert (found.name, found.source_name) == ("users", "raw")


def test_exposures_have_no_relation(document: Document, load: Load) -> None:
    found = asset(load(document), "exposure.shop.sales")
    assert found.relation is None
    assert (found.subtype, found.url) == ("dashboard", "https://example.com")


@pytest.mark.parametrize(
    ("change", "owner"),
    [
        ({}, "Finance team"),  # the group's owner
        ({"meta": {"owner": "Ada"}}, "Ada"),
        ({"config": {"meta": {"owner": ["Ada", "Bob"]}}}, "Ada, Bob"),
        ({"config": {"meta": {"owner": {"name": "Ada", "email": "a@x"}}}}, "Ada"),
        ({"meta": {"owner": ""}}, "Finance team"),
        ({"group": None}, None),
        ({"group": None, "config": {"group": "finance"}}, "Finance team"),
        ({"group": "unheard of"}, None),
    ],
)
def test_owner_of_a_model(
    document: Document, load: Load, change: Document, owner: str | None
) -> None:
    document["nodes"]["model.shop.customers"].update(change)
    assert asset(load(document), "model.shop.customers").owner == owner


@pytest.mark.parametrize(
    ("owner", "expected"),
    [
        ({"name": "Finance", "email": "f@x"}, "Finance"),
        ({"email": "f@x"}, "f@x"),
        ({"name": None, "email": ["a@x", "b@x"]}, "a@x, b@x"),
        ({}, None),
        (None, None),
    ],
)
def test_owner_of_an_exposure(
    document: Document, load: Load, owner: Any, expected: str | None
) -> None:
    document["exposures"]["exposure.shop.sales"]["owner"] = owner
    assert asset(load(document), "exposure.shop.sales").owner == expected


@pytest.mark.parametrize(
    ("version", "expected"), [(2, "2"), (2.0, "2"), (2.5, "2.5"), ("beta", "beta"), (None, None)]
)
def test_versions(document: Document, load: Load, version: Any, expected: str | None) -> None:
    document["nodes"]["model.shop.orders.v2"].update(version=version, latest_version=version)
    found = asset(load(document), "model.shop.orders.v2")
    assert (found.version, found.latest_version) == (expected, expected)
    graph = AssetGraph([msgspec.structs.replace(found, depends_on=())])
    [step] = DbtIntegration().steps(graph, frozenset(graph.assets))
    assert step.name == ("orders" if expected is None else f"orders.v{expected}")


@pytest.mark.parametrize(
    ("tags", "expected"),
    [("one", ("one",)), (["a", "b", "a"], ("a", "b")), ([], ())],
)
def test_tags(document: Document, load: Load, tags: Any, expected: tuple[str, ...]) -> None:
    document["nodes"]["model.shop.customers"]["tags"] = tags
    assert asset(load(document), "model.shop.customers").tags == expected


@pytest.mark.parametrize(
    ("contract", "in_config", "expected"),
    [
        ({"enforced": True}, None, True),
        ({"enforced": False}, None, False),
        (None, {"enforced": True}, True),
        (None, None, False),
    ],
)
def test_contract(
    document: Document, load: Load, contract: Any, in_config: Any, expected: bool
) -> None:
    model = document["nodes"]["model.shop.customers"]
    model["contract"] = contract
    model["config"]["contract"] = in_config
    assert asset(load(document), "model.shop.customers").contract is expected


def test_disabled_nodes_and_tests_are_left_out(document: Document, load: Load) -> None:
    document["nodes"]["model.shop.orders.v2"]["config"]["enabled"] = False
    document["nodes"]["test.shop.unique_customers_id.abc"]["config"]["enabled"] = False
    loaded = load(document)
    assert "model.shop.orders.v2" not in {a.key for a in loaded.assets}
    assert [c.key for c in loaded.checks] == ["unit_test.shop.customers.counts"]


def test_a_missing_parent_is_a_problem_and_no_edge(document: Document, load: Load) -> None:
    loaded = load(document)
    [problem] = loaded.problems
    assert (problem.asset, problem.code) == ("exposure.shop.sales", "missing-parent")
    assert "model.shop.gone" in problem.message
    assert asset(loaded, "exposure.shop.sales").depends_on == ("model.shop.customers",)


def test_an_analysis_or_operation_is_no_asset_and_no_missing_parent(
    document: Document, load: Load, make_node: Callable[..., Document]
) -> None:
    analysis = make_node("analysis.shop.look")
    document["nodes"][analysis["unique_id"]] = analysis
    document["exposures"]["exposure.shop.sales"]["depends_on"]["nodes"] = ["analysis.shop.look"]
    loaded = load(document)
    assert loaded.problems == []
    assert "analysis.shop.look" not in {a.key for a in loaded.assets}


def test_functions_are_assets(document: Document, load: Load) -> None:
    found = asset(load(document), "function.shop.is_big")
    assert (found.kind, found.relation) == ("function", Relation("db", "main", "is_big"))


def test_a_data_test(document: Document, load: Load) -> None:
    found = check(load(document), "test.shop.unique_customers_id.abc")
    assert (found.kind, found.severity, found.test_name) == ("data_test", "warn", "unique")
    assert (found.attached, found.column) == ("model.shop.customers", "id")
    assert found.assets == ("model.shop.customers",)


def test_a_unit_test_is_about_its_model_and_has_its_tags_in_the_config(
    document: Document, load: Load
) -> None:
    found = check(load(document), "unit_test.shop.customers.counts")
    assert (found.kind, found.severity, found.tags) == ("unit_test", "error", ("quick",))
    assert found.attached == "model.shop.customers"


@pytest.mark.parametrize(
    ("written", "quoted"),
    [
        ('"db"."landing"."USERS_V1"', {"database", "schema", "identifier"}),
        ("`db`.`landing`.`USERS_V1`", {"database", "schema", "identifier"}),
        ('db.landing."USERS_V1"', {"identifier"}),
        ("db.landing.USERS_V1", set()),
        (None, None),
    ],
)
def test_quotes_are_those_that_dbt_writes(
    written: str | None, quoted: set[str] | None, document: Document, load: Load
) -> None:
    document["sources"]["source.shop.raw.users"]["relation_name"] = written
    assert asset(load(document), "source.shop.raw.users").quoted == quoted
