"""What we ask of a warehouse, and DuckDB's answer to it."""

from toolkit.stamp import stamp_of
from toolkit.warehouse.duckdb import (
    Content,
    Warehouse,
    content_hash,
    literal,
    quote,
    quote_relation,
)

__all__ = ["Content", "Warehouse", "content_hash", "literal", "quote", "quote_relation", "stamp_of"]
