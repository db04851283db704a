"""``--resource-type`` and ``--exclude-resource-type``: only some types of what was selected."""

from collections.abc import Collection

import msgspec

from toolkit.graph.graph import AssetGraph
from toolkit.graph.selection.context import Selection
from toolkit.graph.selection.index import index_of

EVERYTHING = frozenset({"all", "default"})  # dbt's words


def of_types(
    graph: AssetGraph,
    selection: Selection,
    wanted: Collection[str] = (),
    unwanted: Collection[str] = (),
) -> Selection:
    """What of ``selection`` has one of the ``wanted`` types (none = any) and no ``unwanted`` one.

    A type is dbt's resource type, or a kind of asset that dbt does not know, or ``check``, which
    are ``test`` and ``unit_test`` together.
    """
    nodes = index_of(graph).nodes

    def chosen(key: str) -> bool:
        types = {nodes[key].resource, *(("check",) if key in graph.checks else ())}
        if not wanted or not EVERYTHING.isdisjoint(wanted) or not types.isdisjoint(wanted):
            return EVERYTHING.isdisjoint(unwanted) and types.isdisjoint(unwanted)
        return False

    return msgspec.structs.replace(
        selection,
        assets=frozenset(filter(chosen, selection.assets)),
        checks=frozenset(filter(chosen, selection.checks)),
    )
