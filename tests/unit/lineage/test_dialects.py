"""What we know of warehouses by name, against what they or the parser say themselves."""

from collections.abc import Iterator

import duckdb
import pytest
import sqlglot
from sqlglot import exp
from sqlglot.dialects.dialect import Dialect, Dialects

from toolkit.graph import Asset, AssetGraph, Relation
from toolkit.lineage import Lineage, trace
from toolkit.lineage.places import is_system
from toolkit.lineage.sql.aggregate import _BY_NAME, is_aggregate
from toolkit.lineage.sql.dialects import KNOWN, facts_of

LENIENT = sqlglot.ErrorLevel.IGNORE


def run(sql: str, dialect: str, columns: str = "") -> Lineage:
    """Of one query over ``raw.t``, which has these columns; no word: nobody knows them."""
    table = Asset(
        key="t", kind="source", name="t", integration="dbt", relation=Relation(None, "raw", "t")
    )
    model = Asset(
        key="m", kind="model", name="m", integration="dbt", sql=sql, language="sql",
        relation=Relation(None, "main", "m"), depends_on=("t",),
    )  # fmt: skip
    catalog = {"t": dict.fromkeys(columns.split(), "")} if columns else {}
    return trace(AssetGraph([table, model]), dialect=dialect, catalog=catalog)


def edges(lineage: Lineage) -> set[str]:
    """``column <- source kind``, without the kind of a copy."""
    return {
        f"{e.target[1]} <- {e.source[1]} {e.subtype}".removesuffix(" IDENTITY")
        for e in lineage.column_edges
    }


@pytest.fixture(scope="module")
def warehouse() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


# ---- relations of the warehouse itself ----


def test_no_relation_of_duckdb_itself_is_missed_in_the_graph(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    views = warehouse.execute(
        "select distinct schema_name, view_name from duckdb_views() where internal"
    ).fetchall()
    assert len(views) > 10
    bare = [(None, None, name) for schema, name in views if schema in ("main", "pg_catalog")]
    qualified = [(None, schema, name) for schema, name in views if schema != "main"]
    assert [where for where in bare + qualified if not is_system(where)] == []


@pytest.mark.parametrize(
    ("dialect", "sql"),
    [
        ("oracle", "select sysdate as at, 1 as one from dual"),
        ("snowflake", "select table_name from information_schema.tables"),
        ("snowflake", "select table_name from shop.information_schema.tables"),
        ("bigquery", "select table_name from `region-eu`.INFORMATION_SCHEMA.TABLES"),
        ("postgres", "select relname from pg_class"),
        ("postgres", "select relname from pg_catalog.pg_class"),
        ("sqlserver", "select name from sys.tables"),
        ("clickhouse", "select name from system.tables"),
        ("duckdb", "select table_name from duckdb_tables"),
        ("duckdb", "select name from sqlite_master"),
    ],
)
def test_nobody_is_told_to_declare_a_system_table(dialect: str, sql: str) -> None:
    assert "unknown-relation" not in {problem.code for problem in run(sql, dialect).problems}


@pytest.mark.parametrize("name", ["duel", "pgadmin_users", "duckdb_is_fun", "systems.tables"])
def test_what_is_only_called_alike_is_no_system_table(name: str) -> None:
    problems = run(f"select a from {name}", "duckdb").problems
    assert "unknown-relation" in {problem.code for problem in problems}


# ---- aggregates ----


def test_every_aggregate_of_duckdb_is_one(warehouse: duckdb.DuckDBPyConnection) -> None:
    calls = warehouse.execute(
        "select function_name, min(len(parameters)) from duckdb_functions() "
        "where function_type = 'aggregate' and function_name similar to '[a-z_0-9]+' group by all"
    ).fetchall()
    assert len(calls) > 60
    unknown = []
    for name, width in sorted(calls):
        call = f"{name}({', '.join('abcd'[:width])})"
        item = sqlglot.parse_one(f"select {call}", dialect="duckdb").selects[0]
        if not any(is_aggregate(node) for node in item.walk()):
            unknown.append(call)
    assert unknown == []


@pytest.mark.parametrize(
    ("dialect", "call"),
    [
        ("bigquery", "hll_count.merge(a)"),
        ("bigquery", "hll_count.merge_partial(a)"),
        ("bigquery", "array_concat_agg(a)"),
        ("clickhouse", "quantile(0.9)(a)"),
        ("clickhouse", "uniqExact(a)"),
        ("databricks", "approx_percentile(a, 0.9)"),
        ("duckdb", "mean(a)"),
        ("duckdb", "quantile(a, 0.9)"),
        ("duckdb", "sem(a)"),
        ("postgres", "corr(a, 2)"),
        ("postgres", "jsonb_object_agg('k', a)"),
        ("redshift", "approx_percentile(a)"),
        ("snowflake", "hll_accumulate(a)"),
        ("snowflake", "object_agg('k', a)"),
        ("trino", "approx_percentile(a, 0.9)"),
        ("trino", "numeric_histogram(10, a)"),
        ("vertica", "approx_percentile(a)"),
        ("oracle", "wm_concat(a)"),
    ],
)
def test_aggregates_in_the_documents_of_warehouses(dialect: str, call: str) -> None:
    found = run(f"select b, {call} as n from raw.t group by b", dialect, "a b")
    assert {edge.lower() for edge in edges(found)} == {"b <- b", "n <- a aggregation"}


# ---- units of time ----

# The first argument of T-SQL's DATE_BUCKET and the second of Snowflake's TRUNC is a bare word.
_CALLS = {
    "tsql": "date_bucket({unit}, 2, at)",
    "fabric": "date_bucket({unit}, 2, at)",
    "snowflake": "trunc(at, {unit})",
}


def units(dialect: str) -> list[str]:
    words = Dialect.get_or_raise(dialect).DATE_PART_MAPPING
    return sorted({word.lower() for word in [*words, *words.values()] if " " not in word})


@pytest.mark.parametrize("dialect", _CALLS)
def test_a_unit_of_time_is_no_column(dialect: str) -> None:
    """Also ``d`` and ``min``, which might be one, where the columns are known."""
    wrong = {}
    for unit in units(dialect):
        call = _CALLS[dialect].format(unit=unit)
        found = run(f"select {call} as n from (select at from raw.t) as s", dialect, "at")
        if found.problems or {e.lower() for e in edges(found)} != {"n <- at transformation"}:
            wrong[unit] = edges(found)
    assert wrong == {}


@pytest.mark.parametrize("ending", ["", "s"])
@pytest.mark.parametrize(
    "unit",
    ["year", "quarter", "month", "week", "day", "hour", "minute", "second", "millisecond",
     "microsecond", "nanosecond"],
)  # fmt: skip
def test_a_unit_in_full_is_none_where_no_column_is_known(unit: str, ending: str) -> None:
    found = run(f"select trunc(at, {unit}{ending}) as n from raw.t", "snowflake")
    assert {edge.lower() for edge in edges(found)} == {"n <- at transformation"}


@pytest.mark.parametrize(
    ("sql", "columns", "expected"),
    [
        ("select trunc(at, d) as n from raw.t", "at d", "n <- at, n <- d"),  # it has such a column
        ("select trunc(at, d) as n from raw.t", "", "n <- at, n <- d"),  # it may have one
        ("select trunc(at, t.month) as n from raw.t", "at month", "n <- at, n <- month"),
        ("select date_of_birth(month) as n from raw.t", "month", "n <- month"),
    ],
)
def test_a_column_that_is_called_like_a_unit(sql: str, columns: str, expected: str) -> None:
    found = {edge.lower().removesuffix(" transformation") for edge in edges(run(sql, "", columns))}
    assert found == set(expected.split(", "))


@pytest.mark.parametrize(
    ("sql", "name"),
    [
        ("select mask(at, month) as n from s", "month"),  # no function of time
        ("select upper(month) as n from s", "month"),  # one that the parser knows
        ('select trunc(at, "month") as n from s', "month"),
        ("select trunc(at, s.month) as n from s", "s.month"),
        ("select trunc(at, monthly) as n from s", "monthly"),
    ],
)
def test_elsewhere_a_word_for_a_unit_is_a_column_that_is_missing(sql: str, name: str) -> None:
    lineage = run(f"with s as (select at from raw.t) {sql}", "snowflake", "at")
    (problem,) = [p for p in lineage.problems if p.code == "unresolved-column"]
    assert f": {name} (line 1" in problem.message


# ---- dialects ----


def test_every_warehouse_of_the_parser_is_known_to_us() -> None:
    no_warehouses = {"", "dax", "prql", "solr", "tableau"}
    assert {dialect.value for dialect in Dialects} - no_warehouses == KNOWN
    assert {facts_of(name).name for name in KNOWN} == KNOWN


# An adapter's type in dbt's list of adapters, and SQL that its documents allow and standard SQL
# does not (or reads otherwise).
_ADAPTERS = [
    ("firebolt", 'select "A" as x, a as y from raw.t', "x <- A, y <- a"),
    ("greenplum", 'select "A" as x, a as y from raw.t', "x <- A, y <- a"),
    ("glue", "select `a` as x from raw.t", "x <- a"),
    ("impala", "select `a` as x from raw.t", "x <- a"),
    ("motherduck", "select x from (select unnest({'x': a}) from raw.t)", "x <- a"),
    ("singlestore", "select `a` as x from raw.t", "x <- a"),
    ("sqlserver", "select [a] as x from raw.t", "x <- a"),
    ("synapse", "select [a] as x from raw.t", "x <- a"),
]


@pytest.mark.parametrize(("adapter", "sql", "expected"), _ADAPTERS)
def test_adapters_that_speak_the_sql_of_another_warehouse(
    adapter: str, sql: str, expected: str
) -> None:
    found = run(sql, adapter, "A a" if "A" in expected else "a")
    assert not found.problems
    assert edges(found) == set(expected.split(", "))


@pytest.mark.parametrize(
    ("dialect", "first", "second"),
    [
        ("duckdb", "col0", "col1"),
        ("postgres", "column1", "column2"),
        ("greenplum", "column1", "column2"),
        ("snowflake", "column1", "column2"),
        ("sqlite", "column1", "column2"),
        ("spark", "col1", "col2"),
        ("databricks", "col1", "col2"),
        ("trino", "_col0", "_col1"),
    ],
)
def test_columns_of_values_that_nobody_named(dialect: str, first: str, second: str) -> None:
    sql = f"select v.{second} as b, v.{first} as a from raw.t, lateral (values (t.x, t.y)) as v"
    found = run(sql, dialect, "x y")
    assert not found.problems
    assert {edge.lower() for edge in edges(found)} == {"a <- x", "b <- y"}


def test_columns_of_values_in_duckdb_itself(warehouse: duckdb.DuckDBPyConnection) -> None:
    described = warehouse.execute("select * from (values (1, 2))").description
    word, start = facts_of("duckdb").values
    assert [column[0] for column in described] == [f"{word}{start}", f"{word}{start + 1}"]


def test_no_aggregate_is_named_that_the_parser_knows_itself() -> None:
    def known(name: str, dialect: str) -> bool:
        calls = (f"select {name}({arguments})" for arguments in ("", "a", "a, b", "a, b, c"))
        parsed = (sqlglot.parse(call, dialect=dialect, error_level=LENIENT) for call in calls)
        return not any(tree[0] and tree[0].find(exp.Anonymous) for tree in parsed)

    dialects = ["", "duckdb", "snowflake", "bigquery", "clickhouse", "trino", "postgres", "tsql"]
    named = sorted(_BY_NAME)
    assert [name for name in named if all(known(name, dialect) for dialect in dialects)] == []
