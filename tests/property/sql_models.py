"""Models as SQL texts that can be edited a bit at a time, and what they make when all are built."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

import duckdb

Table = dict[str, tuple[str, list[Any]]]
"""Columns in order: name -> type and values."""


class Model:
    """One SQL text: what it is made of, so that it can be edited a bit at a time.

    Attributes:
        form: the kind of query; see :meth:`sql`.
        items: expressions with their aliases.
    """

    def __init__(self, name: str, kind: str, form: str, parents: list[str]) -> None:
        self.name, self.kind, self.form, self.parents = name, kind, form, parents
        self.items: list[tuple[str, str]] = []
        self.where = ""
        self.keys: list[str] = []
        self.comment = ""
        self.spaced = False

    def sql(self) -> str:
        """The text."""
        text = getattr(self, f"_{self.form}")()
        if self.spaced:
            text = re.sub(r" (from|where|group|union|join) ", r"   \1  ", text)
        return f"-- {self.comment}\n{text}" if self.comment else str(text)

    def _list(self) -> str:
        return ", ".join(f"{expression} as {alias}" for expression, alias in self.items)

    def _filter(self) -> str:
        return f" where {self.where}" if self.where else ""

    def _plain(self) -> str:
        return f"select {self._list()} from {self.parents[0]} as p{self._filter()}"

    def _staging(self) -> str:
        return (
            f"with source as (select * from {self.parents[0]}), renamed as (select {self._list()} "
            f"from source as p) select * from renamed as p"
        )

    def _star(self) -> str:
        return f"select * from {self.parents[0]} as p{self._filter()}"

    def _extended(self) -> str:
        expression, alias = self.items[0]
        return (
            f"with p as (select * from {self.parents[0]}) "
            f"select *, {expression} as {alias}_x from p"
        )

    def _joined(self) -> str:
        left, right = self.parents
        return (
            f"with p as (select * from {left}), q as (select * from {right}) select {self._list()} "
            f"from p left join q on p.{self.keys[0]} = q.{self.keys[1]}{self._filter()}"
        )

    def _grouped(self) -> str:
        key = self.keys[0]
        return (
            f"with p as (select * from {self.parents[0]}) select {key}, count(*) as n, "
            + ", ".join(f"max({expression}) as {alias}" for expression, alias in self.items)
            + f" from p{self._filter()} group by {key}"
        )

    def _union(self) -> str:
        left, right = self.parents
        return (
            f"select {self._list()} from {left} as p union all "
            f"select {self._list()} from {right} as p"
        )

    def _stars_united(self) -> str:
        left, right = self.parents
        return (
            f"with u as (select * from {left} union all by name select * from {right}) "
            f"select {self._list()} from u as p"
        )

    def _distinct(self) -> str:
        return f"select distinct {self._list()} from {self.parents[0]} as p{self._filter()}"

    def _distinct_star(self) -> str:
        whole = f"with d as (select distinct * from {self.parents[0]})"
        return f"{whole} select {self._list()} from d as p"

    def _counted(self) -> str:
        return f"select count(*) as n from {self.parents[0]} as p{self._filter()}"

    def _ranked(self) -> str:
        return (
            f"with p as (select * from {self.parents[0]}) select {self._list()}, "
            f"sum({self.keys[0]}) over (partition by {self.keys[1]}) as s, "
            f"dense_rank() over (order by {self.keys[0]}) as r from p{self._filter()}"
        )

    def _deduplicated(self) -> str:
        return (
            f"with p as (select * from {self.parents[0]}) select {self._list()} from p qualify "
            f"row_number() over (partition by {self.keys[0]} order by all) = 1"
        ).replace("order by all", "order by " + ", ".join(f"p.{c}" for c in self.keys))

    def _existing(self) -> str:
        left, right = self.parents
        return (
            f"select {self._list()} from {left} as p where exists (select * from {right} as q "
            f"where q.{self.keys[1]} = p.{self.keys[0]})"
        )

    def _top(self) -> str:
        order = ", ".join(str(place + 1) for place in range(len(self.items)))
        return f"select {self._list()} from {self.parents[0]} as p order by {order} limit 7"

    def _crossed(self) -> str:
        left, right = self.parents
        return (
            f"select {self._list()}, (select max(q.{self.keys[1]}) from {right} as q) as top "
            f"from {left} as p{self._filter()}"
        )


ONE = ("plain", "staging", "staging", "star", "extended", "grouped", "distinct", "distinct_star",
       "counted", "ranked", "top")  # fmt: skip
"""Forms of models with one parent."""

TWO = ("joined", "joined", "union", "stars_united", "existing", "crossed")
"""And with two."""


class Check:
    """A test on one model: there may be no row like this."""

    def __init__(self, condition: str, severity: str) -> None:
        self.condition, self.severity = condition, severity

    def sql(self, name: str) -> str:
        """The rows that must not be there."""
        return f"select * from {name} as p where {self.condition}"


class Everything(Protocol):
    """Source tables, models in an order in which they can be built, checks by model."""

    sources: dict[str, Table]
    models: list[Model]
    checks: dict[str, Check]


def compiled(model: Model, models: Iterable[Model]) -> str:
    """The text of a model with that of ephemeral models in it, as dbt compiles it."""
    inner: dict[str, str] = {}
    _inline(model, {other.name: other for other in models}, inner)
    text = inner.pop(model.name)
    if not inner:
        return text
    remark, _, body = text.rpartition("\n") if text.startswith("--") else ("", "", text)
    ctes = ", ".join(f"{_cte(name)} as ({body})" for name, body in inner.items())
    body = f"with {ctes}, {body[5:]}" if body.startswith("with ") else f"with {ctes} {body}"
    return f"{remark}\n{body}" if remark else body


def _cte(name: str) -> str:
    return f"__dbt__cte__{name.removeprefix('main.')}"


def _inline(model: Model, models: Mapping[str, Model], found: dict[str, str]) -> None:
    """Texts of a model and of the ephemeral ones that it reads, these first."""
    text = model.sql()
    for parent in model.parents:
        if parent in models and models[parent].kind == "ephemeral":
            if parent not in found:
                _inline(models[parent], models, found)
            text = re.sub(rf"\b{re.escape(parent)}\b", _cte(parent), text)
    if model.kind == "ephemeral":
        text = text.rpartition("\n")[2] if text.startswith("--") else text
    found[model.name] = text


def write_sources(connection: "duckdb.DuckDBPyConnection", sources: Mapping[str, Table]) -> None:
    """Bring the source tables into a database; one that is as it should be stays untouched."""
    connection.execute("create schema if not exists raw")
    for name, table in sources.items():
        columns = ", ".join(f'"{column}" {kind}' for column, (kind, _) in table.items())
        cells = zip(*(values for _, values in table.values()), strict=True)
        rows = ", ".join(repr((*row, 0)[:-1]).replace("None", "null") for row in cells)
        connection.execute(f"create or replace table {name} ({columns})")
        if rows:
            connection.execute(f"insert into {name} values {rows}")


def there(connection: "duckdb.DuckDBPyConnection", name: str) -> str | None:
    """Whether a relation is a table or a view; ``None`` where it is not there."""
    found = connection.execute(
        "select 'view' from duckdb_views() where not internal and schema_name = $1 and "
        "view_name = $2 union all select 'table' from duckdb_tables() where schema_name = $1 and "
        "table_name = $2",
        name.split("."),
    ).fetchall()
    return found[0][0] if found else None


def make(connection: "duckdb.DuckDBPyConnection", name: str, kind: str, sql: str) -> None:
    """Make one model as the tool does.

    Raises:
        duckdb.Error: it cannot be made; what was there stays.
    """
    before = there(connection, name)
    thing = "view" if kind == "view" else "table"
    connection.execute("begin")
    try:
        if kind == "merge" and before == "table" and _fits(connection, name, sql):
            connection.execute(f"create or replace temp table fresh as {sql}")
            connection.execute(
                f"delete from {name} as old where exists "
                "(select 1 from fresh where fresh.id is not distinct from old.id)"
            )
            connection.execute(f"insert into {name} by name select * from fresh")
        else:
            if before not in (None, thing):
                connection.execute(f"drop {before} {name}")
            connection.execute(f"create or replace {thing} {name} as {sql}")
            if thing == "view":  # a view that cannot be read is no view
                connection.execute(f"select * from {name}").fetchall()
        connection.execute("commit")
    except duckdb.Error:
        connection.execute("rollback")
        raise


def _fits(connection: "duckdb.DuckDBPyConnection", name: str, sql: str) -> bool:
    """Whether a table has the columns that a query makes; else it is made anew."""
    there = connection.execute(f"describe {name}").fetchall()
    made = connection.execute(f"describe {sql}").fetchall()
    return sorted(row[:2] for row in there) == sorted(row[:2] for row in made)


def content(connection: "duckdb.DuckDBPyConnection", name: str) -> Any:
    """Columns, types and rows of a relation, in no order; an error's text if it is unreadable."""
    try:
        cursor = connection.execute(f"select * from {name}")
        columns = [(entry[0], str(entry[1])) for entry in cursor.description]
        return columns, sorted(map(repr, cursor.fetchall()))
    except duckdb.Error as error:
        return str(error)


class Built:
    """Everything, built in one go.

    Args:
        connection: to a database in which it was built before; else in a new one.

    Attributes:
        failed: models that cannot be built, with why; those below them, too.
        blocked: those of them that only a check stands before.
        contents: of all that could be built, but ephemeral ones.
        shapes: columns of these, and of the sources.
        checked: by model, how its check ends.
    """

    def __init__(
        self, world: Everything, connection: "duckdb.DuckDBPyConnection | None" = None
    ) -> None:
        self.connection = connection or duckdb.connect(config={"threads": 1})
        self.failed: dict[str, str] = {}
        self.blocked: set[str] = set()
        self.contents: dict[str, Any] = {}
        self.shapes: dict[str, dict[str, str]] = {}
        self.checked: dict[str, str] = {}
        self._world = world
        self._stopped: set[str] = set()
        write_sources(self.connection, world.sources)
        for name, table in world.sources.items():
            self.shapes[name] = {column: kind for column, (kind, _) in table.items()}
        for model in world.models:
            self.add(model)

    def add(self, model: Model) -> None:
        """Build one more."""
        name = model.name
        failed = [parent for parent in model.parents if parent in self.failed]
        stopped = [parent for parent in model.parents if parent in self._stopped]
        if failed or stopped:
            self.failed[name] = f"{(failed or stopped)[0]} failed"
            if all(parent in self.blocked for parent in failed):
                self.blocked.add(name)
            return
        sql = compiled(model, self._world.models)
        try:
            if model.kind == "ephemeral":
                described = self.connection.execute(f"describe {sql}").fetchall()
                self.shapes[name] = {row[0]: row[1] for row in described}
                return
            make(self.connection, name, model.kind, sql)
        except duckdb.Error as error:
            self.failed[name] = str(error)
            return
        found = self.contents[name] = content(self.connection, name)
        self.shapes[name] = dict(found[0])
        if name in self._world.checks:
            self._check(name, self._world.checks[name])

    def _check(self, name: str, check: Check) -> None:
        try:
            wrong = self.connection.execute(check.sql(name)).fetchall()
        except duckdb.Error:
            self.checked[name] = "error"
        else:
            failed = "fail" if check.severity == "error" else "warn"
            self.checked[name] = failed if wrong else "pass"
        if check.severity == "error" and self.checked[name] != "pass":
            self._stopped.add(name)
