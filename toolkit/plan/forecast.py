"""How long what is left of a plan will take, by the times that its steps took before. Pure."""

from collections.abc import Collection, Mapping

import msgspec


class Left(msgspec.Struct, frozen=True):
    """What is left of a run.

    Attributes:
        seconds: the least that it can take.
        untimed: how many of the steps that are left have no known time; they count as nothing.
    """

    seconds: float
    untimed: int = 0


class Forecast:
    """The least time that the rest of a run can take.

    That is the longest chain of steps which wait for each other, not the sum of all; or, where
    that is more, the work of one tool shared by all its threads.

    Args:
        after: for each step what it waits for; parents come first.
        seconds: how long steps took when they last succeeded; steps without are not known.
        tools: for each step who runs it.
        threads: how many steps a tool runs at once; 0 = not known, only chains count.
    """

    def __init__(
        self,
        after: Mapping[str, Collection[str]],
        seconds: Mapping[str, float],
        tools: Mapping[str, str],
        threads: int = 0,
    ) -> None:
        self._seconds = seconds
        self._tools = tools
        self._threads = threads
        self._chains = chains(after, seconds)
        self._waiting = set(after)
        self._untimed = sum(key not in seconds for key in after)
        self._work: dict[str, float] = {}
        for key in after:
            self._add(self._work, key, seconds.get(key, 0.0))
        self._longest = sorted(after, key=self._chains.__getitem__)  # the longest one last

    def waits_no_longer(self, key: str) -> None:
        """A step has begun, or it will not run."""
        if key in self._waiting:
            self._waiting.remove(key)
            self._untimed -= key not in self._seconds
            self._add(self._work, key, -self._seconds.get(key, 0.0))

    def left(self, running: Mapping[str, float], now: float) -> Left:
        """What is left when these steps run since then, and the rest waits. Costs no walk.

        Args:
            running: when each of them began; like ``now`` in seconds since the epoch.
        """
        while self._longest and self._longest[-1] not in self._waiting:
            self._longest.pop()
        longest = self._chains[self._longest[-1]] if self._longest else 0.0
        untimed, work = self._untimed, dict(self._work)
        for key, began in running.items():
            known = self._seconds.get(key, 0.0)
            untimed += key not in self._seconds
            # what takes longer than it did may end at any moment
            gone = min(max(now - began, 0.0), known)
            longest = max(longest, self._chains.get(key, 0.0) - gone)
            self._add(work, key, known - gone)
        shared = max(work.values(), default=0.0) / self._threads if self._threads else 0.0
        return Left(max(longest, shared), untimed)

    def _add(self, work: dict[str, float], key: str, seconds: float) -> None:
        tool = self._tools.get(key, "")
        work[tool] = work.get(tool, 0.0) + seconds


def chains(after: Mapping[str, Collection[str]], seconds: Mapping[str, float]) -> dict[str, float]:
    """For each step the seconds from its begin to the end of the longest chain that it begins.

    Args:
        after: for each step what it waits for; parents come first. What is no step of it does
            not count.
    """
    found = dict.fromkeys(after, 0.0)  # of what is below a step, at first
    for key in reversed([*after]):
        found[key] += seconds.get(key, 0.0)
        for parent in after[key]:
            if parent in found:
                found[parent] = max(found[parent], found[key])
    return found
