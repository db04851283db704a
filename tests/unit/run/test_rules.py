"""Rules of toolkit.yml on the steps of a plan; two steps that write one table."""

import pytest

from toolkit.errors import GraphError, SettingsError
from toolkit.graph import Asset, AssetGraph, Check, Relation
from toolkit.integrations.base import Step
from toolkit.plan import History, Plan, make_plan
from toolkit.run.scheduling.rules import Policy, policies
from toolkit.run.writers import refuse_two_writers
from toolkit.settings import RunSettings, StepRule


def asset(key: str, kind: str = "model", *, integration: str = "dbt", **more: object) -> Asset:
    return Asset(key=key, kind=kind, name=key.rpartition(".")[2], integration=integration, **more)  # type: ignore[arg-type]


ASSETS = [
    asset("stream.crm.users", "stream", integration="airbyte"),
    asset("stream.crm.deals", "stream", integration="airbyte", tags=("big",)),
    asset("model.shop.users", depends_on=("stream.crm.users",), fqn=("shop", "users")),
    asset("python.churn", "ml_model", integration="python", depends_on=("model.shop.users",)),
]
CHECKS = [
    Check(key="test.shop.t", name="t", kind="data_test", integration="dbt",
          assets=("model.shop.users",)),
    Check(key="unit_test.shop.u", name="u", kind="unit_test", integration="dbt",
          assets=("model.shop.users",)),
]  # fmt: skip
GRAPH = AssetGraph(ASSETS, CHECKS)
STEPS = [
    Step(key="sync.crm", kind="sync", integration="airbyte", name="crm", reads=(),
         makes=("stream.crm.users", "stream.crm.deals")),
    Step(key="model.shop.users", kind="dbt", integration="dbt", name="users",
         makes=("model.shop.users",), reads=("stream.crm.users",)),
    Step(key="python.churn", kind="python", integration="python", name="churn",
         makes=("python.churn",), reads=("model.shop.users",)),
    *(Step(key=c.key, kind="check", integration="dbt", name=c.name, makes=(), reads=c.assets)
      for c in CHECKS),
]  # fmt: skip


def plan(graph: AssetGraph = GRAPH, steps: list[Step] = STEPS) -> Plan:
    return make_plan(graph, steps, frozenset(graph.assets), History())


def rule(select: str, **said: object) -> StepRule:
    return StepRule(where="toolkit.yml:7", select=(select,) if select else (), **said)  # type: ignore[arg-type]


MEANT: dict[str, set[str]] = {
    # what a rule selects, and the steps that it is about
    "kind:ml_model": {"python.churn"},
    "tag:big": {"sync.crm"},  # one stream of a sync is enough
    "users": {"model.shop.users"},  # without its tests
    "users+": {"model.shop.users", "python.churn", "test.shop.t", "unit_test.shop.u"},
    "test_type:data": {"test.shop.t"},
    "": {step.key for step in STEPS},
}


@pytest.mark.parametrize("select", MEANT)
def test_what_a_rule_is_about(select: str) -> None:
    found = policies(plan(), GRAPH, RunSettings(rules=(rule(select, timeout=5.0),)), "shop")
    assert {key for key, policy in found.items() if policy.timeout == 5.0} == MEANT[select]


def test_later_rules_win_for_each_key() -> None:
    rules = (
        rule("", timeout=60.0, retries=1),
        rule("kind:ml_model", pool="gpu", timeout=90.0),
        rule("integration:airbyte", retries=5, retry_wait=1.0),
    )
    found = policies(plan(), GRAPH, RunSettings(pools={"gpu": 1}, rules=rules), "shop")
    assert found["python.churn"] == Policy(pool="gpu", timeout=90.0, retries=1)
    assert found["sync.crm"] == Policy(timeout=60.0, retries=5, retry_wait=1.0)
    assert found["unit_test.shop.u"] == Policy(timeout=60.0)  # a part of its model for dbt


def test_a_selection_that_cannot_be_read() -> None:
    settings = RunSettings(rules=(rule("king:ml_model", timeout=1.0),))
    with pytest.raises(SettingsError) as raised:
        policies(plan(), GRAPH, settings, "shop")
    assert raised.value.fact.startswith("toolkit.yml:7: the rule's selection cannot be read: ")
    assert "nothing was run" in raised.value.consequence


def two(left: Relation, right: Relation, *, quoted: frozenset[str] | None = None) -> AssetGraph:
    return AssetGraph([
        asset("stream.crm.users", "stream", integration="airbyte", relation=left, quoted=quoted),
        asset("model.shop.users", relation=right, path="models/users.sql", line=3, quoted=quoted),
    ])  # fmt: skip


def place(text: str) -> Relation:
    database, schema, identifier = text.split(".")
    return Relation(None if database == "?" else database, schema, identifier)


def steps_of(graph: AssetGraph) -> list[Step]:
    return [
        Step(key=a.key, kind="dbt", integration=a.integration, name=a.name, makes=(a.key,),
             reads=())
        for a in graph
    ]  # fmt: skip


ALL = frozenset({"database", "schema", "identifier"})
PLACES: dict[str, tuple[str, str, str, frozenset[str] | None, bool]] = {
    # name: (where one lands, where the other, adapter, what stands in quotes, refused?)
    "the same": ("shop.raw.users", "shop.raw.users", "duckdb", None, True),
    "other schema": ("shop.raw.users", "shop.main.users", "duckdb", None, False),
    "case, DuckDB": ("shop.raw.Users", "SHOP.raw.users", "duckdb", None, True),
    "case, in quotes": ("shop.raw.Users", "shop.raw.users", "postgres", ALL, False),
    "case, who knows": ("shop.raw.Users", "shop.raw.users", "postgres", None, False),
    "case, not in quotes": ("shop.raw.Users", "shop.raw.USERS", "snowflake", frozenset(), True),
    "unknown database": ("?.raw.users", "shop.raw.users", "duckdb", None, False),
    "no databases": ("?.raw.users", "x.raw.users", "mysql", None, True),
}


@pytest.mark.parametrize("name", PLACES)
def test_two_steps_that_write_one_table(name: str) -> None:
    left, right, adapter, quoted, refused = PLACES[name]
    graph = two(place(left), place(right), quoted=quoted)
    planned = plan(graph, steps_of(graph))
    if not refused:
        refuse_two_writers(planned, graph, adapter)
        return
    with pytest.raises(GraphError) as raised:
        refuse_two_writers(planned, graph, adapter)
    assert "model.shop.users (models/users.sql:3)" in raised.value.fact
    assert "stream.crm.users" in raised.value.fact
    assert "both write" in raised.value.fact


def test_a_step_may_write_what_it_likes_to_itself() -> None:
    place = Relation("shop", "raw", "users")
    graph = AssetGraph(
        [asset("model.a.x", relation=place), asset("source.a.x", "source", relation=place)]
    )
    refuse_two_writers(plan(graph, steps_of(graph)[:1]), graph, "duckdb")


def test_a_rule_that_selects_nothing_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    graph = AssetGraph([])
    rule = StepRule(select=("no_such_model",), timeout=3.0, where="toolkit.yml:4: run.rules[0]")
    assert policies(Plan(steps=()), graph, RunSettings(rules=(rule,)), "shop") == {}
    assert "toolkit.yml:4: run.rules[0] selects nothing" in capsys.readouterr().err
