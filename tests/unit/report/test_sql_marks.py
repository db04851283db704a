"""What is marked in the SQL on a column's page: the text that makes it, or nothing."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from toolkit.graph import AssetGraph
from toolkit.lineage import ColumnEdge, Lineage
from toolkit.report.page.columnar import pack
from toolkit.report.page.payload import build_payload

RunJs = Callable[[str, object], Any]

SQL = (
    "select\n  id,\n  lower(name) as name,\n  id + 1 as n,\n  id\n  + 1 as m\nfrom t -- lower(name)"
)


@pytest.mark.parametrize(
    ("part", "line", "found"),
    [
        ("lower(name)", 3, "lower(name)"),
        ("lower(name)", 0, None),  # twice in the text, and nobody says where
        ("id + 1", 0, "id + 1"),
        ("id\n  + 1", 5, "id\n  + 1"),
        ("id + 1", 99, "id + 1"),
        ("nothing", 3, None),
        ("", 1, None),
        ("id +…", 0, "id +"),  # was too long for the report
    ],
)
def test_where_an_expression_stands(part: str, line: int, found: str | None, run_js: RunJs) -> None:
    place = run_js("return R.sql.find(...input);", [SQL, part, line])
    assert (place and SQL[place[0] : place[1]]) == found


@pytest.mark.parametrize(
    ("word", "places"),
    [("id", [9, 38, 53]), ("ID", [9, 38, 53]), ("name", [21, 30, 83]), ("nam", []), ("$x", []),
     ("(", []), ("", [])],
)  # fmt: skip
def test_where_a_copied_name_stands(word: str, places: list[int], run_js: RunJs) -> None:
    found = run_js("return R.sql.words(...input);", [SQL, word])
    assert [start for start, _ in found] == places


def test_lines_keep_every_letter(run_js: RunJs) -> None:
    parts = ["id", "lower(name)", "id\n  + 1"]
    ranges = [[SQL.index(part), SQL.index(part) + len(part)] for part in parts]
    lines = run_js("return R.sql.lines(...input);", [SQL, ranges])
    assert "\n".join("".join(piece for piece, _ in line) for line in lines) == SQL
    marked = [piece for line in lines for piece, mark in line if mark]
    assert marked == ["id", "lower(name)", "id", "  + 1"]


def test_all_that_makes_a_column_is_marked(shop: Any, run_js: RunJs) -> None:
    sql = (
        "with history as (\n  select sum(price) as spent from shop.main.stg_purchases\n)\n"
        "select cast(history.spent as decimal) as revenue, email from history, stg_users"
    )
    graph = AssetGraph(
        msgspec.structs.replace(a, sql=sql) if a.name == "customers" else a for a in shop.assets()
    )
    customers = "model.shop.customers"
    edges = [
        ColumnEdge(("model.shop.stg_purchases", "price"), (customers, "revenue"), "DIRECT",
                   "AGGREGATION", "cast(history.spent as decimal)", 4),
        ColumnEdge(("model.shop.stg_users", "email"), (customers, "email"), "DIRECT", "IDENTITY",
                   None),
    ]  # fmt: skip
    traced = shop.lineage(graph)
    lineage = Lineage(traced.columns, edges, [], traced.status, [])
    core, _ = build_payload(shop.data(graph=graph, lineage=lineage))
    marked = run_js(
        """
        const model = R.data.build(await R.data.unpack(input.core));
        const asset = model.byKey.get("model.shop.customers");
        return ["revenue", "email", "id"].map((name) =>
          R.sql.marks(model, R.graph.findColumn(model, asset.i, name), input.sql).ranges
            .map(([from, to]) => input.sql.slice(from, to)));
        """,
        {"core": pack(core), "sql": sql},
    )
    assert marked == [["sum(price)", "cast(history.spent as decimal)"], ["email"], []]
