"""An event that stops one step, and is set as well when its whole run must stop."""

import threading
import time

_GLANCE_SECONDS = 0.1  # how often the run's event is looked at while we wait for ours


class StepCancel(threading.Event):
    """Set by itself, or with the run's event.

    Args:
        run: set when the run must stop (``RunContext.cancel``).
    """

    def __init__(self, run: threading.Event) -> None:
        super().__init__()
        self._run = run

    def is_set(self) -> bool:
        """Whether this step or its run must stop."""
        return super().is_set() or self._run.is_set()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until this step or its run must stop, ``timeout`` seconds at most."""
        until = None if timeout is None else time.monotonic() + timeout
        while not self.is_set():
            left = _GLANCE_SECONDS if until is None else until - time.monotonic()
            if left <= 0:
                return False
            super().wait(min(left, _GLANCE_SECONDS))
        return True
