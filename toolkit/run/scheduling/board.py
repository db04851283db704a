"""Where each step of a plan stands: waiting, taken, ended. Pure; not thread-safe."""

from bisect import insort
from collections.abc import Callable, Iterable, Mapping

from toolkit.integrations.base import FAILED, Status, Step
from toolkit.plan import Plan, PlannedStep


class Board:
    """The steps of one plan that are not up to date, and what has become of them.

    Args:
        batching: names of the integrations that take many steps in one call. The steps of the
            others get ready one by one.
        urgency: who goes first among those that are ready, the highest.
    """

    def __init__(
        self, plan: Plan, batching: frozenset[str], urgency: Mapping[str, float] | None = None
    ) -> None:
        self.planned = {p.step.key: p for p in plan.steps if p.action != "skip"}
        after, found = _around_what_rests(plan)
        self._after = {key: after[key] for key in self.planned}
        self._found = {key: found[key] for key in self.planned}
        self.waiting = dict.fromkeys(self.planned)
        self.taken: set[str] = set()
        self.doomed: set[str] = set()  # to be skipped; nobody else may take them
        self.status: dict[str, Status] = {}
        self._batching = batching
        self._children: dict[str, list[str]] = {}
        self._open = {key: len(after) for key, after in self._after.items()}
        for key, parents in self._after.items():
            for parent in parents:
                self._children.setdefault(parent, []).append(key)
        given = urgency or {}
        self._rank = {key: (-given.get(key, 0.0), place) for place, key in enumerate(self.planned)}
        self._ready: list[str] = []  # the most urgent first
        for key, count in self._open.items():
            if not count and self._single(key):
                self._get_ready(key)

    @property
    def done(self) -> bool:
        """Whether every step has ended."""
        return len(self.status) == len(self.planned)

    def take(self, steps: Iterable[Step]) -> None:
        """These steps are somebody's work now."""
        for step in steps:
            self.waiting.pop(step.key, None)
            self.taken.add(step.key)

    def take_ready(self, begin: Callable[[str], bool] = lambda _: True) -> list[Step]:
        """The single steps that can begin, taken; the most urgent first.

        Args:
            begin: whether a step may begin now; those that may not stay ready.
        """
        ready: list[Step] = []
        later: list[str] = []
        for key in self._ready:
            if key not in self.waiting:
                continue
            if begin(key):
                ready.append(self.planned[key].step)
            else:
                later.append(key)
        self._ready = later
        self.take(ready)
        return ready

    def put_back(self, key: str) -> None:
        """A single step is to be done once more, when :meth:`again` says so."""
        self.taken.discard(key)
        self.waiting[key] = None

    def again(self, key: str) -> None:
        """A step that was put back can begin."""
        if key in self.waiting:
            self._get_ready(key)

    def batch(self, name: str, *, gated: bool) -> list[Step]:
        """The waiting steps of a batching integration that it can order by itself.

        Args:
            gated: it can wait for steps of others; but not for another batching integration,
                since one call is made at a time.
        """
        chosen: dict[str, Step] = {}
        coming: set[str] = set()  # ends without any other batch
        for key, planned in self.planned.items():  # in planned order: parents come first
            if key in self.status or key in self.doomed:
                continue
            own = planned.step.integration == name
            if not own and not (gated and self._single(key)):
                continue
            if not all(
                parent in self.status
                or (parent in coming and (gated or parent not in self._found[key]))
                for parent in self._after[key]
            ):
                continue
            coming.add(key)
            if own and key in self.waiting:
                chosen[key] = planned.step
        return list(chosen.values())

    def batch_ready(self, name: str) -> list[Step]:
        """The waiting steps of a batching integration whose parents have all ended."""
        return [
            self.planned[key].step
            for key in self.waiting
            if self.planned[key].step.integration == name and not self._open[key]
        ]

    def gates(self, step: Step) -> frozenset[str]:
        """What the step waits for and its tool does not know of; also what has ended by now."""
        return frozenset(
            key
            for key in self._after[step.key]
            if key in self._found[step.key]
            or self.planned[key].step.integration != step.integration
        )

    def end(self, key: str, status: Status) -> list[str]:
        """Note how a step ended; gives the waiting steps that are to be skipped because of it."""
        self.status[key] = status
        self.waiting.pop(key, None)
        self.taken.discard(key)
        self.doomed.discard(key)
        blocks = self.blocks(key)
        blocked = []
        for child in self._children.get(key, ()):
            self._open[child] -= 1
            if blocks and child in self.waiting:
                blocked.append(child)
            elif not self._open[child] and self._single(child):
                self._get_ready(child)
        return self._doom(blocked)

    def end_waiting(self) -> list[str]:
        """Nothing new begins: gives all waiting steps, which are to be skipped."""
        return self._doom(list(self.waiting))

    def _doom(self, keys: list[str]) -> list[str]:
        for key in keys:
            self.waiting.pop(key, None)
        self.doomed.update(keys)
        return keys

    def blocks(self, key: str) -> bool:
        """Whether the way in which a step ended blocks what is below it."""
        status = self.status.get(key)
        bad = status is not None and (status in FAILED or status == "skipped")
        return bad and self.planned[key].step.blocking

    def failed(self) -> bool:
        """Whether anything failed that blocks."""
        return any(
            status in FAILED and self.planned[key].step.blocking
            for key, status in self.status.items()
        )

    def cause(self, planned: PlannedStep) -> str | None:
        """Why a step must not run any more, if so; for people."""
        for key in sorted(self._after[planned.step.key]):
            if self.blocks(key):
                name, status = self.planned[key].step.name, self.status[key]
                how = {"skipped": "was skipped", "fail": "failed"}.get(status, "has an error")
                return f"{name} {how}"
        return None

    def _get_ready(self, key: str) -> None:
        insort(self._ready, key, key=self._rank.__getitem__)

    def _single(self, key: str) -> bool:
        return self.planned[key].step.integration not in self._batching


def _around_what_rests(plan: Plan) -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    """For each step that may run what it waits for, and what of that its tool does not know.

    A step that is up to date hands on what it would have waited for: a check that fails above
    it blocks what is below it, as if it had run.
    """
    after: dict[str, set[str]] = {}
    found: dict[str, set[str]] = {}
    tools = {planned.step.key: planned.step.integration for planned in plan.steps}
    resting = {planned.step.key for planned in plan.steps if planned.action == "skip"}
    for planned in plan.steps:  # parents first
        key = planned.step.key
        after[key], found[key] = set(), set()
        for parent in planned.after:
            unknown = parent in planned.found
            if parent not in resting:
                after[key].add(parent)
                found[key] |= {parent} if unknown else set()
                continue
            after[key] |= after[parent]
            unknown = unknown or tools[parent] != tools[key]
            found[key] |= after[parent] if unknown else found[parent]
    runs = after.keys() - resting
    return {key: after[key] for key in runs}, {key: found[key] for key in runs}
