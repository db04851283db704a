"""A thread for each step that runs outside of a batching integration."""

import threading
from collections.abc import Callable

STEP = "step_"
LEFT_BEHIND = "left behind"


class StepThreads:
    """The threads of one run; who may begin one is decided elsewhere.

    They are daemons: a step that nobody can stop must not keep the process. A thread is
    called by the lowest number that is free, so that a picture of a run has few lanes.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: dict[str, threading.Thread] = {}

    def start(self, call: Callable[[], None]) -> None:
        """Begin ``call`` in a thread of its own."""
        with self._lock:
            number = next(
                n for n in range(len(self._running) + 1) if STEP + str(n) not in self._running
            )
            name = f"{STEP}{number}"

            def run() -> None:
                try:
                    call()
                finally:
                    with self._lock:
                        if self._running.get(name) is thread:
                            del self._running[name]

            thread = threading.Thread(target=run, name=name, daemon=True)
            self._running[name] = thread
            thread.start()

    def leave_behind(self, name: str) -> None:
        """Wait for the thread of this name no more, be it ours or a tool's.

        It is renamed, so that whoever ends the process sees that something still runs.
        """
        with self._lock:
            self._running.pop(name, None)
        for thread in threading.enumerate():
            if thread.name == name and thread is not threading.main_thread():
                thread.name = f"{LEFT_BEHIND}: {name}"

    def join(self) -> None:
        """Wait until all have ended that were not left behind."""
        while True:
            with self._lock:
                thread = next(iter(self._running.values()), None)
            if thread is None:
                return
            thread.join(0.5)  # it may be left behind meanwhile
