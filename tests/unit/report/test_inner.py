"""The computations below a column's last expression: found by name, or nothing is said."""

import pytest

from toolkit.graph import Asset, AssetGraph, Relation
from toolkit.lineage import ColumnEdge, Lineage
from toolkit.report.page.inner import inner_steps

SPENT = "cast(coalesce(history.spent, 0) as decimal(12, 2))"

CASES = {
    "a CTE": (
        "with history as (select id, sum(price) as spent from db.main.orders group by id) "
        f"select {SPENT} as spent from users left join history using (id)",
        [("history", "sum(price)")],
    ),
    "a CTE under another name, and a star between": (
        "with raw as (select * from db.main.orders), h as (select sum(price) as spent from raw) "
        "select cast(coalesce(history.spent, 0) as decimal(12, 2)) as spent from h as history",
        [("h", "sum(price)")],
    ),
    "two steps, the innermost first": (
        "with a as (select price * 1.2 as gross from db.main.orders), "
        "b as (select sum(gross) as spent from a) "
        f"select {SPENT} as spent from b as history",
        [("a", "price * 1.2"), ("b", "sum(gross)")],
    ),
    "a subquery": (
        f"select {SPENT} as spent from (select max(price) as spent from db.main.orders) history",
        [("history", "max(price)")],
    ),
    "the side of a union that reads it": (
        "with history as (select 0 as spent union all select min(price) as spent "
        f"from db.main.orders) select {SPENT} as spent from history",
        [("history", "min(price)")],
    ),
    "an ephemeral model is an asset and no step": (
        "with __dbt__cte__orders as (select amount + 1 as price from x), "
        "history as (select sum(price) as spent from __dbt__cte__orders) "
        f"select {SPENT} as spent from history",
        [("history", "sum(price)")],
    ),
    "a CTE with the name of its table": (
        "with orders as (select price * 2 as price from db.main.orders), "
        f"history as (select sum(price) as spent from orders) select {SPENT} as spent from history",
        [("orders", "price * 2"), ("history", "sum(price)")],
    ),
    "a copy is no step": (
        "with history as (select price as spent from db.main.orders) "
        f"select {SPENT} as spent from history",
        [],
    ),
    "another table has such a column": (
        "with history as (select sum(price) as spent from db.main.returns) "
        f"select {SPENT} as spent from history",
        [],
    ),
    "SQL that cannot be read": ("select from with", []),
    "a CTE that reads itself": (
        "with recursive history as (select spent + 1 as spent from history) "
        f"select {SPENT} as spent from history",
        [],
    ),
}


def edge(expression: str | None = SPENT) -> ColumnEdge:
    source, target = ("model.p.orders", "price"), ("model.p.customers", "spent")
    return ColumnEdge(source, target, "DIRECT", "AGGREGATION", expression)


def steps_of(sql: str, one: ColumnEdge) -> list[tuple[str | None, str]]:
    orders = Asset(
        key="model.p.orders", kind="model", name="orders", integration="dbt",
        relation=Relation("db", "main", "orders"),
    )  # fmt: skip
    customers = Asset(
        key="model.p.customers", kind="model", name="customers", integration="dbt",
        sql=sql, depends_on=("model.p.orders",),
    )  # fmt: skip
    lineage = Lineage({}, [one], [], {}, [])
    found = inner_steps(AssetGraph([orders, customers]), lineage, "duckdb")
    return [(step.name, step.text) for step in found.get(one, ())]


@pytest.mark.parametrize("case", CASES)
def test_what_lies_below(case: str) -> None:
    sql, expected = CASES[case]
    assert steps_of(sql, edge()) == expected


def test_an_expression_that_reads_the_source_itself_is_enough() -> None:
    within = "with h as (select sum(price) as price from db.main.orders)"
    sql = f"{within} select price + 1 as spent from h"
    assert steps_of(sql, edge("price + 1")) == []
    assert steps_of(sql, edge(None)) == []


def test_a_chain_without_end_ends() -> None:
    links = [f"c{n} as (select spent + {n} as spent from c{n - 1})" for n in range(1, 3000)]
    sql = "with c0 as (select sum(price) as spent from db.main.orders), " + ", ".join(links)
    sql += f" select {SPENT} as spent from c2999 as history"
    assert steps_of(sql, edge()) == []
