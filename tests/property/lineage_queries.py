"""Random queries for DuckDB over three tables of integers. No result depends on ties."""

import random
from collections.abc import Callable

TABLES = {"t1": ("a", "b", "c", "d"), "t2": ("a", "e", "f"), "t3": ("b", "c", "g")}

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
                      self.pivot, self.unpivot, self.ranked, self.starred, self.collided,
                      self.having, self.keyed, self.sorted, self.distinct_on, self.columns,
                      self.columns, self.struct, self.struct, self.positional, self.asof,
                      self.recursive, self.sets, self.windows, self.pivoted, self.unpivoted,
                      self.listed]  # fmt: skip
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

    # --- names that are columns and aliases at once ---------------------------------------

    def taken(self, columns: list[str], width: int) -> list[str]:
        """Names for new columns, of those that the source has."""
        picked = self.rng.sample(columns, min(width, len(columns)))
        return picked if len(picked) == width else [self.name("x") for _ in range(width)]

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

    # --- DuckDB's own ---------------------------------------------------------------------

    def columns(self, depth: int) -> Query:
        sql, columns = self.source(depth)
        picked = self.rng.sample(columns, self.rng.randint(1, len(columns)))
        picked = [c for c in columns if c in picked]
        rest = [c for c in columns if c not in picked]
        choices = [f"'^({'|'.join(picked)})$'", f"[{', '.join(repr(c) for c in picked)}]"]
        if rest:
            choices.append(f"* exclude ({', '.join(rest)})")
        choice = self.rng.choice(choices)
        name = self.name("x")
        kind = self.rng.randint(0, 4)
        if kind == 0:
            return f"select columns({choice}) from {sql} as q", picked
        if kind == 1:
            return f"select columns({choice}) + {self.rng.choice(columns)} from {sql} as q", picked
        if kind == 2:
            call = self.rng.choice(["coalesce", "greatest", "least"])
            return f"select {call}(*columns({choice})) as {name} from {sql} as q", [name]
        if kind == 3:
            return f"select list_sum([*columns({choice})]) as {name} from {sql} as q", [name]
        return f"select max(columns({choice})) from {sql} as q", picked

    def struct(self, depth: int) -> Query:
        sql, columns = self.source(depth)
        one, two, three = (self.without_subquery(columns) for _ in range(3))
        names = [self.name("f") for _ in range(3)]
        p, q, r = names
        flat = f"{{'{p}': {one}, '{q}': {two}, '{r}': {three}}}"
        deep = f"{{'{p}': {one}, 'in': {{'{q}': {two}, '{r}': {three}}}}}"
        packed = f"struct_pack({p} := {one}, {q} := {two}, {r} := {three})"
        held = f"(select {self.rng.choice([flat, packed])} as st from {sql} as q)"
        nested = f"(select {deep} as st from {sql} as q)"
        field = self.rng.choice([f"st['{q}']", f"st.{q}", f"struct_extract(st, '{q}')"])
        row = self.rng.choice([f"st['{q}']", f"struct_extract(st, '{q}')"])
        name = self.name("x")
        return self.rng.choice(
            [
                (f"select unnest({flat}) from {sql} as q", names),
                (f"select unnest({packed}) from {sql} as q", names),
                (f"select unnest({deep}, recursive := true) from {sql} as q", names),
                (f"select unnest({deep}, max_depth := 2) from {sql} as q", names),
                (f"select unnest([{flat}], recursive := true) from {sql} as q", names),
                (f"select unnest(st) from {held} as s", names),
                (f"select unnest(st, recursive := true) from {nested} as s", names),
                (f"select st.* from {held} as s", names),
                (f"select st.* exclude ({q}) from {held} as s", [p, r]),
                (f"select {field} as {name} from {held} as s", [name]),
                (f"select {field} as {name} from {held} as st", [name]),
                (f"select st['in']['{r}'] as {name} from {nested} as s", [name]),
                (
                    f"select {row} as {name} from "
                    f"(select {one} as {p}, {two} as {q} from {sql} as q) as st",
                    [name],
                ),
            ]
        )

    def listed(self, depth: int) -> Query:
        sql, columns = self.source(depth)
        one, two = (self.without_subquery(columns) for _ in range(2))
        names = [self.name("u") for _ in range(2)]
        pick = self.rng.choice(columns)
        return self.rng.choice(
            [
                (
                    f"select {pick} as {names[0]}, unnest([{one}, {two}]) as {names[1]} "
                    f"from {sql} as q",
                    names,
                ),
                (
                    f"select q.{pick} as {names[0]}, u.v as {names[1]} "
                    f"from {sql} as q, unnest([{one}, {two}]) as u(v)",
                    names,
                ),
                (
                    f"select {pick} as {names[0]}, unnest([v for v in [{pick}, 1] if v > 1]) "
                    f"as {names[1]} from {sql} as q",
                    names,
                ),
            ]
        )

    def positional(self, _depth: int) -> Query:
        left, right = (self.rng.choice(sorted(TABLES)) for _ in range(2))
        names = [self.name("j") for _ in range(2)]
        return (
            f"select l.{self.rng.choice(TABLES[left])} as {names[0]}, "
            f"r.{self.rng.choice(TABLES[right])} as {names[1]} "
            f"from raw.{left} as l positional join raw.{right} as r",
            names,
        )

    def asof(self, depth: int) -> Query:
        left, left_columns = self.source(depth)
        right, right_columns = self.source(depth - 1)
        key, time, value = (self.rng.choice(right_columns) for _ in range(3))
        once = f"(select {key} as k, {time} as t, max({value}) as v from {right} as q group by all)"
        names = [self.name("j") for _ in range(3)]
        kind = self.rng.choice(["asof join", "asof left join"])
        sign = self.rng.choice([">=", ">"])
        on = (
            f"l.{self.rng.choice(left_columns)} = r.k "
            f"and l.{self.rng.choice(left_columns)} {sign} r.t"
        )
        return (
            f"select l.{self.rng.choice(left_columns)} as {names[0]}, r.t as {names[1]}, "
            f"r.v as {names[2]} from {left} as l {kind} {once} as r on {on}",
            names,
        )

    def recursive(self, depth: int) -> Query:
        sql, columns = self.source(depth)
        table = self.rng.choice(sorted(TABLES))
        start, value = self.value(columns, 1), self.value(columns, 1)
        key, new = self.rng.choice(TABLES[table]), self.rng.choice(TABLES[table])
        step = self.rng.choice(
            [
                "select n + 1, v from r where n < 4",
                "select n + 1, v + n from r where n < 4",
                f"select r.n + 1, t.{new} from r join raw.{table} as t on t.{key} = r.v "
                "where n < 4",
            ]
        )
        names = [self.name("r") for _ in range(2)]
        return (
            f"select n as {names[0]}, v as {names[1]} from (with recursive r(n, v) as "
            f"(select greatest({start}, 0), {value} from {sql} as q union {step}) "
            "select n, v from r) as s",
            names,
        )

    def sets(self, depth: int) -> Query:
        sql, columns = self.source(depth)
        if len(columns) < 2:
            return self.grouped(depth)
        one, two = self.rng.sample(columns, 2)
        by = self.rng.choice(
            [
                f"rollup({one}, {two})",
                f"cube({one}, {two})",
                f"grouping sets (({one}), ({two}), ())",
                f"{one}, rollup({two})",
            ]
        )
        names = [self.name("g") for _ in range(4)]
        return (
            f"select {one} as {names[0]}, {two} as {names[1]}, sum({self.rng.choice(columns)}) as "
            f"{names[2]}, grouping({two}) as {names[3]} from {sql} as q group by {by}",
            names,
        )

    def windows(self, depth: int) -> Query:
        sql, columns = self.source(depth)
        key, order, value = (self.rng.choice(columns) for _ in range(3))
        names = self.taken(columns, 2)
        qualify = self.rng.choice(
            ["", f" qualify {names[0]} > 2", f" qualify rank() over w < 4 and {names[1]} > 1",
             f" qualify count(*) over (partition by {self.rng.choice(columns)}) > 2"]
        )  # fmt: skip
        return (
            f"select sum({value}) over w as {names[0]}, {self.value(columns, 1)} as {names[1]}"
            f" from {sql} as q window w as (partition by {key} order by {order}){qualify}",
            names,
        )

    def pivoted(self, depth: int) -> Query:
        sql, columns = self.source(depth)
        if len(columns) < 3:
            return self.select(depth)
        on, value, group = self.rng.sample(columns, 3)
        names = [self.name("p") for _ in range(3)]
        return (
            f'select {group} as {names[0]}, "1_t" as {names[1]}, "2_u" as {names[2]} from '
            f"(pivot (select * from {sql} as q) on {on} in (1, 2) "
            f"using sum({value}) as t, max({self.rng.choice([value, group])}) as u "
            f"group by {group}) as s",
            names,
        )

    def unpivoted(self, depth: int) -> Query:
        sql, columns = self.source(depth)
        if len(columns) < 3:
            return self.select(depth)
        one, two, keep = self.rng.sample(columns, 3)
        what = self.rng.choice([f"{one}, {two}", f"columns('^({one}|{two})$')"])
        names = [self.name("n") for _ in range(2)]
        casts = ", ".join(f"cast({c} as bigint) as {c}" for c in (one, two, keep))
        return (
            f"select {keep} as {names[0]}, val as {names[1]} from "
            f"(unpivot (select {casts} from {sql} as q) on {what} into name nam value val) as s",
            names,
        )
