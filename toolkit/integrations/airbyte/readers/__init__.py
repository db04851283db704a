"""Configuration formats -> the one connection model.

A new format is a module with a :class:`~.base.Reader` and a line in ``READERS``.
Files are recognised by what is in them, not by their names.
"""

from collections.abc import Iterable
from pathlib import Path

from toolkit.errors import ArtifactError, Problem, SettingsError
from toolkit.integrations.airbyte.readers.api import ApiReader
from toolkit.integrations.airbyte.readers.base import AcrossFolders, Read, Reader, SourceFile
from toolkit.integrations.airbyte.readers.ours import YamlReader

READERS: tuple[Reader, ...] = (YamlReader(), ApiReader())

_SKIPPED_FOLDERS = frozenset({"node_modules", "__pycache__", "venv", "target"})


def read_connections(paths: Iterable[Path]) -> Read:
    """Read all connections in these files and folders.

    Raises:
        SettingsError: a path is not there.
        ArtifactError: a file is broken, is of no known format although it was named, or two
            files have a connection of one name.
    """
    found = Read()
    groups: dict[tuple[Path, int], list[SourceFile]] = {}
    seen: set[Path] = set()
    for path in paths:
        if not path.exists():
            raise SettingsError(
                f"`connections` in toolkit.yml names {path}, which does not exist.",
                "Its streams would be missing from the graph, so nothing was done.",
                "Correct the path (it is relative to toolkit.yml), or remove it.",
            )
        for file in _files(path):
            if file.path.resolve() in seen:
                continue
            seen.add(file.path.resolve())
            index = _reader_of(file)
            if index is not None:
                together = isinstance(READERS[index], AcrossFolders)
                folder = Path() if together else file.path.parent
                groups.setdefault((folder, index), []).append(file)
            elif file.path == path:
                raise ArtifactError(
                    f"{path} is in no format that we know.",
                    "The connections in it are not known, so nothing was done.",
                    f"Known formats: {', '.join(reader.name for reader in READERS)}.",
                )
            elif not _is_manifest(file):
                found.problems.append(_unknown(file.path))
    for (_, index), files in groups.items():
        read = READERS[index].read(files)
        found.connections += read.connections
        found.problems += read.problems
    _check_names(found)
    return found


def _files(path: Path) -> list[SourceFile]:
    if path.is_file():
        return [SourceFile(path)]
    suffixes = frozenset().union(*(reader.suffixes for reader in READERS))
    return [
        SourceFile(file)
        for file in sorted(path.rglob("*"))
        if file.suffix in suffixes
        and file.is_file()
        and not any(
            part.startswith(".") or part in _SKIPPED_FOLDERS
            for part in file.relative_to(path).parts
        )
    ]


def _reader_of(file: SourceFile) -> int | None:
    for index, reader in enumerate(READERS):
        if file.path.suffix in reader.suffixes and reader.recognises(file):
            return index
    return None


def _is_manifest(file: SourceFile) -> bool:
    """A low-code source beside its connection: no connection, and nothing to warn of."""
    document = file.document
    return isinstance(document, dict) and document.get("type") == "DeclarativeSource"


def _unknown(path: Path) -> Problem:
    return Problem(
        asset=None,
        code="unknown-connection-format",
        message=f"{path.name} is in none of the formats that we know "
        f"({', '.join(reader.name for reader in READERS)}), so it was left out.",
        severity="info",
        path=str(path),
    )


def _check_names(found: Read) -> None:
    first: dict[str, str] = {}
    for connection in found.connections:
        where = connection.where("name")
        other = first.setdefault(connection.name, where)
        if other is not where:
            raise ArtifactError(
                f"Two connections are called {connection.name!r}: one in {other}, one in {where}.",
                "Their streams would have the same keys, so nothing was done.",
                "Rename one of the two.",
            )
