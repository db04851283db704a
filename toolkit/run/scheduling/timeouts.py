"""Breaks off steps whose time is over, and goes on without those that nobody can stop."""

import threading
from collections.abc import Callable, Mapping
from functools import partial

import msgspec

from toolkit.integrations.base import Runner, Step, StepFinished, StoppableRunner
from toolkit.run.scheduling.alarm import Alarm

GRACE_SECONDS = 20.0
"""What a step has to end in once its time is over: TERM, some seconds, KILL, and its report."""
_AGAIN_SECONDS = 0.5  # what was broken off may have been between two queries


class Timeouts:
    """Watches the steps that have a timeout.

    Args:
        runners: by integration.
        wait_ended: waits so many seconds at most for an attempt at a step to end; whether it
            has.
        give_up: called with the step and a message when nobody could stop it.
        grace: seconds between the two.
    """

    def __init__(
        self,
        alarm: Alarm,
        runners: Mapping[str, Runner],
        wait_ended: Callable[[str, int, float], bool],
        give_up: Callable[[Step, str], None],
        grace: float = GRACE_SECONDS,
    ) -> None:
        self._alarm = alarm
        self._runners = runners
        self._wait_ended = wait_ended
        self._give_up = give_up
        self._grace = grace
        self._lock = threading.Lock()
        self._over: dict[str, tuple[int, float]] = {}
        self._trouble: dict[str, str] = {}

    def begin(self, step: Step, attempt: int, seconds: float) -> None:
        """An attempt at a step begins, which may take so many seconds."""
        self._alarm.later(seconds, partial(self._time_is_over, step, attempt, seconds))

    def explain(self, event: StepFinished, attempt: int) -> StepFinished:
        """The end of a step; where it was broken off, with that as its message."""
        with self._lock:
            over = self._over.get(event.step)
        if over is None or over[0] != attempt or event.status != "error":
            return event
        message = f"timed out after {over[1]:g} s"
        if not event.message.startswith(message):
            message += f" and was broken off\n{event.message}"
            event = msgspec.structs.replace(event, message=message.rstrip(), transient=False)
        return event

    def _time_is_over(self, step: Step, attempt: int, seconds: float) -> None:
        if self._wait_ended(step.key, attempt, 0):
            return
        with self._lock:
            self._over[step.key] = (attempt, seconds)
        self._alarm.later(self._grace, partial(self._grace_is_over, step, attempt, seconds))
        # in a thread of its own: stopping may take as long as it takes
        stop = partial(self._stop, step, attempt)
        threading.Thread(target=stop, name=f"stop {step.key}", daemon=True).start()

    def _stop(self, step: Step, attempt: int) -> None:
        runner = self._runners[step.integration]
        if not isinstance(runner, StoppableRunner):
            return
        for _ in range(round(self._grace / _AGAIN_SECONDS) + 1):
            try:
                runner.stop_step(step.key)
            except Exception as error:  # noqa: BLE001 - any integration's; the step is given up then
                with self._lock:
                    self._trouble[step.key] = str(error) or type(error).__name__
            if self._wait_ended(step.key, attempt, _AGAIN_SECONDS):
                return

    def _grace_is_over(self, step: Step, attempt: int, seconds: float) -> None:
        if self._wait_ended(step.key, attempt, 0):
            return
        with self._lock:
            trouble = self._trouble.get(step.key, "")
        message = (
            f"timed out after {seconds:g} s; it could not be stopped and may still run.\n"
            "The run goes on without it, and what it still writes is not known here."
        )
        self._give_up(step, f"{message}\n{trouble}".rstrip())
