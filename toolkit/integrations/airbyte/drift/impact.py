"""What a change at a source breaks: a verdict, its reason, and everything that it reaches.

``breaking`` is only what can be proved from the graph: something names what is gone or
incompatible, or the next local sync refuses to read. What may hurt is ``review``.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from toolkit.graph import AssetGraph
from toolkit.integrations.airbyte.drift.changes import Change
from toolkit.integrations.airbyte.local.tables import fits
from toolkit.integrations.airbyte.model import SchemaUpdates, StreamConfiguration
from toolkit.lineage import Lineage
from toolkit.lineage.model import ColumnRef
from toolkit.lineage.walks.reach import WHOLE_READERS, Downstream, Reach, Verdict
from toolkit.lineage.walks.vanish import Names, Vanished

_STOPS = "the next sync refuses to read anything"
_NAMED = 3
# Changes of which a sync of its own takes notice.
_OF_FIELDS = frozenset({"field-removed", "field-added", "field-retyped"})

# Types of which each value can be cast to each other type of the same family.
_FAMILIES = (
    frozenset({"BOOLEAN", "BIGINT", "HUGEINT", "DOUBLE"}),
    frozenset({"DATE", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE"}),
    frozenset({"TIME", "TIME WITH TIME ZONE"}),
)


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """A change and what comes of it.

    Attributes:
        reach: ``None`` where nothing downstream is concerned.
        fails: assets that name what is gone or of another type now: dbt or Python fails there,
            or takes the values for something else.
        waits: how many assets are downstream of these (or of a sync that stops).
    """

    change: Change
    verdict: Verdict
    reason: str
    reach: Reach | None = None
    fails: tuple[str, ...] = ()
    waits: int = 0


def castable(was: str, now: str) -> bool:
    """Whether what reads ``was`` can still cast each value of ``now`` to it, in DuckDB.

    Whole numbers that outgrow their type, and fractions that are cut off, count as castable.
    """
    if was == now or was == "VARCHAR" or (was == "JSON" and now != "VARCHAR"):
        return True
    return any(was in family and now in family for family in _FAMILIES)


class Judge:
    """Gives verdicts, for one graph and its lineage."""

    def __init__(self, graph: AssetGraph, lineage: Lineage, dialect: str) -> None:
        self._graph = graph
        self._lineage = lineage
        self._downstream = Downstream(graph, lineage)
        self._names = Names(dialect)

    def read_columns(self, asset: str) -> tuple[str, ...]:
        """Columns of a stream that something beyond the source tables on it reads."""
        if asset not in self._graph:
            return ()
        found: dict[str, str] = {}
        for place in (asset, *self._landed(asset)):
            for name in self._lineage.columns.get(place, {}):
                readers = self._downstream.readers((place, name))
                if any(self._graph[key].kind != "source" for key, _ in readers):
                    found.setdefault(name.casefold(), name)
        return tuple(found.values())

    def judge(
        self,
        change: Change,
        stream: StreamConfiguration | None,
        *,
        local: bool,
        table: Mapping[str, str] | None = None,
        updates: SchemaUpdates = "propagate_columns",
    ) -> Finding:
        """The verdict on one change.

        Args:
            stream: as configured; ``None`` for one that is not.
            local: this target syncs it as a local process.
            table: columns of the landed table, where it can be seen.
            updates: what the connection says is to be done when fields change.
        """
        if stream is None or change.asset is None:
            return Finding(change=change, verdict="safe", reason="a new stream, not configured")
        # A schema in the configuration never changes by itself.
        ignores = local and (updates == "ignore" or stream.json_schema is not None)
        case = _Case(self, change, stream, change.asset, local, table, ignores)
        found = _JUDGES[change.kind](case)
        stops = local and not ignores and updates == "disable_connection"
        if stops and change.kind in _OF_FIELDS and found.verdict != "breaking":
            why = "`non_breaking_schema_updates_behavior: disable_connection`"
            return case.stops(why, reach=found.reach, fails=found.fails)
        return found

    # ---- what the cases ask ----

    def _landed(self, asset: str) -> list[str]:
        return sorted(k for k in self._graph.children(asset) if self._graph[k].kind == "source")

    def starts(self, asset: str, column: str) -> list[ColumnRef]:
        """The column of the stream, and of sources on it that the lineage does not lead to."""
        if asset not in self._graph:
            return []
        found = [(asset, self._spelled(asset, column))]
        for place in self._landed(asset):
            if not self._downstream.into(found[0], place):
                found.append((place, self._spelled(place, column)))
        return found

    def _spelled(self, asset: str, column: str) -> str:
        names = self._lineage.columns.get(asset, {})
        return next((name for name in names if name.casefold() == column.casefold()), column)

    def whole(self, asset: str) -> list[ColumnRef]:
        """All columns of the stream and of the sources that it lands in."""
        places = (asset, *self._landed(asset)) if asset in self._graph else ()
        # A name that no column has stands for those that nobody knows.
        return [(p, name) for p in places for name in (*self._lineage.columns.get(p, {}), "*")]

    def reach(self, starts: list[ColumnRef]) -> Reach:
        """What these reach."""
        return self._downstream.of(starts)

    def vanished(self, starts: list[ColumnRef]) -> Vanished:
        """What fails without these."""
        return self._names.vanished(self._downstream, starts)

    def below(self, keys: tuple[str, ...]) -> int:
        """How many assets are downstream of these."""
        return len(self._graph.descendants(keys))

    def published(self, gone: Vanished) -> list[str]:
        """Contracts that columns stand in, and whatever reads such assets as a whole."""
        found = []
        for key in sorted({ref[0] for ref in gone.columns}):
            if self._graph[key].contract:
                found.append(f"the contract of {key}")
            whole = (c for c in self._graph.children(key) if self._graph[c].kind in WHOLE_READERS)
            found += sorted(whole)
        return list(dict.fromkeys(found))

    def contract_by_star(self, asset: str) -> str | None:
        """A contract that a new column of the stream may get into through ``select *``."""
        waiting = [asset]
        seen = set(waiting)
        while waiting:
            for key in sorted(self._graph.children(waiting.pop())):
                child = self._graph[key]
                passes = child.kind == "source" or self._names.has_star(child)
                if key in seen or not passes:
                    continue
                if child.contract:
                    return key
                seen.add(key)
                waiting.append(key)
        return None

    def holds_values(self, reach: Reach) -> list[str]:
        """Checks that reached columns are not null."""
        return [k for k in reach.checks if self._graph.checks[k].test_name == "not_null"]


class _Case(msgspec.Struct, frozen=True):
    """One change to be judged; ``ignores``: fields are read as if they had not changed."""

    judge: Judge
    change: Change
    stream: StreamConfiguration
    asset: str
    local: bool
    table: Mapping[str, str] | None
    ignores: bool

    @property
    def overwrites(self) -> bool:
        """The table is replaced by each sync, so that only what lands is in it."""
        return self.stream.sync_mode.startswith("full_refresh_overwrite")

    def of_column(self) -> tuple[Reach, Vanished]:
        """What the change's column reaches, and who names it."""
        assert self.change.column is not None
        starts = self.judge.starts(self.asset, self.change.column)
        return self.judge.reach(starts), self.judge.vanished(starts)

    def finding(self, verdict: Verdict, reason: str, **more: Any) -> Finding:
        """With what waits for whatever fails."""
        fails = more.get("fails", ())
        return Finding(
            change=self.change,
            verdict=verdict,
            reason=reason,
            waits=self.judge.below(fails) if fails else 0,
            **more,
        )

    def stops(self, why: str, **more: Any) -> Finding:
        """The sync stops, so that everything downstream of the stream gets no new rows."""
        reach = more.pop("reach", None) or self.judge.reach(self.judge.whole(self.asset))
        found = self.finding("breaking", f"{why}: {_STOPS}", reach=reach, **more)
        return msgspec.structs.replace(found, waits=self.judge.below((self.asset,)))


def _gone(case: _Case) -> Finding:
    """A field or column that does not land any more."""
    change = case.change
    stopping = [use for use in change.uses if use.stops] if case.local else []
    used = ", ".join(dict.fromkeys(use.key for use in change.uses))
    if change.column is None:
        if stopping:
            return case.stops(f"`{used}` names it")
        if used:
            return case.finding("review", f"`{used}` names it, though it did not land")
        return case.finding("safe", "it did not land")
    reach, gone = case.of_column()
    if gone.fails:
        reason = f"{_named_by(gone.fails)} the column"
        if case.overwrites and not case.ignores:
            reason += ", and the next sync replaces the table without it"
        elif change.kind != "column-missing":
            reason += "; new rows have no value in it"
        if stopping:
            reason += f"; `{used}` names it, too: {_STOPS}"
        doubt = change.kind == "column-missing" and not case.overwrites and _may_have(case)
        if doubt:
            return case.finding("review", f"{reason}; {doubt}", reach=reach, fails=gone.fails)
        return case.finding("breaking", reason, reach=reach, fails=gone.fails)
    if stopping:
        return case.stops(f"`{used}` names it", reach=reach)
    keys = [use.key for use in change.uses]
    if case.stream.deduplicates and "primary_key" in keys:
        return case.finding("breaking", "rows are told apart by it (`primary_key`)", reach=reach)
    passed_on = _passed_on(case, reach, gone)
    if passed_on is not None:
        return passed_on
    if used:
        return case.finding("review", f"nothing reads it, but `{used}` names it", reach=reach)
    passed = len({ref[0] for ref in gone.columns}) > len(case.judge.starts(case.asset, ""))
    reason = "only `select *` passes it on, and nothing names it" if passed else "nothing reads it"
    return case.finding("safe", reason, reach=reach)


def _passed_on(case: _Case, reach: Reach, gone: Vanished) -> Finding | None:
    """What may be hurt although nothing names the column; ``None`` if nothing may."""
    if reach.possible_assets:
        some = _listed(tuple(sorted(reach.possible_assets)))
        return case.finding("review", f"{some} cannot be traced and may read it", reach=reach)
    published = case.judge.published(gone)
    if published:
        reason = f"nothing names it, but `select *` passes it on to {_listed(published)}"
        return case.finding("review", reason, reach=reach)
    return None


def _may_have(case: _Case) -> str:
    """Why a column that nothing lands in may be there all the same; empty if it is not."""
    column = (case.change.column or "").casefold()
    if case.table is None:
        return "whether the table has it from earlier is not known"
    there = any(name.casefold() == column for name in case.table)
    return "the table has it from earlier, without values in new rows" if there else ""


def _moved(case: _Case) -> Finding:
    before, after = case.change.column, case.change.column_now
    if before is not None and after is not None and before.casefold() == after.casefold():
        return case.finding("safe", f"{case.change.renamed_to!r} lands in the same column")
    if case.change.detail:  # the column is there, and holds something else
        reach, gone = case.of_column()
        if gone.fails:
            reason = f"{_read_by(gone.fails)} {before!r}, and {case.change.detail}"
            return case.finding("review", reason, reach=reach, fails=gone.fails)
        return case.finding("safe", f"{case.change.detail}, and nothing names the column")
    return _gone(case)


def _retyped(case: _Case) -> Finding:
    change = case.change
    was, now = change.was or "", change.now or ""
    reach, gone = case.of_column()
    if case.ignores:
        reason = f"it still lands as {was}, and values that are none become NULL"
        return case.finding("review" if gone.fails else "safe", reason, reach=reach)
    if case.local and not case.overwrites:
        if fits(now, was):
            return case.finding("safe", f"the table keeps {was}, which holds it", reach=reach)
        if not fits(was, now):
            again = "the next sync stops until `toolkit build --full-refresh`"
            below = case.judge.below((case.asset,))
            found = case.finding(
                "breaking", f"{was} cannot become {now}: {again}", reach=reach, fails=gone.fails
            )
            return msgspec.structs.replace(found, waits=below)
    if gone.fails and not castable(was, now):
        reason = f"{_read_by(gone.fails)} it as {was}, and not every {now} is one"
        return case.finding("breaking", reason, reach=reach, fails=gone.fails)
    if gone.fails:
        reason = f"{_read_by(gone.fails)} it; {now} can be cast to {was}"
        return case.finding("review", reason, reach=reach, fails=gone.fails)
    return _passed_on(case, reach, gone) or case.finding("safe", "nothing reads it", reach=reach)


def _nested(case: _Case) -> Finding:
    reach, gone = case.of_column()
    readers = (*gone.fails, *sorted(reach.possible_assets))
    if not readers:
        return case.finding("safe", "nothing reads the column", reach=reach)
    reason = f"{_read_by(readers)} the column; paths within it are not traced"
    return case.finding("review", reason, reach=reach)


def _required(case: _Case) -> Finding:
    return case.finding("safe", "every row has it now")


def _optional(case: _Case) -> Finding:
    reach, _ = case.of_column()
    checks = case.judge.holds_values(reach)
    if checks:
        return case.finding(
            "review", f"rows may lack it, and {_listed(checks)} is there", reach=reach
        )
    return case.finding("safe", "rows may lack it, and no not_null test is downstream", reach=reach)


def _added(case: _Case) -> Finding:
    contract = case.judge.contract_by_star(case.asset)
    if contract is not None:
        return case.finding("review", f"`select *` may pass it on to the contract of {contract}")
    return case.finding("safe", "a new column")


def _stream_gone(case: _Case) -> Finding:
    starts = case.judge.whole(case.asset)
    reach, gone = case.judge.reach(starts), case.judge.vanished(starts)
    if case.local:
        return case.stops("the source offers no such stream", reach=reach, fails=gone.fails)
    if gone.fails:
        reason = f"nothing lands any more, and {_read_by(gone.fails)} it"
        return case.finding("breaking", reason, reach=reach, fails=gone.fails)
    return case.finding("review", "it is configured, and nothing lands any more", reach=reach)


def _stopping(case: _Case) -> Finding:
    """What a local sync refuses; a server goes on in its own way."""
    change = case.change
    why = {
        "selection-missing": "`selected_fields` names a field that the source does not offer",
        "mode-removed": f"the source can no longer be read as {case.stream.sync_mode}",
        "mapper-broken": change.detail,
    }[change.kind]
    if case.local:
        return case.stops(why)
    reach = case.judge.reach(case.judge.whole(case.asset))
    clear = "; Airbyte leaves the mapper out, and the value lands in clear" if change.masks else ""
    return case.finding("review", f"{why}{clear}", reach=reach)


def _key(case: _Case) -> Finding:
    change = case.change
    if not case.stream.deduplicates:
        return case.finding("safe", f"{case.stream.sync_mode} needs no key")
    reach = case.judge.reach(case.judge.whole(case.asset))
    if change.now is None:
        reason = f"{case.stream.sync_mode} cannot tell rows apart without it"
        if case.local:
            return case.stops(reason, reach=reach)
        return case.finding("breaking", reason, reach=reach)
    return case.finding("review", "rows are told apart otherwise now: load anew", reach=reach)


def _cursor(case: _Case) -> Finding:
    if not (case.stream.incremental or case.stream.deduplicates):
        return case.finding("safe", f"{case.stream.sync_mode} needs no cursor")
    reach = case.judge.reach(case.judge.whole(case.asset))
    return case.finding("review", "it says which rows are new", reach=reach)


_JUDGES = {
    "stream-removed": _stream_gone,
    "field-removed": _gone,
    "field-moved": _moved,
    "field-retyped": _retyped,
    "field-nested": _nested,
    "field-required": _required,
    "field-optional": _optional,
    "field-added": _added,
    "column-missing": _gone,
    "selection-missing": _stopping,
    "mode-removed": _stopping,
    "mapper-broken": _stopping,
    "key-missing": _key,
    "key-changed": _key,
    "cursor-missing": _cursor,
    "cursor-changed": _cursor,
}


def _listed(keys: tuple[str, ...] | list[str]) -> str:
    more = f" and {len(keys) - _NAMED} more" if len(keys) > _NAMED else ""
    return ", ".join(keys[:_NAMED]) + more


def _read_by(keys: tuple[str, ...]) -> str:
    return f"{_listed(keys)} {'reads' if len(keys) == 1 else 'read'}"


def _named_by(keys: tuple[str, ...]) -> str:
    return f"{_listed(keys)} {'names' if len(keys) == 1 else 'name'}"
