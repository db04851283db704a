"""Reads against the warehouse: what a query is said not to read may change as it likes.

Random queries run on a real DuckDB, over tables that have columns which no query names. Then
one table is changed: the data of one column; a column that is added, dropped, renamed or given
another type; the order of the rows. Where the digest stays the same and the columns that are
said to be read hold the same rows, the query must still bind and make the same rows, under the
same names and types. ``TOOLKIT_READS_EXAMPLES`` sets how many queries are tried.
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
from toolkit.lineage.queries.reads import Reads, Unread, examine

EXAMPLES = int(os.environ.get("TOOLKIT_READS_EXAMPLES", "60"))
ROWS = 16
CHANGES = 12

_spec = importlib.util.spec_from_file_location(
    "reads_queries", Path(__file__).with_name("reads_queries.py")
)
assert _spec is not None
assert _spec.loader is not None
reads_queries = importlib.util.module_from_spec(_spec)
sys.modules[_spec.name] = reads_queries
_spec.loader.exec_module(reads_queries)

Table = dict[str, tuple[str, list[Any]]]
"""Columns in order: name -> type and values."""

HIDDEN: dict[str, list[tuple[int, str, str]]] = {
    "t1": [(2, "h1", "INTEGER"), (5, "h2", "VARCHAR"), (6, "h5", "INTEGER")],
    "t2": [(0, "h1", "INTEGER"), (3, "h3", "INTEGER"), (3, "h6", "VARCHAR")],
    "t3": [(1, "h4", "INTEGER"), (4, "h7", "INTEGER"), (5, "h8", "INTEGER")],
}
"""Columns that no query names: place, name, type."""


class Made(NamedTuple):
    """What a query made, as far as it counts."""

    columns: list[tuple[str, str]]
    rows: Counter[tuple[Any, ...]]


class Tables:
    """The three tables, and changes of them, in a DuckDB of their own."""

    def __init__(self) -> None:
        self.connection = duckdb.connect(config={"threads": 1})
        self.connection.execute("create schema raw")
        self.rng = random.Random(11)
        self.base: dict[str, Table] = {}
        for table, columns in reads_queries.TABLES.items():
            names = [(name, "INTEGER") for name in columns]
            for place, name, kind in HIDDEN[table]:
                names.insert(place, (name, kind))
            self.base[table] = {name: (kind, self.values(kind)) for name, kind in names}
        for table in self.base:
            self.write(table, self.base[table])

    def values(self, kind: str) -> list[Any]:
        found = [self.rng.choice([None, 0, 1, 1, 2, 2, 3, 4, 5]) for _ in range(ROWS)]
        return [None if v is None else str(v) for v in found] if kind == "VARCHAR" else found

    def write(self, name: str, table: Table) -> None:
        columns = ", ".join(f'"{column}" {kind}' for column, (kind, _) in table.items())
        cells = zip(*(values for _, values in table.values()), strict=True)
        rows = ", ".join(f"({', '.join(map(_literal, row))})" for row in cells)
        self.connection.execute(f"create or replace table raw.{name} ({columns})")
        self.connection.execute(f"insert into raw.{name} values {rows}")

    def run(self, sql: str) -> Made:
        cursor = self.connection.execute(sql)
        columns = [(entry[0], str(entry[1])) for entry in cursor.description]
        return Made(columns, Counter(map(repr, cursor.fetchall())))  # type: ignore[arg-type]


def _literal(value: Any) -> str:
    return repr(value).replace("None", "null")


def shape(table: Table) -> dict[str, str]:
    return {name: kind for name, (kind, _) in table.items()}


def compared(table: Table, names: frozenset[str] | None) -> Any:
    """What a build compares: the rows of some columns, whatever their order."""
    kept = [name for name in table if names is None or name.casefold() in names]
    rows = zip(*(table[name][1] for name in kept), strict=True) if kept else range(ROWS)
    return [(name, table[name][0]) for name in kept], sorted(map(repr, rows))


@pytest.fixture(scope="module")
def tables() -> Tables:
    return Tables()


def graph_of(sql: str) -> AssetGraph:
    sources = [
        Asset(
            key=table, kind="source", name=table, integration="dbt",
            relation=Relation(None, "raw", table),
        )
        for table in reads_queries.TABLES
    ]  # fmt: skip
    model = Asset(
        key="model", kind="model", name="model", integration="dbt", sql=sql,
        depends_on=tuple(reads_queries.TABLES),
    )  # fmt: skip
    return AssetGraph([*sources, model])


def changes(rng: random.Random, table: Table, words: list[str], values: Any) -> list[Table]:
    """All kinds of changes of one table, for each of its columns."""
    found = []
    for name, (kind, old) in table.items():
        found.append({**table, name: (kind, values(kind))})
        found.append({n: cell for n, cell in table.items() if n != name})
        other = "BIGINT" if kind == "INTEGER" else "VARCHAR[]"
        changed = old if kind == "INTEGER" else [[value] for value in old]
        found.append({**table, name: (other, changed)})
        new = rng.choice([*words, "zz"])
        if new not in table:
            found.append({(new if n == name else n): cell for n, cell in table.items()})
    for new in {rng.choice(words), rng.choice(words), "zz"} - table.keys():
        items = [*table.items()]
        items.insert(rng.randint(0, len(items)), (new, ("INTEGER", values("INTEGER"))))
        found.append(dict(items))
    order = [*range(ROWS)]
    rng.shuffle(order)
    found.append({name: (kind, [old[i] for i in order]) for name, (kind, old) in table.items()})
    names = [*table]
    rng.shuffle(names)
    found.append({name: table[name] for name in names})
    return found


class Tried(NamedTuple):
    """One query: how many changes it was said to sleep through, out of how many."""

    asleep: int
    changes: int


def tried(seed: int, tables: Tables) -> Tried | None:
    """Change everything that can be changed; ``None`` for a query that is nothing."""
    rng = random.Random(seed)
    sql = reads_queries.Star(rng).whole()[0]
    try:
        before = tables.run(sql)
    except duckdb.Error:  # names that the query takes for columns, and stars that do not fit
        return None
    graph = graph_of(sql)
    shapes = {name: shape(table) for name, table in tables.base.items()}
    first = _reads(graph, shapes)
    if first is None:
        return None
    words = reads_queries.words(sql)
    asleep = number = 0
    for name, table in tables.base.items():
        all_changes = changes(rng, table, words, tables.values)
        for changed in rng.sample(all_changes, CHANGES):
            number += 1
            second = first
            if [*shape(changed).items()] != [*shapes[name].items()]:
                second = _reads(graph, {**shapes, name: shape(changed)})
            if first.ordered or second is None or second.digest != first.digest:
                continue
            read = first.columns[name]
            if compared(changed, read) == compared(table, read):
                asleep += 1
                tables.write(name, changed)
                _same(sql, before, tables, f"{name} became {changed}")
                tables.write(name, table)
    return Tried(asleep, number)


def _reads(graph: AssetGraph, shapes: dict[str, dict[str, str]]) -> Reads | None:
    try:
        return examine(graph["model"], graph, shapes, "duckdb")
    except Unread:
        return None


def _same(sql: str, before: Made, tables: Tables, what: str) -> None:
    try:
        after = tables.run(sql)
    except duckdb.Error as error:
        raise AssertionError(f"{what}\n{sql}\n{error}") from error
    assert after == before, f"{what}\n{sql}"


@pytest.mark.slow
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
)
@given(seed=st.integers(0, 2**48))
def test_what_is_not_read_may_change(seed: int, tables: Tables) -> None:
    tried(seed, tables)


@pytest.mark.slow
def test_some_of_what_changes_is_slept_through(tables: Tables) -> None:
    found = [result for seed in range(40) if (result := tried(seed, tables)) is not None]
    asleep, number = sum(f.asleep for f in found), sum(f.changes for f in found)
    assert len(found) > 20
    assert asleep / number > 0.08, f"{asleep} of {number}"
