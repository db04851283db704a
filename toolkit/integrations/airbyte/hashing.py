"""The platform's hash methods in DuckDB: its own functions, Python's for the others."""

import contextlib
import hashlib
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

_NATIVE: Mapping[str, str] = {"MD5": "md5", "SHA-1": "sha1", "SHA-256": "sha256"}
_PYTHON: Mapping[str, str] = {"SHA-224": "sha224", "SHA-384": "sha384", "SHA-512": "sha512"}

# Two syncs that create one function at a time would conflict.
_LOCK = threading.Lock()


def hashed(method: str, text: str) -> str:
    """SQL for the hex digest of an SQL text; NULL for NULL.

    Raises:
        KeyError: a method that a local run refuses (MD2, which Python has not either).
    """
    native = _NATIVE.get(method)
    return f"{native or f'_toolkit_{_PYTHON[method]}'}({text})"


def register(cursor: "duckdb.DuckDBPyConnection", methods: Iterable[str]) -> None:
    """Make the functions that :func:`hashed` names and DuckDB does not have known to it."""
    import duckdb

    for method in sorted(set(methods) & _PYTHON.keys()):
        name = _PYTHON[method]
        # Another sync of this run may have made it known: cursors share their functions.
        with _LOCK, contextlib.suppress(duckdb.CatalogException):
            cursor.create_function(f"_toolkit_{name}", _digest(name), ["VARCHAR"], "VARCHAR")


def _digest(name: str) -> Callable[[str], str]:
    return lambda text: hashlib.new(name, text.encode()).hexdigest()
