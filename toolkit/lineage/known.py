"""Columns that are known of an asset before anything is traced."""

import csv
from collections.abc import Mapping
from pathlib import Path

import msgspec

from toolkit.graph import Asset

# How likely a column that nobody lists comes from a relation; lower is likelier.
#
# UNNESTED is a struct out of an unnested list without a name; if it has a NAMED alias, people
# write `alias.field`, and a bare name rather is a column that the table's owner left out.
UNKNOWN, UNNESTED, DECLARED, NAMED, CATALOGUED = range(5)


class Shape(msgspec.Struct, frozen=True):
    """The columns of an asset as its readers see it.

    Attributes:
        columns: name -> type, in order.
        rank: how likely a column comes from here that is not in the list: UNKNOWN where
            there is no list, DECLARED where a person wrote it (they leave columns out),
            CATALOGUED where the warehouse did; ``None`` where the list is complete.
    """

    columns: Mapping[str, str | None]
    rank: int | None


def known_columns(
    asset: Asset, catalog: Mapping[str, str] | None, project_dir: Path | None
) -> Shape:
    """From the catalog, else from the file of a seed, else from what people declared."""
    declared = {name: column.type for name, column in asset.columns.items()}
    by_fold = {name.casefold(): type_ for name, type_ in declared.items()}
    if catalog:
        return Shape(
            {name: type_ or by_fold.get(name.casefold()) for name, type_ in catalog.items()},
            CATALOGUED,
        )
    if asset.kind == "seed" and project_dir is not None:
        header = _header(asset, project_dir)
        if header:
            return Shape({name: by_fold.get(name.casefold()) for name in header}, CATALOGUED)
    return Shape(declared, DECLARED if declared else UNKNOWN)


def _header(asset: Asset, project_dir: Path) -> list[str]:
    """Column names in the first line of a seed's CSV file; none if it cannot be read."""
    if asset.path is None or not asset.path.endswith(".csv"):
        return []
    try:
        with (project_dir / asset.path).open(encoding="utf-8-sig", newline="") as file:
            delimiter = str(asset.config.get("delimiter") or ",")
            return [name.strip() for name in next(csv.reader(file, delimiter=delimiter), [])]
    except (OSError, UnicodeDecodeError, csv.Error, TypeError):
        return []
