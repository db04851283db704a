"""What one query is said to read of its parents."""

import pytest

from toolkit.graph import Asset, AssetGraph, Relation
from toolkit.lineage.queries.reads import Reads, Unread, examine, reads

SHAPES = {
    "x": {"id": "INTEGER", "a": "INTEGER", "b": "INTEGER", "c": "VARCHAR"},
    "y": {"id": "INTEGER", "d": "INTEGER", "e": "DATE"},
}


def graph_of(text: str | None, **more: object) -> AssetGraph:
    parents = [
        Asset(
            key=key, kind="source", name=key, integration="dbt",
            relation=Relation("db", "main", key),
        )
        for key in SHAPES
    ]  # fmt: skip
    other = Asset(
        key="z", kind="source", name="z", integration="dbt", relation=Relation("db", "main", "z")
    )
    model = {
        "key": "m", "kind": "model", "name": "m", "integration": "dbt", "sql": text,
        "relation": Relation("db", "main", "m"), "depends_on": tuple(SHAPES),
        "materialized": "table",
    }  # fmt: skip
    return AssetGraph([*parents, other, Asset(**{**model, **more})])  # type: ignore[arg-type]


def found(sql: str, shapes: dict[str, dict[str, str]] | None = None, **more: object) -> Reads:
    graph = graph_of(sql, **more)
    return examine(graph["m"], graph, shapes or SHAPES, "duckdb")


def shown(sql: str) -> dict[str, str]:
    """For each parent its columns as words; ``*`` for all of them."""
    return {
        key: "*" if names is None else " ".join(sorted(names))
        for key, names in found(sql).columns.items()
        if key == "x" or names is not None
    }


@pytest.mark.parametrize(
    ("sql", "x"),
    [
        ("select a from x", "a"),
        ("select A from main.X", "a"),
        ('select "b" + 1 as n from db.main.x', "b"),
        ("with s as (select * from x), r as (select a as n, b from s) select n from r", "a b"),
        ("with s as (select * from x) select a from s where c = 'q'", "a c"),
        ("select count(*) from x", ""),
        ("select 1 from x", ""),
        ("select count(*) from (select distinct * from x) as d", "a b c id"),
        ("select a from (select * from x union select * from x) as u", "a b c id"),
        ("select a from (select * from x union all select * from x) as u", "a"),
        ("select sum(a) over (partition by b order by id) from x", "a b id"),
        ("select * exclude (c) from x", "a b c id"),  # its name is written, so it must be there
        ("select n from (select * from x) as t(n)", "id"),
        ("select to_json(x) from x", "a b c id"),
        ("with unused as (select b from x) select a from x", "a b"),
        ("select a from x where exists (select * from x as o where o.id = x.id)", "a id"),
        ("select a from x where id in (select * from (select id from x))", "a id"),
        ("select a from x order by c", "a c"),
        ("select t['a'] from x as t", "a"),
        ("from x", "a b c id"),
        ("select a from x qualify row_number() over (partition by id order by b desc) = 1",
         "a b id"),
        ("select max_by(a, b) from x", "a b"),
        ("select string_agg(c, ',' order by id) from x", "c id"),
        ("select a from x order by id limit 3", "a id"),
        ("select a from range(3) as r(n), x", "a"),
        ("with x as (select * from main.x) select a from x", "a"),
        ("with x as (select * from x) select a from x", "a"),  # the table: it is not recursive
        ("select json_extract(c, '$.a') as n from x", "a c"),  # who knows what the path means
    ],
)  # fmt: skip
def test_columns(sql: str, x: str) -> None:
    assert shown(sql)["x"] == x


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        ("select columns('a.*') from x", "COLUMNS"),
        ("select * like 'a%' from x", "no plain list of columns"),
        ("select coalesce(x.*) from x", "no plain list of columns"),
        ("select count(distinct *) from x", "no plain list of columns"),
        ("select a from x order by x.*", "no plain list of columns"),
        ("select a from x natural join y", "NATURAL JOIN"),
        ("from (pivot x on a in (1, 2) using sum(b))", "PIVOT"),
        ("select n from x unpivot (v for n in (a, b))", "UNPIVOT"),
    ],
)
def test_all_columns(sql: str, why: str) -> None:
    result = found(sql)
    assert result.columns["x"] is None
    assert why in result.why["x"]
    assert result.ordered == ""


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        ("select a from x limit 3", "LIMIT without ORDER BY"),
        ("select a from (select * from x offset 2) as s order by a", "OFFSET without ORDER BY"),
        ("select first(a) from x", "first without ORDER BY"),
        ("select any_value(a) from x group by b", "any_value without ORDER BY"),
        ("select list(a) from x", "array_agg without ORDER BY"),
        ("select string_agg(c) from x", "group_concat without ORDER BY"),
        ("select mode(a) from x", "mode without ORDER BY"),
        ("select arbitrary(a) from x", "arbitrary without ORDER BY"),
        ("select json_group_array(a) from x", "json_group_array without ORDER BY"),
        ("select array(select a from x)", "ARRAY(SELECT ...) without ORDER BY"),
        ("select row_number() over () from x", "row_number over a window without"),
        ("select row_number() over (partition by a order by a) from x", "row_number over a window"),
        ("select row_number() over (order by 1) from x", "row_number over a window"),
        ("select lag(a) over w from x window w as (partition by b)", "lag over a window"),
        ("select sum(a) over (rows between 1 preceding and current row) from x", "sum over a"),
        ("select distinct on (a) a, b from x", "DISTINCT ON without ORDER BY"),
        ("select x.a from x positional join y", "POSITIONAL JOIN"),
        ("select rowid from x", "rowid"),
    ],
)
def test_the_order_of_rows(sql: str, why: str) -> None:
    result = found(sql)
    assert why in result.ordered
    assert result.columns["x"] is None


@pytest.mark.parametrize(
    "sql",
    [
        "select list(a order by id) from x",
        "select first(a order by id) from x",
        "select row_number() over w from x window w as (partition by a order by id)",
        "select lag(a) over (w order by id) from x window w as (partition by b)",
        "select sum(a) over (partition by b) from x",
        "select sum(a) over (order by id rows between 1 preceding and current row) from x",
        "select distinct on (a) a, b from x order by a, b",
        "select a from x limit 0",
        "select percentile_cont(0.5) within group (order by a) from x",
        "select array(select a from x order by id)",
        "select count(a), avg(a), median(a), stddev(a), count(distinct b) from x",
    ],
)
def test_an_order_that_is_written(sql: str) -> None:
    assert found(sql).ordered == ""


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        ("select a from x using sample 3", "sample"),
        ("select a from x tablesample 10%", "sample"),
        ("select a from z", "does not declare"),
        ("select a from nowhere", "no asset"),
        ("select * from read_csv('a.csv')", "table function readcsv"),
        ("select * from query_table('x')", "calls query_table"),
        ("select a from x, duckdb_tables()", "calls duckdb_tables"),
        ("select * from information_schema.tables", "no asset"),
        ("select our_macro(a) from x", "our_macro"),
        ("select nextval('s'), a from x", "nextval"),
        ("select a from x at (version => 3)", "not known"),
        ("summarize x", "Summarize"),
        ("select * from (summarize x)", "SUMMARIZE"),
        ("select * from (describe x)", "DESCRIBE"),
        ("delete from x", "Delete"),
        ("select nothing from x", "found in none"),
        ("select a from x union select id, d from y", "different numbers"),
        ("selec a from x", "cannot be parsed"),
        ("pivot x on a using sum(b)", "PIVOT depend on the data"),
    ],
)
def test_nothing_to_say(sql: str, why: str) -> None:
    graph = graph_of(sql)
    with pytest.raises(Unread, match=why):
        examine(graph["m"], graph, SHAPES, "duckdb")
    assert reads(graph["m"], graph, SHAPES, "duckdb") is None


@pytest.mark.parametrize(
    "more",
    [
        {"sql": None},
        {"language": "python"},
        {"materialized": "something_of_theirs"},
        {"config": {"incremental_strategy": "microbatch"}},
        {"config": {"pre-hook": [{"sql": "insert into log select count(*) from x"}]}},
    ],
)
def test_assets_that_are_more_than_their_query(more: dict[str, object]) -> None:
    graph = graph_of("select a from x", **more)
    assert reads(graph["m"], graph, SHAPES, "duckdb") is None


def test_a_hook_that_reads_nothing_is_none() -> None:
    config = {"post-hook": [{"sql": "grant usage on schema main to them"}]}
    assert found("select a from x", config=config).columns["x"] == {"a"}


def test_other_warehouses() -> None:
    graph = graph_of("select a from x")
    assert reads(graph["m"], graph, SHAPES, "postgres") is None


def test_columns_of_a_parent_that_nobody_knows() -> None:
    graph = graph_of("select a from x")
    assert reads(graph["m"], graph, {"y": SHAPES["y"]}, "duckdb") is None


def test_a_parent_that_the_text_does_not_name() -> None:
    result = found("select a from x")
    assert result.columns["y"] is None
    assert "does not say" in result.why["y"]


def test_of_an_ephemeral_parent_its_parents_are_read() -> None:
    sql = "with __dbt__cte__e as (select * from x) select a from __dbt__cte__e"
    graph = AssetGraph(
        [
            *(asset for asset in graph_of("select 1") if asset.key != "m"),
            Asset(
                key="e", kind="model", name="e", integration="dbt", sql="select * from x",
                materialized="ephemeral", depends_on=("x",),
            ),
            Asset(
                key="m", kind="model", name="m", integration="dbt", sql=sql, depends_on=("e",),
            ),
        ]
    )  # fmt: skip
    assert examine(graph["m"], graph, SHAPES, "duckdb").columns == {"x": frozenset({"a"})}


def test_an_incremental_model_may_read_itself() -> None:
    sql = "select a, id from x where id > (select max(m.id) from main.m)"
    assert found(sql, materialized="incremental").columns["x"] == {"a", "id"}


def changed(sql: str, **shape: str) -> bool:
    """Whether the query means something else when ``x`` has these columns."""
    return found(sql).digest != found(sql, {**SHAPES, "x": shape}).digest


def test_a_column_that_is_not_read_may_come_go_and_move() -> None:
    sql = "with s as (select * from x) select a from s"
    assert not changed(sql, a="INTEGER", id="INTEGER")
    assert not changed(sql, new="DATE", id="BIGINT", c="VARCHAR", a="INTEGER")
    assert changed(sql, id="INTEGER", a="BIGINT")


def test_a_new_column_may_be_meant_by_a_name() -> None:
    sql = "select a, d from x join y using (id)"
    assert changed(sql, **SHAPES["x"], d="INTEGER")
    assert changed("select a + 1 as d, d * 2 as n from x", **SHAPES["x"], d="INTEGER")
    assert changed("select * from x", **SHAPES["x"], new="INTEGER")


def test_by_position_the_order_of_columns_counts() -> None:
    shape = {"a": "INTEGER", "id": "INTEGER", "b": "INTEGER", "c": "VARCHAR"}
    assert changed("select n from (select * from x) as t(n)", **shape)
    assert changed("with u as (select * from x union all select * from x) select a from u", **shape)
    assert changed("select columns('a') from x", **shape)
    assert not changed("select a from (select * from x) as t", **shape)
