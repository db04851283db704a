"""Trying again: which failures, how often, and how long to wait. Thread-safe."""

import random
import threading

import msgspec

from toolkit.integrations.base import Step, StepFinished
from toolkit.run.scheduling.rules import Policy

_LONGEST_SECONDS = 600.0
_JITTER = 0.25  # of the wait, so that many steps do not come back at the same moment


def wait_before(attempt: int, first: float, chance: float) -> float:
    """Seconds before an attempt (2 is the second): twice as long each time, up to 10 minutes.

    Args:
        first: before the second attempt; where it is longer than 10 minutes, before all.
        chance: from 0 to 1; spreads the wait by a quarter to either side.
    """
    doubled = min(first * 2.0 ** min(attempt - 2, 60), max(first, _LONGEST_SECONDS))
    return doubled * (1 - _JITTER + 2 * _JITTER * chance)


def may_help(step: Step, event: StepFinished) -> bool:
    """Whether the same again may do better: a sync's own word, else any error.

    A failed check is no error: its data is as it is.
    """
    return event.status == "error" and (event.transient or step.kind != "sync")


class Retries:
    """Which attempt each step is at, and the failures that are not final yet."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._attempts: dict[str, int] = {}
        self._failed: dict[str, list[str]] = {}
        self._pending: dict[str, StepFinished] = {}
        self._waits: dict[str, float] = {}

    def attempt(self, key: str) -> int:
        """The number of the attempt that a step is at, from 1."""
        with self._lock:
            return self._attempts.get(key, 1)

    def waits(self, key: str) -> bool:
        """Whether the step is between two attempts."""
        with self._lock:
            return key in self._pending

    def again(self, step: Step, event: StepFinished, policy: Policy) -> float | None:
        """Seconds until a step that failed is tried again; ``None``: it is not, it has ended."""
        with self._lock:
            attempt = self._attempts.get(step.key, 1)
            if attempt > policy.retries or not may_help(step, event):
                return None
            self._attempts[step.key] = attempt + 1
            self._failed.setdefault(step.key, []).append(event.message.partition("\n")[0])
            self._pending[step.key] = event
            wait = wait_before(attempt + 1, policy.retry_wait, random.random())
            self._waits[step.key] = wait
            return wait

    def take_wait(self, key: str) -> float | None:
        """The wait before the next attempt, once, for a runner that makes it itself."""
        with self._lock:
            return self._waits.pop(key, None)

    def begin(self, key: str) -> None:
        """The next attempt begins."""
        with self._lock:
            self._pending.pop(key, None)
            self._waits.pop(key, None)

    def give_up(self, key: str | None = None) -> list[StepFinished]:
        """There will be no next attempt: the failures of those that wait for one are final."""
        with self._lock:
            keys = [*self._pending] if key is None else [key] if key in self._pending else []
            for one in keys:
                self._attempts[one] -= 1
                self._failed[one].pop()
                self._waits.pop(one, None)
            return [self._pending.pop(one) for one in keys]

    def noted(self, event: StepFinished, policy: Policy) -> StepFinished:
        """The end of a step with what its earlier attempts were."""
        with self._lock:
            attempt = self._attempts.get(event.step, 1)
            failed = [*self._failed.get(event.step, ())]
        if attempt == 1 or event.status == "skipped":
            return event
        response = {**event.adapter_response, "attempts": attempt, "failed_attempts": failed}
        said = f"attempt {attempt} of {policy.retries + 1}"
        if event.status == "error":
            message = f"{event.message}\nIt was tried {attempt} times."
        else:
            message = f"{event.message}; {said}" if event.message else said
        return msgspec.structs.replace(event, adapter_response=response, message=message)
