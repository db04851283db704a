"""Random queries for DuckDB over three tables of integers. No result depends on ties."""

from collections.abc import Callable

from .duckdb import DuckdbQueries
from .expressions import TABLES, Query
from .names import NamedQueries

__all__ = ["TABLES", "Queries", "Query"]


class Queries(NamedQueries, DuckdbQueries):
    """Makes random queries; all columns are integers, and no result depends on ties."""

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
                      self.pivot, self.unpivot, self.ranked, self.starred, self.collided,
                      self.having, self.keyed, self.sorted, self.distinct_on, self.columns,
                      self.columns, self.struct, self.struct, self.positional, self.asof,
                      self.recursive, self.sets, self.windows, self.pivoted, self.unpivoted,
                      self.listed]  # fmt: skip
        return self.rng.choice(kinds)(depth)
