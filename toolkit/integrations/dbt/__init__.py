"""dbt: the manifest's nodes as assets, and dbt itself to make them."""

from toolkit.integrations.dbt.integration import DbtIntegration

__all__ = ["DbtIntegration"]
