"""Where in a YAML file an asset or a column is described, so that a finding can point at it.

The one part of this room that reads files; the rules themselves do not.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from toolkit.errors import SettingsError
from toolkit.graph import Asset, AssetGraph
from toolkit.rules.model import Finding
from toolkit.settings.document import Document, Keys

_SECTIONS = {
    "model": "models", "seed": "seeds", "snapshot": "snapshots", "exposure": "exposures",
}  # fmt: skip


def with_lines(
    findings: Iterable[Finding], graph: AssetGraph, project_dir: Path
) -> tuple[Finding, ...]:
    """The same findings, with lines where the file is there and the entry is found in it."""
    lines = _Lines(project_dir)
    return tuple(
        msgspec.structs.replace(one, line=lines.of(one.path, graph[one.asset], one.column))
        if one.line is None and one.path and one.asset is not None and one.asset in graph
        else one
        for one in findings
    )


class _Lines:
    """Reads each file once."""

    def __init__(self, project_dir: Path) -> None:
        self._folder = project_dir
        self._documents: dict[str, Document | None] = {}

    def of(self, path: str, asset: Asset, column: str | None) -> int | None:
        """The line of the column, else of the asset; ``None`` where neither is found."""
        if not path.endswith((".yml", ".yaml")):
            return None
        document = self._document(path)
        if document is None:
            return None
        for keys, entry in _entries(document.data, asset):
            for index, said in enumerate(_list(entry, "columns") if column else ()):
                if _name(said).casefold() == (column or "").casefold():
                    return document.line((*keys, "columns", index))
            return document.line(keys)
        return None

    def _document(self, path: str) -> Document | None:
        if path not in self._documents:
            self._documents[path] = self._read(self._folder / path)
        return self._documents[path]

    @staticmethod
    def _read(path: Path) -> Document | None:
        if not path.is_file():
            return None
        try:
            return Document(path)
        except SettingsError:  # dbt's file: dbt says what is wrong with it
            return None


def _entries(data: object, asset: Asset) -> Iterator[tuple[Keys, object]]:
    """Where the asset is described, with what is said there."""
    if asset.kind == "source":
        for index, source in enumerate(_list(data, "sources")):
            if _name(source) != asset.source_name:
                continue
            for place, table in enumerate(_list(source, "tables")):
                if _name(table) == asset.name:
                    yield ("sources", index, "tables", place), table
        return
    section = _SECTIONS.get(asset.kind, "")
    for index, entry in enumerate(_list(data, section)):
        if _name(entry) == asset.name:
            yield (section, index), entry


def _list(data: object, key: str) -> list[Any]:
    found = data.get(key) if isinstance(data, dict) else None
    return found if isinstance(found, list) else []


def _name(entry: object) -> str:
    return str(entry.get("name") or "") if isinstance(entry, dict) else ""
