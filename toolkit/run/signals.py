"""Ctrl-C and SIGTERM during a build, also where somebody swallows them.

A query that runs in the main thread (a dbt hook, say) turns Ctrl-C into an error of its
own, "Query interrupted", and the interruption would be lost. So it is noted first.
"""

import signal
import threading
from types import FrameType
from typing import Any, Self


class Terminated(KeyboardInterrupt):
    """SIGTERM: stop as Ctrl-C does, but leave with 143."""


class Signals:
    """Interrupts the main thread on SIGINT and SIGTERM, and remembers that it did.

    A context manager. In another thread than the main one it does nothing: only the main
    thread can be interrupted. A SIGINT that is ignored (``nohup``) stays ignored.
    """

    def __init__(self) -> None:
        self._received: type[KeyboardInterrupt] | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._before[signal.SIGTERM] = signal.signal(signal.SIGTERM, self._stop)
            if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
                self._before[signal.SIGINT] = signal.signal(signal.SIGINT, self._stop)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

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
