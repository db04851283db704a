"""What a trace gives back: column edges, asset edges, statuses, and walks over them."""

from collections.abc import Callable, Collection, Iterable, Mapping
from functools import cached_property
from typing import Literal, TypeVar

import msgspec

from toolkit.errors import Problem

Influence = Literal["DIRECT", "INDIRECT"]
Status = Literal["full", "partial", "opaque", "none"]
ColumnRef = tuple[str, str]
"""An asset's key and one of its columns, spelled as in ``Lineage.columns``."""


class ColumnEdge(msgspec.Struct, frozen=True, array_like=True):
    """One column of an asset is made from, or decided by, one column of a neighbour.

    Attributes:
        source: the column that is read.
        target: the column that is made.
        type: DIRECT where the value flows, INDIRECT where it only decides.
        subtype: IDENTITY, TRANSFORMATION, AGGREGATION; or CONDITIONAL, WINDOW.
        expression: how ``target`` is computed, as written in the SQL; ``None`` for a plain copy.
        line: 1-based line of that in the asset's compiled SQL, where known.
    """

    source: ColumnRef
    target: ColumnRef
    type: Influence
    subtype: str
    expression: str | None = None
    line: int | None = None


class AssetEdge(msgspec.Struct, frozen=True, array_like=True):
    """A column decides which rows of an asset there are: said once and not for each column.

    Attributes:
        subtype: JOIN, FILTER, GROUP_BY or SORT.
    """

    source: ColumnRef
    target: str
    subtype: str


class Coverage(msgspec.Struct, frozen=True):
    """How much of the graph has lineage.

    Attributes:
        assets: those with something to trace: full + partial + opaque.
        columns: columns of all assets that are known.
    """

    assets: int
    full: int
    partial: int
    opaque: int
    columns: int


class LineageSlice(msgspec.Struct, frozen=True):
    """What a walk reached.

    Attributes:
        columns: all columns reached, with those that the walk began at.
        assets: keys whose rows or columns were reached, with the start.
    """

    columns: frozenset[ColumnRef]
    assets: frozenset[str]
    column_edges: tuple[ColumnEdge, ...]
    asset_edges: tuple[AssetEdge, ...]


class Lineage:
    """Column lineage of a whole graph. Immutable.

    Args:
        columns: asset key -> column -> type, in output order; a column's type is what the
            catalog or the owner says, or what could be read from the SQL, else ``None``.
        column_edges: between neighbouring assets, sorted.
        asset_edges: between neighbouring assets, sorted.
        status: asset key -> full, partial, opaque, or none (nothing to trace).
        problems: why an asset is partial or opaque, and whatever else was tolerated.
    """

    def __init__(
        self,
        columns: Mapping[str, Mapping[str, str | None]],
        column_edges: Iterable[ColumnEdge],
        asset_edges: Iterable[AssetEdge],
        status: Mapping[str, Status],
        problems: Iterable[Problem],
    ) -> None:
        self.columns = columns
        self.column_edges = tuple(column_edges)
        self.asset_edges = tuple(asset_edges)
        self.status = status
        self.problems = tuple(problems)

    def only(self, slices: Iterable[LineageSlice]) -> "Lineage":
        """The part of this lineage that walks reached: for showing one column's story."""
        slices = list(slices)
        refs = {ref for part in slices for ref in part.columns}
        keys = {key for part in slices for key in part.assets}
        columns = {
            key: {
                name: kind
                for name, kind in self.columns.get(key, {}).items()
                if (key, name) in refs
            }
            for key in self.columns
            if key in keys
        }
        return Lineage(
            columns,
            sorted({e for part in slices for e in part.column_edges}, key=_order),
            sorted({e for part in slices for e in part.asset_edges}, key=_order),
            {key: status for key, status in self.status.items() if key in keys},
            [problem for problem in self.problems if problem.asset in keys],
        )

    def within(self, keys: Collection[str]) -> "Lineage":
        """The lineage between these assets only, with all their columns."""
        return Lineage(
            {key: names for key, names in self.columns.items() if key in keys},
            [e for e in self.column_edges if e.source[0] in keys and e.target[0] in keys],
            [e for e in self.asset_edges if e.source[0] in keys and e.target in keys],
            {key: status for key, status in self.status.items() if key in keys},
            [problem for problem in self.problems if problem.asset in keys],
        )

    def with_problem(self, problem: Problem) -> "Lineage":
        """The same lineage, with one more problem to tell of."""
        problems = (*self.problems, problem)
        return Lineage(self.columns, self.column_edges, self.asset_edges, self.status, problems)

    @cached_property
    def coverage(self) -> Coverage:
        """Counts for people and for gates in CI."""
        return self.coverage_of(None)

    def coverage_of(self, keys: Collection[str] | None) -> Coverage:
        """The same counts of these assets only; of all of them where ``keys`` is ``None``."""
        found = [s for key, s in self.status.items() if keys is None or key in keys]
        full, partial, opaque = found.count("full"), found.count("partial"), found.count("opaque")
        return Coverage(
            assets=full + partial + opaque,
            full=full,
            partial=partial,
            opaque=opaque,
            columns=sum(len(c) for key, c in self.columns.items() if keys is None or key in keys),
        )

    def upstream(
        self, key: str, column: str | None = None, depth: int | None = None
    ) -> LineageSlice:
        """What ``key`` (or one column of it) comes from and is decided by.

        Influence on the rows of an asset counts as influence on each of its columns.

        Args:
            column: in any case; ``None`` starts from all columns and the rows.
            depth: how many assets away to go; ``None`` for all the way.
        """
        walk = _Walk(self._start(key, column), key)
        while walk.frontier and (depth is None or walk.depth < depth):
            step: set[ColumnRef] = set()
            for asset in {ref[0] for ref in walk.frontier}:
                for row_edge in self._rows_to.get(asset, ()):
                    walk.asset_edges.add(row_edge)
                    step.add(row_edge.source)
            for ref in walk.frontier:
                for edge in self._values_to.get(ref, ()):
                    walk.column_edges.add(edge)
                    step.add(edge.source)
            walk.advance(step)
        return walk.slice()

    def downstream(
        self, key: str, column: str | None = None, depth: int | None = None
    ) -> LineageSlice:
        """What ``key`` (or one column of it) goes into and decides; see :meth:`upstream`.

        A column that decides the rows of an asset reaches all columns of that asset.
        """
        walk = _Walk(self._start(key, column), key)
        while walk.frontier and (depth is None or walk.depth < depth):
            step: set[ColumnRef] = set()
            for ref in walk.frontier:
                for edge in self._values_from.get(ref, ()):
                    walk.column_edges.add(edge)
                    step.add(edge.target)
                for row_edge in self._rows_from.get(ref, ()):
                    walk.asset_edges.add(row_edge)
                    walk.assets.add(row_edge.target)
                    step.update((row_edge.target, c) for c in self.columns[row_edge.target])
            walk.advance(step)
        return walk.slice()

    def _start(self, key: str, column: str | None) -> set[ColumnRef]:
        names = self.columns.get(key, {})
        if column is None:
            return {(key, name) for name in names}
        if column in names:
            return {(key, column)}
        folded = column.casefold()
        return {(key, name) for name in names if name.casefold() == folded}

    @cached_property
    def _values_to(self) -> dict[ColumnRef, list[ColumnEdge]]:
        return _grouped(self.column_edges, lambda edge: edge.target)

    @cached_property
    def _values_from(self) -> dict[ColumnRef, list[ColumnEdge]]:
        return _grouped(self.column_edges, lambda edge: edge.source)

    @cached_property
    def _rows_to(self) -> dict[str, list[AssetEdge]]:
        return _grouped(self.asset_edges, lambda edge: edge.target)

    @cached_property
    def _rows_from(self) -> dict[ColumnRef, list[AssetEdge]]:
        return _grouped(self.asset_edges, lambda edge: edge.source)


class _Walk:
    """The state of one breadth-first walk over columns."""

    def __init__(self, start: set[ColumnRef], key: str) -> None:
        self.depth = 0
        self.seen = set(start)
        self.frontier = set(start)
        self.assets = {key}
        self.column_edges: set[ColumnEdge] = set()
        self.asset_edges: set[AssetEdge] = set()

    def advance(self, reached: set[ColumnRef]) -> None:
        """Go one asset further."""
        self.frontier = reached - self.seen
        self.seen |= self.frontier
        self.depth += 1

    def slice(self) -> LineageSlice:
        """What was reached so far."""
        return LineageSlice(
            frozenset(self.seen),
            frozenset(self.assets | {ref[0] for ref in self.seen}),
            tuple(sorted(self.column_edges, key=order_of_column_edge)),
            tuple(sorted(self.asset_edges, key=order_of_asset_edge)),
        )


def order_of_column_edge(edge: ColumnEdge) -> tuple[ColumnRef, ColumnRef, str]:
    """Sorts by target, then source, then kind: stable output for people and diffs."""
    return edge.target, edge.source, edge.subtype


def order_of_asset_edge(edge: AssetEdge) -> tuple[str, ColumnRef, str]:
    """Sorts by target, then source, then kind."""
    return edge.target, edge.source, edge.subtype


_Edge = TypeVar("_Edge", ColumnEdge, AssetEdge)
_Key = TypeVar("_Key")


def _grouped(edges: Iterable[_Edge], key: Callable[[_Edge], _Key]) -> dict[_Key, list[_Edge]]:
    found: dict[_Key, list[_Edge]] = {}
    for edge in edges:
        found.setdefault(key(edge), []).append(edge)
    return found


def _order(edge: ColumnEdge | AssetEdge) -> tuple[str, ...]:
    return tuple(str(field) for field in msgspec.structs.astuple(edge))
