"""The table that says which run made what, written in the transaction that made it."""

from toolkit.warehouse.duckdb import Warehouse, quote

SCHEMA = "_toolkit"
TABLE = f"{quote(SCHEMA)}.{quote('made')}"


def make_table(warehouse: Warehouse) -> None:
    """Create the table, empty: what earlier runs wrote was looked at before this one began."""
    warehouse.create_schema(SCHEMA)
    with warehouse.cursor() as cursor:
        cursor.execute(
            f"CREATE OR REPLACE TABLE {TABLE} (step VARCHAR, run_id VARCHAR, committed TIMESTAMPTZ)"
        )


def made_in(warehouse: Warehouse, run_id: str) -> frozenset[str]:
    """The steps of a run whose work was committed, as far as they are marked."""
    import duckdb

    with warehouse.cursor() as cursor:
        try:
            rows = cursor.execute(f"SELECT step FROM {TABLE} WHERE run_id = ?", [run_id]).fetchall()
        except duckdb.CatalogException:
            return frozenset()
    return frozenset(step for (step,) in rows)
