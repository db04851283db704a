"""How long what is left of a plan will take, by the times that its steps took before. Pure."""

from collections.abc import Collection, Iterable, Mapping

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

    def left(self, waiting: Iterable[str], running: Mapping[str, float], now: float) -> Left:
        """What is left when these steps wait, and these run since then.

        Args:
            running: when each of them began; like ``now`` in seconds since the epoch.
        """
        longest, untimed = 0.0, 0
        work: dict[str, float] = {}
        for key, spent in [
            *((key, 0.0) for key in waiting),
            *((key, now - at) for key, at in running.items()),
        ]:
            known = self._seconds.get(key)
            untimed += known is None
            # what takes longer than it did may end at any moment
            gone = min(max(spent, 0.0), known or 0.0)
            longest = max(longest, self._chains.get(key, 0.0) - gone)
            tool = self._tools.get(key, "")
            work[tool] = work.get(tool, 0.0) + (known or 0.0) - gone
        shared = max(work.values(), default=0.0) / self._threads if self._threads else 0.0
        return Left(max(longest, shared), untimed)


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
