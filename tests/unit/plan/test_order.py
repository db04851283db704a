"""Which step waits for which."""

from toolkit.graph import Asset, AssetGraph, Check
from toolkit.integrations.base import Step
from toolkit.plan import History, dependencies, make_plan


def graph_of(edges: dict[str, str], checks: dict[str, str] | None = None) -> AssetGraph:
    """``{"child": "parent parent"}``; names that begin with ``s`` are sources."""
    return AssetGraph(
        [
            Asset(
                key=key, kind="source" if key.startswith("s") else "model", name=key,
                integration="x", depends_on=tuple(parents.split()),
            )
            for key, parents in edges.items()
        ],
        [
            Check(
                key=key, name=key, kind="unit_test" if key.startswith("u") else "data_test",
                integration="x", assets=tuple(assets.split()),
            )
            for key, assets in (checks or {}).items()
        ],
    )  # fmt: skip


def steps_of(graph: AssetGraph, leave_out: str = "") -> list[Step]:
    steps = [
        Step(key=a.key, kind="dbt", integration="x", makes=(a.key,), reads=a.depends_on, name=a.key)
        for a in graph
        if a.kind == "model" and a.key not in leave_out.split()
    ]
    return steps + [
        Step(key=c.key, kind="check", integration="x", makes=(), reads=c.assets, name=c.key)
        for c in graph.checks.values()
    ]


def after(graph: AssetGraph, leave_out: str = "") -> dict[str, set[str]]:
    found = dependencies(graph, steps_of(graph, leave_out))
    return {key: set(waits.all) for key, waits in found.items()}


def test_a_step_waits_for_what_it_reads_and_for_the_tests_on_it() -> None:
    graph = graph_of({"a": "", "b": "a", "c": "b"}, {"t": "a"})
    assert after(graph) == {"a": set(), "t": {"a"}, "b": {"a", "t"}, "c": {"b"}}


def test_order_goes_through_assets_that_nobody_makes() -> None:
    graph = graph_of({"a": "", "source": "a", "b": "source"}, {"t": "source"})
    assert after(graph) == {"a": set(), "t": {"a"}, "b": {"a", "t"}}


def test_order_goes_through_assets_that_are_not_selected() -> None:
    graph = graph_of({"a": "", "b": "a", "c": "b"})
    assert after(graph, leave_out="b") == {"a": set(), "c": {"a"}}


def test_a_test_of_two_assets_blocks_only_what_is_below_both() -> None:
    graph = graph_of({"a": "", "b": "", "c": "a", "d": "b", "e": "c d"}, {"t": "a b"})
    found = after(graph)
    assert found["t"] == {"a", "b"}
    assert found["c"] == {"a"}
    assert found["e"] == {"c", "d", "t"}


def test_a_unit_test_runs_before_its_model() -> None:
    graph = graph_of({"a": "", "b": "a"}, {"u": "b"})
    assert after(graph) == {"a": set(), "u": {"a"}, "b": {"a", "u"}}


def test_a_unit_test_of_what_nobody_makes_runs_before_what_reads_it() -> None:
    graph = graph_of({"a": "", "b": "a", "c": "b"}, {"u": "b"})
    assert after(graph, leave_out="b") == {"a": set(), "u": {"a"}, "c": {"a", "u"}}


def test_one_step_that_makes_both_what_is_tested_and_what_reads_it_waits_for_nobody() -> None:
    graph = graph_of({"a": "", "b": "a"}, {"t": "a"})
    sync = Step(key="sync", kind="sync", integration="x", makes=("a", "b"), reads=(), name="sync")
    steps = [sync, *(s for s in steps_of(graph) if s.kind == "check")]
    found = dependencies(graph, steps)
    assert {key: set(waits.all) for key, waits in found.items()} == {"sync": set(), "t": {"sync"}}


def test_a_plan_is_ordered_and_gives_reasons() -> None:
    graph = graph_of({"source": "", "b": "source", "a": "b"}, {"t": "b"})
    plan = make_plan(graph, steps_of(graph), frozenset(graph.assets), History())
    assert [p.step.key for p in plan.steps] == ["b", "t", "a"]
    assert {p.step.key: p.reason for p in plan.steps} == {
        "b": "never built here", "t": "never passed on b", "a": "never built here",
    }  # fmt: skip
    assert [(u.asset, u.reason) for u in plan.unmade] == [
        ("source", "a source: something else loads it")
    ]


def test_an_edge_that_only_a_matched_relation_gave_is_told_apart() -> None:
    seed = Asset(key="seed", kind="seed", name="seed", integration="x")
    source = Asset(key="source", kind="source", name="s", integration="x", depends_on=("seed",),
                   matched={"seed": "relation"})  # fmt: skip
    both = Asset(key="m", kind="model", name="m", integration="x", depends_on=("seed", "source"))
    only = Asset(key="n", kind="model", name="n", integration="x", depends_on=("source",))
    unique = Check(key="t", name="t", kind="data_test", integration="x", assets=("seed",))
    graph = AssetGraph([seed, source, both, only], [unique])
    steps = [
        Step(key=a.key, kind="dbt", integration="x", makes=(a.key,), reads=a.depends_on, name="")
        for a in graph
        if a.kind != "source"
    ]
    steps.append(Step(key="t", kind="check", integration="x", makes=(), reads=("seed",), name="t"))
    found = dependencies(graph, steps)
    assert found["m"].all == {"seed", "t"}
    assert found["m"].found == set()  # dbt itself lets m wait for the seed's test
    assert found["n"].found == {"seed", "t"}
