"""Names: where a stream lands and what its columns are called, for each destination."""

from toolkit.integrations.airbyte.naming.columns import collisions, column_names
from toolkit.integrations.airbyte.naming.metadata import (
    DATA,
    EXTRACTED_AT,
    GENERATION_ID,
    META,
    METADATA_COLUMNS,
    RAW_ID,
    SEQUENCE,
    is_metadata,
)
from toolkit.integrations.airbyte.naming.places import Place, place_of, raw_options
from toolkit.integrations.airbyte.naming.problems import no_table, shared_tables
from toolkit.integrations.airbyte.naming.rules import normalise

__all__ = [
    "DATA",
    "EXTRACTED_AT",
    "GENERATION_ID",
    "META",
    "METADATA_COLUMNS",
    "RAW_ID",
    "SEQUENCE",
    "Place",
    "collisions",
    "column_names",
    "is_metadata",
    "no_table",
    "normalise",
    "place_of",
    "raw_options",
    "shared_tables",
]
