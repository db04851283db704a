"""Assets that are there under another name."""

from toolkit.diff.definition import Undefined
from toolkit.diff.side import Side
from toolkit.graph import Asset


def renamed_assets(base: Side, head: Side) -> dict[str, str]:
    """Former key -> key now, where an asset that is gone and a new one mean the same.

    Only where there is no doubt: the meaning is that of no other asset that came or went.
    """
    gone = [a for key, a in base.graph.assets.items() if key not in head.graph.assets]
    new = [a for key, a in head.graph.assets.items() if key not in base.graph.assets]
    before: dict[object, list[str]] = {}
    after: dict[object, list[str]] = {}
    for side, assets, found in ((base, gone, before), (head, new, after)):
        for asset in assets:
            if asset.kind in ("model", "snapshot"):
                meaning = _meaning(side, asset)
                if meaning is not None:
                    found.setdefault(meaning, []).append(asset.key)
    return {
        keys[0]: after[meaning][0]
        for meaning, keys in before.items()
        if len(keys) == 1 and len(after.get(meaning, ())) == 1
    }


def _meaning(side: Side, asset: Asset) -> object:
    if asset.sql is None:
        return None
    try:
        found = side.definitions.of(asset)
    except Undefined:
        return None
    return asset.kind, found.rows, frozenset(found.columns.items())
