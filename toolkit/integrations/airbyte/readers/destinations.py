"""What a destination's configuration says of where tables land, and nothing else of it.

A configuration holds passwords. Only the keys named here are looked at, and only their
values are kept.
"""

import re
from collections.abc import Mapping
from typing import Any

from toolkit.integrations.airbyte.model import Destination
from toolkit.integrations.airbyte.naming import raw_options

# The keys that hold the default database and schema, in the destinations' own words.
_DATABASE_KEYS = ("database", "project_id", "catalog")
_SCHEMA_KEYS = ("schema", "dataset_id", "default_schema")

# What the user interface and the configuration API call a destination -> its type.
_DISPLAY_NAMES: Mapping[str, str] = {
    "amazon-redshift": "redshift",
    "aws-datalake": "aws-datalake",
    "databricks-lakehouse": "databricks",
    "google-bigquery": "bigquery",
    "microsoft-sql-server": "mssql",
    "ms-sql-server": "mssql",
    "postgresql": "postgres",
    "snowflake-cortex": "snowflake-cortex",
}


def destination_of(
    configuration: object,
    *,
    type: str | None,
    name: str | None,
    destination_id: str | None,
) -> Destination:
    """The destination, as far as its configuration says where tables land.

    Args:
        configuration: as any of Airbyte's formats has it; anything but a mapping says nothing.
        type: ``postgres``, ``bigquery``, ...; a display name or an image works too.
    """
    config: Mapping[str, Any] = configuration if isinstance(configuration, Mapping) else {}
    kind = destination_type(type) or destination_type(config.get("destinationType"))
    database, schema = _first(config, _DATABASE_KEYS), _first(config, _SCHEMA_KEYS)
    if kind == "mysql":
        # What MySQL calls a database is where others have a schema.
        database, schema = None, database
    if schema and ":" in schema:
        # BigQuery: "project:dataset".
        database, _, schema = schema.partition(":")
    raw_only, raw_schema = raw_options(config)
    return Destination(
        type=kind,
        name=name,
        database=database or None,
        schema=schema or None,
        destination_id=destination_id,
        raw_only=raw_only,
        raw_schema=raw_schema,
    )


def destination_type(name: object) -> str | None:
    """``airbyte/destination-postgres:2.0``, ``Postgres`` and ``postgres`` -> ``postgres``."""
    if not isinstance(name, str) or not name.strip():
        return None
    plain = name.strip().rpartition("/")[2].partition(":")[0]
    slug = re.sub(r"[\s_]+", "-", plain.casefold()).removeprefix("destination-")
    slug = slug.removesuffix("-strict-encrypt")
    return _DISPLAY_NAMES.get(slug, slug)


def source_type(name: object) -> str | None:
    """``airbyte/source-github:1.0``, ``GitHub`` and ``github`` -> ``github``."""
    kind = destination_type(name)
    return kind.removeprefix("source-") if kind else None


def _first(config: Mapping[str, Any], keys: tuple[str, ...]) -> str | None:
    found = (config.get(key) for key in keys)
    return next(
        (value.strip() for value in found if isinstance(value, str) and value.strip()), None
    )
