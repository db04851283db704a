"""Ctrl-C and SIGTERM during a build, also where somebody swallows them.

A query that runs in the main thread (a dbt hook, say) turns Ctrl-C into an error of its
own, "Query interrupted", and the interruption would be lost. So it is noted first. And
DuckDB 2.0 then waits until the query's threads have ended, which nobody has told to: so
whoever runs queries is asked to break them off. Some queries cannot be (a recursive one, a
table function); no handler is called then, and a second signal ends the process.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any, Self

_AGAIN_SECONDS = 1.0  # a hook may begin its next query
_GRACE_SECONDS = 1.0  # Python code comes to a signal sooner, and DuckDB, if it does at all


class Terminated(KeyboardInterrupt):
    """SIGTERM: stop as Ctrl-C does, but leave with 143."""


class _Held:
    """Within, in the main thread, an interruption is noted only: see :data:`held`."""

    def __init__(self) -> None:
        self.depth = 0

    def __enter__(self) -> None:
        if threading.current_thread() is threading.main_thread():
            self.depth += 1

    def __exit__(self, *_: object) -> None:
        if threading.current_thread() is threading.main_thread():
            self.depth -= 1


held = _Held()
"""For what must not be left half done: ``with held:``. It must not take long.

An exception between taking a lock and entering its ``with`` block would leave the lock taken
for ever, and one between the ledger and what follows from a step's end would lose that. So the
first signal raises nothing here; :meth:`Signals.check` does, which comes soon.
"""


class Signals:
    """Interrupts the main thread on SIGINT and SIGTERM, and remembers that it did.

    A context manager. In another thread than the main one it does nothing: only the main
    thread can be interrupted. A SIGINT that is ignored (``nohup``) stays ignored.

    Args:
        unblock: breaks off what the main thread may be stuck in; called in another thread,
            at each signal and then each second until the context is left.

    A second signal ends the process if the main thread does not come to it: what the ledger
    and the warehouse have committed stays, and the next build finds this one abandoned.
    """

    def __init__(self, unblock: Callable[[], None] = lambda: None) -> None:
        self._unblock = unblock
        self._received: type[KeyboardInterrupt] | None = None
        self._before: dict[int, Any] = {}
        self._left = threading.Event()
        self._seen = float("-inf")  # when the main thread came to a signal last
        self._pipe: tuple[int, int] | None = None
        self._wakeup_before = -1
        self._hook_before = sys.unraisablehook

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._before[signal.SIGTERM] = signal.signal(signal.SIGTERM, self._stop)
            if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
                self._before[signal.SIGINT] = signal.signal(signal.SIGINT, self._stop)
            self._hook_before, sys.unraisablehook = sys.unraisablehook, self._ignored
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
            sys.unraisablehook = self._hook_before
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
        self._seen = time.monotonic()
        first = self._received is None
        self._received = Terminated if number == signal.SIGTERM else KeyboardInterrupt
        if not (first and held.depth):
            raise self._received

    def _ignored(self, error: "sys.UnraisableHookArgs") -> None:
        """An interruption in a finalizer, where nothing can be raised, is noted: say nothing."""
        if not isinstance(error.exc_value, KeyboardInterrupt):
            self._hook_before(error)

    def _watch(self) -> None:
        """Wait for signals as the system notes them, whatever the main thread does."""
        assert self._pipe is not None
        came = 0
        while numbers := os.read(self._pipe[0], 64):
            ours = [number for number in numbers if number in self._before]
            if not ours:
                continue
            came += 1
            if came == 1:
                threading.Thread(target=self._break_off, name="break-off", daemon=True).start()
            else:
                self._insist(ours[-1])
        os.close(self._pipe[0])

    def _break_off(self) -> None:
        self._unblock()
        while not self._left.wait(_AGAIN_SECONDS):
            self._unblock()

    def _insist(self, number: int) -> None:
        """The signal came again: the main thread comes to it now, or the process ends."""
        came = time.monotonic() - _GRACE_SECONDS / 10  # the handler may have been first
        if self._left.wait(_GRACE_SECONDS) or self._seen >= came:
            return
        print(
            "\nStopped at once: the query that runs cannot be interrupted.",
            file=sys.stderr, flush=True,
        )  # fmt: skip
        os._exit(128 + number)
