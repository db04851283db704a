"""What the scheduler says to runners that order their steps themselves (``base.Control``)."""

import math
from collections.abc import Callable, Mapping, Sequence

from toolkit.integrations.base import Step
from toolkit.run.scheduling.limits import Limits
from toolkit.run.scheduling.retry import Retries


class RunControl:
    """Limits, order and retries of one run, for its runners.

    Args:
        asleep: why a step whose parents have ended need not run after all, if so.
    """

    def __init__(
        self,
        limits: Limits,
        retries: Retries,
        urgency: Mapping[str, float],
        asleep: Callable[[str], str | None] = lambda _: None,
    ) -> None:
        self._asleep = asleep
        self._limits = limits
        self._retries = retries
        self._urgency = urgency

    def take_place(self, key: str) -> bool:
        """Take the places that a step needs, if all are free."""
        return self._limits.take_place(key)

    def give_back(self, key: str) -> None:
        """The step holds no place any more."""
        self._limits.give_back(key)

    def on_free(self, call: Callable[[], None]) -> None:
        """Have ``call`` called when a place got free."""
        self._limits.on_free(call)

    def urgency(self, key: str) -> float:
        """Who goes first; what is no step of ours (an ephemeral model) costs nothing."""
        return self._urgency.get(key, math.inf)

    def at_once(self, steps: Sequence[Step], threads: int) -> int:
        """How many of ``steps`` may run at once in a call that gives out no places itself."""
        return self._limits.at_once(steps, threads)

    def asleep(self, key: str) -> str | None:
        """Why a step whose parents have ended need not run after all; ``None``: it runs."""
        return self._asleep(key)

    def retry_in(self, key: str) -> float | None:
        """Seconds until a step whose failure was told is to be done again."""
        return self._retries.take_wait(key)
