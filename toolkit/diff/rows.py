"""Which tables of two DuckDB files a diff compares, and what tells their rows apart."""

from collections.abc import Mapping
from pathlib import Path

from toolkit.diff.model import AssetChange, Diff
from toolkit.graph import Asset, AssetGraph
from toolkit.warehouse.rows_diff import RowsDiff, TwoFiles


def rows_differ(
    diff: Diff, base: AssetGraph, head: AssetGraph, files: tuple[Path, Path]
) -> Mapping[str, RowsDiff]:
    """How the rows of each changed or reached asset differ between the base's and our file.

    Raises:
        WarehouseError: a file cannot be opened or read.
    """
    keys: dict[str, str | None] = {}
    for change in diff.changes:
        keys[change.key] = _former(change)
        keys |= {one.key: one.key for one in change.reached if one.key not in keys}
    found: dict[str, RowsDiff] = {}
    with TwoFiles(*files) as both:
        for now, was in keys.items():
            before = base.assets.get(was) if was is not None else None
            after = head.assets.get(now)
            if not _has_rows(before) and not _has_rows(after):
                continue
            unique = key_of(after, head) if after is not None else ()
            found[now] = both.compare(
                before.relation if before is not None else None,
                after.relation if after is not None else None,
                unique,
            )
    return found


def key_of(asset: Asset, graph: AssetGraph) -> tuple[str, ...]:
    """Columns that tell its rows apart: what an incremental model or snapshot merges by, else a
    column that is tested to be unique; none where neither is said."""
    config = asset.config.get("unique_key") or asset.config.get("primary_key")
    names = [config] if isinstance(config, str) else config
    if isinstance(names, list) and names and all(str(name).isidentifier() for name in names):
        return tuple(map(str, names))
    for check in graph.checks_on(asset.key):
        if check.test_name == "unique" and check.column and check.attached in (None, asset.key):
            return (check.column,)
    return ()


def _former(change: AssetChange) -> str | None:
    return None if change.how == "added" else change.was or change.key


def _has_rows(asset: Asset | None) -> bool:
    return (
        asset is not None
        and asset.relation is not None
        and asset.materialized != "ephemeral"
        and asset.kind not in ("ml_model", "function")
    )
