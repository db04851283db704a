"""dbt's catalog.json: the columns that really are in the warehouse."""

from pathlib import Path

import msgspec

from toolkit.errors import ArtifactError
from toolkit.integrations.dbt.manifest import NOT_JSON, not_json, read_json_bytes


class _Column(msgspec.Struct):
    type: str
    name: str
    index: int = 0


class _Table(msgspec.Struct):
    columns: dict[str, _Column] = {}


class _Catalog(msgspec.Struct):
    nodes: dict[str, _Table] = {}
    sources: dict[str, _Table] = {}


def read_catalog(path: Path) -> dict[str, dict[str, str]]:
    """Column types by asset key and column, in the table's order.

    Raises:
        ArtifactError: it cannot be read or is no catalog.
    """
    data = read_json_bytes(path, "catalog")
    try:
        catalog = msgspec.json.decode(data, type=_Catalog)
    except msgspec.ValidationError as error:
        raise ArtifactError(
            f"{path} is not a dbt catalog: {error}.",
            "Columns cannot be taken from it, so nothing was done.",
            "Run `dbt docs generate` to write it anew, or leave it out: it is not needed.",
        ) from error
    except NOT_JSON as error:
        raise not_json(path, error) from error
    tables = {**catalog.sources, **catalog.nodes}
    return {
        key: {c.name: c.type for c in sorted(table.columns.values(), key=lambda c: c.index)}
        for key, table in tables.items()
    }
