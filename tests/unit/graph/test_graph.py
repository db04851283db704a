"""The asset graph: what it refuses, and how far it reaches."""

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.errors import CycleError, DuplicateKeyError, GraphError
from toolkit.graph import Asset, AssetGraph, Check, Relation


def _asset(key: str, *reads: str, path: str | None = None, line: int | None = None) -> Asset:
    return Asset(
        key=key, kind="model", name=key, integration="dbt", depends_on=reads, path=path, line=line
    )


# a -> b -> d, a -> c -> d -> e, and f by itself
DIAMOND = AssetGraph(
    [
        _asset("e", "d"),
        _asset("d", "b", "c"),
        _asset("c", "a"),
        _asset("b", "a"),
        _asset("a"),
        _asset("f"),
    ]
)


def test_order_puts_parents_first_and_breaks_ties_by_key() -> None:
    assert [asset.key for asset in DIAMOND] == ["a", "b", "c", "d", "e", "f"]
    assert DIAMOND.topological(["e", "a", "d"]) == ["a", "d", "e"]
    assert DIAMOND.edges == (("a", "b"), ("a", "c"), ("b", "d"), ("c", "d"), ("d", "e"))


def test_a_cycle_is_named_with_its_path() -> None:
    with pytest.raises(CycleError) as error:
        AssetGraph([_asset("a", "c"), _asset("b", "a"), _asset("c", "b"), _asset("d", "c")])
    path = error.value.path
    assert path[0] == path[-1]
    assert set(path) == {"a", "b", "c"}
    assert " -> ".join(path) in error.value.fact


def test_an_asset_may_not_read_itself() -> None:
    with pytest.raises(CycleError) as error:
        AssetGraph([_asset("a", "a")])
    assert error.value.path == ("a", "a")


def test_two_assets_with_one_key_are_named_with_their_places() -> None:
    with pytest.raises(DuplicateKeyError) as error:
        AssetGraph([_asset("a", path="models/a.sql"), _asset("a", path="ml/a.py", line=7)])
    assert "models/a.sql" in error.value.fact
    assert "ml/a.py:7" in error.value.fact


def test_a_dependency_that_is_not_there_is_named_with_its_reader() -> None:
    with pytest.raises(GraphError) as error:
        AssetGraph([_asset("a", "gone", path="models/a.sql", line=3)])
    assert error.value.fact == "a (models/a.sql:3) reads gone, which does not exist."


@pytest.mark.parametrize(
    ("keys", "depth", "up", "down"),
    [
        ("a", None, "", "b c d e"),
        ("d", None, "a b c", "e"),
        ("d", 1, "b c", "e"),
        ("a", 2, "", "b c d"),
        ("a", 0, "", ""),
        ("f", None, "", ""),
        ("b c", None, "a", "d e"),
        ("b d", 1, "a c", "e"),
        ("", None, "", ""),
    ],
)
def test_reach(keys: str, depth: int | None, up: str, down: str) -> None:
    assert sorted(DIAMOND.ancestors(keys.split(), depth)) == up.split()
    assert sorted(DIAMOND.descendants(keys.split(), depth)) == down.split()


def test_checks_and_relations_are_found() -> None:
    place = Relation("db", "Main", "Users")
    users = Asset(key="u", kind="source", name="u", integration="dbt", relation=place)
    check = Check(key="t", name="t", kind="data_test", integration="dbt", assets=("u",))
    graph = AssetGraph([users], [check])
    assert graph.checks_on("u") == (check,)
    assert graph.checks_on("v") == ()
    assert graph.at(Relation("DB", "main", "users")) == (users,)
    assert graph.at(Relation(None, "main", "users")) == ()


@st.composite
def graphs(draw: st.DrawFn) -> list[Asset]:
    """Any acyclic graph of up to 12 assets, in any order."""
    size = draw(st.integers(1, 12))
    pairs = list(itertools.combinations(range(size), 2))
    edges = draw(st.sets(st.sampled_from(pairs))) if pairs else set()
    assets = [_asset(str(i), *(str(a) for a, b in edges if b == i)) for i in range(size)]
    random.Random(draw(st.integers())).shuffle(assets)
    return assets


@given(assets=graphs())
def test_any_graph_is_ordered_and_reached_both_ways(assets: list[Asset]) -> None:
    graph = AssetGraph(assets)
    order = list(graph.assets)
    assert sorted(order) == sorted(asset.key for asset in assets)
    for parent, child in graph.edges:
        assert order.index(parent) < order.index(child)
        assert parent in graph.parents(child)
        assert child in graph.children(parent)
    for one in order:
        below = graph.descendants([one])
        assert below == {key for key in order if one in graph.ancestors([key])}
        assert below == graph.children(one) | graph.descendants(graph.children(one))
