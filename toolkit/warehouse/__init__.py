"""What we ask of a warehouse, and DuckDB's answer to it."""

from toolkit.warehouse.duckdb import Warehouse, quote, quote_relation

__all__ = ["Warehouse", "quote", "quote_relation"]
