"""What a person calls an asset or a column, as keys."""

import difflib
from collections.abc import Mapping
from typing import TYPE_CHECKING

from toolkit.errors import UsageError
from toolkit.graph import Asset, AssetGraph

if TYPE_CHECKING:
    from toolkit.lineage import Lineage


def resolve(graph: AssetGraph, lineage: "Lineage", text: str) -> tuple[str, str | None]:
    """``(key, column or None)`` of what ``text`` names: an asset, or an asset and a column.

    An asset goes by its key, its name or ``source_name.name``, a version of a model by
    ``name_v2`` or ``name.v2`` too; a column follows after a dot.

    Raises:
        UsageError: nothing or more than one thing has that name.
    """
    found = assets_named(graph, text)
    if len(found) == 1:
        return found[0], None
    head, dot, tail = text.rpartition(".")
    owners = assets_named(graph, head) if dot else []
    with_column = [
        (key, column)
        for key in owners
        for column in lineage.columns.get(key, {})
        if column.casefold() == tail.casefold()
    ]
    if not found and len(with_column) == 1:
        return with_column[0]
    if len(found) > 1 or len(with_column) > 1:
        rivals = sorted(found or [f"{key}.{column}" for key, column in with_column])
        raise UsageError(
            f"{text!r} could mean any of {', '.join(rivals)}.",
            "It is not known which one to trace.",
            "Give the whole key.",
        )
    if owners:
        raise _no_column(lineage, owners, tail)
    raise _no_asset(graph, text)


def asset_key(graph: AssetGraph, text: str) -> str:
    """The key of the one asset that ``text`` names.

    Raises:
        UsageError: nothing or more than one asset has that name.
    """
    found = assets_named(graph, text)
    if len(found) > 1:
        raise UsageError(
            f"{text!r} could mean any of {', '.join(sorted(found))}.",
            "It is not known which one is meant.",
            "Give the whole key.",
        )
    if not found:
        raise _no_asset(graph, text)
    return found[0]


def _no_asset(graph: AssetGraph, text: str) -> UsageError:
    names = {name: asset.key for asset in graph for name in _names(asset)}
    names |= {key: key for key in graph.assets}
    near = _nearest(text, names)
    return UsageError(
        f"There is no asset {text!r}.",
        f"The nearest: {', '.join(near)}." if near else "",
        "`toolkit ls` lists all of them.",
    )


def _nearest(text: str, names: Mapping[str, str]) -> list[str]:
    """What the three names stand for that are most like ``text``; case is not kept."""
    folded = {name.casefold(): found for name, found in names.items()}
    close = difflib.get_close_matches(text.casefold(), folded, n=3)
    return list(dict.fromkeys(folded[name] for name in close))


def _no_column(lineage: "Lineage", owners: list[str], column: str) -> UsageError:
    """All that go by the name are told of: one of them may be what was meant."""
    columns = list(dict.fromkeys(name for key in owners for name in lineage.columns.get(key, {})))
    near = _nearest(column, {name: name for name in columns}) or columns[:8]
    known = f"It has {', '.join(near)}." if near else "No column of it is known."
    fact = f"{owners[0]} has no column {column!r}."
    if len(owners) > 1:
        fact = f"None of {', '.join(sorted(owners))} has a column {column!r}."
        known = f"They have {', '.join(near)}." if near else "No column of them is known."
    return UsageError(fact, known, "Check the spelling.")


def _names(asset: Asset) -> tuple[str, ...]:
    names = (asset.name, f"{asset.source_name}.{asset.name}")
    if asset.version is None:
        return names
    return (*names, f"{asset.name}_v{asset.version}", f"{asset.name}.v{asset.version}")


def assets_named(graph: AssetGraph, text: str) -> list[str]:
    """Keys of all assets that go by this key or name."""
    if text in graph:
        return [text]
    named = [asset.key for asset in graph if text in _names(asset)]
    made = [key for key in named if graph[key].kind != "source"]
    # a source named like what loads it: people mean what is made
    return made if len(made) == 1 else named
