"""Which columns of its parents one query reads, so that others may change without waking it.

Safe before sharp: a column counts as read where lineage finds any influence of it on what the
query makes, and also wherever its name stands in the query at all. What is not understood
reads everything, with the reason why.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import msgspec

from toolkit.graph import Asset, AssetGraph
from toolkit.lineage.places import SELF, Places, Where, is_system
from toolkit.lineage.sql.dialects import facts_of

if TYPE_CHECKING:
    from sqlglot import exp

    from toolkit.lineage.sql.parse import Parsed
    from toolkit.lineage.sql.relation import Rel
    from toolkit.lineage.traced import Traced

VERSION = "1"
"""Part of every digest: raise it whenever the same query may read something else."""

TIME_CAP = 2.0

_MATERIALIZED = frozenset({None, "table", "view", "incremental", "snapshot", "external"})

Shapes = Mapping[str, Mapping[str, str]]
"""For each asset its columns as the warehouse has them, in order: name -> type."""


class Reads(msgspec.Struct, frozen=True):
    """What one query reads.

    Attributes:
        columns: for each parent (those of an ephemeral parent in its place) the folded names of
            the columns that the result may depend on or that the text refers to. Empty: only
            how many rows there are. ``None``: all of them, with their order and types.
        outputs: names of its own columns, in order.
        digest: of all that the query makes of the parents' columns. Equal digests under two
            shapes of the parents mean that the query means the same under both.
        why: for each parent with ``None`` the reason.
        ordered: why the result depends on the order in which the parents' rows lie, which no
            fingerprint of rows can see: such a query runs when a parent was made again. Empty
            where it does not.
    """

    columns: Mapping[str, frozenset[str] | None]
    outputs: tuple[str, ...]
    digest: str
    why: Mapping[str, str] = {}
    ordered: str = ""


class Unread(Exception):
    """Nothing safe can be said about what a query reads; the text says why."""


def reads(asset: Asset, graph: AssetGraph, shapes: Shapes, dialect: str) -> Reads | None:
    """What the query of an asset reads; ``None`` where nothing safe can be said.

    Args:
        shapes: of each parent, tables and views alike, as they are now in the warehouse.
        dialect: dbt adapter type; only DuckDB's SQL is known well enough.
    """
    try:
        return examine(asset, graph, shapes, dialect)
    except Unread:
        return None


def examine(asset: Asset, graph: AssetGraph, shapes: Shapes, dialect: str) -> Reads:
    """:func:`reads`, and the reason where there is nothing to say.

    Raises:
        Unread: with the reason.
    """
    if facts_of(dialect).name != "duckdb":
        raise Unread("only queries of DuckDB are read for that")
    if asset.sql is None or asset.language == "python":
        raise Unread("it is not made by SQL, or its SQL is not compiled")
    if asset.materialized not in _MATERIALIZED:
        raise Unread(f"nothing is known of the materialization {asset.materialized}")
    if asset.config.get("incremental_strategy") == "microbatch":
        raise Unread("the rows that a microbatch reads depend on the time of the run")
    from toolkit.lineage.sql.parse import Unreadable, parse

    reader = _Reader(asset, graph, shapes)
    try:
        parsed = parse(asset.sql, "duckdb", TIME_CAP)
        _refuse(asset, parsed.query)
        traced = reader.trace()
    except Unreadable as error:
        raise Unread(error.message) from None
    return reader.read(parsed, traced)


class _Reader:
    """One query, with the parents in sight."""

    def __init__(self, asset: Asset, graph: AssetGraph, shapes: Shapes) -> None:
        self._asset = asset
        self._graph = graph
        self._parents = read_parents(asset, graph)
        self._shapes = {key: shapes[key] for key in self._parents if shapes.get(key)}
        self._places = Places(graph)

    def trace(self) -> "Traced":
        """Lineage of the query over the parents as they are."""
        from toolkit.lineage.sql.engine import trace_query

        assert self._asset.sql is not None
        # An ephemeral parent stands in the text, as a CTE that is walked like any other.
        traced = trace_query(self._asset.sql, "duckdb", self._table, lambda _: None, TIME_CAP)
        if traced.losses:
            raise Unread(traced.losses[0].message)
        if traced.branches:
            raise Unread("not all of its columns are known")
        return traced

    def _table(self, where: Where) -> "Rel":
        from toolkit.lineage.sql.flow import IDENTITY
        from toolkit.lineage.sql.parse import Unreadable
        from toolkit.lineage.sql.relation import Beyond, Col, Rel, Value

        try:
            key = self._found(where)
        except Unread as error:  # what the engine does not know it takes for a bug of its own
            raise Unreadable("unread", str(error)) from None
        if key == SELF:
            return Rel([], [(Beyond(None, {}, 0),)])
        shape = self._shapes[key]
        return Rel([Col(n, Value({(key, n): IDENTITY}, t)) for n, t in shape.items()])

    def _found(self, where: Where) -> str:
        name = ".".join(part for part in where if part)
        key = None if is_system(where) else self._places.find(where, self._asset, self._parents)
        if key is None:
            raise Unread(f"it reads {name}, which is no asset")
        if key == SELF:
            return key
        if key not in self._parents:
            raise Unread(f"it reads {name}, which it does not declare")
        if key not in self._shapes:
            raise Unread(f"the columns of {name} are not known")
        return key

    def read(self, parsed: "Parsed", traced: "Traced") -> Reads:
        """All that was found, put together."""
        from toolkit.lineage.queries.physical import order_reason
        from toolkit.lineage.queries.unread import all_columns_reason, has_star_in_set

        ordered = order_reason(parsed.query) or ""
        everything = all_columns_reason(parsed.query) or (ordered and _by_order(ordered))
        written = self._in_text(parsed.query)
        touched = _touched(parsed, traced)
        columns: dict[str, frozenset[str] | None] = {}
        why: dict[str, str] = {}
        for key in sorted(self._parents):
            if everything or key not in written:
                columns[key] = None
                why[key] = everything or "its SQL does not say what it is needed for"
            else:
                folded = {name.casefold() for name in self._shapes[key]}
                columns[key] = frozenset(folded & (touched[""] | touched.get(key, set())))
        outputs = tuple(output.name for output in traced.outputs)
        digest = self._digest(columns, traced, whole=has_star_in_set(parsed.query))
        return Reads(columns, outputs, digest, why, ordered)

    def _in_text(self, query: "exp.Expr") -> set[str]:
        """Parents that the text names, also where lineage need not look: in an unused CTE.

        Raises:
            Unread: it names something else.
        """
        from sqlglot import exp

        ctes = {cte.alias.lower() for cte in query.find_all(exp.CTE)}
        found = set()
        for table in query.find_all(exp.Table):
            if not isinstance(table.this, exp.Identifier):
                continue
            where = (table.catalog or None, table.db or None, table.name)
            if table.args.get("db") is None and table.name.lower() in ctes:
                key = self._places.find(where, self._asset, self._parents)
                found.add(key if key in self._shapes else "")
            else:
                found.add(self._found(where))
        return {key for key in found if key}

    def _digest(
        self, columns: Mapping[str, frozenset[str] | None], traced: "Traced", *, whole: bool
    ) -> str:
        """Of outputs, edges, and names and types of what is read, in the parents' order.

        Args:
            whole: names and types of all columns count, though only some of them are read.
        """
        shapes = {}
        for key, names in columns.items():
            shapes[key] = [
                (name, type_)
                for name, type_ in self._shapes.get(key, {}).items()
                if whole or names is None or name.casefold() in names
            ]
        outputs = [(output.name, sorted(output.flow)) for output in traced.outputs]
        read = {key: None if names is None else sorted(names) for key, names in columns.items()}
        about = [VERSION, outputs, sorted(traced.rows), read, shapes]
        return hashlib.sha256(json.dumps(about).encode()).hexdigest()[:32]


def _refuse(asset: Asset, query: "exp.Expr") -> None:
    from toolkit.lineage.queries.physical import unknown_function
    from toolkit.lineage.queries.unread import refusal

    called = unknown_function(query)
    refused = f"it calls {called}, and what that reads is not known" if called else None
    reason = refused or refusal(query) or _hooked(asset)
    if reason:
        raise Unread(reason)


def read_parents(asset: Asset, graph: AssetGraph) -> frozenset[str]:
    """What the text reads: of an ephemeral parent, whose text is part of it, the parents."""
    found: set[str] = set()
    seen: set[str] = set()
    waiting = [*asset.depends_on]
    while waiting:
        key = waiting.pop()
        if key in seen:
            continue
        seen.add(key)
        if graph[key].materialized == "ephemeral":
            waiting += graph[key].depends_on
        else:
            found.add(key)
    return frozenset(found)


def _touched(parsed: "Parsed", traced: "Traced") -> dict[str, set[str]]:
    """Folded columns by parent, as lineage has them; under ``""`` every word of the text."""
    words = {token.text.casefold() for token in parsed.tokens}
    touched = {"": words | {part for word in words if "." in word for part in word.split(".")}}
    flows: Iterable[tuple[str, str, int]] = [
        *traced.rows,
        *(leaf for output in traced.outputs for leaf in output.flow),
    ]
    for key, column, _ in flows:
        touched.setdefault(key, set()).add(column.casefold())
    return touched


def _hooked(asset: Asset) -> str:
    """Why the hooks around a query matter: they may read anything."""
    for name in ("pre_hook", "post_hook"):
        said = name.replace("_", "-")  # as dbt writes it
        hooks = asset.config.get(said) or asset.config.get(name) or ()
        for hook in [hooks] if isinstance(hooks, str | Mapping) else hooks:
            text = str(hook.get("sql") if isinstance(hook, Mapping) else hook)
            if re.search(r"\b(from|join|using|select|call|table)\b", text, re.IGNORECASE):
                return f"its {said} may read more than its SQL does"
    return ""


def _by_order(ordered: str) -> str:
    return f"the order of its rows may count ({ordered})"
