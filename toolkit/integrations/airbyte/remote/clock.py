"""Time as the remote side sees it; tests put another in its place."""

import random
import threading
import time


class Stopped(Exception):
    """The run was interrupted while we waited."""


class Clock:
    """The real time."""

    def now(self) -> float:
        """Seconds since the epoch."""
        return time.time()

    def wait(self, seconds: float, cancel: threading.Event) -> None:
        """Let time pass.

        Raises:
            Stopped: ``cancel`` was set before or meanwhile.
        """
        if cancel.wait(max(0.0, seconds)):
            raise Stopped

    def jitter(self) -> float:
        """A factor about 1, so that many waiting programs do not ask at the same moment."""
        return random.uniform(0.9, 1.1)
