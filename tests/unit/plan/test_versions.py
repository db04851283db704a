"""Versions of what is there, and what is looked through to find them."""

from typing import Any

import pytest

from toolkit.graph import Asset, AssetGraph, Relation
from toolkit.ledger import Materialization
from toolkit.plan import History, Seen, make_plan, words_of
from toolkit.plan.versions import changed_by_others, current_versions, tables_behind


def asset(key: str, reads: str = "", **more: Any) -> Asset:
    facts: dict[str, Any] = {
        "key": key, "name": key, "kind": "model", "integration": "dbt", "materialized": "table",
        "depends_on": tuple(reads.split()), "relation": Relation(None, "main", key),
    }  # fmt: skip
    return Asset(**(facts | more))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("select 1", "SELECT  1", True),
        ("select 1 -- one", "select 1", True),
        ("select /* a\nb */ 1", "select 1", True),
        ("select {# a\nb #} 1", "select 1", True),
        ("select\n1\n", "select 1", True),
        ("select 1", "select 2", False),
        ("select a.b", "select a . c", False),
        ("select 1 -- one\n, 2", "select 1", False),  # a comment ends with its line
        ("select 1 /* a */ , 2 /* b */", "select 1", False),  # ... or where it says
        ("select '\udcff'", "select '\udcfe'", False),  # bytes that are no text
    ],
)
def test_the_words_of_a_source_text(one: str, other: str, same: bool) -> None:
    assert (words_of(one) == words_of(other)) is same


def test_the_tables_behind_views_ephemeral_models_and_matched_sources() -> None:
    graph = AssetGraph(
        [
            asset("stream", kind="stream", materialized=None),
            asset("source", "stream", kind="source", materialized=None),
            asset("raw", kind="source", materialized=None),
            asset("table", "raw"),
            asset("view", "table source", materialized="view"),
            asset("part", "view raw", materialized="ephemeral"),
        ]
    )
    assert tables_behind(("part",), graph) == {"table", "stream", "raw"}
    assert tables_behind(("part", "table", "not there"), graph) == {"table", "stream", "raw"}
    assert tables_behind(("table",), graph) == {"table"}


# What the ledger says of the table and the view over it, and what each is found to be.
MADE = {
    "table": Materialization(asset="table", run_id="r1", at=1.0, data_version="v1"),
    "view": Materialization(
        asset="view", run_id="r1", at=1.0, code_version="1", metadata={"view": "its text"}
    ),
    "file": Materialization(asset="file", run_id="r1", at=1.0, data_version="f1"),
    "blind": Materialization(asset="blind", run_id="r1", at=1.0),
}
GRAPH = AssetGraph(
    [
        asset("table"),
        asset("view", "table", materialized="view"),
        asset("file", kind="python", relation=None),
        asset("blind"),
        asset("never"),
    ]
)
AS_LEFT = {"table": "v1", "view": "its text", "blind": "anything", "never": "somebody's"}


@pytest.mark.parametrize(
    ("found", "changed"),
    [
        ({}, set()),
        ({"table": "v2"}, {"table"}),
        ({"view": "another text"}, {"view"}),
        ({"table": None, "view": None}, {"table", "view"}),
        # of what was never measured nothing can be said, and files lie in no warehouse
        ({"blind": "other", "file": "other", "never": None}, set()),
    ],
)
@pytest.mark.parametrize("state", ["looked at", "as left", "unseen"])
def test_what_others_changed(found: dict[str, str | None], changed: set[str], state: Any) -> None:
    there = {key: value for key, value in (AS_LEFT | found).items() if value is not None}
    known = History(latest=MADE, seen=Seen(state=state, found=there))
    assert changed_by_others(GRAPH, known) == (changed if state == "looked at" else set())


def test_what_is_gone_has_no_version_and_what_cannot_be_measured_that_of_its_run() -> None:
    seen = Seen(state="looked at", found={"view": "its text"}, outside={"never": "n1"})
    versions = current_versions(GRAPH, MADE, seen, {})
    assert {key: versions.get(key) for key in ("table", "file", "blind", "never")} == {
        "table": None, "file": "f1", "blind": "r1", "never": "n1",
    }  # fmt: skip
    assert versions["view"] == "r1"  # it reads something of which nothing is known
    left = current_versions(GRAPH, MADE, Seen(state="as left"), {})
    assert left["table"] == "v1"
    assert left["view"].startswith("view:")


@pytest.mark.parametrize(
    ("one", "reason"),
    [
        (asset("x", kind="stream", meta={"enabled": False}),
         "its connection is switched off (enabled: false)"),
        (asset("x", kind="stream", meta={"enabled": True}),
         "a stream that no connector here syncs"),
        (asset("x", kind="source"), "a source: something else loads it"),
        (asset("x", "b a", kind="source", matched={"b": "name", "a": "name"}),
         "a source: a, b loads it"),
        (asset("x", materialized="ephemeral"), "ephemeral: part of the SQL of what reads it"),
        (asset("x", kind="exposure"), "an exposure: it reads, nothing is made"),
        (asset("x", kind="metric"), "a metric: defined, not made"),
        (asset("x", kind="semantic_model"), "a semantic model: defined, not made"),
        (asset("x"), "nothing here makes it"),
    ],
)  # fmt: skip
def test_what_nobody_makes_is_said_with_why(one: Asset, reason: str) -> None:
    graph = AssetGraph([asset("a"), asset("b"), one])
    plan = make_plan(graph, [], frozenset({"x"}), History())
    assert [(unmade.asset, unmade.reason) for unmade in plan.unmade] == [("x", reason)]
    assert plan.to_run == ()
