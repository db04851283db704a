"""Resources and data sources as Terraform's expressions see them, and connectors' definitions."""

from collections.abc import Callable, Mapping

from toolkit.integrations.airbyte.readers.terraform.syntax import Block
from toolkit.integrations.airbyte.readers.terraform.values import (
    Computed,
    Encoded,
    Lazy,
    Value,
    json_text,
    merged,
    unknown,
    unknowns_in,
)

_CONNECTOR = "airbyte_connector_configuration"

# Airbyte's own ids of the destinations whose tables dbt reads: public, and the same everywhere.
DESTINATION_DEFINITIONS: Mapping[str, str] = {
    "22f6c74f-5699-40ff-833c-4a879ea40133": "bigquery",
    "072d5540-f236-4294-ba7c-ade8fd918496": "databricks",
    "94bd199c-2ff0-4aa2-b98e-17f0acb72610": "duckdb",
    "25c5221d-dce2-4163-ade9-739ef790f503": "postgres",
    "424892c4-daac-4491-b35d-c6688ba547ba": "snowflake",
    "4816b78f-1489-44c1-9060-4b19d5fa9362": "s3",
    "ca81ee7c-3163-4246-af40-094cc31e5e42": "mysql",
    "ce0d828e-1dc4-496c-b122-2da42e637e48": "clickhouse",
    "d4353156-9217-4cad-8dd7-c108fd4f74cf": "mssql",
    "f7a7d195-377f-cf5b-70a5-be6b819019dc": "redshift",
}


class Instance(Lazy):
    """One instance of a ``resource`` or ``data`` block.

    Attributes:
        address: as Terraform writes it: ``module.x.airbyte_connection.orders["eu"]``.
        block: where it is written.
    """

    def __init__(self, address: str, block: Block, find: Callable[[str], Value]) -> None:
        super().__init__(address)
        self.address = address
        self.block = block
        self._find = find

    def get(self, name: str) -> Value:
        """An attribute as it is written; else one that exists once it was applied."""
        if name in self.block.body.attributes:
            return self._find(name)
        if self.block.type == "data" and self.block.labels[0] == _CONNECTOR:
            return self._connector(name)
        return Computed((f"{self.address}.{name}",), address=self.address)

    def _connector(self, name: str) -> Value:
        """The provider's data source that names a connector and puts its configuration together."""
        written = self.block.body.attributes
        if name == "definition_id" and "connector_name" in written:
            connector = self._find("connector_name")
            plain = connector if isinstance(connector, str) else None
            return Computed((f"{self.address}.{name}",), address=self.address, connector=plain)
        if name != "configuration_json" or "configuration" not in written:
            return unknown(f"{self.address}.{name}")
        open_ = self._find("configuration")
        secret = self._find("configuration_secrets") if "configuration_secrets" in written else {}
        if not isinstance(open_, Mapping):
            return merged(unknowns_in(open_))
        if not isinstance(secret, Mapping):
            # Which keys they have is not known. That one of them is the schema is not assumed.
            return Encoded(merged(unknowns_in(open_, secret)).names, open_)
        return json_text(_deep_merged(open_, secret))


def _deep_merged(left: Mapping[str, Value], right: Mapping[str, Value]) -> Value:
    found: dict[str, Value] = dict(left)
    for key, value in right.items():
        other = found.get(key)
        if isinstance(other, Mapping) and isinstance(value, Mapping):
            value = _deep_merged(other, value)
        found[key] = value
    return found


def connector_of(kind: str, definition: Value) -> str | None:
    """``snowflake`` for a resource ``airbyte_destination_snowflake``, or by its definition.

    Args:
        kind: type of the resource.
        definition: its ``definition_id``.
    """
    role = "destination" if kind.startswith("airbyte_destination") else "source"
    plain = kind.removeprefix(f"airbyte_{role}").removeprefix("_")
    if plain not in ("", "custom"):
        return plain.replace("_", "-")
    if isinstance(definition, Computed) and definition.connector is not None:
        return definition.connector.removeprefix(f"{role}-")
    return DESTINATION_DEFINITIONS.get(definition.lower()) if isinstance(definition, str) else None
