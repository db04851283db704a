"""What OpenLineage calls a dataset: namespaces and names that other tools give the same tables.

The rules are those of OpenLineage's naming document; where it leaves room, or says nothing
(DuckDB), those of its own dbt integration, so that events of both meet in one graph.
"""

from collections.abc import Mapping
from typing import Any

from toolkit.settings import Profile

# adapter -> (namespace, values where the profile says none)
_RULES: Mapping[str, tuple[str, Mapping[str, object]]] = {
    "athena": ("awsathena://athena.{region_name}.amazonaws.com", {}),
    "bigquery": ("bigquery", {}),
    "clickhouse": ("clickhouse://{host}:{port}", {"port": 8123}),
    "databricks": ("databricks://{host}", {}),
    "dremio": ("dremio://{software_host}:{port}", {"port": 9047}),
    "duckdb": ("duckdb://{path}", {"path": ":memory:"}),
    "fabric": ("fabric-warehouse://{server}", {}),
    "mysql": ("mysql://{server}:{port}", {"port": 3306}),
    "postgres": ("postgres://{host}:{port}", {"port": 5432}),
    "redshift": ("redshift://{host}:{port}", {"port": 5439}),
    "snowflake": ("snowflake://{account}", {}),
    "spark": ("spark://{host}:{port}", {"port": 10001}),
    "sqlserver": ("mssql://{server}:{port}", {"port": 1433}),
    "trino": ("trino://{host}:{port}", {"port": 8080}),
}


def dataset_namespace(adapter: str, profile: Profile | None) -> str | None:
    """The namespace of the target's tables; ``None`` where it cannot be told.

    Args:
        adapter: dbt's name of it.
        profile: of the target; without one only adapters are known that need nothing
            but their name.
    """
    template, defaults = _RULES.get(adapter, ("", {}))
    if not template:
        return None
    raw: dict[str, Any] = {**defaults, **(profile.raw if profile is not None else {})}
    if profile is None and adapter != "bigquery":
        return None
    if adapter == "duckdb":
        raw["path"] = str(raw["path"]).partition("?")[0]  # behind it MotherDuck's token may stand
    if adapter == "snowflake" and "account" in raw:
        raw["account"] = _account(str(raw["account"]))
    try:
        return template.format_map(raw)
    except KeyError:
        return None


def _account(name: str) -> str:
    """An account locator with its region and cloud; ``organization-account`` as it is."""
    parts = name.split(".")
    if "-" in parts[0]:
        return name
    return ".".join([*parts, *("us-west-1", "aws")[len(parts) - 1 :]])
