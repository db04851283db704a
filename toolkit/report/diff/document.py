"""A diff as JSON; see docs/diff.md."""

from typing import Any

from toolkit.diff.model import AssetChange, CheckChange, ColumnChange, Diff, ReachedAsset
from toolkit.graph import Asset, AssetGraph
from toolkit.warehouse.rows_diff import RowsDiff

SCHEMA_VERSION = 1


class Both:
    """The assets of both graphs: the new one's first, the old one's where they are gone."""

    def __init__(self, base: AssetGraph, head: AssetGraph) -> None:
        self._base = base
        self._head = head

    def __getitem__(self, key: str) -> Asset:
        return self._head[key] if key in self._head else self._base[key]

    def name(self, key: str) -> str:
        """What people call an asset or check."""
        if key in self._head or key in self._base:
            return self[key].name
        check = self._head.checks.get(key) or self._base.checks.get(key)
        return check.name if check is not None else key

    def place(self, key: str) -> tuple[str | None, int | None]:
        """The file that defines an asset or check, and the line, where known."""
        if key in self._head or key in self._base:
            asset = self[key]
            return asset.path, asset.line
        check = self._head.checks.get(key) or self._base.checks.get(key)
        return (check.yaml_path or check.path, None) if check is not None else (None, None)

    def parents(self, key: str) -> tuple[str, ...]:
        """What an asset reads."""
        return self[key].depends_on

    def owner(self, key: str) -> str | None:
        """Who owns an asset."""
        return self[key].owner if key in self._head or key in self._base else None


def diff_document(diff: Diff, both: Both, project: str) -> dict[str, Any]:
    """The versioned document."""
    return {
        "schema_version": SCHEMA_VERSION,
        "project": project,
        "base": diff.base,
        "head": diff.head,
        "verdict": diff.verdict,
        "counts": dict(diff.counts),
        "changes": [_change(change, both) for change in diff.changes],
        "checks": [_check(change) for change in diff.checks],
        "rows": {key: _rows(rows) for key, rows in diff.data.items()},
        "notes": list(diff.problems),
    }


def _change(change: AssetChange, both: Both) -> dict[str, Any]:
    asset = both[change.key]
    return {
        "asset": change.key,
        "was": change.was,
        "kind": asset.kind,
        "owner": asset.owner,
        "path": asset.path,
        "line": asset.line,
        "change": change.how,
        "extent": change.extent,
        "verdict": change.verdict,
        "reason": change.reason,
        "columns": [_column(column) for column in change.columns],
        "passed_on": [{"column": c.name, "change": c.how} for c in change.passed_on],
        "rows": {
            "gone": [{"kind": c.kind, "sql": c.text} for c in change.clauses_gone],
            "new": [{"kind": c.kind, "sql": c.text} for c in change.clauses_new],
        },
        "notes": [
            {"what": note.what, "verdict": note.verdict, "reason": note.reason or None}
            for note in change.notes
        ],
        "fails": [{"key": f.key, "reason": f.reason} for f in change.fails],
        "reached": [_reached(one, both) for one in change.reached],
        "owners": owners(change, both),
        "read_from_outside": change.beyond,
    }


def _column(column: ColumnChange) -> dict[str, Any]:
    return {
        "column": column.name,
        "change": column.how,
        "verdict": column.verdict,
        "reason": column.reason,
        "was": column.was,
        "now": column.now,
        "readers": list(column.readers),
    }


def _reached(one: ReachedAsset, both: Both) -> dict[str, Any]:
    asset = both[one.key]
    return {
        "asset": one.key,
        "kind": asset.kind,
        "owner": asset.owner,
        "certain": one.sure,
        "columns": list(one.columns),
        "path": [[hop.asset, hop.column, hop.how or None] for hop in one.path],
    }


def _rows(rows: RowsDiff) -> dict[str, Any]:
    return {
        "base": rows.base,
        "head": rows.head,
        "key": list(rows.key),
        "compared": rows.share,
        "only_base": rows.only_base,
        "only_head": rows.only_head,
        "both": rows.both,
        "columns": dict(rows.columns),
        "columns_gone": list(rows.gone),
        "columns_new": list(rows.new),
    }


def _check(change: CheckChange) -> dict[str, Any]:
    return {
        "check": change.key,
        "name": change.name,
        "change": change.how,
        "verdict": change.verdict,
        "reason": change.reason,
        "assets": list(change.assets),
    }


def owners(change: AssetChange, both: Both) -> list[str]:
    """Owners of what is reached, in order."""
    found = [both.owner(one.key) for one in change.reached]
    return list(dict.fromkeys(owner for owner in found if owner is not None))
