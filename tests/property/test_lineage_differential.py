"""Lineage against the warehouse: change one column's data, and only what depends on it may change.

Random queries run on a real DuckDB. For every source column the data of that column alone is
replaced. If lineage says that the column decides nothing about the rows, the rows without the
outputs that lineage says depend on it must stay exactly the same. A missing edge fails here;
``TOOLKIT_LINEAGE_EXAMPLES`` sets how many queries are tried.
"""

import os
import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from toolkit.graph import Asset, AssetGraph, Relation
from toolkit.lineage import Lineage, trace

EXAMPLES = int(os.environ.get("TOOLKIT_LINEAGE_EXAMPLES", "250"))
TABLES = {"t1": ("a", "b", "c", "d"), "t2": ("a", "e", "f"), "t3": ("b", "c", "g")}
ROWS = 24
VARIANTS = 1

Query = tuple[str, list[str]]
"""SQL of a query and the names of its columns."""


class Queries:
    """Makes random queries; all columns are integers, and no result depends on ties."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.ctes: list[tuple[str, list[str]]] = []
        self.with_: list[str] = []
        self.names = 0

    def name(self, prefix: str) -> str:
        self.names += 1
        return f"{prefix}{self.names}"

    def whole(self) -> Query:
        for _ in range(self.rng.randint(0, 2)):
            sql, columns = self.query(2)
            name = self.name("cte")
            self.with_.append(f"{name} as ({sql})")
            self.ctes.append((name, columns))
        sql, columns = self.query(3)
        return (f"with {', '.join(self.with_)} {sql}" if self.with_ else sql), columns

    def query(self, depth: int) -> Query:
        kinds: list[Callable[[int], Query]] = [self.select, self.select, self.grouped]
        if depth > 0:
            kinds += [self.joined, self.joined, self.set_operation, self.distinct, self.limited,
                      self.pivot, self.unpivot, self.ranked, self.starred]  # fmt: skip
        return self.rng.choice(kinds)(depth)

    def source(self, depth: int) -> tuple[str, list[str]]:
        """Something to stand in FROM, without an alias."""
        if depth > 0 and self.rng.random() < 0.6:
            sql, columns = self.query(depth - 1)
            return f"({sql})", columns
        if self.ctes and self.rng.random() < 0.5:
            return self.rng.choice(self.ctes)
        table = self.rng.choice(sorted(TABLES))
        return f"raw.{table}", list(TABLES[table])

    # --- expressions -------------------------------------------------------------------

    def value(self, columns: list[str], depth: int = 2) -> str:
        pick = self.rng.choice(columns)
        if depth == 0:
            return pick
        other, third = (self.value(columns, depth - 1) for _ in range(2))
        return self.rng.choice(
            [
                pick,
                pick,
                pick,
                f"({pick} + {other})",
                f"coalesce({pick}, {other})",
                f"greatest({pick}, {other})",
                f"nullif({pick}, 3)",
                f"cast({pick} as bigint)",
                f"case when {self.condition(columns, 0)} then {other} else {third} end",
                f"case {pick} when 1 then {other} when 2 then 7 end",
                f"if({pick} > 2, {other}, 0)",
                f"list_sum([x + 1 for x in [{pick}, {other}] if x > 1])",
                f"({{'one': {pick}, 'two': {other}}}).two",
                "5",
                self.scalar(columns),
            ]
        )

    def scalar(self, columns: list[str]) -> str:
        table = self.rng.choice(sorted(TABLES))
        inner, key = self.rng.choice(TABLES[table]), self.rng.choice(TABLES[table])
        outer = self.rng.choice(columns)
        where = self.rng.choice(["", f" where s.{key} > 2", f" where s.{key} = {outer}"])
        function = self.rng.choice(["max", "sum", "count"])
        return f"(select {function}(s.{inner}) from raw.{table} as s{where})"

    def condition(self, columns: list[str], depth: int = 1) -> str:
        pick, other = self.rng.choice(columns), self.rng.choice(columns)
        simple = [f"{pick} > 2", f"{pick} = {other}", f"{pick} is null", f"{pick} in (1, 2, 3)"]
        if depth > 0:
            table = self.rng.choice(sorted(TABLES))
            inner, key = self.rng.choice(TABLES[table]), self.rng.choice(TABLES[table])
            simple += [
                f"{pick} in (select s.{inner} from raw.{table} as s where s.{key} > 1)",
                f"exists (select 1 from raw.{table} as s where s.{inner} = {pick})",
                f"({self.condition(columns, 0)} or {self.condition(columns, 0)})",
                f"not ({self.condition(columns, 0)})",
            ]
        return self.rng.choice(simple)

    def window(self, columns: list[str]) -> str:
        value, key, order = (self.rng.choice(columns) for _ in range(3))
        function = self.rng.choice([f"sum({value})", f"max({value})", "rank()", "count(*)"])
        parts = [f"partition by {key}"] if self.rng.random() < 0.7 else []
        if function == "rank()" or self.rng.random() < 0.5:
            parts.append(f"order by {order}")
        return f"{function} over ({' '.join(parts)})"

    def aggregate(self, columns: list[str]) -> str:
        value = self.value(columns, 1)
        function = self.rng.choice(["sum", "min", "max", "count", "count(distinct"])
        call = f"{function} {value})" if "(" in function else f"{function}({value})"
        if self.rng.random() < 0.2:
            return "count(*)"
        return call + (
            f" filter (where {self.condition(columns, 0)})" if self.rng.random() < 0.3 else ""
        )

    # --- queries -----------------------------------------------------------------------

    def select(self, depth: int) -> Query:
        sql, columns = self.source(depth)
        names = [self.name("x") for _ in range(self.rng.randint(1, 4))]
        makers = [self.value, self.value, self.value, self.window]
        items = [f"{self.rng.choice(makers)(columns)} as {n}" for n in names]
        if self.rng.random() < 0.2 and "(select" not in items[0]:  # an alias before it
            items.append(f"{names[0]} + 1 as {self.name('x')}")
            names.append(items[-1].rsplit(" ", 1)[1])
        where = f" where {self.condition(columns)}" if self.rng.random() < 0.3 else ""
        return f"select {', '.join(items)} from {sql} as q{where}", names

    def starred(self, depth: int) -> Query:
        sql, columns = self.source(depth)
        dropped = self.rng.choice(columns)
        kept = [c for c in columns if c != dropped]
        name = self.name("x")
        if not kept or self.rng.random() < 0.4:
            return (
                f"select * replace ({self.value(columns)} as {dropped}), "
                f"{dropped} as {name} from {sql} as q",
                [*columns, name],
            )
        return f"select * exclude ({dropped}), {dropped} as {name} from {sql} as q", [*kept, name]

    def grouped(self, depth: int) -> Query:
        sql, columns = self.source(depth)
        key, value = self.name("k"), self.name("v")
        by = self.rng.choice(["1", key, "all"])
        expression = self.rng.choice([self.rng.choice(columns), self.value(columns, 1)])
        if "(select" in expression or expression == "5":
            expression = self.rng.choice(columns)
        having = f" having count({self.rng.choice(columns)}) > 1" if self.rng.random() < 0.3 else ""
        aggregate = self.aggregate(columns)
        while "(select" in aggregate:
            aggregate = self.aggregate(columns)
        return (
            f"select {expression} as {key}, {aggregate} as {value} from {sql} as q "
            f"group by {by}{having}",
            [key, value],
        )

    def joined(self, depth: int) -> Query:
        left, left_columns = self.source(depth)
        right, right_columns = self.source(depth - 1)
        both = [c for c in left_columns if c in right_columns]
        side = self.rng.choice(["", "left", "right", "full"])
        if both and self.rng.random() < 0.5:
            key = self.rng.choice(both)
            rest = [f"l.{c}" for c in left_columns if c != key]
            rest += [f"r.{c}" for c in right_columns if c != key]
            picked = [key, *self.rng.sample(rest, min(len(rest), 3))]
            condition = f"using ({key})"
        else:
            condition = f"on l.{self.rng.choice(left_columns)} = r.{self.rng.choice(right_columns)}"
            if self.rng.random() < 0.15:
                kind = self.rng.choice(["semi", "anti"])
                sql = f"select l.* from {left} as l {kind} join {right} as r {condition}"
                return sql, list(left_columns)
            either = [f"l.{c}" for c in left_columns] + [f"r.{c}" for c in right_columns]
            picked = [self.rng.choice(either) for _ in range(3)]
        names = [self.name("j") for _ in picked]
        items = [f"{p} as {n}" for p, n in zip(picked, names, strict=True)]
        sql = f"select {', '.join(items)} from {left} as l {side} join {right} as r {condition}"
        return sql, names

    def set_operation(self, depth: int) -> Query:
        width = self.rng.randint(1, 2)
        parts = []
        for _ in range(2):
            sql, columns = self.source(depth - 1)
            items = [f"{self.rng.choice(columns)} as u{i}" for i in range(width)]
            if self.rng.random() < 0.5:
                items.reverse()
            parts.append(f"select {', '.join(items)} from {sql} as q")
        word = self.rng.choice(
            ["union all", "union", "union all by name", "except", "intersect", "except all"]
        )
        inner = f"({parts[0]}) {word} ({parts[1]})"
        names = [self.name("y") for _ in range(width)]
        items = [f"u{i} as {n}" for i, n in enumerate(names)]
        return f"select {', '.join(items[:1])} from ({inner}) as s", names[:1]

    def distinct(self, depth: int) -> Query:
        sql, columns = self.source(depth)
        picked = self.rng.sample(columns, min(2, len(columns)))
        name = self.name("z")
        return (
            f"select {picked[0]} as {name} from (select distinct {', '.join(picked)} "
            f"from {sql} as q) as d",
            [name],
        )

    def limited(self, depth: int) -> Query:
        sql, columns = self.source(depth)
        name = self.name("o")
        first, *others = columns
        return (
            f"select {first} as {name} from (select * from {sql} as q "
            f"order by {', '.join([*others, first])} limit 7) as s",
            [name],
        )

    def ranked(self, depth: int) -> Query:
        sql, columns = self.source(depth)
        key, order = self.rng.choice(columns), self.rng.choice(columns)
        return (
            f"select * from {sql} as q "
            f"qualify rank() over (partition by {key} order by {order}) < 3",
            columns,
        )

    def pivot(self, depth: int) -> Query:
        sql, columns = self.source(depth)
        if len(columns) < 3:
            return self.select(depth)
        on, value, group = self.rng.sample(columns, 3)
        names = [self.name("p") for _ in range(3)]
        return (
            f'select {group} as {names[0]}, "1" as {names[1]}, "2" as {names[2]} from '
            f"(select {on}, {value}, {group} from {sql} as q) as s "
            f"pivot (sum({value}) for {on} in (1, 2))",
            names,
        )

    def unpivot(self, depth: int) -> Query:
        sql, columns = self.source(depth)
        if len(columns) < 3:
            return self.select(depth)
        one, two, keep = self.rng.sample(columns, 3)
        names = [self.name("n") for _ in range(2)]
        nulls = self.rng.choice(["", "include nulls "])
        casts = ", ".join(f"cast({c} as bigint) as {c}" for c in (one, two, keep))
        return (
            f"select {keep} as {names[0]}, val as {names[1]} from (select {casts} from {sql} as q) "
            f"as s unpivot {nulls}(val for nam in ({one}, {two}))",
            names,
        )


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


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
)
@given(seed=st.integers(0, 2**48))
def test_only_what_depends_on_a_column_changes_with_it(seed: int, warehouse: Warehouse) -> None:
    sql, names = Queries(random.Random(seed)).whole()
    before = warehouse.run(sql)
    lineage = lineage_of(sql)
    assert lineage.status["model"] == "full", (sql, lineage.problems)
    assert list(lineage.columns["model"]) == names
    rows_from = {edge.source for edge in lineage.asset_edges}
    for table, columns in TABLES.items():
        for column in columns:
            if (table, column) in rows_from:
                continue
            touched = {e.target[1] for e in lineage.column_edges if e.source == (table, column)}
            kept = [i for i, name in enumerate(names) if name not in touched]
            expected = Counter(tuple(row[i] for i in kept) for row in before)
            for schema in warehouse.changed[(table, column)]:
                after = Counter(tuple(row[i] for i in kept) for row in warehouse.run(sql, schema))
                assert after == expected, f"{table}.{column} changes more than {touched}:\n{sql}"
