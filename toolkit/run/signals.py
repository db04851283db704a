"""Ctrl-C and SIGTERM during a build, also where somebody swallows them.

A query that runs in the main thread (a dbt hook, say) turns Ctrl-C into an error of its
own, "Query interrupted", and the interruption would be lost. So it is noted first. And
DuckDB 2.0 then waits until the query's threads have ended, which nobody has told to: so
whoever runs queries is asked to break them off.
"""

import os
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any, Self

_AGAIN_SECONDS = 1.0  # a hook may begin its next query


class Terminated(KeyboardInterrupt):
    """SIGTERM: stop as Ctrl-C does, but leave with 143."""


class Signals:
    """Interrupts the main thread on SIGINT and SIGTERM, and remembers that it did.

    A context manager. In another thread than the main one it does nothing: only the main
    thread can be interrupted. A SIGINT that is ignored (``nohup``) stays ignored.

    Args:
        unblock: breaks off what the main thread may be stuck in; called in another thread,
            at each signal and then each second until the context is left.
    """

    def __init__(self, unblock: Callable[[], None] = lambda: None) -> None:
        self._unblock = unblock
        self._received: type[KeyboardInterrupt] | None = None
        self._before: dict[int, Any] = {}
        self._left = threading.Event()
        self._pipe: tuple[int, int] | None = None
        self._wakeup_before = -1

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._before[signal.SIGTERM] = signal.signal(signal.SIGTERM, self._stop)
            if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
                self._before[signal.SIGINT] = signal.signal(signal.SIGINT, self._stop)
            self._pipe = os.pipe()
            os.set_blocking(self._pipe[1], False)
            self._wakeup_before = signal.set_wakeup_fd(self._pipe[1], warn_on_full_buffer=False)
            threading.Thread(target=self._watch, name="signals", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._left.set()
        if self._pipe is not None:
            signal.set_wakeup_fd(self._wakeup_before)
            os.close(self._pipe[1])  # the watcher reads its end, and leaves

    def check(self) -> None:
        """Raise the interruption again if one came and did not get through.

        Raises:
            KeyboardInterrupt: or :class:`Terminated`.
        """
        if self._received is not None:
            raise self._received

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self._received = Terminated if number == signal.SIGTERM else KeyboardInterrupt
        raise self._received

    def _watch(self) -> None:
        """Wait for signals as the system notes them, whatever the main thread does."""
        assert self._pipe is not None
        while numbers := os.read(self._pipe[0], 64):
            if {*numbers} & self._before.keys():
                self._unblock()
                while not self._left.wait(_AGAIN_SECONDS):
                    self._unblock()
        os.close(self._pipe[0])
