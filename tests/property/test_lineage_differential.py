"""Lineage against the warehouse: change one column's data, and only what depends on it may change.

Random queries run on a real DuckDB. For every source column the data of that column alone is
replaced. If lineage says that the column decides nothing about the rows, the rows without the
outputs that lineage says depend on it must stay exactly the same. A missing edge fails here;
``TOOLKIT_LINEAGE_EXAMPLES`` sets how many queries are tried. The other way round data proves
nothing (one change of data need not show), so there only the share of influences that did show
is held to a bound: lineage that claims everything fails there.
"""

import importlib.util
import os
import random
import sys
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from toolkit.graph import Asset, AssetGraph, Relation
from toolkit.lineage import Lineage, trace

EXAMPLES = int(os.environ.get("TOOLKIT_LINEAGE_EXAMPLES", "120"))
ROWS = 24
VARIANTS = 1

_spec = importlib.util.spec_from_file_location(
    "lineage_queries", Path(__file__).with_name("lineage_queries") / "__init__.py"
)
assert _spec is not None
assert _spec.loader is not None
lineage_queries = importlib.util.module_from_spec(_spec)
sys.modules[_spec.name] = lineage_queries
_spec.loader.exec_module(lineage_queries)
Queries, TABLES = lineage_queries.Queries, lineage_queries.TABLES


class Warehouse:
    """Small tables of small integers and nulls, and copies that differ in one column."""

    def __init__(self) -> None:
        self.connection = duckdb.connect(config={"threads": 1})
        self.rng = random.Random(7)
        data = {
            table: {column: self.column() for column in columns}
            for table, columns in TABLES.items()
        }
        self.write("raw", data)
        self.changed: dict[tuple[str, str], list[str]] = {}
        for table, columns in TABLES.items():
            for column in columns:
                schemas = [f"{table}_{column}_{i}" for i in range(VARIANTS)]
                for schema in schemas:
                    other = {**data[table], column: self.column()}
                    self.write(schema, {**data, table: other})
                self.changed[(table, column)] = schemas

    def column(self) -> list[int | None]:
        return [self.rng.choice([None, 0, 1, 1, 2, 2, 3, 4, 5]) for _ in range(ROWS)]

    def write(self, schema: str, data: dict[str, dict[str, list[int | None]]]) -> None:
        self.connection.execute(f"create schema {schema}")
        for table, columns in data.items():
            cells = zip(*columns.values(), strict=True)
            rows = ", ".join(str(cell).replace("None", "null") for cell in cells)
            names = ", ".join(f"{name} integer" for name in columns)
            self.connection.execute(f"create table {schema}.{table} ({names})")
            self.connection.execute(f"insert into {schema}.{table} values {rows}")

    def run(self, sql: str, schema: str = "raw") -> list[tuple[Any, ...]]:
        return self.connection.execute(sql.replace("raw.", f"{schema}.")).fetchall()


@pytest.fixture(scope="module")
def warehouse() -> Warehouse:
    return Warehouse()


def lineage_of(sql: str) -> Lineage:
    sources = [
        Asset(
            key=table,
            kind="source",
            name=table,
            integration="dbt",
            relation=Relation(None, "raw", table),
        )
        for table in TABLES
    ]
    model = Asset(
        key="model",
        kind="model",
        name="model",
        integration="dbt",
        sql=sql,
        depends_on=tuple(TABLES),
    )
    catalog = {table: dict.fromkeys(columns, "INTEGER") for table, columns in TABLES.items()}
    return trace(AssetGraph([*sources, model]), dialect="duckdb", catalog=catalog)


class Found(NamedTuple):
    """Influences of one query: what changes and must not, how many are claimed, how many show."""

    missed: list[str]
    claimed: int
    confirmed: int


def compared(sql: str, names: list[str], warehouse: Warehouse) -> Found:
    before = warehouse.run(sql)
    lineage = lineage_of(sql)
    assert lineage.status["model"] == "full", (sql, lineage.problems)
    assert list(lineage.columns["model"]) == names, sql
    rows_from = {edge.source for edge in lineage.asset_edges}
    missed, claimed, confirmed = [], 0, 0
    for table, columns in TABLES.items():
        for column in columns:
            touched = {e.target[1] for e in lineage.column_edges if e.source == (table, column)}
            on_rows = (table, column) in rows_from
            kept = [] if on_rows else [i for i, name in enumerate(names) if name not in touched]
            changed = False
            for schema in warehouse.changed[(table, column)]:
                after = warehouse.run(sql, schema)
                changed = changed or Counter(after) != Counter(before)
                if not on_rows and _only(after, kept) != _only(before, kept):
                    missed.append(f"{table}.{column} changes more than {sorted(touched)}")
            claimed += on_rows or bool(touched)
            confirmed += changed and (on_rows or bool(touched))
    return Found(missed, claimed, confirmed)


def _only(rows: list[tuple[Any, ...]], kept: list[int]) -> Counter[tuple[Any, ...]]:
    return Counter(tuple(row[i] for i in kept) for row in rows)


@pytest.mark.slow
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
)
@given(seed=st.integers(0, 2**48))
def test_only_what_depends_on_a_column_changes_with_it(seed: int, warehouse: Warehouse) -> None:
    sql, names = Queries(random.Random(seed)).whole()
    missed = compared(sql, names, warehouse).missed
    assert not missed, f"{missed}:\n{sql}"


def test_most_of_what_is_claimed_shows_in_the_data(warehouse: Warehouse) -> None:
    found = [compared(*Queries(random.Random(seed)).whole(), warehouse) for seed in range(60)]
    claimed, confirmed = sum(f.claimed for f in found), sum(f.confirmed for f in found)
    assert confirmed / claimed > 0.5, f"{confirmed} of {claimed}"
