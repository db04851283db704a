"""Breaking off one step from another thread."""

import ctypes
import threading
from collections.abc import Callable
from typing import Any

from toolkit.errors import AssetFailedError
from toolkit.integrations.python.isolation.process import IsolatedProcess
from toolkit.integrations.python.running.session import Session

RESUME = "`toolkit build --resume` goes on with it."
_AGAIN_SECONDS = 0.2  # a function may begin its next query
_IN_PROCESS_SECONDS = 5.0
_PROCESS_SECONDS = 15.0


class StepStopped(BaseException):
    """Raised in the thread of a step; no ``except Exception`` of the user's is to swallow it."""


class Stoppable:
    """One step that runs: what it holds, and how to end it.

    Attributes:
        stopped: somebody has asked for the end, so nothing may be written any more.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._calling: int | None = None  # the thread that is in the user's code
        self._session: Session | None = None
        self._process: IsolatedProcess | None = None
        self.stopped = False

    # ---- the step's own thread ----

    def opened(self, session: Session) -> None:
        """The step works with this session from now on."""
        with self._lock:
            self._session = session

    def started(self, start: Callable[[], IsolatedProcess]) -> IsolatedProcess:
        """Start the step's process, unless the step was stopped."""
        with self._lock:
            if self.stopped:
                raise stopped_error()
            self._process = start()
            return self._process

    def call(self, function: Callable[[], Any]) -> Any:  # noqa: ANN401  # whatever it returns
        """Run the user's code: only in there is an exception raised from outside.

        Raises:
            AssetFailedError: it was stopped.
        """
        try:
            with self._lock:
                self._calling = None if self.stopped else threading.get_ident()
            if self._calling is None:
                raise StepStopped
            try:
                return function()
            finally:
                self._leave()  # the exception may come to us here, at the last moment
        except StepStopped:
            self._leave()
            raise stopped_error() from None

    def _leave(self) -> None:
        with self._lock:
            if self._calling is not None:
                ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self._calling), None)
                self._calling = None

    def check(self) -> None:
        """Raise if the step was stopped.

        Raises:
            AssetFailedError: it was.
        """
        if self.stopped:
            raise stopped_error()

    def ended(self) -> None:
        """Nothing of the step is left."""
        with self._lock:
            self._session = self._process = None
        self._over.set()

    # ---- any other thread ----

    def interrupt(self) -> None:
        """Break off what DuckDB does for the step now."""
        with self._lock:
            session = self._session
        if session is not None:
            session.interrupt()

    def stop(self) -> None:
        """End it; returns when nothing of it is left, or when nothing can be done.

        A process is killed with all that it has started. In our own process the thread's
        queries are interrupted and an exception is raised in it; Python code comes to that
        at its next step, and code of a library that calls nothing back when it returns.
        """
        with self._lock:
            self.stopped = True
            process = self._process
            if self._calling is not None:
                ctypes.pythonapi.PyThreadState_SetAsyncExc(
                    ctypes.c_ulong(self._calling), ctypes.py_object(StepStopped)
                )
        if process is not None:
            process.stop(_PROCESS_SECONDS)
        tries = int(_IN_PROCESS_SECONDS / _AGAIN_SECONDS)
        for _ in range(tries):
            self.interrupt()
            if self._over.wait(_AGAIN_SECONDS):
                return


def stopped_error() -> AssetFailedError:
    """What a stopped step says of itself."""
    return AssetFailedError(
        "It was stopped before it had ended.", "What it makes is as it was before.", RESUME
    )
