"""The steps of one run: what runners tell of them, and what follows from it.

Every event goes to the journal first. A failure may be tried again; an end opens what waited for
the step, or dooms it; whoever holds back steps behind gates is told.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial

import msgspec

from toolkit.errors import ToolkitError
from toolkit.integrations.base import (
    FAILED,
    AbandoningRunner,
    GatedRunner,
    RunContext,
    Runner,
    Step,
    StepEvent,
    StepFinished,
    StepProgress,
    StepStarted,
)
from toolkit.plan import Plan
from toolkit.run.journal import Journal
from toolkit.run.scheduling.alarm import Alarm
from toolkit.run.scheduling.board import Board
from toolkit.run.scheduling.limits import Limits
from toolkit.run.scheduling.retry import Retries
from toolkit.run.scheduling.rules import Guide
from toolkit.run.scheduling.threads import StepThreads
from toolkit.run.scheduling.timeouts import Timeouts
from toolkit.run.scheduling.trouble import Trouble
from toolkit.run.signals import held

_UPSTREAM = "something upstream failed"


class Steps:
    """Where the steps of one plan stand, as their runners tell it. Thread-safe.

    Args:
        runners: by integration.
        batching: names of the integrations that take many steps in one call.
        grace: seconds that a step has to end in once its time is over.

    Attributes:
        changed: held to look at ``board`` or to change it; notified when a step has ended.
        started: of each step that has begun its first word, or that of its last attempt.
        context: of the run, once it goes on.
        interrupted: the run is to stop, so nothing is tried again.
        stopping: --fail-fast: nothing new begins.
        in_gates: integrations whose gated call goes on.
        ends: how many have ended.
        on_ready: called when steps may have got ready; under no lock.
    """

    def __init__(
        self,
        plan: Plan,
        runners: Mapping[str, Runner],
        batching: frozenset[str],
        journal: Journal,
        guide: Guide,
        grace: float,
    ) -> None:
        self._runners = runners
        self._batching = batching
        self._journal = journal
        self._guide = guide
        self.changed = threading.Condition()
        self.board = Board(plan, batching, guide.urgency)
        self.limits = Limits((p.step for p in plan.steps), batching, guide)
        self.retries = Retries()
        self.threads = StepThreads()
        self.trouble = Trouble(self.changed)
        self.alarm = Alarm()
        self._timeouts = Timeouts(self.alarm, runners, self._wait_ended, self._leave_behind, grace)
        self.started: dict[str, StepStarted] = {}
        self._ending: set[str] = set()  # somebody tells their end at this moment
        self._left_over: set[str] = set()  # nobody could stop them
        self._to_tell: deque[StepFinished] = deque()
        self.context: RunContext | None = None
        self.interrupted = False
        self.stopping = False
        self.in_gates: set[str] = set()
        self.ends = 0
        self.on_ready: Callable[[], None] = lambda: None

    def emit(self, event: StepEvent) -> None:
        """Take an event: journal first, then what follows from it."""
        with held:
            self._take_event(event)
            self.tell_what_follows()
        self.on_ready()  # at once: the main thread may be in a long call

    def _take_event(self, event: StepEvent) -> None:
        if isinstance(event, StepFinished):
            self._take_end(event)
            return
        with self.changed:
            if event.step in self.board.status:
                return  # what nobody could stop still speaks
            if isinstance(event, StepStarted):
                self.started[event.step] = event
                self.retries.begin(event.step)
        if isinstance(event, StepStarted):
            step = self.board.planned[event.step].step
            timeout = self._guide.policy(step).timeout
            if timeout is not None:
                self._timeouts.begin(step, self.retries.attempt(event.step), timeout)
        self._journal.on_event(event)

    def _take_end(self, event: StepFinished) -> None:
        with self.changed:
            if event.step in self.board.status or event.step in self._ending:
                return
            self._ending.add(event.step)
        with ExitStack() as undo:  # the ledger cannot be written, say: then it is still to be told
            undo.callback(self._not_ending, event.step)
            self._end(event)
            undo.pop_all()

    def _not_ending(self, key: str) -> None:
        with self.changed:
            self._ending.discard(key)

    def _end(self, event: StepFinished) -> None:
        key, board = event.step, self.board
        event = self._timeouts.explain(event, self.retries.attempt(key))
        if self._try_again(event):
            return
        step = board.planned[key].step
        if event.status == "skipped" and not event.message:
            cause = board.cause(board.planned[key])
            cause = cause or ("--fail-fast" if self.stopping else _UPSTREAM)
            event = msgspec.structs.replace(event, message=f"skipped: {cause}")
        event = self.retries.noted(event, self._guide.policy(step))
        self._journal.on_event(event)
        with self.changed:
            blocked = board.end(key, event.status)
            self._ending.discard(key)
            self.ends += 1
            self._to_tell += [
                skipped(one, f"skipped: {board.cause(board.planned[one]) or _UPSTREAM}")
                for one in blocked
            ]
            if event.status in FAILED:
                self._stop_if_asked(step)
            self.changed.notify_all()
        self.limits.give_back(key)
        with self.changed:
            self._tell_gates(event)

    def _try_again(self, event: StepFinished) -> bool:
        """Have a failed step done once more, if its failure may pass; it has not ended then."""
        step = self.board.planned[event.step].step
        single = step.integration not in self._batching
        policy = self._guide.policy(step)
        with self.changed:
            if self.stopping or not self._may_begin() or event.step in self._left_over:
                return False
            if not single and step.integration not in self.in_gates:
                return False
            wait = self.retries.again(step, event, policy)
            if wait is None:
                return False
            if single:
                self.board.put_back(step.key)
            self._ending.discard(step.key)
        attempt = self.retries.attempt(step.key)
        said = event.message.partition("\n")[0].rstrip(".")
        self._journal.on_event(
            StepProgress(
                step=step.key,
                message=f"attempt {attempt - 1} of {policy.retries + 1} failed ({said}); "
                f"trying again in {wait:.1f} s",
                retry=True,
            )
        )
        self.limits.give_back(step.key)
        if single:
            self.alarm.later(wait, partial(self._again, step.key))
        return True

    def _again(self, key: str) -> None:
        with self.changed:
            self.board.again(key)
        self.on_ready()

    def _may_begin(self) -> bool:
        context = self.context
        return not (self.interrupted or (context is not None and context.cancel.is_set()))

    def _tell_gates(self, event: StepFinished) -> None:
        for runner in self._runners.values():
            if isinstance(runner, GatedRunner):
                runner.ended(event, blocks=self.board.blocks(event.step))

    def _stop_if_asked(self, failed: Step) -> None:
        """--fail-fast: nothing new begins after a failure."""
        if self.stopping or not failed.blocking or self.context is None:
            return
        if not self.context.fail_fast:
            return
        self.stopping = True
        self.no_more_attempts()
        self._to_tell += [skipped(key, "skipped: --fail-fast") for key in self.board.end_waiting()]
        for runner in self._runners.values():
            if isinstance(runner, GatedRunner):
                runner.stop()

    def no_more_attempts(self, steps: Sequence[Step] | None = None) -> None:
        """The failures of the steps that wait for their next attempt are final."""
        keys: list[str | None] = [None] if steps is None else [step.key for step in steps]
        for event in [event for key in keys for event in self.retries.give_up(key)]:
            self.board.take([self.board.planned[event.step].step])
            self._to_tell.append(event)

    def tell_what_follows(self) -> None:
        """End what is to be skipped, or was given up, because of what was told before."""
        while True:  # not recursive: a chain of skipped steps can be long
            with self.changed:
                if not self._to_tell:
                    return
                told = self._to_tell.popleft()
            self._take_event(told)

    # ---- ends that no runner tells ----

    def fail(self, step: Step, message: str) -> None:
        """Report a failure, unless the step's end was reported already."""
        if step.key in self.board.status or self.retries.waits(step.key):
            return
        now = time.time()
        if step.key not in self.started:
            self.emit(StepStarted(step=step.key, at=now))
        started = self.started[step.key]
        self.emit(
            StepFinished(
                step=step.key, status="error", started_at=started.at, finished_at=now,
                message=message, thread=started.thread,
            )
        )  # fmt: skip

    def end_asleep(self, step: Step, why: str) -> None:
        """A step need not run after all."""
        now = time.time()
        self.emit(
            StepFinished(
                step=step.key, status="no-op", started_at=now, finished_at=now, message=why
            )
        )

    # ---- steps that do not end by themselves ----

    def _wait_ended(self, key: str, attempt: int, seconds: float) -> bool:
        """Whether this attempt at a step has ended, after so many seconds at most."""

        def ended() -> bool:
            told = key in self.board.status or key in self._ending
            return told or self.retries.attempt(key) != attempt

        with self.changed:
            return self.changed.wait_for(ended, seconds)

    def _leave_behind(self, step: Step, message: str) -> None:
        """Nobody could stop a step: it has failed, and what still runs of it holds up nobody."""
        with self.changed:
            self._left_over.add(step.key)
            started = self.started[step.key]
        self.threads.leave_behind(started.thread)
        try:
            self.fail(step, message)
        except ToolkitError as error:  # the ledger cannot be written
            self.trouble.tell(error)
        runner = self._runners[step.integration]
        if isinstance(runner, AbandoningRunner):
            runner.abandon(step.key)


def skipped(key: str, message: str) -> StepFinished:
    """The end of a step that does not run."""
    now = time.time()
    return StepFinished(
        step=key, status="skipped", started_at=now, finished_at=now, message=message
    )
