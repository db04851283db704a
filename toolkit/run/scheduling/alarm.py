"""Calls functions later, in one thread of its own."""

import heapq
import itertools
import threading
import time
from collections.abc import Callable


class Alarm:
    """Calls what it is given when the time has come, one after the other.

    The calls must be short and must not raise. There is no way to take one back: it looks for
    itself whether it still means anything. The thread begins with the first call that is asked
    for, so that a run without timeouts and retries has none.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._count = itertools.count()
        self._thread: threading.Thread | None = None
        self._closed = False

    def later(self, seconds: float, call: Callable[[], None]) -> None:
        """Have ``call`` called in so many seconds; from any thread."""
        with self._changed:
            if self._closed:
                return
            at = time.monotonic() + seconds
            heapq.heappush(self._due, (at, next(self._count), call))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="alarm", daemon=True)
                self._thread.start()
            self._changed.notify()

    def close(self) -> None:
        """Call nothing any more."""
        with self._changed:
            self._closed = True
            self._due.clear()
            self._changed.notify()

    def _run(self) -> None:
        while (call := self._next()) is not None:
            call()

    def _next(self) -> Callable[[], None] | None:
        with self._changed:
            while not self._closed:
                left = self._due[0][0] - time.monotonic() if self._due else None
                if left is not None and left <= 0:
                    return heapq.heappop(self._due)[2]
                self._changed.wait(left)
        return None
