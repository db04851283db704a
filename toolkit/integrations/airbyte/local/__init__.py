"""Local syncs: what a source says, into DuckDB, checkpoint by checkpoint."""
