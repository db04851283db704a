"""Whether two names are one name to a warehouse.

What stands in quotes is taken literally by some warehouses and not by others; what does not
is folded by most. A name of which nobody knows whether it is quoted gets the benefit of the
doubt: a lost match is worse than a generous one.
"""

from collections.abc import Mapping
from typing import Literal

Casing = Literal["never", "lower", "upper", "always"]
"""When case counts: never; in quotes, and else the name is lower or upper case; always."""

_CASING: Mapping[str, Casing] = {
    "bigquery": "always",  # datasets and tables; columns never
    "clickhouse": "always",
    "snowflake": "upper",
    "oracle": "upper",
    "postgres": "lower",
    "materialize": "lower",
    "greenplum": "lower",
    "risingwave": "lower",
}

# What others call a schema is a database there, and there is nothing above it.
_WITHOUT_DATABASE = frozenset({"clickhouse", "hive", "mariadb", "mysql", "mysql5", "spark"})


def casing(adapter: str) -> Casing:
    """The rule of a dbt adapter; ``never`` (as DuckDB, Redshift, Databricks) where not known."""
    return _CASING.get(adapter, "never")


def has_database(adapter: str) -> bool:
    """Whether the adapter's relations have a database above the schema."""
    return adapter not in _WITHOUT_DATABASE


def same_name(
    left: str, left_quoted: bool | None, right: str, right_quoted: bool | None, adapter: str
) -> bool:
    """Whether both mean one table (or schema).

    Args:
        left_quoted / right_quoted: it stands in quotes; ``None`` where that is not known.
    """
    if left.casefold() != right.casefold():
        return False
    rule = casing(adapter)
    if rule == "never" or left_quoted is None or right_quoted is None:
        return True
    return _seen(left, left_quoted, rule) == _seen(right, right_quoted, rule)


def _seen(name: str, quoted: bool, rule: Casing) -> str:
    if quoted or rule == "always":
        return name
    return name.upper() if rule == "upper" else name.lower()
