"""Whom a change reaches: what it takes away is followed in the old graph, the rest in the new."""

from collections.abc import Iterable

from toolkit.diff.model import ReachedAsset
from toolkit.diff.side import Side
from toolkit.lineage.model import ColumnRef
from toolkit.lineage.walks.reach import Reach


def reached(
    base: Side,
    head: Side,
    changed: str,
    *,
    was: str | None,
    gone: Iterable[ColumnRef] = (),
    other: Iterable[ColumnRef] = (),
    rows: bool = False,
    cut: bool = False,
) -> tuple[ReachedAsset, ...]:
    """Assets downstream that come to see the change of ``changed``.

    Args:
        was: its key in the old graph; ``None`` for what is new.
        gone: columns of the old graph that are no longer there.
        other: columns of the new graph that hold something else.
        rows: its rows are others.
        cut: what it fed does not get its rows from it any more.
    """
    found: dict[str, ReachedAsset] = {}
    gone, other = list(gone), list(other)
    if was is not None and (gone or cut):
        _add(found, base.downstream.of(gone, rows=[was] if cut else []), was)
    if changed in head.graph and (rows or other):
        _add(found, head.downstream.of(other, rows=[changed] if rows else []), changed)
    order = {key: place for place, key in enumerate((*base.graph.assets, *head.graph.assets))}
    return tuple(sorted(found.values(), key=lambda one: (not one.sure, order[one.key])))


def _add(found: dict[str, ReachedAsset], reach: Reach, start: str) -> None:
    sure_columns = _by_asset(reach.columns)
    columns = _by_asset((*reach.columns, *reach.possible_columns))
    for key in (*reach.assets, *reach.possible_assets):
        if key == start:
            continue
        sure = key in reach.assets
        names = (sure_columns if sure else columns).get(key, set())
        earlier = found.get(key)
        if earlier is not None:
            names = {*names, *earlier.columns} if earlier.sure == sure else names
            if earlier.sure and not sure:
                continue
        path = reach.path(key)
        if earlier is not None and earlier.sure == sure and len(earlier.path) <= len(path):
            path = earlier.path
        found[key] = ReachedAsset(
            key=key, columns=tuple(sorted(n for n in names if n != "*")), sure=sure, path=path
        )


def _by_asset(refs: Iterable[ColumnRef]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for key, name in refs:
        found.setdefault(key, set()).add(name)
    return found
