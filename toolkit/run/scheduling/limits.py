"""How many steps run at once: by kind, by pool, and by ``--threads``. Thread-safe."""

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

from toolkit.integrations.base import Step
from toolkit.run.scheduling.rules import Guide

_THREADS = "threads"
_SYNCS = "kind sync"
# A connector mostly waits for its source: more of them than there are threads do no harm.
_SYNCS_AT_ONCE = 4


class Limits:
    """Places, and who holds them.

    A step holds a place in its pool and one of its kind, where that kind has a limit. Syncs
    have one in any case: four, or ``--threads`` where that is more. The other steps outside of
    a batching integration share ``--threads``; those inside of one have the threads that their
    tool has.

    Args:
        batching: names of the integrations that take many steps in one call.
    """

    def __init__(self, steps: Iterable[Step], batching: frozenset[str], guide: Guide) -> None:
        self._lock = threading.Lock()
        self._calls: list[Callable[[], None]] = []
        self._held: dict[str, Counter[str]] = {}
        settings = guide.settings
        self._size = {f"kind {name}": size for name, size in settings.concurrency.items()}
        self._size |= {f"pool {name}": size for name, size in settings.pools.items()}
        self._size[_THREADS] = 1
        self._size.setdefault(_SYNCS, 0)  # the default; known once the threads are
        self._free = dict(self._size)
        self._needs: dict[str, tuple[str, ...]] = {}
        for step in steps:
            needs = []
            if step.kind in settings.concurrency or step.kind == "sync":
                needs.append(f"kind {step.kind}")
            elif step.integration not in batching:
                needs.append(_THREADS)
            pool = guide.policy(step).pool
            if pool is not None:
                needs.append(f"pool {pool}")
            self._needs[step.key] = tuple(needs)

    def set_threads(self, threads: int) -> None:
        """Before anything runs: how many steps that have no limit of their own run at once."""
        with self._lock:
            self._size[_THREADS] = self._free[_THREADS] = max(1, threads)
            if not self._size[_SYNCS]:
                self._size[_SYNCS] = self._free[_SYNCS] = max(_SYNCS_AT_ONCE, threads)

    def take_place(self, key: str) -> bool:
        """Take the places that a step needs, all or none; also true where it has them."""
        with self._lock:
            return key in self._held or self._take(key, Counter(self._needs.get(key, ())))

    def take_call(self, name: str, steps: Sequence[Step]) -> bool:
        """Take for one call what its steps need together: never more than there is."""
        with self._lock:
            return self._take(name, self._together(steps))

    def give_back(self, key: str) -> None:
        """A step (or a call) holds nothing any more; tells those who wait for a place."""
        with self._lock:
            held = self._held.pop(key, None)
            if not held:
                return
            for name, count in held.items():
                self._free[name] += count
            calls = [*self._calls]
        for call in calls:
            call()

    def on_free(self, call: Callable[[], None]) -> None:
        """Have ``call`` called when a place got free; in any thread, while nothing is locked."""
        with self._lock:
            self._calls.append(call)

    def at_once(self, steps: Sequence[Step], threads: int) -> int:
        """How many of ``steps`` may run at once in a call that gives out no places itself."""
        needed = Counter(name for step in steps for name in self._needs.get(step.key, ()))
        tight = [self._size[name] for name, count in needed.items() if count > self._size[name]]
        return min([threads, *tight])

    @property
    def taken(self) -> Mapping[str, int]:
        """How many places of each name are held."""
        with self._lock:
            return {name: size - self._free[name] for name, size in self._size.items()}

    def _take(self, key: str, wanted: "Counter[str]") -> bool:
        if any(self._free[name] < count for name, count in wanted.items()):
            return False
        for name, count in wanted.items():
            self._free[name] -= count
        self._held[key] = wanted
        return True

    def _together(self, steps: Sequence[Step]) -> "Counter[str]":
        needed = Counter(name for step in steps for name in self._needs.get(step.key, ()))
        return Counter({name: min(count, self._size[name]) for name, count in needed.items()})
