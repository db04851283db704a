"""dbt's node selection over every asset of the graph; see docs/selection.md."""

from toolkit.graph.selection.context import Indirect, Selection, SelectionContext, SourceStatus
from toolkit.graph.selection.select import select
from toolkit.graph.selection.types import of_types

__all__ = ["Indirect", "Selection", "SelectionContext", "SourceStatus", "of_types", "select"]
