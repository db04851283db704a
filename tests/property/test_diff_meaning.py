"""What a diff calls unchanged against the warehouse: it has to make the same rows.

Random queries, each changed at a random place, run on a real DuckDB over several sets of data.
Where the diff says that the rows are the same, the columns that it calls unchanged must hold the
same rows. ``TOOLKIT_DIFF_EXAMPLES`` sets how many changes are tried.
"""

import importlib.util
import os
import random
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
import sqlglot
from sqlglot import exp

from toolkit.diff.definition import Definition, Definitions, Undefined
from toolkit.graph import Asset, AssetGraph, Relation
from toolkit.lineage import trace

EXAMPLES = int(os.environ.get("TOOLKIT_DIFF_EXAMPLES", "400"))
SEED = int(os.environ.get("TOOLKIT_DIFF_SEED", "0"))
WORLDS = 4
ROWS = 12

_spec = importlib.util.spec_from_file_location(
    "lineage_queries", Path(__file__).with_name("lineage_queries") / "__init__.py"
)
assert _spec is not None
assert _spec.loader is not None
queries = sys.modules.setdefault(_spec.name, importlib.util.module_from_spec(_spec))
if not hasattr(queries, "Queries"):
    _spec.loader.exec_module(queries)

SOURCES = [
    Asset(
        key=f"source.s.raw.{table}", kind="source", name=table, integration="dbt",
        relation=Relation(None, "raw", table),
    )
    for table in queries.TABLES
]  # fmt: skip
CATALOG = {
    f"source.s.raw.{table}": dict.fromkeys(columns, "INTEGER")
    for table, columns in queries.TABLES.items()
}


def definition(sql: str) -> Definition:
    model = Asset(
        key="model.s.q", kind="model", name="q", integration="dbt", sql=sql, language="sql",
        depends_on=tuple(source.key for source in SOURCES), relation=Relation(None, "main", "q"),
    )  # fmt: skip
    graph = AssetGraph([*SOURCES, model], [])
    lineage = trace(graph, dialect="duckdb", catalog=CATALOG)
    return Definitions(graph, lineage, "duckdb").of(model)


# ---- changes ----


def other_number(tree: exp.Expr, rng: random.Random) -> None:
    found = [n for n in tree.find_all(exp.Literal) if not n.is_string and n.this.isdigit()]
    number = rng.choice(found)
    number.set("this", str(int(number.this) + rng.choice([1, 2])))


def other_column(tree: exp.Expr, rng: random.Random) -> None:
    """One column for another of those that stand beside it."""
    select = rng.choice([*tree.find_all(exp.Select)])
    columns = [c for c in select.find_all(exp.Column) if not isinstance(c.this, exp.Star)]
    one, other = rng.choice(columns), rng.choice(columns)
    one.replace(other.copy())


def other_side(tree: exp.Expr, rng: random.Random) -> None:
    join = rng.choice([*tree.find_all(exp.Join)])
    join.set("side", rng.choice(["LEFT", "RIGHT", "FULL", None]))


def no_filter(tree: exp.Expr, rng: random.Random) -> None:
    rng.choice([*tree.find_all(exp.Where, exp.Having, exp.Qualify)]).pop()


def other_comparison(tree: exp.Expr, rng: random.Random) -> None:
    found = rng.choice([*tree.find_all(exp.GT, exp.EQ)])
    new = exp.GTE if isinstance(found, exp.GT) else exp.NEQ
    found.replace(new(this=found.this.copy(), expression=found.expression.copy()))


def other_function(tree: exp.Expr, rng: random.Random) -> None:
    found = rng.choice([*tree.find_all(exp.Max, exp.Min, exp.Sum)])
    new = exp.Min if isinstance(found, exp.Max) else exp.Max
    found.replace(new(this=found.this.copy()))


def other_set(tree: exp.Expr, rng: random.Random) -> None:
    found = rng.choice([*tree.find_all(exp.Union)])
    found.set("distinct", not found.args.get("distinct"))


def distinct(tree: exp.Expr, rng: random.Random) -> None:
    select = rng.choice([*tree.find_all(exp.Select)])
    select.set("distinct", None if select.args.get("distinct") else exp.Distinct())


def other_table(tree: exp.Expr, rng: random.Random) -> None:
    found = rng.choice([t for t in tree.find_all(exp.Table) if t.db])
    found.set("this", exp.to_identifier(rng.choice(sorted(queries.TABLES))))


def swapped(tree: exp.Expr, rng: random.Random) -> None:
    """The sides of a set operation or an operator: sometimes no change at all."""
    found = rng.choice([*tree.find_all(exp.SetOperation, exp.And, exp.Or, exp.Add, exp.EQ)])
    left, right = found.this.copy(), found.expression.copy()
    found.set("this", right)
    found.set("expression", left)


def wrapped(tree: exp.Expr, rng: random.Random) -> None:
    """A source becomes a subquery of itself: never a change."""
    found = rng.choice([t for t in tree.find_all(exp.Table) if t.db])
    alias = found.alias or found.name
    found.set("alias", None)
    inner = exp.select("*").from_(found.copy())
    found.replace(inner.subquery(alias))


CHANGES: list[Callable[[exp.Expr, random.Random], None]] = [
    other_number, other_column, other_column, other_side, no_filter, other_comparison,
    other_function, other_set, distinct, other_table, swapped, wrapped,
]  # fmt: skip


@pytest.fixture(scope="module")
def worlds() -> list[duckdb.DuckDBPyConnection]:
    found = []
    for number in range(WORLDS):
        rng = random.Random(number)
        connection = duckdb.connect(config={"threads": 1})
        connection.execute("create schema raw")
        for table, columns in queries.TABLES.items():
            cells = [
                [rng.choice(["null", "0", "1", "1", "2", "3", "4", "5"]) for _ in columns]
                for _ in range(ROWS)
            ]
            rows = ", ".join(f"({', '.join(row)})" for row in cells)
            names = ", ".join(f"{column} integer" for column in columns)
            connection.execute(f"create table raw.{table} ({names})")
            connection.execute(f"insert into raw.{table} values {rows}")
        found.append(connection)
    return found


def rows(
    connection: duckdb.DuckDBPyConnection, sql: str, columns: list[str], rest: list[str]
) -> Counter[str]:
    """The rows of some columns; a star stands for all but the ``rest``."""
    names = ", ".join(f'"{name}"' for name in columns) or "1"
    if "*" in columns:
        quoted = ", ".join(f'"{name}"' for name in rest)
        names = f"* exclude ({quoted})" if rest else "*"
    return Counter(map(repr, connection.execute(f"select {names} from ({sql}) as q").fetchall()))


@pytest.mark.slow
def test_what_is_called_unchanged_holds_the_same_rows(
    worlds: list[duckdb.DuckDBPyConnection],
) -> None:
    same_rows = other_columns = unchanged = tried = 0
    for number in range(SEED, SEED + EXAMPLES):
        rng = random.Random(number)
        before = queries.Queries(rng).whole()[0]
        tree = sqlglot.parse_one(before, dialect="duckdb")
        try:
            rng.choice(CHANGES)(tree, rng)
            after = tree.sql("duckdb")
            was, now = definition(before), definition(after)
            rows(worlds[0], after, [], [])
        except (IndexError, Undefined, duckdb.Error):
            continue  # no such place, not taken apart, or no valid query any more
        tried += 1
        if was.rows != now.rows:
            continue
        same_rows += 1
        kept = [name for name, found in was.columns.items() if now.columns.get(name) == found]
        rest = [name for name in was.columns if name not in kept]
        if any(name.startswith("_col_") for name in was.columns):
            continue  # DuckDB calls it otherwise, so it cannot be asked for
        other_columns += len(kept) < len(was.columns)
        unchanged += len(kept) == len(was.columns)
        for world in worlds:
            assert rows(world, before, kept, rest) == rows(world, after, kept, rest), (
                f"{number}: {kept}\n{before}\n{after}"
            )
    # the generator has to reach all three, or the test says nothing
    assert same_rows > EXAMPLES // 12
    assert other_columns > EXAMPLES // 50
    assert unchanged > EXAMPLES // 50
    print(f"{tried} tried, {same_rows} same rows, {other_columns} other columns, {unchanged} none")
