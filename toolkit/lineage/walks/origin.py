"""Where the columns of a stream come from, beyond the graph: a property, and what mappers did.

An integration says it in ``meta``, under its own name: of a column ``property``,
``transformation``, ``method`` and ``masked``; of an asset ``row_filters``,
``row_filter_properties`` and ``removed``.
"""

from typing import Any, Literal

import msgspec

from toolkit.graph import Asset


class Origin(msgspec.Struct, frozen=True):
    """The edge from a property of what is read to the column in which it lands.

    Attributes:
        source: the name of the property where it comes from.
        how: what was done to it, such as ``HASH SHA-256``; empty for a plain copy.
        masked: nothing of the value lands.
    """

    source: str
    how: str = ""
    masked: bool = False

    @property
    def subtype(self) -> Literal["IDENTITY", "TRANSFORMATION"]:
        """A new name alone leaves the value as it is."""
        return "IDENTITY" if self.how in ("", "RENAME") else "TRANSFORMATION"

    def __str__(self) -> str:
        """As a person reads it: ``email  HASH SHA-256 (masked)``."""
        said = self.how + (" (masked)" if self.masked else "")
        return f"{self.source}  {said or self.subtype}"


class RowFilter(msgspec.Struct, frozen=True):
    """Only some rows land: influence (FILTER) of properties on all columns.

    Attributes:
        conditions: all of them are true of a row that lands.
        properties: those that the conditions look at.
    """

    conditions: tuple[str, ...]
    properties: tuple[str, ...]


def origins(asset: Asset) -> dict[str, Origin]:
    """By folded column name; empty where the asset's integration says nothing."""
    found: dict[str, Origin] = {}
    for name, column in asset.columns.items():
        said = column.meta.get(asset.integration)
        if isinstance(said, dict) and isinstance(said.get("property"), str):
            masked = bool(said.get("masked"))
            found[name.casefold()] = Origin(said["property"], _how(said), masked)
    return found


def row_filter(asset: Asset) -> RowFilter | None:
    """What decides the rows that land; ``None`` where all of them do."""
    conditions = _texts(asset, "row_filters")
    if not conditions:
        return None
    return RowFilter(conditions, _texts(asset, "row_filter_properties"))


def removed(asset: Asset) -> tuple[str, ...]:
    """Properties that do not land."""
    return _texts(asset, "removed")


def _texts(asset: Asset, key: str) -> tuple[str, ...]:
    said = asset.meta.get(asset.integration)
    values = said.get(key, ()) if isinstance(said, dict) else ()
    return tuple(str(value) for value in values)


def _how(said: dict[str, Any]) -> str:
    """Each step with its method: ``HASH SHA-256 + HASH MD5``, ``HASH + ENCRYPT (MD5)``."""
    steps = [step for step in str(said.get("transformation") or "").split(" + ") if step]
    methods = [method for method in str(said.get("method") or "").split(" + ") if method]
    if len(methods) == len(steps):
        steps = [f"{step} {method}" for step, method in zip(steps, methods, strict=True)]
        methods = []
    return " + ".join(steps) + (f" ({', '.join(methods)})" if methods else "")
