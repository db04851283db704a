"""Runs a plan: parents before children across the tools, failures block what is below.

Steps of an integration that batches (dbt) go in segments: all of its steps whose
parents outside of it are done, in one call, in the main thread (dbt handles Ctrl-C
there). A runner with gates gets all steps at once instead, and is told as others end.
The steps of the other integrations run one by one, each in a thread, all the while.

Who begins first, how many at once, how long and how often: see priority, limits, timeouts
and retry. Here is only when they are asked.
"""

import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from toolkit.errors import ToolkitError
from toolkit.integrations.base import (
    ExclusiveRunner,
    GatedRunner,
    RunContext,
    Runner,
    Step,
    StepEvent,
)
from toolkit.plan import Plan
from toolkit.run.journal import Journal
from toolkit.run.scheduling.control import RunControl
from toolkit.run.scheduling.rules import Guide
from toolkit.run.scheduling.steps import Steps, skipped
from toolkit.run.scheduling.timeouts import GRACE_SECONDS
from toolkit.run.signals import held


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
        guide = guide or Guide()
        self._runners = runners
        self._batching = batching
        self._journal = journal
        self._steps = steps = Steps(plan, runners, batching, journal, guide, grace)
        self._board, self._changed, self._limits = steps.board, steps.changed, steps.limits
        self._threads, self._trouble = steps.threads, steps.trouble
        steps.on_ready = self._submit_ready
        self._limits.on_free(self._submit_ready)
        self.control = RunControl(self._limits, steps.retries, guide.urgency, asleep)
        self._open = False  # steps may begin
        self._alone = False  # a call goes on beside which nothing may run
        self.errors: list[ToolkitError] = []  # what failed beside the steps, such as a hook

    def emit(self, event: StepEvent) -> None:
        """Take an event from a runner."""
        self._steps.emit(event)

    def run(self, context: RunContext, check: Callable[[], None] = lambda: None) -> None:
        """Run everything that can be run; return when all has ended.

        Args:
            check: raises where an interruption came that did not get through to us.

        Raises:
            KeyboardInterrupt: the user wants to stop; running steps were told so and waited for.
        """
        self._limits.set_threads(context.threads)
        self._steps.context, self._open = context, True
        try:
            self._submit_ready()
            while not context.cancel.is_set():
                check()
                ends = self._steps.ends
                if self._run_batch():
                    continue
                with held, self._changed:
                    if self._board.done and self._trouble.error is None:
                        return
                    # else a batch may have got ready meanwhile
                    if self._steps.ends == ends and self._trouble.error is None:
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
            self._steps.alarm.close()

    def wake(self) -> None:
        """An interruption came: have :meth:`run` call its ``check``; from any thread."""
        with held, self._changed:
            self._steps.interrupted = True
            self._changed.notify_all()

    def _say_what_is_waited_for(self) -> None:
        begun = sorted(
            self._board.planned[key].step.name
            for key in [*self._board.taken]
            if key in self._steps.started
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
        with held, self._changed:
            context = self._steps.context
            if not self._open or context is None or context.cancel.is_set():
                return
            if self._steps.stopping or self._alone:
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
            with held, self._changed:
                if alone and self._board.taken:
                    continue  # what runs must end first, which will wake us
                steps = self._board.batch(name, gated=gated)
                if not gated and not self._limits.take_call(name, steps):
                    continue  # a place gets free when a step ends, which will wake us
                self._board.take(steps)
                gates = {step.key: self._board.gates(step) for step in steps}
                self._alone = alone and bool(steps)
                if gated and steps:
                    self._steps.in_gates.add(name)
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
            with held, self._changed:
                ready = self._board.batch_ready(name)
            asleep = [(step, why) for step in ready if (why := self.control.asleep(step.key))]
            if not asleep:
                return
            for step, why in asleep:
                with held, self._changed:
                    self._board.take([step])
                self._steps.end_asleep(step, why)

    def _waits(self, name: str) -> bool:
        with held, self._changed:
            planned = self._board.planned
            return any(planned[key].step.integration == name for key in self._board.waiting)

    def _call_batch(self, steps: Sequence[Step], call: Callable[[], None]) -> None:
        try:
            try:
                call()
            finally:
                with held, self._changed:
                    self._steps.in_gates.clear()
                    self._steps.no_more_attempts(steps)
                self._steps.tell_what_follows()
        except ToolkitError as error:
            self._trouble.raise_it()
            if all(step.key in self._board.status for step in steps):
                self.errors.append(error)
            for step in steps:
                self._steps.fail(step, str(error))
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
        attempt = self._steps.retries.attempt(step.key)
        try:
            unchanged = self.control.asleep(step.key)
            if unchanged is not None:
                self._steps.end_asleep(step, unchanged)
                return
            self._runners[step.integration].run([step])
        except ToolkitError as error:
            self._steps.fail(step, str(error))
        except BaseException as error:  # noqa: BLE001 - a thread's bug must end its step, not hang the run
            log = context.log_dir / "errors.log"
            with log.open("a", encoding="utf-8") as file:
                file.write(f"{step.key}\n{traceback.format_exc()}\n")
            self._steps.fail(step, f"{type(error).__name__}: {error} (traceback in {log})")
        else:
            if self._steps.retries.attempt(step.key) == attempt:  # else it is tried again
                self._steps.fail(step, "Its runner returned without saying how it ended.")

    def _abandon(self) -> None:
        """After an interruption: what was running has an error, what was not is skipped."""
        with held, self._changed:
            self._steps.no_more_attempts()
        self._steps.tell_what_follows()
        waiting = self._board.end_waiting()
        for key in [*self._board.taken]:
            if key in self._steps.started:
                self._steps.fail(self._board.planned[key].step, "interrupted")
            else:
                self.emit(skipped(key, "skipped: the run was interrupted"))
        for key in waiting:
            self.emit(skipped(key, "skipped: the run was interrupted"))
