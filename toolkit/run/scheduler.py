"""Runs a plan: parents before children across the tools, failures block what is below.

Steps of an integration that batches (dbt) go in segments: all of its steps whose
parents outside of it are done, in one call, in the main thread (dbt handles Ctrl-C
there). A runner with gates gets all steps at once instead, and is told as others end.
The steps of the other integrations run one by one in a pool of threads, all the while.
"""

import _thread
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import msgspec

from toolkit.errors import ToolkitError
from toolkit.integrations.base import (
    FAILED,
    ExclusiveRunner,
    GatedRunner,
    RunContext,
    Runner,
    Step,
    StepEvent,
    StepFinished,
    StepStarted,
)
from toolkit.plan import Plan
from toolkit.run.board import Board
from toolkit.run.journal import Journal


class Scheduler:
    """Runs the steps of one plan.

    Args:
        runners: by integration; opened, not closed here.
        batching: names of the integrations that take many steps in one call.
        journal: hears of every event first.
    """

    def __init__(
        self, plan: Plan, runners: Mapping[str, Runner], batching: frozenset[str], journal: Journal
    ) -> None:
        self._board = Board(plan, batching)
        self._runners = runners
        self._batching = batching
        self._journal = journal
        self._changed = threading.Condition()
        self._to_skip: deque[tuple[str, str]] = deque()
        self._started: dict[str, float] = {}
        self._pool: ThreadPoolExecutor | None = None
        self._context: RunContext | None = None
        self._stopping = False
        self._alone = False  # a call goes on beside which nothing may run
        self._ends = 0
        self._broken: BaseException | None = None  # what a thread could not report
        self.errors: list[ToolkitError] = []  # what failed beside the steps, such as a hook

    # ---- events ----

    def emit(self, event: StepEvent) -> None:
        """Take an event from a runner: journal first, then the scheduling."""
        self._take_event(event)
        while True:  # not recursive: a chain of skipped steps can be long
            with self._changed:
                if not self._to_skip:
                    break
                key, cause = self._to_skip.popleft()
            self._take_event(_skipped(key, f"skipped: {cause}"))
        self._submit_ready()  # at once: the main thread may be in a long call

    def _take_event(self, event: StepEvent) -> None:
        board = self._board
        if isinstance(event, StepFinished):
            if event.step in board.status:
                return
            if event.status == "skipped" and not event.message:
                cause = board.cause(board.planned[event.step])
                cause = cause or ("--fail-fast" if self._stopping else "something upstream failed")
                event = msgspec.structs.replace(event, message=f"skipped: {cause}")
        self._journal.on_event(event)
        with self._changed:
            if isinstance(event, StepStarted):
                self._started[event.step] = event.at
            elif isinstance(event, StepFinished) and event.step not in board.status:
                blocked = board.end(event.step, event.status)
                self._ends += 1
                self._tell_gates(event)
                self._to_skip += [
                    (key, board.cause(board.planned[key]) or "something upstream failed")
                    for key in blocked
                ]
                if event.status in FAILED:
                    self._stop_if_asked(board.planned[event.step].step)
            self._changed.notify_all()

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
        self._to_skip += [(key, "--fail-fast") for key in self._board.end_waiting()]
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
        pool = ThreadPoolExecutor(max_workers=max(1, context.threads), thread_name_prefix="step")
        self._pool, self._context = pool, context
        try:
            self._submit_ready()
            while not context.cancel.is_set():
                check()
                ends = self._ends
                if self._run_batch():
                    continue
                with self._changed:
                    if self._broken is not None:
                        raise self._broken
                    if self._board.done:
                        return
                    if self._ends == ends:  # else a batch may have got ready meanwhile
                        self._changed.wait()
        except KeyboardInterrupt:
            if self._broken is not None:
                raise self._broken from None
            context.cancel.set()
            self._pool = None  # nothing new begins
            try:
                self._say_what_is_waited_for()
                pool.shutdown(wait=True, cancel_futures=True)
            finally:  # interrupted again, wherever that met us: nobody waits any more
                pool.shutdown(wait=False, cancel_futures=True)
                self._abandon()
            raise
        except BaseException:
            context.cancel.set()
            raise
        finally:
            self._pool = None
            pool.shutdown(wait=not context.cancel.is_set(), cancel_futures=True)
            if self._broken is None:
                self._abandon()

    def wake(self) -> None:
        """Have :meth:`run` call its ``check``; from any thread."""
        with self._changed:
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
        """Hand the steps of integrations that do not batch to the pool, as they get ready."""
        with self._changed:
            context = self._context
            if self._pool is None or context is None or context.cancel.is_set():
                return
            if self._stopping or self._alone:
                return
            for step in self._board.take_ready():
                self._pool.submit(self._call, step, context)

    def _run_batch(self) -> bool:
        """Make one call of a batching integration, if there is one to make; in this thread."""
        for name in sorted(self._batching & self._runners.keys()):
            runner = self._runners[name]
            if not self._waits(name):
                continue
            gated = isinstance(runner, GatedRunner) and runner.takes_gates()
            alone = isinstance(runner, ExclusiveRunner) and runner.exclusive
            with self._changed:
                if alone and self._board.taken:
                    continue  # what runs must end first, which will wake us
                steps = self._board.take_batch(name, gated=gated)
                gates = {step.key: self._board.gates(step) for step in steps}
                self._alone = alone and bool(steps)
            if not steps:
                continue
            if isinstance(runner, GatedRunner) and gated:
                self._call_batch(steps, partial(runner.run_gated, steps, gates))
            else:
                self._call_batch(steps, partial(runner.run, steps))
            self._alone = False
            self._submit_ready()
            return True
        return False

    def _waits(self, name: str) -> bool:
        with self._changed:
            planned = self._board.planned
            return any(planned[key].step.integration == name for key in self._board.waiting)

    def _call_batch(self, steps: Sequence[Step], call: Callable[[], None]) -> None:
        try:
            call()
        except ToolkitError as error:
            if self._broken is not None:
                raise
            if all(step.key in self._board.status for step in steps):
                self.errors.append(error)
            for step in steps:
                self._fail(step, str(error))
        if self._broken is not None:
            raise self._broken

    def _call(self, step: Step, context: RunContext) -> None:
        """Run one step in a thread of the pool; whatever happens, the main thread hears of it."""
        try:
            self._run_single(step, context)
        except BaseException as error:  # noqa: BLE001 - raised again in the main thread
            self._broken = error
            with self._changed:
                self._changed.notify_all()
            _thread.interrupt_main()  # which may be in a call that waits for this step

    def _run_single(self, step: Step, context: RunContext) -> None:
        try:
            self._runners[step.integration].run([step])
        except ToolkitError as error:
            self._fail(step, str(error))
        except BaseException as error:  # noqa: BLE001 - a thread's bug must end its step, not hang the run
            log = context.log_dir / "errors.log"
            with log.open("a", encoding="utf-8") as file:
                file.write(f"{step.key}\n{traceback.format_exc()}\n")
            self._fail(step, f"{type(error).__name__}: {error} (traceback in {log})")
        else:
            self._fail(step, "Its runner returned without saying how it ended.")

    def _fail(self, step: Step, message: str) -> None:
        """Report a failure, unless the step's end was reported already."""
        if step.key in self._board.status:
            return
        now = time.time()
        started = self._started.get(step.key)
        if started is None:
            self.emit(StepStarted(step=step.key, at=now))
            started = now
        self.emit(
            StepFinished(
                step=step.key, status="error", started_at=started, finished_at=now, message=message
            )
        )

    def _abandon(self) -> None:
        """After an interruption: what was running has an error, what was not is skipped."""
        waiting = self._board.end_waiting()
        for key in [*self._board.taken]:
            if key in self._started:
                self._fail(self._board.planned[key].step, "interrupted")
            else:
                self.emit(_skipped(key, "skipped: the run was interrupted"))
        for key in waiting:
            self.emit(_skipped(key, "skipped: the run was interrupted"))


def _skipped(key: str, message: str) -> StepFinished:
    now = time.time()
    return StepFinished(
        step=key, status="skipped", started_at=now, finished_at=now, message=message
    )
