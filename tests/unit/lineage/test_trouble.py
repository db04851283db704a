"""Nothing hangs, crashes or goes missing: what cannot be traced is listed with the reason."""

import gc
import time

import pytest

from toolkit.graph import Asset, AssetGraph
from toolkit.lineage import Lineage, trace


def run(
    sql: str | None, dialect: str = "duckdb", raw: str | None = None, cap: float = 2.0
) -> Lineage:
    model = Asset(
        key="model.m", kind="model", name="m", integration="dbt", sql=sql, raw_sql=raw,
        language="sql", path="models/m.sql",
    )  # fmt: skip
    return trace(AssetGraph([model]), dialect=dialect, time_cap=cap)


NESTED = {
    "parentheses": "select " + "(" * 1000 + "1" + ")" * 1000,
    "subqueries": "select * from " + "(select * from " * 1000 + "t" + ")" * 1000,
    "functions": "select " + "f(" * 1000 + "1" + ")" * 1000,
    "cases": "select " + "case when a then " * 1000 + "1" + " end" * 1000,
    "lists": "select " + "[" * 1000 + "1" + "]" * 1000,
    "not": "select " + "not " * 5000 + "true",
    "minus": "select " + "- " * 5000 + "1",
    "exists": "select 1 where " + "exists (select 1 where " * 1000 + "true" + ")" * 1000,
}


@pytest.mark.parametrize("name", NESTED)
def test_what_is_nested_too_deeply_is_opaque(name: str) -> None:
    lineage = run(NESTED[name])
    assert lineage.status["model.m"] == "opaque"
    assert [p.code for p in lineage.problems] == ["too-deep"]


@pytest.mark.parametrize("join", ["join u", "left join u", "join (select 1) as u"])
def test_joins_without_on_cannot_hang_the_parser(join: str) -> None:
    started = time.process_time()
    lineage = run("select * from t " + f"{join} " * 60)
    assert [p.code for p in lineage.problems] == ["too-many-open-joins"]
    assert time.process_time() - started < 30  # it would take longer than anybody waits


LONG = {
    "and": "select 1 as one from t where " + " and ".join(f"c{i} = 1" for i in range(3000)),
    "plus": "select " + " + ".join(f"c{i}" for i in range(3000)) + " as s from t",
    "union": " union all ".join(["select a from t"] * 1500),
    "joins": "select t.a from t " + " ".join(f"join t as t{i} on t{i}.a = t.a" for i in range(200)),
    "ctes": "with c0 as (select a from t), "
    + ", ".join(f"c{i} as (select a + 1 as a from c{i - 1})" for i in range(1, 400))
    + " select a from c399",
}


@pytest.mark.parametrize("name", LONG)
def test_what_is_long_is_not_deep(name: str) -> None:
    lineage = run(LONG[name], cap=20.0)
    assert {p.code for p in lineage.problems} == {"unknown-relation"}


def test_a_syntax_error_has_the_line_of_the_file() -> None:
    sql = "select\n  id,\n  cast( as int) as x\nfrom t"
    raw = "{{ config() }}\n\nselect\n  id,\n  cast( as int) as x\nfrom {{ ref('t') }}"
    (problem,) = run(sql, raw=raw).problems
    assert (problem.code, problem.path, problem.line) == ("invalid-sql", "models/m.sql", 5)
    assert "<class" not in problem.message


def test_a_syntax_error_in_generated_sql_has_the_compiled_line() -> None:
    (problem,) = run("select 1 +\nfrom t where (", raw="{{ generate() }}").problems
    assert problem.line is None
    assert "of the compiled SQL" in problem.message


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        (None, "no-compiled-sql"),
        ("", "invalid-sql"),
        ("-- nothing", "invalid-sql"),
        ("select {{ 1 }} from", "invalid-sql"),
        ("select 'open", "invalid-sql"),
        ("select 1; select 2", "not-a-query"),
        ("drop table t", "not-a-query"),
        ("\x00\x01", "not-a-query"),
    ],
)
def test_what_is_no_query_is_opaque_with_the_reason(sql: str | None, code: str) -> None:
    lineage = run(sql)
    assert lineage.status["model.m"] == "opaque"
    assert [p.code for p in lineage.problems] == [code]
    assert lineage.coverage.opaque == 1


def test_size_and_time_are_capped() -> None:
    big = "select " + ", ".join(f"a{i}" for i in range(60_000)) + " from t"
    assert [p.code for p in run(big, cap=0.1).problems] == ["too-large"]
    doubling = [f"c{i} as (select *, * from c{i - 1})" for i in range(1, 40)]
    slow = f"with c0 as (select 1 as a), {', '.join(doubling)} select * from c39"
    assert [p.code for p in run(slow, cap=0.1).problems] == ["too-slow"]


def test_an_adapter_that_the_parser_does_not_know_is_no_crash() -> None:
    lineage = run("select 1 as one", dialect="vertica")
    assert lineage.status["model.m"] == "full"
    lineage = run("select 1 as one", dialect="some_new_database")
    assert lineage.status["model.m"] == "full"
    assert [(p.code, p.asset) for p in lineage.problems] == [("unknown-dialect", None)]


def test_every_dialect_that_we_name_is_one_of_the_parser() -> None:
    from sqlglot.dialects.dialect import Dialects

    from toolkit.lineage.sql.dialects import KNOWN, facts_of

    assert {dialect.value for dialect in Dialects} >= KNOWN
    assert facts_of("sqlserver").name == "tsql"


def test_the_collector_is_as_it_was() -> None:
    frozen = gc.get_freeze_count()
    run("select 1 as one")
    assert gc.isenabled()
    assert gc.get_freeze_count() == frozen
    gc.disable()
    try:
        run("select 1 as one")
        assert not gc.isenabled()
    finally:
        gc.enable()
