"""One run a project: a lock that says who holds it and dies with its holder."""

import fcntl
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from toolkit.errors import LedgerError, RunLockedError

_GLANCES = 5  # a quarter of a second; a glance takes milliseconds


class RunLock:
    """Held while a run goes on; the kernel lets go of it when the process ends, however.

    Args:
        path: the lock file. Its text (pid and host of the holder) is for people only.

    Raises:
        RunLockedError: on entering, when another run holds it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None

    def __enter__(self) -> Self:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise LedgerError(
                f"{self._path} cannot be written: {error.strerror}.",
                "Without a lock two runs could write the same tables, so nothing was run.",
                "Make the project folder writable, or copy the project to one that is.",
            ) from error
        if not _taken(self._file):
            holder = os.read(self._file, 200).decode(errors="replace").strip() or "unknown"
            os.close(self._file)
            self._file = None
            raise RunLockedError(
                f"Another run of this project is going on: {holder} ({self._path}).",
                "Two runs at once would write the same tables, so nothing was run.",
                "Wait for it to end, or stop that process.",
            )
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, f"pid {os.getpid()} on {socket.gethostname()}\n".encode(), 0)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None


@contextmanager
def nobody_runs(path: Path) -> Iterator[bool]:
    """Whether no run goes on; none begins either while we are inside. For short glances.

    Args:
        path: the lock file; nothing is made where it is not there.
    """
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:  # never built here, or not ours to read: then nothing is known
        yield False
        return
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        yield True
    except BlockingIOError:
        yield False
    finally:
        os.close(file)


def _taken(file: int) -> bool:
    """Take the lock; a glance of another command is waited for, a run is not."""
    for _ in range(_GLANCES):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.05)
        else:
            return True
    return False
