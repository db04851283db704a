"""Matching on realistic mixtures: each tier, each reason why not, each line that would join."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from toolkit.graph import Alias, Asset, AssetGraph, Relation
from toolkit.graph.casing import same_name
from toolkit.graph.matching import link


def stream(
    name: str, where: str, *, connection: str = "c", kind: str | None = "duckdb", **more: Any
) -> Asset:
    """``where`` is ``database.schema.identifier``; ``?`` for what is not known."""
    config = {
        "stream": name,
        "destination": "wh",
        "destination_type": kind,
        "namespace_definition": "destination",
        **more.pop("config", {}),
    }
    return Asset(
        key=f"stream.{connection}.{name}", kind="stream", name=name, integration="airbyte",
        relation=relation(where), source_name=connection, config=config, **more,
    )  # fmt: skip


def source(name: str, where: str, *, quoted: str | None = None, **more: Any) -> Asset:
    return Asset(
        key=f"source.p.{name}", kind="source", name=name, integration="dbt",
        relation=relation(where), yaml_path="models/sources.yml",
        quoted=None if quoted is None else frozenset(quoted.split()), **more,
    )  # fmt: skip


def relation(where: str) -> Relation:
    database, schema, identifier = where.split(".")
    return Relation(
        None if database == "?" else database, None if schema == "?" else schema, identifier
    )


def tiers(graph: AssetGraph, key: str) -> Mapping[str, str]:
    return dict(graph[key].matched)


BOTH = "schema identifier"


@pytest.mark.parametrize(
    ("adapter", "lands", "reads", "quoted", "tier"),
    [
        # DuckDB, Redshift and Databricks do not keep case, in quotes or not.
        ("duckdb", "db.raw.users", "DB.Raw.USERS", BOTH, "relation"),
        ("redshift", "db.raw.users", "db.RAW.Users", BOTH, "relation"),
        ("databricks", "cat.raw.users", "cat.raw.USERS", BOTH, "relation"),
        # Snowflake: what is not in quotes is upper case, which is how Airbyte writes.
        ("snowflake", "DB.RAW.USERS", "db.raw.users", "", "relation"),
        ("snowflake", "DB.RAW.USERS", "db.raw.users", BOTH, None),
        ("snowflake", "DB.RAW.USERS", "db.RAW.USERS", BOTH, "relation"),
        ("snowflake", "DB.RAW.MY TABLE", "db.raw.MY TABLE", "identifier", "relation"),
        # Postgres: dbt quotes everything there, and the connector keeps case.
        ("postgres", "db.raw.Users", "db.raw.Users", BOTH, "relation"),
        ("postgres", "db.raw.Users", "db.raw.users", BOTH, None),
        ("postgres", "db.raw.users", "db.RAW.Users", "", "relation"),
        # BigQuery and ClickHouse keep case, in quotes or not.
        ("bigquery", "p.raw.Users", "p.raw.Users", BOTH, "relation"),
        ("bigquery", "p.raw.Users", "p.raw.users", BOTH, None),
        ("clickhouse", "?.raw.users", "?.raw.users", "", "relation"),
        ("clickhouse", "?.raw.users", "?.raw.Users", "", None),
        # MySQL has no database above the schema.
        ("mysql", "?.raw.users", "?.raw.users", None, "relation"),
        # Nobody knows whether it is quoted: the benefit of the doubt.
        ("snowflake", "DB.RAW.USERS", "db.raw.users", None, "relation"),
        # dbt's source without a database of its own, ours with one.
        ("duckdb", "db.raw.users", "?.raw.users", BOTH, "schema"),
        ("duckdb", "db.?.users", "db.raw.users", BOTH, "assumed"),
        ("duckdb", "db.one.users", "db.two.users", BOTH, None),
        ("duckdb", "one.raw.users", "two.raw.users", BOTH, None),
    ],
)
def test_case_and_quotes_of_each_adapter(
    adapter: str, lands: str, reads: str, quoted: str | None, tier: str | None
) -> None:
    written = stream("s", lands, kind=adapter)
    graph = link([written, source("s", reads, quoted=quoted)], (), (), adapter=adapter)
    assert tiers(graph, "source.p.s") == ({"stream.c.s": tier} if tier else {})
    if tier is None and lands.casefold() == reads.casefold():
        assert f"the case differs, and {adapter} takes names in quotes" in graph.problems[0].message


def test_a_destination_of_no_known_type_may_spell_in_any_case() -> None:
    written = stream("Users", "DB.RAW.Users", kind=None)
    graph = link([written, source("u", "DB.RAW.USERS", quoted=BOTH)], (), (), adapter="snowflake")
    assert tiers(graph, "source.p.u") == {"stream.c.Users": "relation"}


def test_one_quoted_name_and_one_bare() -> None:
    assert same_name("RAW", True, "raw", False, "snowflake")
    assert not same_name("raw", True, "raw", False, "snowflake")
    assert same_name("raw", True, "RAW", False, "postgres")


ALIASES = (
    Alias(Relation("db", "raw", "users_cut"), "older"),
    Alias(Relation("db", "internal", "raw_raw__stream_users"), "raw"),
    Alias(Relation("db", "raw", "_airbyte_raw_users"), "raw"),
)


@pytest.mark.parametrize(
    ("reads", "tier"),
    [
        ("db.raw.users", "relation"),
        ("db.raw.users_cut", "relation-older"),
        ("?.raw.users_cut", "schema-older"),
        ("db.?.users_cut", "assumed-older"),
        ("db.internal.raw_raw__stream_users", "relation-raw"),
        ("db.raw._airbyte_raw_users", "relation-raw"),
        ("?.RAW._AIRBYTE_RAW_USERS", "schema-raw"),
        ("db.other._airbyte_raw_users", None),
    ],
)
def test_older_names_and_raw_tables(reads: str, tier: str | None) -> None:
    graph = link([stream("users", "db.raw.users", aliases=ALIASES), source("s", reads)], (), ())
    assert tiers(graph, "source.p.s") == ({"stream.c.users": tier} if tier else {})


def test_a_name_of_its_own_beats_what_another_one_was_called_once() -> None:
    older = stream(
        "long", "db.raw.long_1", aliases=(Alias(Relation("db", "raw", "users"), "older"),)
    )
    graph = link([older, stream("users", "db.raw.users"), source("s", "db.raw.users")], (), ())
    assert tiers(graph, "source.p.s") == {"stream.c.users": "relation"}


def test_a_stream_may_have_several_sources() -> None:
    users = stream("users", "db.raw.users", aliases=ALIASES)
    graph = link(
        [users, source("a", "db.raw.users"), source("b", "db.raw._airbyte_raw_users")], (), ()
    )
    assert graph.edges == (
        ("stream.c.users", "source.p.a"),
        ("stream.c.users", "source.p.b"),
    )
    assert graph.problems == ()


def meta(**said: Any) -> dict[str, Any]:
    return {"toolkit": {"airbyte": said}}


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        (meta(connection="shop", stream="users"), "stream.shop.users"),
        (meta(connection="shop"), "stream.shop.users"),  # called like the table
        (meta(connection="shop", stream="public.users"), None),
        (meta(connection="crm", stream="people"), "stream.crm.people"),
        ({"dagster": {"asset_key": ["people"]}}, "stream.crm.people"),
        ({"dagster": {"asset_key": ["crm", "people"]}}, "stream.crm.people"),
        ({"dagster": {"asset_key": ["raw_people"]}}, "stream.crm.people"),  # with the prefix
        ({"dagster": {"asset_key": ["crm", "users"]}}, "stream.crm.users"),
    ],
)
def test_explicit(said: dict[str, Any], wanted: str | None) -> None:
    assets = [
        stream("users", "db.one.users", connection="shop"),
        stream("users", "db.two.users", connection="crm"),
        stream("people", "db.three.people", connection="crm", config={"prefix": "raw_"}),
        source("users", "other.place.entirely", meta=said),
    ]
    graph = link(assets, (), ())
    assert tiers(graph, "source.p.users") == ({wanted: "explicit"} if wanted else {})
    assert ("explicit-match-broken" in {p.code for p in graph.problems}) == (wanted is None)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (meta(connection="shp"), "names 'shp', which is not there. Did you mean 'shop'?"),
        (
            meta(connection="shop", stream="usres"),
            "names 'usres', which connection 'shop' does not have. Did you mean 'users'?",
        ),
        (meta(connection="shop", stream="users", schema="x"), "has the key 'schema'"),
        (meta(conection="shop"), "must be `{connection: ..., stream: ...}`"),
        (meta(connection=["shop"]), "must be `{connection: ..., stream: ...}`"),
        ({"toolkit": {"airbite": {"connection": "shop"}}}, "Did you mean 'airbyte'?"),
        ({"toolkit": "shop"}, "must name the writer under one key: airbyte."),
    ],
)  # fmt: skip
def test_a_wrong_explicit_match_is_an_error_and_nothing_else_is_tried(
    said: dict[str, Any], words: str
) -> None:
    users = stream("users", "db.raw.users", connection="shop")
    graph = link([users, source("users", "db.raw.users", meta=said)], (), ())
    assert not graph.edges
    (problem,) = [p for p in graph.problems if p.asset == "source.p.users"]
    assert (problem.code, problem.severity) == ("explicit-match-broken", "error")
    assert problem.path == "models/sources.yml"
    assert words in problem.message


@pytest.mark.parametrize(
    "said",
    [
        {"toolkit": {"owner": "me"}},  # of another use of the same key
        {"dagster": {"asset_key": ["somebody", "elses"]}},
        {"dagster": {"asset_key": "users"}},
        {"dagster": ["asset_key"]},
        {"dagster": {"group": "x"}},
    ],
)
def test_other_meta_says_nothing(said: dict[str, Any]) -> None:
    graph = link([stream("users", "db.raw.users"), source("u", "db.raw.users", meta=said)], (), ())
    assert tiers(graph, "source.p.u") == {"stream.c.users": "relation"}
    assert graph.problems == ()


def test_without_any_connection_an_explicit_match_is_nobodys_fault() -> None:
    graph = link([source("u", "db.raw.users", meta=meta(connection="shop"))], (), ())
    assert [p.severity for p in graph.problems] == ["info"]


def test_a_stream_without_a_table_can_be_named() -> None:
    lake = msgspec.structs.replace(stream("users", "?.?.users"), relation=None)
    assets = [lake, source("users", "db.ext.users", meta=meta(connection="c", stream="users"))]
    graph = link(assets, (), ())
    assert tiers(graph, "source.p.users") == {"stream.c.users": "explicit"}
    assert graph.problems == ()


@pytest.mark.parametrize(
    ("lands", "reads", "config", "reason", "file", "line"),
    [
        (
            "db.raw.users", "db.landing.users", {},
            "the schema differs (raw, not landing)",
            "toolkit.yml", "destinations: {wh: {schema: landing}}",
        ),
        (
            "prod.raw.users", "dev.landing.users", {},
            "the schema differs (raw, not landing)",
            "toolkit.yml", "destinations: {wh: {database: dev, schema: landing}}",
        ),
        (
            "prod.raw.users", "dev.raw.users", {},
            "the database differs (prod, not dev)",
            "toolkit.yml", "destinations: {wh: {database: dev}}",
        ),
        (
            "db.raw.users", "db.my-data 1.users", {"destination": "My Warehouse"},
            "the schema differs (raw, not my-data 1)",
            "toolkit.yml", 'destinations: {"My Warehouse": {schema: "my-data 1"}}',
        ),
        (  # the schema is a namespace, which `destinations` does not override
            "db.raw.users", "db.landing.users", {"namespace_definition": "source"},
            "the schema differs (raw, not landing)",
            "models/sources.yml, for table t",
            "meta: {toolkit: {airbyte: {connection: c, stream: s}}}",
        ),
        (  # a destination without a name cannot be mapped
            "db.raw.users", "db.landing.users", {"destination": None},
            "the schema differs (raw, not landing)",
            "models/sources.yml, for table t",
            "meta: {toolkit: {airbyte: {connection: c, stream: s}}}",
        ),
        (
            "db.raw.user", "db.raw.users", {},
            "the table's name differs (user, not users)",
            "models/sources.yml, for table t",
            "meta: {toolkit: {airbyte: {connection: c, stream: s}}}",
        ),
    ],
)  # fmt: skip
def test_why_not_and_what_would_join_them(
    lands: str, reads: str, config: dict[str, Any], reason: str, file: str, line: str
) -> None:
    graph = link([stream("s", lands, config=config), source("t", reads)], (), ())
    assert not graph.edges
    for item, other in zip(graph.unmatched, ("source.p.t", "stream.c.s"), strict=True):
        (candidate,) = item.candidates
        assert (candidate.key, candidate.reason) == (other, reason)
        assert (candidate.file, candidate.line) == (file, line)
        assert reason in item.problem().message
        assert f"To join them, write in {file}: {line}" in item.problem().message
    said = yaml.safe_load(line)  # and it does join them
    if "meta" in said:
        again = [stream("s", lands, config=config), source("t", reads, meta=said["meta"])]
    else:
        (mapped,) = said["destinations"].values()
        where = relation(lands)
        place = f"{mapped.get('database', where.database)}.{mapped.get('schema', where.schema)}"
        again = [stream("s", f"{place}.{where.identifier}", config=config), source("t", reads)]
    assert link(again, (), ()).edges == (("stream.c.s", "source.p.t"),)


def test_three_candidates_the_nearest_first() -> None:
    names = ("orders_2024", "orders_2023", "order", "orders", "invoices", "x")
    graph = link(
        [source("t", "db.raw.orders"), *(stream(n, f"db.other.{n}") for n in names)], (), ()
    )
    (missing,) = [item for item in graph.unmatched if item.what == "source"]
    assert [c.key for c in missing.candidates] == [
        "stream.c.orders",
        "stream.c.order",
        "stream.c.orders_2023",
    ]


def test_nothing_alike_is_said_too() -> None:
    graph = link([stream("zebra", "db.raw.zebra"), source("t", "db.raw.orders")], (), ())
    assert [p.message for p in graph.problems] == [
        "No dbt source reads db.raw.zebra, where stream.c.zebra lands; no source has a like name. "
        "Declare it as a source if models should read it.",
        "Nothing in the graph loads db.raw.orders, which source.p.t stands for; no stream has a "
        "like name. Its lineage begins here.",
    ]


def test_empty_names_are_unknown_ones() -> None:
    empty = msgspec.structs.replace(
        source("t", "?.raw.users"), relation=Relation("", "raw", "users")
    )
    graph = link([stream("users", "db.raw.users"), empty], (), ())
    assert tiers(graph, "source.p.t") == {"stream.c.users": "schema"}


def test_every_problem_is_explained(repository: Path) -> None:
    page = (repository / "docs" / "matching.md").read_text(encoding="utf-8")
    sources = (repository / "toolkit" / "graph").glob("*.py")
    text = "\n".join(path.read_text(encoding="utf-8") for path in sources)
    codes = set(re.findall(r'code="([a-z-]+)"', text)) | {"unmatched-stream", "unmatched-source"}
    assert {"explicit-match-broken", "two-writers", "assumed-match"} <= codes
    assert [code for code in sorted(codes) if f"| `{code}` |" not in page] == []
