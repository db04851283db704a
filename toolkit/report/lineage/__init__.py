"""Column lineage and the graph, as text and in the formats of other tools."""
