"""Lineage between some assets only, with what lies between them looked through.

For those outside who know tables and nothing else: an ephemeral model is no table.
"""

from collections.abc import Collection, Iterable

from toolkit.graph import AssetGraph
from toolkit.lineage.model import AssetEdge, ColumnEdge, ColumnRef, Influence, Lineage

_FURTHER = {"IDENTITY": 0, "TRANSFORMATION": 1, "AGGREGATION": 2}

_Kind = tuple[ColumnRef, Influence, str]
_Flow = dict[_Kind, ColumnEdge]
_Rows = dict[tuple[ColumnRef, str], None]


class Through:
    """Edges that jump over the ``hidden`` assets.

    Args:
        hidden: keys of assets that are to be neither start nor end of an edge.
    """

    def __init__(self, graph: AssetGraph, lineage: Lineage, hidden: Collection[str]) -> None:
        self._graph = graph
        self._hidden = hidden
        self._columns: dict[str, dict[str, list[ColumnEdge]]] = {}
        for edge in lineage.column_edges:
            of_asset = self._columns.setdefault(edge.target[0], {})
            of_asset.setdefault(edge.target[1], []).append(edge)
        self._rows: dict[str, list[AssetEdge]] = {}
        for row_edge in lineage.asset_edges:
            self._rows.setdefault(row_edge.target, []).append(row_edge)
        self._flow: dict[ColumnRef, _Flow] = {}
        self._influence: dict[str, _Rows] = {}
        for asset in graph:  # parents first
            if asset.key in hidden:
                for column in self._columns.get(asset.key, {}):
                    self._flow[(asset.key, column)] = self._composed(asset.key, column)
                self._influence[asset.key] = self._all_rows(asset.key)

    def parents(self, key: str) -> list[str]:
        """The nearest assets that ``key`` reads and that are not hidden, sorted."""
        found: set[str] = set()
        waiting = list(self._graph.parents(key))
        seen = set(waiting)
        while waiting:
            parent = waiting.pop()
            if parent not in self._hidden:
                found.add(parent)
                continue
            above = set(self._graph.parents(parent)) - seen
            seen |= above
            waiting += above
        return sorted(found)

    def column_edges(self, key: str) -> list[ColumnEdge]:
        """Edges into the columns of ``key``: columns in output order, then by source."""
        return [
            edge
            for column in self._columns.get(key, {})
            for _, edge in sorted(self._composed(key, column).items(), key=lambda item: item[0])
        ]

    def asset_edges(self, key: str) -> list[AssetEdge]:
        """Influence on all rows of ``key``, also on those of hidden assets that it reads."""
        return [AssetEdge(ref, key, subtype) for ref, subtype in sorted(self._all_rows(key))]

    def _composed(self, key: str, column: str) -> _Flow:
        found: _Flow = {}
        for edge in self._columns[key][column]:
            for inner in self._sources(edge.source):
                type_, subtype = _both(edge, inner)
                expression, line = edge.expression, edge.line
                if expression is None:
                    expression, line = inner.expression, None
                found.setdefault(
                    (inner.source, type_, subtype),
                    ColumnEdge(inner.source, (key, column), type_, subtype, expression, line),
                )
        return found

    def _sources(self, ref: ColumnRef) -> Iterable[ColumnEdge]:
        if ref[0] not in self._hidden:
            return [ColumnEdge(ref, ref, "DIRECT", "IDENTITY")]
        return self._flow.get(ref, {}).values()

    def _all_rows(self, key: str) -> _Rows:
        found: _Rows = {}
        for edge in self._rows.get(key, ()):
            for inner in self._sources(edge.source):
                found[(inner.source, edge.subtype)] = None
        for parent in self._graph.parents(key):
            found |= self._influence.get(parent, {})
        return found


def _both(outer: ColumnEdge, inner: ColumnEdge) -> tuple[Influence, str]:
    """The kind of a path of two edges: deciding beats flowing, and then the furthest wins."""
    if outer.type == "INDIRECT":
        return outer.type, outer.subtype
    if inner.type == "INDIRECT":
        return inner.type, inner.subtype
    return "DIRECT", max(outer.subtype, inner.subtype, key=_FURTHER.__getitem__)
