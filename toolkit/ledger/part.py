"""What the parts of the ledger share: how each reads and writes."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any, Protocol


class _Reads(Protocol):
    """Asks the ledger; a mapping for each row."""

    def __call__(self, sql: str, *values: object) -> Iterator[Mapping[str, Any]]: ...


class Part:
    """The tables of one subject.

    Args:
        transaction: opens one of the ledger's, which also takes its lock.
        execute: writes within it.
        read: reads.
    """

    def __init__(
        self,
        transaction: Callable[[], AbstractContextManager[None]],
        execute: Callable[..., object],
        read: _Reads,
    ) -> None:
        self._transaction = transaction
        self._execute = execute
        self._read = read
