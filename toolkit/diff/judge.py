"""How bad a change is, and why that is said.

``breaking`` is what can be proved: something names what is gone, a contract is not kept, a loaded
source is loaded no longer. ``review``: somebody comes to see something else, or may.
``safe``: nobody does, as far as the graph goes.
"""

from collections.abc import Iterator, Mapping, Sequence

from toolkit.diff.contracts import removed_contract
from toolkit.diff.failures import Columns, Ref
from toolkit.diff.model import (
    AssetChange,
    ColumnChange,
    ColumnHow,
    Failure,
    Note,
    worst,
    worst_first,
)
from toolkit.diff.own import Own, OwnColumn
from toolkit.diff.reached import reached
from toolkit.diff.side import Side
from toolkit.graph import Asset
from toolkit.lineage.walks.reach import WHOLE_READERS, Verdict

_GONE = frozenset({"removed", "renamed"})
_NEW = frozenset({"added", "renamed"})
_BEYOND = "nothing in the graph reads it, and who reads it from outside is not known"


class Judge:
    """Turns changes into verdicts, for one pair of graphs.

    Args:
        own_gone / own_new: columns that the assets' own changes took away or brought.
    """

    def __init__(
        self,
        base: Side,
        head: Side,
        columns: Columns,
        own_gone: frozenset[Ref],
        own_new: frozenset[Ref],
    ) -> None:
        self._base = base
        self._head = head
        self._columns = columns
        self._own_gone = own_gone
        self._own_new = own_new

    def changed(self, was: Asset, now: Asset, own: Own, notes: Sequence[Note]) -> AssetChange:
        """The verdict on an asset that is there before and after."""
        taken = [column.former for column in own.columns if column.how in _GONE]
        brought = [column.name for column in own.columns if column.how in _NEW]
        gone = self._columns.gone_with(_refs(now, taken), self._own_gone)
        new = self._columns.new_with(_refs(now, brought), self._own_new)
        unloaded = self._unloaded(was)
        fails = [*unloaded, *self._columns.failures(gone, new)]
        columns = tuple(self._column(was, now, column, fails) for column in own.columns)
        found = reached(
            self._base,
            self._head,
            now.key,
            was=was.key,
            gone=[(was.key, name) for name in taken],
            other=[(now.key, c.name) for c in own.columns if c.how in ("changed", "retyped")],
            rows=own.extent in ("model_wide", "unknown") or any(note.rows for note in notes),
            cut=bool(unloaded),
        )
        beyond = _beyond(self._head, now)
        verdict, reason = self._of_pair(now.key, own, columns, fails, bool(found), beyond)
        for note in notes:
            if worst_first(note.verdict) < worst_first(verdict):
                verdict, reason = note.verdict, f"{note.what}: {note.reason}"
        if now.key != was.key and verdict == "safe":
            reason = f"it is {was.key} under another name"
        if not reason:
            reason = notes[0].what if notes and own.extent == "none" else own.said
        return AssetChange(
            key=now.key,
            was=was.key if was.key != now.key else None,
            how="renamed" if was.key != now.key else "changed",
            extent=own.extent,
            verdict=verdict,
            reason=reason,
            columns=columns,
            passed_on=self._passed_on(gone, new, now.key),
            notes=tuple(notes),
            clauses_gone=own.gone,
            clauses_new=own.new,
            fails=tuple(fails),
            reached=found,
            beyond=beyond,
        )

    def added(self, asset: Asset) -> AssetChange:
        """The verdict on a new asset."""
        return AssetChange(
            key=asset.key, how="added", extent="additive", verdict="safe", reason="it is new",
            beyond=_beyond(self._head, asset),
        )  # fmt: skip

    def removed(self, asset: Asset) -> AssetChange:
        """The verdict on an asset that is gone."""
        fails = self._unloaded(asset)
        whole = [(asset.key, name) for name in self._base.lineage.columns.get(asset.key, {})]
        found = reached(self._base, self._head, asset.key, was=asset.key, gone=whole, cut=True)
        readers = [one for one in self._base.graph.children(asset.key) if one in self._head.graph]
        contract = removed_contract(asset)
        verdict: Verdict
        if fails:
            verdict, reason = "breaking", "nothing loads what is read"
        elif contract is not None:
            verdict, reason = contract
        elif asset.kind in WHOLE_READERS:
            verdict, reason = "safe", "nothing reads it"
        elif readers:
            verdict, reason = "review", f"{_count(readers)} read it and do so no longer"
        elif _beyond(self._base, asset):
            verdict, reason = "review", _BEYOND
        else:
            verdict, reason = "safe", "what read it is gone as well"
        return AssetChange(
            key=asset.key,
            how="removed",
            extent="model_wide",
            verdict=verdict,
            reason=reason,
            fails=tuple(fails),
            reached=tuple(one for one in found if one.key in self._head.graph),
            beyond=_beyond(self._base, asset),
        )

    # ---- parts ----

    def _column(
        self, was: Asset, now: Asset, column: OwnColumn, fails: Sequence[Failure]
    ) -> ColumnChange:
        former = column.former
        gone = column.how in _GONE
        side, ref = (self._base, (was.key, former)) if gone else (self._head, (now.key, former))
        readers = tuple(key for key in _readers(side, ref) if key != now.key)
        broken = [failure for failure in fails if f".{former}," in failure.reason]
        beyond = _beyond(self._head, now)
        verdict: Verdict = "safe"
        if column.how == "added":
            reason = "nothing else changes"
        elif broken and gone:
            verdict = "breaking"
            reason = broken[0].said_of(now.key)
        elif column.how == "renamed" and self._go_along(readers, (now.key, column.name)):
            reason = "what reads it does so by its new name"
        elif readers:
            verdict, reason = "review", f"{'was ' if gone else ''}read by {_count(readers)}"
        elif beyond:
            verdict, reason = "review", _BEYOND
        else:
            reason = "nothing reads it"
        return ColumnChange(
            name=column.name, how=column.how, verdict=verdict, reason=reason,
            was=column.was, now=column.now, readers=readers,
        )  # fmt: skip

    def _go_along(self, readers: Sequence[str], ref: tuple[str, str]) -> bool:
        now = {key for key, _ in self._head.downstream.readers(ref)}
        return bool(readers) and all(key in now or key not in self._head.graph for key in readers)

    def _of_pair(
        self,
        key: str,
        own: Own,
        columns: Sequence[ColumnChange],
        fails: Sequence[Failure],
        is_reached: bool,
        beyond: bool,
    ) -> tuple[Verdict, str]:
        if fails:
            more = f", and {len(fails) - 1} more" if len(fails) > 1 else ""
            return "breaking", f"{fails[0].said_of(key)}{more}"
        if own.extent == "none":
            return "safe", own.said or ""
        if own.extent in ("model_wide", "unknown"):
            if is_reached or beyond:
                return "review", own.said
            return "safe", f"{own.said}; nothing reads it"
        verdict = worst(*(column.verdict for column in columns))
        first = next((c for c in columns if c.verdict == verdict), None)
        if first is None or verdict == "safe":
            said = "columns are added" if own.extent == "additive" else own.said
            return "safe", said if own.extent == "additive" else f"{said}; nothing reads them"
        return verdict, f"{first.name} {_DID[first.how]}; {first.reason}"

    def _passed_on(
        self, gone: Sequence[Ref], new: Sequence[Ref], key: str
    ) -> tuple[ColumnChange, ...]:
        return (
            *self._others(gone, self._columns.gone, "removed", key),
            *self._others(new, self._columns.new, "added", key),
        )

    def _others(
        self, refs: Sequence[Ref], names: Mapping[Ref, str], how: ColumnHow, key: str
    ) -> Iterator[ColumnChange]:
        for ref in refs:
            if ref[0] != key and ref[0] in self._head.graph:
                name = f"{self._head.graph[ref[0]].name}.{names.get(ref, ref[1])}"
                yield ColumnChange(
                    name=name, how=how, verdict="safe", reason="passed on by its parent"
                )

    def _unloaded(self, stream: Asset) -> list[Failure]:
        """Sources that this stream loaded, that something reads, and that nothing loads now."""
        if stream.kind != "stream" or not _is_on(stream):
            return []
        return [
            Failure(key, f"was loaded by {stream.key}, and nothing loads it now")
            for key in sorted(self._base.graph.children(stream.key))
            if self._is_unloaded(key)
        ]

    def _is_unloaded(self, key: str) -> bool:
        graph = self._head.graph
        source = graph.assets.get(key)
        if source is None or source.kind != "source" or not graph.children(key):
            return False
        return not any(parent in graph and _is_on(graph[parent]) for parent in source.matched)


_DID = {
    "added": "is new", "removed": "is gone", "renamed": "has another name",
    "retyped": "has another type", "changed": "means something else",
}  # fmt: skip


def _readers(side: Side, ref: tuple[str, str]) -> Iterator[str]:
    """What reads a column; where a stream lands in a source, what reads it there."""
    for key, _ in side.downstream.readers(ref):
        if side.graph[key].kind != "source":
            yield key
            continue
        for name in side.downstream.into(ref, key):
            yield from (reader for reader, _ in side.downstream.readers((key, name)))


def _is_on(stream: Asset) -> bool:
    return stream.config.get("enabled") is not False


def _beyond(side: Side, asset: Asset) -> bool:
    """Whether somebody outside of the graph may read it: it is public, or the end of a pipeline."""
    if asset.kind in WHOLE_READERS or asset.materialized == "ephemeral":
        return False
    shown = all(side.graph[key].kind == "exposure" for key in side.graph.children(asset.key))
    return asset.access == "public" or shown


def _count(keys: Sequence[str]) -> str:
    return keys[0] if len(keys) == 1 else f"{len(keys)} assets"


def _refs(asset: Asset, names: Sequence[str]) -> list[Ref]:
    return [(asset.key, name.casefold()) for name in names]
