"""One of the two graphs that are compared, with what is asked of it over and over."""

from functools import cached_property

from toolkit.diff.definition import Definitions
from toolkit.graph import AssetGraph
from toolkit.lineage import Lineage
from toolkit.lineage.places import Places
from toolkit.lineage.walks.reach import Downstream
from toolkit.lineage.walks.vanish import Names


class Side:
    """A graph with its lineage.

    Args:
        dialect: dbt adapter type.
        name: for people: ``main``, ``target-base/manifest.json``.
    """

    def __init__(self, graph: AssetGraph, lineage: Lineage, dialect: str, name: str) -> None:
        self.graph = graph
        self.lineage = lineage
        self.dialect = dialect
        self.name = name
        self.definitions = Definitions(graph, lineage, dialect)
        self.names = Names(dialect)

    @cached_property
    def downstream(self) -> Downstream:
        """Walks over the lineage."""
        return Downstream(self.graph, self.lineage)

    @cached_property
    def places(self) -> Places:
        """Where the assets live."""
        return Places(self.graph)

    def columns(self, key: str) -> dict[str, str] | None:
        """Folded name -> name of all columns of an asset; ``None`` where they may be more.

        A source's columns are documentation, unless what loads it is known.
        """
        asset = self.graph.assets.get(key)
        if asset is None:
            return None
        names = {name.casefold(): name for name in self.lineage.columns.get(key, {})}
        known = {
            "stream": bool(names),
            "seed": bool(names),
            "source": bool(asset.matched) and bool(names),
            "python": bool(names) and self.lineage.status.get(key) == "full",
        }.get(asset.kind, self.lineage.status.get(key) == "full")
        return names if known else None
