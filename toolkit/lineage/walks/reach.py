"""What a column reaches downstream: columns, whole assets and checks, and how surely.

For questions of the form "what would break": :meth:`Lineage.downstream` walks over columns
only, and a dashboard, an ML model or a model that cannot be read has none.
"""

from collections.abc import Iterable, Mapping
from typing import Literal

import msgspec

from toolkit.graph import AssetGraph, Check
from toolkit.lineage.model import ColumnRef, Lineage

Verdict = Literal["breaking", "review", "safe"]
VERDICTS: tuple[Verdict, ...] = ("breaking", "review", "safe")

# These have no columns of their own: they read the whole of what they depend on.
WHOLE_READERS = frozenset({"exposure", "ml_model", "metric", "semantic_model", "saved_query"})

Node = tuple[str, str | None]
"""A column of an asset, or the asset as a whole (its rows; for some there is nothing else)."""


class Hop(msgspec.Struct, frozen=True):
    """One step of a path: where it leads, and what leads there.

    Attributes:
        column: ``None`` for the asset as a whole.
        how: an edge's subtype (IDENTITY, JOIN, ...); ``whole`` for what reads whole assets,
            ``rows`` where the rows that are read are others,
            ``opaque`` or ``partial`` where it is only possible; empty for a start.
    """

    asset: str
    column: str | None
    how: str


class Reach(msgspec.Struct, frozen=True, kw_only=True):
    """What some columns reach. The starts and the sources they land in are in it.

    Attributes:
        columns / assets / checks: what they surely reach.
        possible_columns / possible_assets / possible_checks: what only something that cannot
            be traced may pass them on to, or what may look at them; none that is sure.
        came: for each node that was reached the one before it, and how it leads there.
        first: for each asset the node of it that was reached first.
    """

    columns: frozenset[ColumnRef]
    assets: frozenset[str]
    checks: tuple[str, ...]
    possible_columns: frozenset[ColumnRef]
    possible_assets: frozenset[str]
    possible_checks: tuple[str, ...]
    came: Mapping[Node, tuple[Node | None, str]]
    first: Mapping[str, Node]

    def path(self, asset: str) -> tuple[Hop, ...]:
        """A shortest way from a start to ``asset``; empty where it is not reached."""
        node = self.first.get(asset)
        hops: list[Hop] = []
        while node is not None:
            before, how = self.came[node]
            hops.append(Hop(node[0], node[1], how))
            node = before
        return tuple(reversed(hops))


class Downstream:
    """Answers for one graph and its lineage; makes its indexes once.

    The rules. A column edge leads to its target column; an asset edge to all columns and the
    rows of its target. An asset of which anything is reached leads to the dashboards, ML
    models and the like that read it. A reader that is opaque, or partial and without an edge
    from the column, is *possibly* reached with all its columns; so are the columns of what
    reads an ML model. A column that the code of a Python asset is known not to use does not
    reach it.
    """

    def __init__(self, graph: AssetGraph, lineage: Lineage) -> None:
        self.graph = graph
        self.lineage = lineage
        self._values: dict[ColumnRef, list[tuple[ColumnRef, str]]] = {}
        for edge in lineage.column_edges:
            self._values.setdefault(edge.source, []).append((edge.target, edge.subtype))
        self._rows: dict[ColumnRef, list[tuple[str, str]]] = {}
        for row_edge in lineage.asset_edges:
            self._rows.setdefault(row_edge.source, []).append((row_edge.target, row_edge.subtype))

    def of(self, starts: Iterable[ColumnRef], rows: Iterable[str] = ()) -> Reach:
        """What these columns reach; they need not be known to the lineage.

        Args:
            rows: assets whose rows are others. Whatever reads them is reached as a whole, and
                what reads that.
        """
        came: dict[Node, tuple[Node | None, str]] = {}
        others = sorted(set(rows))
        flooded = frozenset({*others, *self.graph.descendants(others)})
        begins: list[Node] = [(key, None) for key in others]
        begins += sorted(set(starts))
        self._walk([(start, None, "") for start in begins], came, flooded, sure=True)
        certain = set(came)
        seeds = [step for node in came for step in self._may(node)]
        self._walk(seeds, came, flooded, sure=False)
        columns, assets = _split(certain)
        more_columns, more_assets = _split(set(came) - certain)
        first: dict[str, Node] = {}
        for node in came:  # in the order of the walk
            first.setdefault(node[0], node)
        checks, possible = self._checks(columns, assets, more_columns, more_assets)
        return Reach(
            columns=columns,
            assets=assets,
            checks=checks,
            possible_columns=more_columns,
            possible_assets=more_assets - assets,
            possible_checks=possible,
            came=came,
            first=first,
        )

    def readers(self, ref: ColumnRef) -> list[tuple[str, frozenset[str]]]:
        """Assets with an edge from the column, with the edges' subtypes."""
        found: dict[str, set[str]] = {}
        for target, subtype in self._values.get(ref, ()):
            found.setdefault(target[0], set()).add(subtype)
        for asset, subtype in self._rows.get(ref, ()):
            found.setdefault(asset, set()).add(subtype)
        return [(asset, frozenset(subtypes)) for asset, subtypes in sorted(found.items())]

    def into(self, ref: ColumnRef, asset: str) -> list[str]:
        """Columns of ``asset`` that the column flows into or decides."""
        return [target[1] for target, _ in self._values.get(ref, ()) if target[0] == asset]

    def _walk(
        self,
        waiting: list[tuple[Node, Node | None, str]],
        came: dict[Node, tuple[Node | None, str]],
        flooded: frozenset[str],
        *,
        sure: bool,
    ) -> None:
        """Breadth first, so that the way kept for each node is a shortest one."""
        while waiting:
            following: list[tuple[Node, Node | None, str]] = []
            for node, before, how in waiting:
                if node in came:
                    continue
                came[node] = (before, how)
                following += self._surely(node)
                if node[1] is None and node[0] in flooded:
                    for child in sorted(self.graph.children(node[0])):
                        following += self._all_of(child, node, "rows")
                if not sure:
                    following += self._may(node)
            waiting = following

    def _surely(self, node: Node) -> list[tuple[Node, Node | None, str]]:
        key, column = node
        steps: list[tuple[Node, Node | None, str]] = []
        if column is not None:
            ref = (key, column)
            steps += [(target, node, how) for target, how in self._values.get(ref, ())]
            for asset, how in self._rows.get(ref, ()):
                steps.append(((asset, None), node, how))
                names = self.lineage.columns.get(asset, {})
                steps += [((asset, name), (asset, None), how) for name in names]
        if key not in self.graph:
            return steps
        from_whole = self.graph[key].kind in WHOLE_READERS
        for child in sorted(self.graph.children(key)):
            if self._leaves(child, key, column):
                continue
            if from_whole or self.graph[child].kind in WHOLE_READERS:
                steps.append(((child, None), node, "whole"))
        return steps

    def _may(self, node: Node) -> list[tuple[Node, Node | None, str]]:
        """What ``node`` reaches for all we know, because nobody can say that it does not."""
        key, column = node
        if key not in self.graph:
            return []
        steps: list[tuple[Node, Node | None, str]] = []
        readers = self.readers((key, column)) if column is not None else []
        traced_to = {reader for reader, _ in readers}
        for child in sorted(self.graph.children(key)):
            if self._leaves(child, key, column):
                continue
            status = self.lineage.status.get(child)
            how = "opaque" if status == "opaque" else "partial"
            if status == "opaque" or (status == "partial" and child not in traced_to):
                steps += self._all_of(child, node, how)
            elif self.graph[key].kind in WHOLE_READERS:
                steps += self._all_of(child, node, "opaque")
        return steps

    def _leaves(self, child: str, key: str, column: str | None) -> bool:
        """Whether an asset's code is known to use other columns of ``key`` than this one."""
        reads = self.graph[child].reads.get(key)
        if column is None or reads is None or self.lineage.status.get(child) == "full":
            return False
        return column.casefold() not in {name.casefold() for name in reads}

    def _all_of(self, asset: str, before: Node, how: str) -> list[tuple[Node, Node | None, str]]:
        names = self.lineage.columns.get(asset, {})
        columns: list[tuple[Node, Node | None, str]] = [
            ((asset, name), (asset, None), how) for name in names
        ]
        return [((asset, None), before, how), *columns]

    def _checks(
        self,
        columns: frozenset[ColumnRef],
        assets: frozenset[str],
        more_columns: frozenset[ColumnRef],
        more_assets: frozenset[str],
    ) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Checks that look at what is reached, and those that may."""
        folded = {(key, name.casefold()) for key, name in columns}
        more_folded = {(key, name.casefold()) for key, name in more_columns}
        sure: list[str] = []
        possible: list[str] = []
        for key, check in sorted(self.graph.checks.items()):
            about = _about(check)
            if about & folded or (check.column is None and self._is_whole(check, assets)):
                sure.append(key)
            elif about & more_folded or not (assets | more_assets).isdisjoint(_looks_at(check)):
                possible.append(key)
        return tuple(sure), tuple(possible)

    def _is_whole(self, check: Check, assets: frozenset[str]) -> bool:
        """It tests a reached asset that has no columns (an ML model)."""
        return any(a in assets and self.graph[a].kind in WHOLE_READERS for a in check.assets)


def _about(check: Check) -> set[tuple[str, str]]:
    """Columns that a check is known to look at, folded."""
    if check.column is None:
        return set()
    keys = (check.attached,) if check.attached is not None else check.assets
    return {(key, check.column.casefold()) for key in keys}


def _looks_at(check: Check) -> tuple[str, ...]:
    """Assets of which it is not known what a check looks at."""
    if check.column is None:
        return check.assets
    return tuple(key for key in check.assets if check.attached not in (None, key))


def _split(nodes: set[Node]) -> tuple[frozenset[ColumnRef], frozenset[str]]:
    columns = frozenset((key, name) for key, name in nodes if name is not None)
    return columns, frozenset(key for key, _ in nodes)
