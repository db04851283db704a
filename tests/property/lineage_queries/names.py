"""Queries with names that are columns and aliases at once."""

from .expressions import Query
from .plain import PlainQueries


class NamedQueries(PlainQueries):
    """Random queries whose new columns are called as the source's are."""

    def collided(self, depth: int) -> Query:
        sql, columns = self.source(depth)
        names = self.taken(columns, 2)
        items = [f"{self.value(columns, 1)} as {name}" for name in names]
        return (
            f"select {', '.join(items)} from {sql} as q where {self.condition(columns, 0)}",
            names,
        )

    def having(self, depth: int) -> Query:
        sql, columns = self.source(depth)
        if len(columns) < 2:
            return self.grouped(depth)
        key, alias = self.rng.sample(columns, 2)
        value, other = self.rng.choice(columns), self.rng.choice(columns)
        aggregate = self.rng.choice(
            [
                f"sum({value})",
                f"sum(case when {other} = 1 then {value} else 0 end)",
                f"max({value}) filter (where {other} > 2)",
                f"count(distinct {value})",
            ]
        )
        having = self.rng.choice(
            [
                f"{alias} > 3",
                f"abs({alias}) < 4",
                f"sum({alias}) > 3",
                f"{alias} + {key} > 4",
                f"{alias} > 2 and max({alias}) > 3",
            ]
        )
        by = self.rng.choice(["2", f"q.{key}", key, "all"])
        return (
            f"select {aggregate} as {alias}, q.{key} from {sql} as q group by {by} having {having}",
            [alias, key],
        )

    def keyed(self, depth: int) -> Query:
        """The alias of a key that is a column too."""
        sql, columns = self.source(depth)
        alias, value, counted = (self.rng.choice(columns) for _ in range(3))
        by = self.rng.choice(["1", "all", f"{alias}, {value}", f"q.{alias}, abs({value})"])
        having = self.rng.choice(["", f" having {alias} > 1", f" having abs({alias}) > 1"])
        name = self.name("v")
        return (
            f"select abs({value}) as {alias}, count({counted}) as {name} from {sql} as q "
            f"group by {by}{having}",
            [alias, name],
        )

    def sorted(self, depth: int) -> Query:
        """ORDER BY something, then everything, and a limit."""
        sql, columns = self.source(depth)
        names = self.taken(columns, 2)
        items = [f"{self.value(columns, 1)} as {name}" for name in names]
        pick, column = self.rng.choice(names), self.rng.choice(columns)
        first = self.rng.choice([pick, f"({pick})", f"-{pick}", f"q.{column}", f"{column} + 1"])
        order = self.rng.choice(["all", "all desc", f"{first}, 1, 2", f"{first} desc, 2, 1"])
        if self.rng.random() < 0.3:
            other = ", ".join(self.rng.choice(columns) for _ in names)
            union = f"select {', '.join(items)} from {sql} as q union all select {other} from {sql}"
            order = self.rng.choice(["all", f"{names[0]}, {names[1]}"])
            return f"select * from ({union} order by {order} limit 7) as s", names
        return (
            f"select * from (select {', '.join(items)} from {sql} as q order by {order} limit 7) "
            "as s",
            names,
        )

    def distinct_on(self, depth: int) -> Query:
        sql, columns = self.source(depth)
        names = self.taken(columns, 2)
        items = [f"{self.value(columns, 1)} as {name}" for name in names]
        on = self.rng.choice([names[0], f"({names[1]})", f"{self.rng.choice(columns)} + 0", "1"])
        return (
            f"select distinct on ({on}) {', '.join(items)} from {sql} as q order by 1, 2",
            names,
        )
