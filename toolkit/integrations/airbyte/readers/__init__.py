"""Configuration formats -> the one connection model.

A new format is a module with a :class:`~.base.Reader` and a line in ``READERS``.
Files are recognised by what is in them, not by their names.
"""

from collections.abc import Collection, Iterable
from pathlib import Path

from toolkit.errors import ArtifactError, Problem, SettingsError
from toolkit.integrations.airbyte.readers import manifest
from toolkit.integrations.airbyte.readers.api import ApiReader
from toolkit.integrations.airbyte.readers.api_connections import CONFIG, PUBLIC
from toolkit.integrations.airbyte.readers.base import Read, Reader, SourceFile
from toolkit.integrations.airbyte.readers.catalog import CatalogReader
from toolkit.integrations.airbyte.readers.manifest import ManifestReader
from toolkit.integrations.airbyte.readers.messages import (
    check_streams,
    check_text,
    is_described,
    unknown_destination,
)
from toolkit.integrations.airbyte.readers.octavia import OctaviaReader
from toolkit.integrations.airbyte.readers.ours import YamlReader
from toolkit.integrations.airbyte.readers.terraform import TerraformReader

# Terraform first: its JSON may hold secrets, and only its own reader passes over them.
READERS: tuple[Reader, ...] = (
    TerraformReader(),
    YamlReader(),
    ApiReader(),
    OctaviaReader(),
    CatalogReader(),
    ManifestReader(),
)

# Formats in which a connection can stand without its destination.
_APART = frozenset({PUBLIC, CONFIG, OctaviaReader.name, CatalogReader.name})

_SKIPPED_FOLDERS = frozenset({"node_modules", "__pycache__", "venv", "target"})


def read_connections(paths: Iterable[Path], destinations: Collection[str] = ()) -> Read:
    """Read all connections in these files and folders.

    Args:
        destinations: names of those that toolkit.yml describes.

    Raises:
        SettingsError: a path is not there.
        ArtifactError: a file is broken, is of no known format although it was named, is of two
            formats at once, or two files have a connection of one name.
    """
    found = Read()
    groups: dict[tuple[Path, Reader], list[SourceFile]] = {}
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
            reader = _reader_of(file)
            if reader is not None:
                # Terraform's folders refer to each other: it is given all of them at once.
                together = isinstance(reader, TerraformReader)
                folder = Path() if together else file.path.parent
                groups.setdefault((folder, reader), []).append(file)
            elif file.path == path:
                raise ArtifactError(
                    f"{path} is in no format that we know.",
                    "The connections in it are not known, so nothing was done.",
                    f"Known formats: {', '.join(reader.name for reader in READERS)}.",
                )
            else:
                found.problems.append(_unknown(file.path))
    for (_, reader), files in groups.items():
        read = reader.read(files)
        found.connections += read.connections
        found.problems += read.problems
    manifests = [
        file.path
        for (_, reader), files in groups.items()
        if isinstance(reader, ManifestReader)
        for file in files
    ]
    _finish(found, manifests, destinations)
    _check_names(found)
    return found


def _finish(found: Read, manifests: Iterable[Path], destinations: Collection[str]) -> None:
    """What only all files together say."""
    described = list(manifest.describe(found.connections))
    found.connections = [one for one in described if not isinstance(one, Problem)]
    found.problems += [one for one in described if isinstance(one, Problem)]
    named = {c.source.manifest.resolve() for c in found.connections if c.source.manifest}
    found.problems += [manifest.unused(p) for p in manifests if p.resolve() not in named]
    found.problems += [
        unknown_destination(connection)
        for connection in found.connections
        if connection.format in _APART
        and connection.destination.name not in destinations
        and not is_described(connection)
    ]


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


def _reader_of(file: SourceFile) -> Reader | None:
    """The one reader that knows the file.

    Raises:
        ArtifactError: two of them do.
    """
    found: list[Reader] = []
    for reader in READERS:
        if file.path.suffix in reader.suffixes and reader.recognises(file):
            found.append(reader)
            if isinstance(reader, TerraformReader):
                # Its files are not decoded as a whole: a state holds all secrets.
                break
    if len(found) > 1:
        names = " and ".join(reader.name for reader in found)
        raise ArtifactError(
            f"{file.path} is of two formats at once: {names}.",
            "What it means is not known, so nothing was done.",
            "Make two files of it.",
        )
    return found[0] if found else None


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
        check_streams(connection)
        check_text(connection)
        where = connection.where("name")
        other = first.setdefault(connection.name, where)
        if other is not where:
            raise ArtifactError(
                f"Two connections are called {connection.name!r}: one in {other}, one in {where}.",
                "Their streams would have the same keys, so nothing was done.",
                "Rename one of the two.",
            )
