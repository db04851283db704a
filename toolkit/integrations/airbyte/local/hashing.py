"""The platform's hash methods in DuckDB: its own functions, Python's for the others."""

import hashlib
import itertools
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

_NATIVE: Mapping[str, str] = {"MD5": "md5", "SHA-1": "sha1", "SHA-256": "sha256"}
_PYTHON: Mapping[str, str] = {"SHA-224": "sha224", "SHA-384": "sha384", "SHA-512": "sha512"}

_numbers = itertools.count(1)


class Hashes:
    """SQL functions from text to its hex digest, for one cursor.

    A function of Python's belongs to the cursor that made it: another one that still used it
    after that cursor is closed would read freed memory. So each has names of its own, and
    :meth:`close` comes before the cursor's end.

    Args:
        methods: those that will be needed.
    """

    def __init__(self, cursor: "duckdb.DuckDBPyConnection", methods: Iterable[str]) -> None:
        self._cursor = cursor
        self._names = dict(_NATIVE)
        self._made: list[str] = []
        for method in sorted(set(methods) & _PYTHON.keys()):
            name = f"_toolkit_{_PYTHON[method]}_{next(_numbers)}"
            cursor.create_function(name, _digest(_PYTHON[method]), ["VARCHAR"], "VARCHAR")
            self._made.append(name)
            self._names[method] = name

    def sql(self, method: str, text: str) -> str:
        """SQL for the digest of an SQL text; NULL for NULL.

        Raises:
            KeyError: a method that a local run refuses (MD2, which Python has not either).
        """
        return f"{self._names[method]}({text})"

    def close(self) -> None:
        """Forget Python's functions."""
        while self._made:
            self._cursor.remove_function(self._made.pop())


def _digest(name: str) -> Callable[[str], str]:
    return lambda text: hashlib.new(name, text.encode()).hexdigest()
