"""A log file that several threads write, and that no chatty connector fills the disk with."""

import threading
import time
from pathlib import Path

_MOST_BYTES = 64 * 1024 * 1024
_FLUSH_SECONDS = 0.2


class Log:
    """Appends stamped lines to a file; use as a context manager, or close it.

    What others say beyond :data:`_MOST_BYTES` is counted and not kept.

    Attributes:
        path: the file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("a", encoding="utf-8")
        self._lock = threading.Lock()
        self._size = 0
        self._flushed = 0.0
        self._dropped = 0

    def __enter__(self) -> "Log":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def write(self, text: str) -> None:
        """A line that somebody else says."""
        with self._lock:
            if self._size > _MOST_BYTES:
                self._dropped += 1
            else:
                self._append(text, at_once=False)

    def say(self, text: str) -> None:
        """A line of ours: it is kept in any case, and at once."""
        with self._lock:
            if self._dropped:
                self._append(f"{self._dropped:,} more lines are not kept", at_once=False)
                self._dropped = 0
            self._append(text, at_once=True)

    def close(self) -> None:
        """Close the file; what is said later, by a thread that nobody could stop, is dropped."""
        with self._lock:
            self._file.close()

    def _append(self, text: str, *, at_once: bool) -> None:
        if self._file.closed:
            return
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        self._size += self._file.write(f"{stamp} {text}\n")
        now = time.monotonic()
        if at_once or now - self._flushed >= _FLUSH_SECONDS:
            self._flushed = now
            self._file.flush()
