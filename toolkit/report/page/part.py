"""A part of the graph as a report of its own."""

from collections.abc import Collection

import msgspec

from toolkit.graph import AssetGraph
from toolkit.lineage import Lineage
from toolkit.report.page.data import ReportData


def part_of(data: ReportData, keys: Collection[str], lineage: Lineage) -> ReportData:
    """The report of these assets only, without runs: a run is of the whole graph.

    Args:
        lineage: what is to be shown of the lineage between them.
    """
    assets = [
        msgspec.structs.replace(
            asset, depends_on=tuple(parent for parent in asset.depends_on if parent in keys)
        )
        for asset in data.graph
        if asset.key in keys
    ]
    checks = [check for check in data.graph.checks.values() if set(check.assets) <= set(keys)]
    unmatched = [item for item in data.graph.unmatched if item.asset.key in keys]
    kept = {*keys, *(check.key for check in checks)}
    return msgspec.structs.replace(
        data,
        graph=AssetGraph(assets, checks, unmatched=unmatched),
        lineage=lineage.within(keys),
        problems=tuple(p for p in data.problems if p.asset in kept),
        runs=(),
        materializations={k: v for k, v in data.materializations.items() if k in kept},
        results={k: v for k, v in data.results.items() if k in kept},
        states={k: v for k, v in data.states.items() if k in kept},
        models={k: v for k, v in data.models.items() if k in kept},
        profiles={k: v for k, v in data.profiles.items() if k in kept},
    )
