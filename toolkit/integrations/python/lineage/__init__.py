"""Column lineage of Python assets: SQL of relations, SQL assets, columns that code reads."""
