"""Airbyte: configuration formats -> assets; connectors as local processes -> DuckDB."""

from toolkit.integrations.airbyte.integration import AirbyteIntegration

__all__ = ["AirbyteIntegration"]
