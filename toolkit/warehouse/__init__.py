"""What we ask of a warehouse, and DuckDB's answer to it."""

from toolkit.warehouse.duckdb import Content, Warehouse, content_hash, quote, quote_relation
from toolkit.warehouse.stamp import stamp_of

__all__ = ["Content", "Warehouse", "content_hash", "quote", "quote_relation", "stamp_of"]
