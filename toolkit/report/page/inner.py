"""What lies below the last expression of a column: the computations in CTEs and subqueries.

Lineage keeps for each edge the last expression of the column that is made. Where that reads
a CTE (``cast(history.total as decimal)``), the one that reads the edge's own source stands
further in. It is found by names in the parsed query; where that is not certain nothing is
said, and the last expression stands alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from sqlglot import exp

    from toolkit.graph import Asset, AssetGraph
    from toolkit.lineage import ColumnEdge, Lineage
    from toolkit.lineage.sql.text import Writer

MAX_STEPS = 6  # of one path; deeper ones are cut
MAX_DEPTH = 40  # CTEs that read each other
MAX_SQL = 3_000_000  # characters that are parsed for one report; then the rest is left as it is
_WORD = re.compile(r"\w+")


class Step(msgspec.Struct, frozen=True):
    """One computation on the way.

    Attributes:
        name: of the CTE or the subquery's alias, where it has one.
        text: as written.
    """

    name: str | None
    text: str


def inner_steps(
    graph: AssetGraph, lineage: Lineage, dialect: str
) -> dict[ColumnEdge, tuple[Step, ...]]:
    """For edges whose expression does not read their source itself: what does, innermost first."""
    wanted: dict[str, list[ColumnEdge]] = {}
    for edge in lineage.column_edges:
        if edge.expression is not None and not _reads(edge.expression, edge.source[1]):
            wanted.setdefault(edge.target[0], []).append(edge)
    found: dict[ColumnEdge, tuple[Step, ...]] = {}
    left = MAX_SQL
    for key, edges in wanted.items():
        asset = graph.assets.get(key)
        if asset is None or not asset.sql or len(asset.sql) > left:
            continue
        left -= len(asset.sql)
        reader = _reader(asset.sql, dialect)
        if reader is not None:
            for edge in edges:
                source = graph.assets.get(edge.source[0])
                steps = reader.steps(edge, source) if source is not None else ()
                if steps:
                    found[edge] = steps
    return found


def _reads(expression: str, column: str) -> bool:
    words = {word.casefold() for word in _WORD.findall(expression)}
    return all(word.casefold() in words for word in _WORD.findall(column))


def _reader(sql: str, dialect: str) -> _Reader | None:
    from toolkit.lineage.sql.parse import Unreadable, parse
    from toolkit.lineage.sql.text import Writer

    try:
        parsed = parse(sql, dialect, 1.0)
    except Unreadable:  # the lineage has said so already
        return None
    return _Reader(parsed.query, Writer(parsed, dialect))


class _Reader:
    """Follows columns down through one query."""

    def __init__(self, query: exp.Expr, writer: Writer) -> None:
        self._query = query
        self._writer = writer

    def steps(self, edge: ColumnEdge, source: Asset) -> tuple[Step, ...]:
        """Computations between the source of an edge and its last expression."""
        # dbt writes an ephemeral model as a CTE of its own: that is the asset, and no step.
        self._ephemeral = frozenset({f"__dbt__cte__{source.name}".casefold()})
        self._tables = self._ephemeral | _spellings(source)
        self._column = edge.source[1].casefold()
        self._seen: set[tuple[int, str]] = set()
        self._depth = 0
        path = self._down(self._query, edge.target[1].casefold(), {}, None)
        if path is None:
            return ()
        steps = [step for step in path if step.text != edge.expression]
        return tuple(dict.fromkeys(steps))[:MAX_STEPS]

    def _down(
        self, query: exp.Expr, column: str, ctes: dict[str, exp.Expr], name: str | None
    ) -> list[Step] | None:
        """Steps to the source, the innermost first; ``None`` where it is not reached."""
        from sqlglot import exp

        if (id(query), column) in self._seen or self._depth >= MAX_DEPTH:
            return None
        self._seen.add((id(query), column))
        self._depth += 1
        waiting = [(query, ctes)]
        path = None
        while waiting and path is None:  # the sides of a union, the first one first
            side, around = waiting.pop()
            around = {**around, **_ctes(side)}
            if isinstance(side, exp.Subquery | exp.Paren):
                waiting.append((side.this, around))
            elif isinstance(side, exp.SetOperation):
                waiting += [(side.expression, around), (side.this, around)]
            elif isinstance(side, exp.Select):
                path = self._select(side, column, around, name)
        self._depth -= 1
        return path

    def _select(
        self, query: exp.Select, column: str, ctes: dict[str, exp.Expr], name: str | None
    ) -> list[Step] | None:
        sources = dict(_sources(query))
        for item in query.expressions:
            if item.is_star:
                path = self._through(sources, _qualifier(item), column, ctes)
                if path is not None:
                    return path
            elif item.alias_or_name.casefold() == column:
                return self._item(item, sources, ctes, name)
        return None

    def _item(
        self,
        item: exp.Expr,
        sources: dict[str, exp.Expr],
        ctes: dict[str, exp.Expr],
        name: str | None,
    ) -> list[Step] | None:
        from sqlglot import exp

        inside = item.this if isinstance(item, exp.Alias) else item
        here = [] if isinstance(inside, exp.Column) else [Step(name, self._writer.text(item)[0])]
        for part in inside.find_all(exp.Column):
            qualifier = part.table.casefold() or None
            path = self._through(sources, qualifier, part.name.casefold(), ctes)
            if path is not None:
                return [*path, *here]
        return None

    def _through(
        self,
        sources: dict[str, exp.Expr],
        qualifier: str | None,
        column: str,
        ctes: dict[str, exp.Expr],
    ) -> list[Step] | None:
        from sqlglot import exp

        chosen = [sources[qualifier]] if qualifier in sources else list(sources.values())
        for node in chosen:
            if isinstance(node, exp.Table):
                named = node.name.casefold()
                inner = None if node.db or named in self._ephemeral else ctes.get(named)
                if inner is None and named in self._tables and column == self._column:
                    return []
            else:
                inner = node
            if inner is None:
                continue
            name = node.name if isinstance(node, exp.Table) else node.alias
            path = self._down(inner, column, ctes, name or None)
            if path is not None:
                return path
        return None


def _spellings(source: Asset) -> frozenset[str]:
    names = {source.name}
    if source.relation is not None:
        names.add(source.relation.identifier)
    return frozenset(name.casefold() for name in names)


def _ctes(query: exp.Expr) -> dict[str, exp.Expr]:
    with_ = query.args.get("with_") or query.args.get("with")
    return {node.alias.casefold(): node.this for node in with_.expressions} if with_ else {}


def _sources(query: exp.Select) -> Iterator[tuple[str, exp.Expr]]:
    from_ = query.args.get("from_") or query.args.get("from")
    nodes = [from_.this] if from_ is not None else []
    nodes += [join.this for join in query.args.get("joins") or ()]
    for node in nodes:
        yield (node.alias_or_name or str(id(node))).casefold(), node


def _qualifier(item: exp.Expr) -> str | None:
    table = getattr(item, "table", "")
    return table.casefold() or None if isinstance(table, str) else None
