"""What cannot work any more, for certain, after columns came or went.

Only what can be proved is said: the new graph's own SQL, checks and contracts are held against
the columns that its assets have now.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cached_property

from toolkit.diff.definition import Undefined
from toolkit.diff.model import Failure
from toolkit.diff.side import Side
from toolkit.graph import Asset
from toolkit.lineage import ColumnEdge

Ref = tuple[str, str]
"""An asset's key and a folded column."""


class Columns:
    """Columns that came and went between two sides, on assets of which all are known."""

    def __init__(self, base: Side, head: Side) -> None:
        self._base = base
        self._head = head
        self.gone: dict[Ref, str] = {}
        self.new: dict[Ref, str] = {}
        for key in base.graph.assets.keys() & head.graph.assets.keys():
            before, after = base.columns(key), head.columns(key)
            if before is None or after is None:
                continue
            self.gone |= {(key, f): name for f, name in before.items() if f not in after}
            self.new |= {(key, f): name for f, name in after.items() if f not in before}
        self.gone |= self._not_landed()

    def _not_landed(self) -> dict[Ref, str]:
        """Columns of sources, which people may still list, that no stream lands any more."""
        lands = {edge.target for edge in self._head.lineage.column_edges}
        found: dict[Ref, str] = {}
        for edge in self._base.lineage.column_edges:
            stream, column = edge.source
            key, name = edge.target
            source = self._head.graph.assets.get(key)
            if source is None or source.kind != "source" or edge.target in lands:
                continue
            if (stream, column.casefold()) in self.gone:
                found[key, name.casefold()] = name
        return found

    def gone_with(self, starts: Iterable[Ref], own: Collection[Ref]) -> list[Ref]:
        """These, and what was passed on from them and is gone as well, in order.

        Args:
            own: what its own asset took away, and not its parents.
        """
        return _passed_on(starts, self._gone_to, self.gone.keys() - own)

    def new_with(self, starts: Iterable[Ref], own: Collection[Ref]) -> list[Ref]:
        """These, and what is passed on from them and is new as well, in order."""
        return _passed_on(starts, self._new_to, self.new.keys() - own)

    @cached_property
    def _gone_to(self) -> dict[Ref, list[Ref]]:
        return _links(self._base.lineage.column_edges)

    @cached_property
    def _new_to(self) -> dict[Ref, list[Ref]]:
        return _links(self._head.lineage.column_edges)

    # ---- failures ----

    def failures(self, gone: Iterable[Ref], new: Iterable[Ref]) -> list[Failure]:
        """What fails without ``gone``, and for ``new``; both with what is passed on."""
        gone, new = list(gone), list(new)
        found = {*self._readers(gone), *self._checks(gone), *self._contracts({*gone, *new})}
        return sorted(found)

    def _readers(self, gone: Iterable[Ref]) -> Iterator[Failure]:
        graph = self._head.graph
        for key, fold in gone:
            if key not in graph:
                continue
            for reader in sorted(graph.children(key)):
                if self._names(graph[reader], (key, fold)):
                    spelled = self.gone.get((key, fold), fold)
                    yield Failure(reader, f"reads {graph[key].name}.{spelled}, which is gone")

    def _names(self, reader: Asset, ref: Ref) -> bool:
        """Whether a reader's query, as it is now, names a column."""
        if reader.sql is None or reader.language == "python":
            return False  # what it declares to read is no proof
        before = self._base.graph.assets.get(reader.key)
        try:
            named = self._head.definitions.of(reader)
            if ref in named.references or ref not in named.loose or before is None:
                return ref in named.references
            return ref in self._base.definitions.of(before).references
        except Undefined:
            pass
        if before is None or before.sql != reader.sql:
            return False
        edges = self._base.downstream.readers((ref[0], self.gone.get(ref, ref[1])))
        return any(key == reader.key for key, _ in edges) and self._head.names.named(reader, ref[1])

    def _checks(self, gone: Iterable[Ref]) -> Iterator[Failure]:
        refs = set(gone)
        for check in self._head.graph.checks.values():
            if check.column is None:
                continue
            about = check.attached or (check.assets[0] if check.assets else "")
            ref = (about, check.column.strip('"`[]').casefold())
            if ref in refs:
                name = self._head.graph[about].name
                yield Failure(check.key, f"tests {name}.{check.column}, which is gone")

    def _contracts(self, refs: Iterable[Ref]) -> Iterator[Failure]:
        for key in sorted({key for key, _ in refs}):
            asset = self._head.graph.assets.get(key)
            if asset is None or not asset.contract:
                continue
            missing, extra = _breach(self._head, asset)
            was = self._base.graph.assets.get(key)
            if was is not None and was.contract:
                before = _breach(self._base, was)
                missing, extra = missing - before[0], extra - before[1]
            for name in sorted(missing):
                yield Failure(key, f"its contract promises {name}, which it does not make")
            for name in sorted(extra):
                yield Failure(key, f"its contract does not list {name}, which it makes")


def _breach(side: Side, asset: Asset) -> tuple[set[str], set[str]]:
    """Folded columns that a contract lists and the query does not make, and the other way."""
    made = side.columns(asset.key)
    if made is None:
        return set(), set()
    listed = {name.casefold() for name in asset.columns}
    return listed - made.keys(), made.keys() - listed


def _links(edges: Iterable[ColumnEdge]) -> dict[Ref, list[Ref]]:
    """Where columns are passed on under their own name."""
    found: dict[Ref, list[Ref]] = {}
    for edge in edges:
        source = edge.source[0], edge.source[1].casefold()
        target = edge.target[0], edge.target[1].casefold()
        if edge.subtype == "IDENTITY" and source[1] == target[1]:
            found.setdefault(source, []).append(target)
    return found


def _passed_on(
    starts: Iterable[Ref], links: Mapping[Ref, list[Ref]], among: Collection[Ref]
) -> list[Ref]:
    found: dict[Ref, None] = dict.fromkeys(starts)
    waiting = list(found)
    while waiting:
        for ref in links.get(waiting.pop(), ()):
            if ref in among and ref not in found:
                found[ref] = None
                waiting.append(ref)
    return list(found)
