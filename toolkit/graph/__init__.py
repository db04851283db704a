"""What there is: assets, their relations, the graph they make, selection. Pure."""

from toolkit.graph.asset import Asset, Check, Column, Kind, Relation
from toolkit.graph.graph import AssetGraph

__all__ = ["Asset", "AssetGraph", "Check", "Column", "Kind", "Relation"]
