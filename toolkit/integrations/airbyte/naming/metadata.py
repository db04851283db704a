"""Columns that Airbyte makes itself: of each row, and not of the source.

They begin at the ingest: no field of the source flows into them, and a dbt source that
declares one declares nothing that could be missing.
"""

import re
from collections.abc import Mapping

RAW_ID = "_airbyte_raw_id"
EXTRACTED_AT = "_airbyte_extracted_at"
META = "_airbyte_meta"
GENERATION_ID = "_airbyte_generation_id"
DATA = "_airbyte_data"

# Our arrival number in staging tables; never in the final one.
SEQUENCE = "_toolkit_sequence"

METADATA_COLUMNS: Mapping[str, str] = {
    RAW_ID: "UUID",
    EXTRACTED_AT: "TIMESTAMP WITH TIME ZONE",
    META: "JSON",
    GENERATION_ID: "BIGINT",
}
"""What every table that a local sync lands has, with DuckDB's types."""

_KNOWN = frozenset(
    {
        *METADATA_COLUMNS, DATA,
        "_airbyte_loaded_at",  # raw tables of destinations that type in a second step
        # Before typing and deduping ("v1"): raw tables, then what normalisation added.
        "_airbyte_ab_id", "_airbyte_emitted_at", "_airbyte_normalized_at",
        "_airbyte_unique_key", "_airbyte_unique_key_scd", "_airbyte_start_at",
        "_airbyte_end_at", "_airbyte_active_row",
    }
)  # fmt: skip
_HASHID = re.compile(r"_airbyte_.+_hashid")


def is_metadata(column: str) -> bool:
    """Whether a column is one that Airbyte makes, in any of its versions and any case."""
    folded = column.casefold()
    return folded in _KNOWN or _HASHID.fullmatch(folded) is not None
