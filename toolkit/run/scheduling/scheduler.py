"""Runs a plan: parents before children across the tools, failures block what is below.

Steps of an integration that batches (dbt) go in segments: all of its steps whose
parents outside of it are done, in one call, in the main thread (dbt handles Ctrl-C
there). A runner with gates gets all steps at once instead, and is told as others end.
The steps of the other integrations run one by one, each in a thread, all the while.

Who begins first, how many at once, how long and how often: see priority, limits, timeouts
and retry. Here is only when they are asked.
"""

import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import msgspec

from toolkit.errors import ToolkitError
from toolkit.integrations.base import (
    FAILED,
    AbandoningRunner,
    ExclusiveRunner,
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
from toolkit.run.scheduling.control import RunControl
from toolkit.run.scheduling.limits import Limits
from toolkit.run.scheduling.retry import Retries
from toolkit.run.scheduling.rules import Guide
from toolkit.run.scheduling.threads import StepThreads
from toolkit.run.scheduling.timeouts import GRACE_SECONDS, Timeouts
from toolkit.run.scheduling.trouble import Trouble


class Scheduler:
    """Runs the steps of one plan.

    Args:
        runners: by integration; opened, not closed here.
        batching: names of the integrations that take many steps in one call.
        journal: hears of every event first.
        guide: limits, timeouts, retries, and who goes first.
        grace: seconds that a step has to end in once its time is over.
        asleep: why a step whose parents have ended need not run after all, if so.

    Attributes:
        control: what runners may ask, for their context.
    """

    def __init__(
        self,
        plan: Plan,
        runners: Mapping[str, Runner],
        batching: frozenset[str],
        journal: Journal,
        guide: Guide | None = None,
        grace: float = GRACE_SECONDS,
        asleep: Callable[[str], str | None] = lambda _: None,
    ) -> None:
        self._guide = guide or Guide()
        self._board = Board(plan, batching, self._guide.urgency)
        self._runners = runners
        self._batching = batching
        self._journal = journal
        self._changed = threading.Condition()
        self._to_tell: deque[StepFinished] = deque()
        self._started: dict[str, StepStarted] = {}
        self._ending: set[str] = set()  # somebody tells their end at this moment
        self._threads = StepThreads()
        self._alarm = Alarm()
        self._retries = Retries()
        self._limits = Limits((p.step for p in plan.steps), batching, self._guide)
        self._limits.on_free(self._submit_ready)
        self._timeouts = Timeouts(self._alarm, runners, self._wait_ended, self._leave_behind, grace)
        self.control = RunControl(self._limits, self._retries, self._guide.urgency, asleep)
        self._context: RunContext | None = None
        self._open = False  # steps may begin
        self._stopping = False
        self._interrupted = False
        self._left_over: set[str] = set()  # nobody could stop them
        self._in_gates: set[str] = set()  # integrations whose gated call goes on
        self._alone = False  # a call goes on beside which nothing may run
        self._ends = 0
        self._trouble = Trouble(self._changed)
        self.errors: list[ToolkitError] = []  # what failed beside the steps, such as a hook

    # ---- events ----

    def emit(self, event: StepEvent) -> None:
        """Take an event from a runner: journal first, then the scheduling."""
        self._take_event(event)
        self._tell_what_follows()
        self._submit_ready()  # at once: the main thread may be in a long call

    def _take_event(self, event: StepEvent) -> None:
        if isinstance(event, StepFinished):
            self._take_end(event)
            return
        with self._changed:
            if event.step in self._board.status:
                return  # what nobody could stop still speaks
            if isinstance(event, StepStarted):
                self._started[event.step] = event
                self._retries.begin(event.step)
        if isinstance(event, StepStarted):
            step = self._board.planned[event.step].step
            timeout = self._guide.policy(step).timeout
            if timeout is not None:
                self._timeouts.begin(step, self._retries.attempt(event.step), timeout)
        self._journal.on_event(event)

    def _take_end(self, event: StepFinished) -> None:
        with self._changed:
            if event.step in self._board.status or event.step in self._ending:
                return
            self._ending.add(event.step)
        try:
            self._end(event)
        except BaseException:  # the ledger cannot be written, say: the end is still to be told
            with self._changed:
                self._ending.discard(event.step)
            raise

    def _end(self, event: StepFinished) -> None:
        key, board = event.step, self._board
        event = self._timeouts.explain(event, self._retries.attempt(key))
        if self._try_again(event):
            return
        step = board.planned[key].step
        if event.status == "skipped" and not event.message:
            cause = board.cause(board.planned[key])
            cause = cause or ("--fail-fast" if self._stopping else "something upstream failed")
            event = msgspec.structs.replace(event, message=f"skipped: {cause}")
        event = self._retries.noted(event, self._guide.policy(step))
        self._journal.on_event(event)
        with self._changed:
            blocked = board.end(key, event.status)
            self._ending.discard(key)
            self._ends += 1
            self._to_tell += [
                _skipped(one, f"skipped: {board.cause(board.planned[one]) or _UPSTREAM}")
                for one in blocked
            ]
            if event.status in FAILED:
                self._stop_if_asked(step)
            self._changed.notify_all()
        self._limits.give_back(key)
        with self._changed:
            self._tell_gates(event)

    def _try_again(self, event: StepFinished) -> bool:
        """Have a failed step done once more, if its failure may pass; it has not ended then."""
        step = self._board.planned[event.step].step
        single = step.integration not in self._batching
        policy = self._guide.policy(step)
        with self._changed:
            if self._stopping or not self._may_begin() or event.step in self._left_over:
                return False
            if not single and step.integration not in self._in_gates:
                return False
            wait = self._retries.again(step, event, policy)
            if wait is None:
                return False
            if single:
                self._board.put_back(step.key)
            self._ending.discard(step.key)
        attempt = self._retries.attempt(step.key)
        said = event.message.partition("\n")[0].rstrip(".")
        self._journal.on_event(
            StepProgress(
                step=step.key,
                message=f"attempt {attempt - 1} of {policy.retries + 1} failed ({said}); "
                f"trying again in {wait:.1f} s",
                retry=True,
            )
        )
        self._limits.give_back(step.key)
        if single:
            self._alarm.later(wait, partial(self._again, step.key))
        return True

    def _again(self, key: str) -> None:
        with self._changed:
            self._board.again(key)
        self._submit_ready()

    def _may_begin(self) -> bool:
        context = self._context
        return not (self._interrupted or (context is not None and context.cancel.is_set()))

    def _no_more_attempts(self, steps: Sequence[Step] | None = None) -> None:
        """The failures of the steps that wait for their next attempt are final."""
        keys: list[str | None] = [None] if steps is None else [step.key for step in steps]
        for event in [event for key in keys for event in self._retries.give_up(key)]:
            self._board.take([self._board.planned[event.step].step])
            self._to_tell.append(event)

    def _tell_gates(self, event: StepFinished) -> None:
        for runner in self._runners.values():
            if isinstance(runner, GatedRunner):
                runner.ended(event, blocks=self._board.blocks(event.step))

    def _stop_if_asked(self, failed: Step) -> None:
        """--fail-fast: nothing new begins after a failure."""
        if self._stopping or not failed.blocking or self._context is None:
            return
        if not self._context.fail_fast:
            return
        self._stopping = True
        self._no_more_attempts()
        self._to_tell += [
            _skipped(key, "skipped: --fail-fast") for key in self._board.end_waiting()
        ]
        for runner in self._runners.values():
            if isinstance(runner, GatedRunner):
                runner.stop()

    # ---- the run ----

    def run(self, context: RunContext, check: Callable[[], None] = lambda: None) -> None:
        """Run everything that can be run; return when all has ended.

        Args:
            check: raises where an interruption came that did not get through to us.

        Raises:
            KeyboardInterrupt: the user wants to stop; running steps were told so and waited for.
        """
        self._limits.set_threads(context.threads)
        self._context, self._open = context, True
        try:
            self._submit_ready()
            while not context.cancel.is_set():
                check()
                ends = self._ends
                if self._run_batch():
                    continue
                with self._changed:
                    if self._board.done and self._trouble.error is None:
                        return
                    if (
                        self._ends == ends and self._trouble.error is None
                    ):  # else a batch may have got ready meanwhile
                        self._changed.wait()
                self._trouble.raise_it()
        except KeyboardInterrupt:
            if self._trouble.error is not None:
                raise self._trouble.error from None
            context.cancel.set()
            self._open = False  # nothing new begins
            try:
                self._say_what_is_waited_for()
                self._threads.join()
            finally:  # interrupted again, wherever that met us: nobody waits any more
                self._abandon()
            raise
        except BaseException:
            context.cancel.set()
            raise
        finally:
            self._open = False
            if not context.cancel.is_set():
                self._threads.join()
            if self._trouble.error is None:
                self._abandon()
            self._alarm.close()

    def wake(self) -> None:
        """An interruption came: have :meth:`run` call its ``check``; from any thread."""
        with self._changed:
            self._interrupted = True
            self._changed.notify_all()

    def _say_what_is_waited_for(self) -> None:
        begun = sorted(
            self._board.planned[key].step.name
            for key in [*self._board.taken]
            if key in self._started
        )
        if begun:
            shown = ", ".join(begun[:3]) + (", ..." if len(begun) > 3 else "")
            print(
                f"Stopping: waiting for {shown} to end; Ctrl-C again stops at once.",
                file=sys.stderr,
                flush=True,
            )

    def _submit_ready(self) -> None:
        """Begin the steps of integrations that do not batch: what is ready and has its places."""
        with self._changed:
            context = self._context
            if not self._open or context is None or context.cancel.is_set():
                return
            if self._stopping or self._alone:
                return
            for step in self._board.take_ready(self._limits.take_place):
                self._threads.start(partial(self._call, step, context))

    def _run_batch(self) -> bool:
        """Make one call of a batching integration, if there is one to make; in this thread."""
        for name in sorted(self._batching & self._runners.keys()):
            runner = self._runners[name]
            if not self._waits(name):
                continue
            gated = isinstance(runner, GatedRunner) and runner.takes_gates()
            alone = isinstance(runner, ExclusiveRunner) and runner.exclusive
            if not gated:
                self._put_to_sleep(name)
            with self._changed:
                if alone and self._board.taken:
                    continue  # what runs must end first, which will wake us
                steps = self._board.batch(name, gated=gated)
                if not gated and not self._limits.take_call(name, steps):
                    continue  # a place gets free when a step ends, which will wake us
                self._board.take(steps)
                gates = {step.key: self._board.gates(step) for step in steps}
                self._alone = alone and bool(steps)
                if gated and steps:
                    self._in_gates.add(name)
            if not steps:
                continue
            if isinstance(runner, GatedRunner) and gated:
                self._call_batch(steps, partial(runner.run_gated, steps, gates))
            else:
                self._journal.begin_call(steps)
                self._call_batch(steps, partial(runner.run, steps))
                self._journal.settle()
            self._alone = False
            self._limits.give_back(name)
            self._submit_ready()
            return True
        return False

    def _put_to_sleep(self, name: str) -> None:
        """End the steps that need not run, as far as that is known before a call is made."""
        while True:
            with self._changed:
                ready = self._board.batch_ready(name)
            asleep = [(step, why) for step in ready if (why := self.control.asleep(step.key))]
            if not asleep:
                return
            for step, why in asleep:
                with self._changed:
                    self._board.take([step])
                self._end_asleep(step, why)

    def _waits(self, name: str) -> bool:
        with self._changed:
            planned = self._board.planned
            return any(planned[key].step.integration == name for key in self._board.waiting)

    def _call_batch(self, steps: Sequence[Step], call: Callable[[], None]) -> None:
        try:
            try:
                call()
            finally:
                with self._changed:
                    self._in_gates.clear()
                    self._no_more_attempts(steps)
                self._tell_what_follows()
        except ToolkitError as error:
            self._trouble.raise_it()
            if all(step.key in self._board.status for step in steps):
                self.errors.append(error)
            for step in steps:
                self._fail(step, str(error))
        self._trouble.raise_it()

    def _call(self, step: Step, context: RunContext) -> None:
        """Run one step in its thread; whatever happens, the main thread hears of it."""
        if context.cancel.is_set():
            return
        try:
            self._run_single(step, context)
        except BaseException as error:  # noqa: BLE001 - raised again in the main thread
            self._trouble.tell(error)

    def _run_single(self, step: Step, context: RunContext) -> None:
        attempt = self._retries.attempt(step.key)
        try:
            unchanged = self.control.asleep(step.key)
            if unchanged is not None:
                self._end_asleep(step, unchanged)
                return
            self._runners[step.integration].run([step])
        except ToolkitError as error:
            self._fail(step, str(error))
        except BaseException as error:  # noqa: BLE001 - a thread's bug must end its step, not hang the run
            log = context.log_dir / "errors.log"
            with log.open("a", encoding="utf-8") as file:
                file.write(f"{step.key}\n{traceback.format_exc()}\n")
            self._fail(step, f"{type(error).__name__}: {error} (traceback in {log})")
        else:
            if self._retries.attempt(step.key) == attempt:  # else it is tried again
                self._fail(step, "Its runner returned without saying how it ended.")

    def _end_asleep(self, step: Step, why: str) -> None:
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
            told = key in self._board.status or key in self._ending
            return told or self._retries.attempt(key) != attempt

        with self._changed:
            return self._changed.wait_for(ended, seconds)

    def _leave_behind(self, step: Step, message: str) -> None:
        """Nobody could stop a step: it has failed, and what still runs of it holds up nobody."""
        with self._changed:
            self._left_over.add(step.key)
            started = self._started[step.key]
        self._threads.leave_behind(started.thread)
        try:
            self._fail(step, message)
        except ToolkitError as error:  # the ledger cannot be written
            self._trouble.tell(error)
        runner = self._runners[step.integration]
        if isinstance(runner, AbandoningRunner):
            runner.abandon(step.key)

    def _tell_what_follows(self) -> None:
        while True:  # not recursive: a chain of skipped steps can be long
            with self._changed:
                if not self._to_tell:
                    return
                told = self._to_tell.popleft()
            self._take_event(told)

    def _fail(self, step: Step, message: str) -> None:
        """Report a failure, unless the step's end was reported already."""
        if step.key in self._board.status or self._retries.waits(step.key):
            return
        now = time.time()
        if step.key not in self._started:
            self.emit(StepStarted(step=step.key, at=now))
        started = self._started[step.key]
        self.emit(
            StepFinished(
                step=step.key, status="error", started_at=started.at, finished_at=now,
                message=message, thread=started.thread,
            )
        )  # fmt: skip

    def _abandon(self) -> None:
        """After an interruption: what was running has an error, what was not is skipped."""
        with self._changed:
            self._no_more_attempts()
        self._tell_what_follows()
        waiting = self._board.end_waiting()
        for key in [*self._board.taken]:
            if key in self._started:
                self._fail(self._board.planned[key].step, "interrupted")
            else:
                self.emit(_skipped(key, "skipped: the run was interrupted"))
        for key in waiting:
            self.emit(_skipped(key, "skipped: the run was interrupted"))


_UPSTREAM = "something upstream failed"


def _skipped(key: str, message: str) -> StepFinished:
    now = time.time()
    return StepFinished(
        step=key, status="skipped", started_at=now, finished_at=now, message=message
    )
