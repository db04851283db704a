"""Queries as most databases have them."""

from .expressions import Expressions, Query


class PlainQueries(Expressions):
    """Random queries of the SQL that most databases have."""

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
