"""Expressions over the columns of a source, and the sources."""

import abc
import random

TABLES = {"t1": ("a", "b", "c", "d"), "t2": ("a", "e", "f"), "t3": ("b", "c", "g")}

Query = tuple[str, list[str]]
"""SQL of a query and the names of its columns."""


class Expressions(abc.ABC):
    """Makes random expressions; all columns are integers."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.ctes: list[tuple[str, list[str]]] = []
        self.with_: list[str] = []
        self.names = 0

    def name(self, prefix: str) -> str:
        self.names += 1
        return f"{prefix}{self.names}"

    @abc.abstractmethod
    def query(self, depth: int) -> Query:
        """A query of any kind."""

    def source(self, depth: int) -> tuple[str, list[str]]:
        """Something to stand in FROM, without an alias."""
        if depth > 0 and self.rng.random() < 0.6:
            sql, columns = self.query(depth - 1)
            return f"({sql})", columns
        if self.ctes and self.rng.random() < 0.5:
            return self.rng.choice(self.ctes)
        table = self.rng.choice(sorted(TABLES))
        return f"raw.{table}", list(TABLES[table])

    def taken(self, columns: list[str], width: int) -> list[str]:
        """Names for new columns, of those that the source has."""
        picked = self.rng.sample(columns, min(width, len(columns)))
        return picked if len(picked) == width else [self.name("x") for _ in range(width)]

    def value(self, columns: list[str], depth: int = 2) -> str:
        pick = self.rng.choice(columns)
        if depth == 0:
            return pick
        other, third = (self.value(columns, depth - 1) for _ in range(2))
        simple = self.rng.choice(columns)  # DuckDB takes no subqueries beside a lambda
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
                f"list_sum([x + 1 for x in [{pick}, {simple}] if x > 1])",
                f"list_sum([{pick} + 1 for {pick} in [{simple}, {pick}] if {pick} > 1])",
                f"list_sum(list_transform([{pick}, 1], lambda e: e + {simple}))",
                f"list_sum(list_filter([{pick}, 1], lambda {pick}: {pick} > {simple}))",
                f"struct_extract({{'one': {pick}, 'two': {other}}}, 'one')",
                f"({{'one': {{'in': {pick}}}, 'two': {other}}})['one']['in']",
                f"({{'one': {pick}, 'two': {other}}}).two",
                "5",
                self.scalar(columns),
            ]
        )

    def without_subquery(self, columns: list[str]) -> str:
        """A value, where DuckDB takes no subquery."""
        while "(select" in (value := self.value(columns, 1)):
            pass
        return value

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
