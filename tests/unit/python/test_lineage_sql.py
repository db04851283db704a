"""Column lineage of relations that functions return, and of SQL assets."""

from pathlib import Path

import pytest
from python_harness import PythonProject

from toolkit.errors import AssetError
from toolkit.graph import AssetGraph
from toolkit.lineage import Lineage, trace


def lineage(project: PythonProject) -> Lineage:
    loaded = project.load()
    graph = AssetGraph([*project.known.values(), *loaded.assets], loaded.checks)
    catalog = {key: {"a": "INTEGER", "b": "INTEGER"} for key in project.known}
    return trace(graph, dialect="duckdb", catalog=catalog, project_dir=project.folder)


def edges(found: Lineage) -> list[str]:
    columns = [
        f"{e.source[0]}.{e.source[1]} -> {e.target[0]}.{e.target[1]} {e.subtype}"
        for e in found.column_edges
    ]
    rows = [f"{e.source[0]}.{e.source[1]} -> {e.target} {e.subtype}" for e in found.asset_edges]
    return sorted([*columns, *rows])


def said(found: Lineage) -> list[str]:
    return [f"{p.code}: {p.message}" for p in found.problems]


@pytest.fixture
def orders(project: PythonProject) -> PythonProject:
    project.table("orders", "SELECT 1 AS a, 2 AS b", kind="source")
    project.table("names", "SELECT 1 AS a, 3 AS b", kind="source")
    return project


RELATIONS = {
    "aggregate": (
        'orders.aggregate("a, sum(b) AS total")',
        [
            "source.shop.orders.a -> python.made GROUP_BY",
            "source.shop.orders.a -> python.made.a IDENTITY",
            "source.shop.orders.b -> python.made.total AGGREGATION",
        ],
    ),
    "filter and project": (
        'orders.filter("b > 1").project("a + 1 AS more")',
        [
            "source.shop.orders.a -> python.made.more TRANSFORMATION",
            "source.shop.orders.b -> python.made FILTER",
        ],
    ),
    "a join": (
        'orders.set_alias("o").join(names.set_alias("n"), "o.a = n.a").project("o.a, n.b AS c")',
        [
            "source.shop.names.a -> python.made JOIN",
            "source.shop.names.b -> python.made.c IDENTITY",
            "source.shop.orders.a -> python.made JOIN",
            "source.shop.orders.a -> python.made.a IDENTITY",
        ],
    ),
    "SQL of its own": (
        'orders.query("o", "SELECT b AS c FROM o WHERE a IN (SELECT a FROM main.names)")',
        [
            "source.shop.names.a -> python.made FILTER",
            "source.shop.orders.a -> python.made FILTER",
            "source.shop.orders.b -> python.made.c IDENTITY",
        ],
    ),
    "a loop that builds it": (
        'functools.reduce(lambda r, n: r.project(f"*, b * {n} AS b{n}"), (2, 3), orders)',
        [
            "source.shop.orders.a -> python.made.a IDENTITY",
            "source.shop.orders.b -> python.made.b IDENTITY",
            "source.shop.orders.b -> python.made.b2 TRANSFORMATION",
            "source.shop.orders.b -> python.made.b3 TRANSFORMATION",
        ],
    ),
}


def returning(expression: str) -> str:
    return f"""
        import functools
        import duckdb
        from toolkit import asset
        @asset
        def made(orders: duckdb.DuckDBPyRelation, names: duckdb.DuckDBPyRelation) \\
                -> duckdb.DuckDBPyRelation:
            return {expression}
    """


@pytest.mark.parametrize("name", RELATIONS)
def test_a_relation_is_traced_once_it_has_run(orders: PythonProject, name: str) -> None:
    expression, expected = RELATIONS[name]
    orders.write(returning(expression))
    before = lineage(orders)
    assert before.status["python.made"] == "opaque"
    [why] = said(before)
    assert "whose SQL is known once it has run, and it has not run here yet" in why
    assert "toolkit build --select made" in why
    assert orders.run()["python.made"].status == "success"
    after = lineage(orders)
    assert edges(after) == expected
    assert after.status["python.made"] == "full", said(after)


def test_other_code_is_opaque_until_it_ran(orders: PythonProject) -> None:
    orders.run(returning('orders.project("a")'))
    orders.write(returning('orders.project("b")'))
    [why] = said(lineage(orders))
    assert "its code changed since it ran" in why


IN_MEMORY = {
    "a frame": 'duckdb.from_arrow(pa.table({"a": [1]}))',
    "another connection": 'duckdb.sql("SELECT 1 AS a")',
    "a variable in SQL": 'names.query("n", "SELECT n.a FROM n JOIN frame USING (a)")',
}


@pytest.mark.parametrize("name", IN_MEMORY)
def test_what_is_in_memory_is_said(orders: PythonProject, name: str) -> None:
    orders.run(f"""
        import duckdb
        import pyarrow as pa
        from toolkit import asset
        frame = pa.table({{"a": [1]}})
        @asset
        def made(orders, names: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation:
            return {IN_MEMORY[name]}
    """)
    found = lineage(orders)
    assert found.status["python.made"] == "opaque"
    assert "declare the inputs of its columns" in said(found)[0]
    assert not edges(found)


def test_secrets_in_sql_are_not_kept(orders: PythonProject) -> None:
    orders.secrets = frozenset({"hunter22"})
    orders.run(returning("""orders.filter("b::VARCHAR <> 'hunter22'")"""))
    kept = (orders.folder / ".toolkit/python/queries-dev.json").read_text()
    assert "*****" in kept
    assert "hunter22" not in kept


SQL = """
    from toolkit import asset
    @asset(sql="SELECT o.a, sum(n.b) AS total FROM {orders} o JOIN {names} n USING (a) GROUP BY 1")
    def made(orders, names):
        '''What each has.'''
"""


def test_a_sql_asset_is_traced_and_made(orders: PythonProject) -> None:
    orders.write(SQL)
    found = lineage(orders)
    assert edges(found) == [
        "source.shop.names.a -> python.made JOIN",
        "source.shop.names.b -> python.made.total AGGREGATION",
        "source.shop.orders.a -> python.made GROUP_BY",
        "source.shop.orders.a -> python.made JOIN",
        "source.shop.orders.a -> python.made.a IDENTITY",
    ]
    assert found.status["python.made"] == "full"
    [made] = orders.run()["python.made"].made
    assert made.sql is not None
    assert '"shop"."main"."orders"' in made.sql
    assert orders.rows("FROM made") == [(1, 3)]


def test_a_sql_assets_code_is_its_syntax_tree(orders: PythonProject) -> None:
    def version(sql: str) -> str:
        orders.write(f"from toolkit import asset\n@asset(sql={sql!r})\ndef made(orders): ...\n")
        [made] = orders.load().assets
        return made.code_version

    first = version("SELECT a FROM {orders}")
    assert version("select a -- the key\n  from {orders}") == first
    assert version("SELECT b FROM {orders}") != first


MISTAKES = {
    "an unknown name": ("SELECT * FROM {order}", "", "which is no parameter"),
    "a parameter left out": ("SELECT 1 AS x", "", "does not read its parameter 'orders'"),
    "another table": (
        "SELECT * FROM {orders} JOIN main.names USING (a)", "", "which is none of its inputs",
    ),
    "two statements": ("SELECT * FROM {orders}; DROP TABLE x", "", "2 statements"),
    "no query": ("DROP TABLE {orders}", "", "no query"),
    "nothing": ("  ", "", "is no text of SQL"),
    "code": ("SELECT * FROM {orders}", "return 1", "its code is never run"),
}  # fmt: skip


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes(orders: PythonProject, name: str) -> None:
    sql, body, expected = MISTAKES[name]
    orders.write(f"""
        from toolkit import asset
        @asset(sql="{sql}")
        def made(orders):
            '''Made.'''
            {body}
    """)
    with pytest.raises(AssetError, match=r"(?s)python\.made \(ml/assets\.py:\d+\): ") as raised:
        orders.load()
    assert expected in str(raised.value)
    assert raised.value.next_step


def test_sql_that_only_duckdb_can_judge(orders: PythonProject) -> None:
    done = orders.run("""
        from toolkit import asset
        @asset(sql="SELECT nothing FROM {orders}")
        def made(orders): ...
    """)["python.made"]
    assert done.status == "error"
    assert "DuckDB refuses its SQL" in done.message


def test_struct_literals_are_no_names(orders: PythonProject, tmp_path: Path) -> None:
    orders.run("""
        from toolkit import asset
        @asset(sql="SELECT {'a': a} AS pair FROM {orders}")
        def made(orders): ...
    """)
    assert orders.rows("FROM made") == [({"a": 1},)]
