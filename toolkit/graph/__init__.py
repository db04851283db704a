"""What there is: assets, their relations, the graph they make, selection. Pure."""

from toolkit.graph.asset import Alias, Asset, Check, Column, Kind, Relation
from toolkit.graph.graph import AssetGraph

__all__ = ["Alias", "Asset", "AssetGraph", "Check", "Column", "Kind", "Relation"]
