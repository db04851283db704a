"""What a diff says: changes, why they matter, and whom they reach."""

from collections.abc import Mapping
from typing import Literal

import msgspec

from toolkit.diff.definition import Clause
from toolkit.lineage.walks.reach import Hop, Verdict
from toolkit.warehouse.rows_diff import RowsDiff

How = Literal["added", "removed", "renamed", "changed"]

Extent = Literal["none", "additive", "column", "model_wide", "unknown"]
"""How much of an asset means something else now.

``none``: nothing (formatting, documentation, where it is kept); ``additive``: there is more than
before; ``column``: single columns; ``model_wide``: which rows there are; ``unknown``: nobody
can tell.
"""

ColumnHow = Literal["added", "removed", "renamed", "retyped", "changed"]


class Failure(msgspec.Struct, frozen=True, order=True):
    """Something that cannot work any more, for certain.

    Attributes:
        key: the asset or check that fails.
        reason: a clause ("reads customers.email, which is gone").
    """

    key: str
    reason: str

    def said_of(self, asset: str) -> str:
        """What fails and why, where a change of ``asset`` is told: that one goes without a name."""
        return self.reason if self.key == asset else f"{self.key} {self.reason}"


class ReachedAsset(msgspec.Struct, frozen=True, kw_only=True):
    """An asset downstream of a change that comes to see it.

    Attributes:
        columns: those that do, sorted; empty where its rows do, or where it has none.
        sure: ``False``: only something that cannot be traced may pass the change on.
        path: a shortest way from the changed asset to this one.
    """

    key: str
    columns: tuple[str, ...]
    sure: bool
    path: tuple[Hop, ...]


class Note(msgspec.Struct, frozen=True):
    """One thing that differs besides columns and rows, with what it means.

    Attributes:
        what: for people ("materialized: table -> view").
        verdict: of this alone.
        reason: why, where it is not safe.
        rows: readers may see other rows.
    """

    what: str
    verdict: Verdict = "safe"
    reason: str = ""
    rows: bool = False


class ColumnChange(msgspec.Struct, frozen=True, kw_only=True):
    """One column that is not what it was.

    Attributes:
        name: as it is called now; of one that is gone, as it was called.
        was / now: former name, type or expression, as ``how`` has it; ``None`` where not known.
        readers: assets that read it directly, before for what is gone, else now.
    """

    name: str
    how: ColumnHow
    verdict: Verdict
    reason: str
    was: str | None = None
    now: str | None = None
    readers: tuple[str, ...] = ()


class AssetChange(msgspec.Struct, frozen=True, kw_only=True):
    """One asset that is not what it was.

    Attributes:
        key: of the asset now; of one that is gone, as it was.
        was: former key of a renamed one.
        extent / verdict / reason: how much of it, how bad, and why that is said.
        columns: those that its own change concerns.
        passed_on: columns that are there or gone only since a parent has or lacks them.
        notes: what else differs.
        clauses_gone / clauses_new: what decided the rows, and what does now.
        fails: what cannot work any more because of this change.
        reached: what comes to see the change, in the order of the graph.
        beyond: it may be read from outside of the graph, which nobody can see.
    """

    key: str
    how: How
    extent: Extent
    verdict: Verdict
    reason: str
    was: str | None = None
    columns: tuple[ColumnChange, ...] = ()
    passed_on: tuple[ColumnChange, ...] = ()
    notes: tuple[Note, ...] = ()
    clauses_gone: tuple[Clause, ...] = ()
    clauses_new: tuple[Clause, ...] = ()
    fails: tuple[Failure, ...] = ()
    reached: tuple[ReachedAsset, ...] = ()
    beyond: bool = False


class CheckChange(msgspec.Struct, frozen=True, kw_only=True):
    """A check that is new, gone or another one."""

    key: str
    name: str
    how: How
    verdict: Verdict
    reason: str
    assets: tuple[str, ...]


class Diff(msgspec.Struct, frozen=True, kw_only=True):
    """All that differs between two graphs, worst first.

    Attributes:
        base / head: what was compared, in words.
        counts: how many changes of each verdict, with those of checks.
        problems: what could not be compared, and why.
        data: how the rows of what is changed or reached differ, where two files were given.
    """

    base: str
    head: str
    changes: tuple[AssetChange, ...]
    checks: tuple[CheckChange, ...] = ()
    counts: Mapping[str, int] = {}
    problems: tuple[str, ...] = ()
    data: Mapping[str, RowsDiff] = {}

    @property
    def verdict(self) -> Verdict | None:
        """The worst; ``None`` where nothing differs."""
        if not self.changes and not self.checks:
            return None
        return worst(*(c.verdict for c in self.changes), *(c.verdict for c in self.checks))


_ORDER: Mapping[str, int] = {"breaking": 0, "review": 1, "safe": 2}


def worst_first(verdict: Verdict) -> int:
    """A key to sort by."""
    return _ORDER[verdict]


def worst(*verdicts: Verdict) -> Verdict:
    """The worst of some; ``safe`` of none."""
    return min(verdicts, key=worst_first, default="safe")
