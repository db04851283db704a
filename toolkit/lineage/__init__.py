"""SQL -> column edges for the whole graph, in one pass, cached. See docs/lineage.md."""

from toolkit.lineage.model import AssetEdge, ColumnEdge, Coverage, Lineage, LineageSlice
from toolkit.lineage.trace import trace

__all__ = ["AssetEdge", "ColumnEdge", "Coverage", "Lineage", "LineageSlice", "trace"]
