"""What was found out about queries, kept between runs: sqlglot is then not even imported."""

import contextlib
import hashlib
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

import msgspec

from toolkit.files import write_whole
from toolkit.lineage.queries.facts import Functions, SqlFacts

VERSION = 2
"""Raise it whenever the same query may give other facts."""
_MOST = 50_000


class FactsCache:
    """Facts by all that they depend on. Not thread-safe.

    Args:
        path: the file; ``None``: nothing is kept.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._new: dict[str, SqlFacts] = {}
        self._kept: dict[str, SqlFacts] = {}
        self._tools = f"{VERSION}/{version('sqlglot')}"
        if path is not None:
            with contextlib.suppress(OSError, msgspec.MsgspecError):
                self._kept = msgspec.msgpack.decode(path.read_bytes(), type=dict[str, SqlFacts])

    def knows(self, functions: Functions) -> None:
        """The facts from here on are those of a warehouse with these functions."""
        known = (sorted(functions.stable), sorted(functions.volatile), sorted(functions.outside))
        self._tools = f"{self._tools}/{_digest(repr(known))}"

    def key(self, sql: str, dialect: str, places: Iterable[str]) -> str:
        """Under which the facts of a query are kept.

        Args:
            places: where the asset and what it may read lie.
        """
        return _digest(repr((self._tools, dialect, sorted(places), sql)))

    def get(self, key: str) -> SqlFacts | None:
        """The facts, if they are kept."""
        return self._kept.get(key) or self._new.get(key)

    def put(self, key: str, facts: SqlFacts) -> None:
        """Keep them."""
        self._new[key] = facts

    def save(self) -> None:
        """Write what is new; where that cannot be, the next run finds it out again."""
        if self._path is None or not self._new:
            return
        kept = self._kept if len(self._kept) < _MOST else {}
        with contextlib.suppress(OSError):
            write_whole(self._path, msgspec.msgpack.encode(kept | self._new))


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
