"""What a thread could not report: the main thread hears of it and raises it."""

import _thread
import contextlib
import threading
import time

from toolkit.run.signals import held


class Trouble:
    """The first exception that another thread had to leave to the main one.

    Args:
        changed: notified when there is one; its lock is held meanwhile.

    Attributes:
        error: the exception, if there is one.
    """

    def __init__(self, changed: threading.Condition) -> None:
        self._changed = changed
        self.error: BaseException | None = None

    def tell(self, error: BaseException) -> None:
        """Have the main thread raise this; from any thread."""
        with self._changed:
            if self.error is None:
                self.error = error
                _thread.interrupt_main()  # which may be in a call that waits for this thread
            self._changed.notify_all()

    def raise_it(self) -> None:
        """Raise what there is; in the main thread.

        The lock was held while we were interrupted for it, so the interruption meets us here
        at the latest, and not whoever comes after and takes it for the user's.
        """
        with held, self._changed:
            error = self.error
        if error is not None:
            with contextlib.suppress(KeyboardInterrupt):
                for _ in range(3):
                    time.sleep(0)
            raise error
