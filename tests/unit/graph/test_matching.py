"""Who writes what a source stands for: each tier, and every miss named."""

import pytest

from toolkit.errors import CycleError
from toolkit.graph import Asset, AssetGraph, Relation
from toolkit.graph.matching import link


def stream(name: str, database: str | None, schema: str | None, **more: object) -> Asset:
    return Asset(
        key=f"stream.c.{name}", kind="stream", name=name, integration="airbyte",
        relation=Relation(database, schema, name), **more,  # type: ignore[arg-type]
    )  # fmt: skip


def source(name: str, database: str | None, schema: str | None) -> Asset:
    return Asset(
        key=f"source.p.{schema}.{name}", kind="source", name=name, integration="dbt",
        relation=Relation(database, schema, name),
    )  # fmt: skip


def codes(graph: AssetGraph) -> list[tuple[str | None, str, str]]:
    return [(p.asset, p.code, p.severity) for p in graph.problems]


@pytest.mark.parametrize(
    ("left", "right", "tier"),
    [
        (("db", "raw"), ("db", "raw"), "relation"),
        (("DB", "Raw"), ("db", "raw"), "relation"),
        ((None, "raw"), ("db", "raw"), "schema"),
        (("db", None), ("db", "raw"), "assumed"),
        (("db", "raw"), ("db", "landing"), None),
        (("one", "raw"), ("two", "raw"), None),
    ],
)
def test_tiers(left: tuple[str, str], right: tuple[str, str], tier: str | None) -> None:
    graph = link([stream("users", *left), source("users", *right)], (), ())
    read = graph[f"source.p.{right[1]}.users"]
    assert dict(read.matched) == ({"stream.c.users": tier} if tier else {})
    assert read.depends_on == (("stream.c.users",) if tier else ())


def test_a_table_name_alone_is_not_assumed_when_two_sources_have_it() -> None:
    graph = link(
        [stream("users", "db", None), source("users", "db", "a"), source("users", "db", "b")],
        (),
        (),
    )
    assert not graph.edges


def test_misses_name_the_nearest_candidate_and_why() -> None:
    graph = link([stream("users", "db", "raw"), source("users", "db", "landing")], (), ())
    by_code = {p.code: p for p in graph.problems}
    assert "source.p.landing.users at db.landing.users: the schema differs (raw, not" in (
        by_code["unmatched-stream"].message
    )
    assert "stream.c.users at db.raw.users: the schema differs (raw, not landing)" in (
        by_code["unmatched-source"].message
    )
    near = link([stream("user", "db", "raw"), source("users", "db", "raw")], (), ())
    assert "the table's name differs" in near.problems[0].message


def test_a_source_without_any_connection_is_only_a_note() -> None:
    graph = link([source("users", "db", "raw")], (), ())
    assert codes(graph) == [("source.p.raw.users", "unmatched-source", "info")]


def test_a_stream_that_is_switched_off_is_only_a_note() -> None:
    graph = link([stream("users", "db", "raw", meta={"enabled": False})], (), ())
    assert codes(graph) == [("stream.c.users", "unmatched-stream", "info")]


def test_a_seed_and_a_source_of_one_relation_get_an_edge() -> None:
    seed = Asset(
        key="seed.p.users", kind="seed", name="users", integration="dbt",
        relation=Relation("db", "raw", "users"),
    )  # fmt: skip
    graph = link([seed, source("users", "db", "raw")], (), ())
    assert graph.edges == (("seed.p.users", "source.p.raw.users"),)


def test_two_writers_are_a_warning_and_two_edges() -> None:
    seed = Asset(
        key="seed.p.users", kind="seed", name="users", integration="dbt",
        relation=Relation("db", "raw", "users"),
    )  # fmt: skip
    graph = link([seed, stream("users", "db", "raw"), source("users", "db", "raw")], (), ())
    assert len(graph.edges) == 2
    assert [p.code for p in graph.problems] == ["two-writers"]


def test_a_cycle_through_a_matched_relation_is_named_by_its_path() -> None:
    scores = Asset(
        key="python.scores", kind="python", name="scores", integration="python",
        relation=Relation("db", "ml", "scores"), depends_on=("model.p.m",),
    )  # fmt: skip
    model = Asset(
        key="model.p.m", kind="model", name="m", integration="dbt",
        depends_on=("source.p.ml.scores",),
    )  # fmt: skip
    with pytest.raises(CycleError) as caught:
        link([scores, model, source("scores", "db", "ml")], (), ())
    assert set(caught.value.path) == {"python.scores", "model.p.m", "source.p.ml.scores"}
    assert caught.value.path[0] == caught.value.path[-1]
