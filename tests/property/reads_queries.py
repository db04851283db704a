"""Random queries whose stars let columns through that the queries do not know of."""

import importlib.util
import random
import re
import sys
from pathlib import Path

_spec = importlib.util.spec_from_file_location(
    "lineage_queries", Path(__file__).with_name("lineage_queries") / "__init__.py"
)
assert _spec is not None
assert _spec.loader is not None
_queries = importlib.util.module_from_spec(_spec)
sys.modules.setdefault(_spec.name, _queries)
_spec.loader.exec_module(_queries)
Queries, TABLES, Query = _queries.Queries, _queries.TABLES, _queries.Query


class Star(Queries):  # type: ignore[misc, valid-type]
    """As Queries, with the stars that people write, and what depends on the order of rows."""

    def __init__(self, rng: random.Random) -> None:
        super().__init__(rng)
        self.imports: dict[str, str] = {}

    def whole(self) -> Query:
        """A query; its tables are often read through a CTE with a star, as in dbt models."""
        sql, columns = super().whole()
        ctes = []
        for table in TABLES:
            if self.rng.random() < 0.5:
                sql = re.sub(rf"\braw\.{table}\b", f"src_{table}", sql)
                ctes.append(f"src_{table} as ({self.star(table)})")
        if self.rng.random() < 0.2:
            ctes.append(f"nobody as (select * from raw.{self.rng.choice(sorted(TABLES))})")
        if not ctes:
            return sql, columns
        rest = f", {sql.removeprefix('with ')}" if sql.startswith("with ") else f" {sql}"
        return f"with {', '.join(ctes)}{rest}", columns

    def star(self, table: str) -> str:
        first, second = self.rng.sample(TABLES[table], 2)
        return self.rng.choice(
            [
                f"select * from raw.{table}",
                f"select * from raw.{table}",
                f"from raw.{table}",
                f"select x.* from raw.{table} as x",
                f"select * from raw.{table} where {first} is not null",
                f"select * replace ({first} + 1 as {first}) from raw.{table}",
                f"select distinct * from raw.{table}",
                f"select * from raw.{table} union all select * from raw.{table}",
                f"select * from raw.{table} union all by name select * from raw.{table}",
                f"select * from raw.{table} union select * from raw.{table} where {first} > 1",
                f"select * from raw.{table} except select * from raw.{table} where {first} > 3",
                f"select *, row_number() over (partition by {first} order by {second}, * ) as rn "
                f"from raw.{table} where false",
                f"select *, count(*) over (partition by {first}) as n_of_{first} from raw.{table}",
                f"select * from raw.{table} qualify rank() over (order by {first}) < 9",
                f"select * from raw.{table} order by all limit 12",
            ]
        )

    def query(self, depth: int) -> Query:
        if depth > 0 and self.rng.random() < 0.25:
            kinds = [self.starry, self.by_row, self.by_order, self.natural, self.in_star]
            return self.rng.choice(kinds)(depth)
        return super().query(depth)  # type: ignore[no-any-return]

    def starry(self, depth: int) -> Query:
        sql, columns = self.source(depth)
        name = self.name("x")
        table = self.rng.choice(sorted(TABLES))
        pick = self.rng.choice(columns)
        other = self.rng.choice(TABLES[table])
        return self.rng.choice(
            [
                (f"select count(*) as {name} from {sql} as q", [name]),
                (f"select count(*) as {name} from (select distinct * from {sql} as q) as d",
                 [name]),
                (f"select {pick} as {name} from (select * from {sql} as q group by all) as g",
                 [name]),
                (f"select q.{pick} as {name} from {sql} as q join raw.{table} as r "
                 f"on q.{pick} = r.{other}", [name]),
                (f"select {name} from (select * from {sql}) as q({name})", [name]),
                (f"select sum({pick}) as {name} from (select * from {sql} as q "
                 f"intersect all select * from {sql} as r) as s", [name]),
                (f"select * from {sql} as q semi join raw.{table} as r on q.{pick} = r.{other}",
                 columns),
            ]
        )  # fmt: skip

    def by_row(self, depth: int) -> Query:
        """The whole row as one value."""
        sql, _ = self.source(depth)
        name = self.name("x")
        value = self.rng.choice(["count(q)", "max(q::varchar)", "count(distinct q)"])
        return f"select length({value}::varchar) as {name} from {sql} as q", [name]

    def by_order(self, depth: int) -> Query:
        """Whichever row comes first."""
        sql, columns = self.source(depth)
        key, value = self.rng.choice(columns), self.rng.choice(columns)
        names = [self.name("x"), self.name("x")]
        call = self.rng.choice(
            [f"first({value})", f"any_value({value})", f"last({value})", f"list({value})[1]",
             f"string_agg({value}::varchar, ',')", f"mode({value})", f"max({value})"]
        )  # fmt: skip
        over = self.rng.choice(["", f"partition by {key} order by {key}", "order by (select 1)"])
        return self.rng.choice(
            [
                (f"select {key} as {names[0]}, length({call}::varchar) as {names[1]} "
                 f"from {sql} as q group by 1", names),
                (f"select {value} as {names[0]}, row_number() over ({over}) as {names[1]} "
                 f"from {sql} as q", names),
                (f"select {key} as {names[0]}, {value} as {names[1]} from {sql} as q limit 5",
                 names),
                (f"select distinct on ({key}) {key} as {names[0]}, {value} as {names[1]} "
                 f"from {sql} as q", names),
            ]
        )  # fmt: skip

    def natural(self, depth: int) -> Query:
        sql, columns = self.source(depth)
        name = self.name("x")
        table = self.rng.choice(sorted(TABLES))
        pick = self.rng.choice(columns)
        join = self.rng.choice(["natural join", "natural left join"])
        return f"select q.{pick} as {name} from {sql} as q {join} raw.{table} as r", [name]

    def in_star(self, depth: int) -> Query:
        sql, columns = self.source(depth)
        pick, name = self.rng.choice(columns), self.name("x")
        table = self.rng.choice(sorted(TABLES))
        key = self.rng.choice(TABLES[table])
        where = self.rng.choice(
            [f"exists (select * from raw.{table} as s where s.{key} = q.{pick})",
             f"{pick} in (select * from (select {key} from raw.{table}) as s)",
             f"not exists (from raw.{table} as s where s.{key} = q.{pick})"]
        )  # fmt: skip
        return f"select {pick} as {name} from {sql} as q where {where}", [name]


def words(sql: str) -> list[str]:
    """Names in a query, sorted."""
    return sorted(set(re.findall(r"\b[a-z_]+\d*\b", sql)) - _KEYWORDS)


_KEYWORDS = frozenset(
    re.findall(
        r"\w+",
        "select from where group by order all as with distinct on limit case when then else end in "
        "is not null and or union except intersect join left right full using qualify over true "
        "partition having asof semi natural pivot unpivot for table cast exclude replace window "
        "lambda columns recursive",
    )
)
