"""Queries with what is DuckDB's own."""

from .expressions import TABLES, Query
from .plain import PlainQueries


class DuckdbQueries(PlainQueries):
    """Random queries with COLUMNS, structs, lists, ASOF, GROUPING SETS, PIVOT and the like."""

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
