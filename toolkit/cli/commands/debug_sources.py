"""The part of ``toolkit debug`` on who loads dbt's sources."""

from collections import Counter
from typing import TYPE_CHECKING

from toolkit.cli.console import plural

if TYPE_CHECKING:
    from toolkit.graph import AssetGraph

_TIERS = ("explicit", "relation", "schema", "assumed")


def loaders_known(graph: "AssetGraph") -> bool:
    """Whether anything in the graph lands tables; else it is no news that no source is loaded."""
    return any(a.kind == "stream" or (a.kind == "source" and a.matched) for a in graph)


def sources_text(graph: "AssetGraph") -> str:
    """How many sources have a writer, by the tier that found it, and how many streams no reader."""
    sources = [asset for asset in graph if asset.kind == "source"]
    streams = sum(asset.kind == "stream" for asset in graph)
    if not sources:
        return f"no dbt sources; {plural(streams, 'stream')}"
    if not loaders_known(graph):
        return (
            f"{plural(len(sources), 'dbt source')}; no connection is configured, so something else "
            "loads them, and lineage begins there"
        )
    tiers = Counter(next(iter(a.matched.values())) for a in sources if a.matched)
    known = sorted(tiers, key=lambda tier: (_TIERS.index(tier.partition("-")[0]), tier))
    found = ", ".join(f"{tiers[tier]} {tier}" for tier in known)
    text = f"{tiers.total()} of {plural(len(sources), 'dbt source')} loaded by an asset"
    unread = sum(item.what == "stream" for item in graph.unmatched)
    return f"{text}{f' ({found})' if found else ''}; {unread} of {plural(streams, 'stream')} unread"
