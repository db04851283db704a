"""Which columns of its inputs a function's code is known to use."""

import pytest
from python_harness import PythonProject

from toolkit.graph import AssetGraph
from toolkit.lineage import trace
from toolkit.lineage.walks.reach import Downstream

CASES: dict[str, tuple[str, list[str] | None]] = {
    "one column": ('return pd.DataFrame({"x": orders["a"]})', ["a"]),
    "a list": ('return orders[["a", "b"]]', ["a", "b"]),
    "a list of the file": ("return orders[FEATURES]", ["a", "b"]),
    "a list of the function": ('wanted = ["b"]\n    return orders[wanted]', ["b"]),
    "rows by a condition": ('return orders[orders["a"] > 1][["b"]]', ["a", "b"]),
    "how many": ('return pd.DataFrame({"n": [len(orders)]})', []),
    "not at all": ('return pd.DataFrame({"n": [1]})', []),
    "arrow's select": ('return orders.select(["a"])', ["a"]),
    "arrow's column": ('return pa.table({"x": orders.column("a")})', ["a"]),
    "all rows of a condition": ('return orders[orders["a"] > 1]', None),
    "the whole": ("return orders", None),
    "given away": ("return helper(orders)", None),
    "an attribute": ("return orders.a.to_frame()", None),
    "a method": ('return orders.assign(x=orders["a"])', None),
    "a name that changes": ('w = ["a"]\n    w = ["b"]\n    return orders[w]', None),
    "computed names": ('return orders[[c for c in orders.columns if c != "a"]]', None),
    "another name for it": ('o = orders\n    return o[["a"]]', None),
    "it is replaced": ("orders = orders[['a']]\n    return orders", None),
    "a column is set": ('orders["x"] = 1\n    return orders[["x"]]', None),
    "all names": ('d = locals()["orders"]\n    return orders[["a"]]', None),
    "two conditions": (
        'return orders[(orders["a"] > 1) & (orders["b"] < 2)]["c"]',
        ["a", "b", "c"],
    ),
    "a sum of names": ('return orders["a" + "b"]["c"]', None),
    "a column called height": ("return pd.DataFrame({'n': [orders.height]})", None),
    "the rows of a table": ("return pa.table({'n': [orders.num_rows]})", []),
    "a star": ("return pd.DataFrame({**orders})", None),
    "a number": ("return orders[0]", None),
    "select with an expression": ('return orders.select(pl.col("a"))', None),
}


@pytest.mark.parametrize("name", CASES)
def test_uses(project: PythonProject, name: str) -> None:
    body, expected = CASES[name]
    project.table("orders", "SELECT 1 AS a, 2 AS b, 3 AS c")
    project.write(
        f'from toolkit import asset\nFEATURES = ["a", "b"]\n@asset\ndef made(orders):\n    {body}\n'
    )
    [made] = project.load().assets
    found = made.reads.get("model.shop.orders")
    assert (None if found is None else list(found)) == expected


OTHERS = {
    "another decorator": ("@functools.cache", "orders"),
    "a relation": ("", "orders: duckdb.DuckDBPyRelation"),
    "a reader": ("", "orders: pa.RecordBatchReader"),
    "two ways to one asset": ("", "orders, again"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_what_says_nothing(project: PythonProject, name: str) -> None:
    decorator, parameters = OTHERS[name]
    project.table("orders", "SELECT 1 AS a, 2 AS b")
    deps = '(deps={"again": "orders"})' if "again" in parameters else ""
    rest = "\n    return again" if "again" in parameters else '\n    return orders[["a"]]'
    project.write(
        "import functools\nimport duckdb\nimport pyarrow as pa\nfrom toolkit import asset\n"
        f"@asset{deps}\n{decorator}\ndef made({parameters}):\n    orders['b']{rest}\n"
    )
    [made] = project.load().assets
    assert not made.reads


def test_a_column_that_is_not_used_does_not_reach_it(project: PythonProject) -> None:
    project.table("orders", "SELECT 1 AS a, 2 AS b", kind="source")
    project.write("""
        import pandas as pd
        from toolkit import asset
        @asset
        def made(orders: pd.DataFrame):
            return pd.DataFrame({"x": orders["a"] * 2})
        @asset(kind="ml_model")
        def model(orders: pd.DataFrame):
            return train(orders[["a"]])
        @asset
        def whole(orders: pd.DataFrame):
            return orders
    """)
    loaded = project.load()
    graph = AssetGraph([*project.known.values(), *loaded.assets])
    catalog = {"source.shop.orders": {"a": "INT", "b": "INT"}}
    lineage = trace(graph, dialect="duckdb", catalog=catalog)
    used, unused = (Downstream(graph, lineage).of([("source.shop.orders", c)]) for c in "ab")
    assert used.possible_assets == {"python.made", "python.whole"}
    assert used.assets >= {"python.model"}
    assert unused.possible_assets == {"python.whole"}
    assert "python.model" not in unused.assets
    said = {problem.asset: problem.message for problem in lineage.problems}
    assert "It reads a of source.shop.orders" in said["python.made"]
