"""Traced queries on disk, by the hash of all that they depend on.

One file, written whole and atomically; whatever cannot be read is ignored and rewritten. An
entry also holds what the query's references outside of its declared parents were found to
be: those are looked up again before the entry is believed.
"""

import contextlib
from pathlib import Path

import msgspec

from toolkit.files import write_whole
from toolkit.lineage.places import Where
from toolkit.lineage.traced import Refusal, Traced

FILE = "lineage.msgpack"
FORMAT = 1


class Lookup(msgspec.Struct, frozen=True, array_like=True):
    """A reference outside of the declared parents, and what was there.

    Attributes:
        key: asset found, ``""`` for the reader itself, ``None`` for no asset.
        digest: of that asset's columns.
    """

    where: Where
    key: str | None
    digest: bytes


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """What tracing one query gave: a result, or why there is none."""

    traced: Traced | None
    refusal: Refusal | None
    lookups: list[Lookup]


class _File(msgspec.Struct, array_like=True):
    format: int
    entries: dict[bytes, Entry]


class Cache:
    """Entries of the last run, and those of this one.

    Args:
        folder: where the file is; ``None`` remembers nothing.
        beside: another one to look into, of a project that is much the same.
    """

    def __init__(self, folder: Path | None, beside: Path | None = None) -> None:
        self._path = None if folder is None else folder / FILE
        self._old = _read(self._path)
        self._beside = {} if beside is None else _read(beside / FILE)
        self._new: dict[bytes, Entry] = {}

    def get(self, digest: bytes) -> Entry | None:
        """The entry of the last run."""
        return self._old.get(digest) or self._beside.get(digest)

    def put(self, digest: bytes, entry: Entry) -> None:
        """Remember an entry for the next run."""
        self._new[digest] = entry

    def save(self) -> None:
        """Write what this run used, if that differs from what is there.

        A cache that cannot be written is only slower: the next run traces again.
        """
        if self._path is None or self._new.keys() == self._old.keys():
            return
        data = msgspec.msgpack.encode(_File(FORMAT, self._new))
        with contextlib.suppress(OSError):
            write_whole(self._path, data)


def _read(path: Path | None) -> dict[bytes, Entry]:
    if path is None:
        return {}
    try:
        file = msgspec.msgpack.decode(path.read_bytes(), type=_File)
    except (OSError, msgspec.DecodeError):  # a ValidationError is a DecodeError
        return {}
    return file.entries if file.format == FORMAT else {}
