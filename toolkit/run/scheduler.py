"""Runs a plan: parents before children across the tools, failures block what is below.

Steps of an integration that batches (dbt) go in segments: all of its steps whose
parents outside of it are done, in one call, in the main thread (dbt handles Ctrl-C
there). The steps of the others run one by one in a pool of threads, also while a
segment runs.
"""

import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor

import msgspec

from toolkit.errors import ToolkitError
from toolkit.integrations.base import (
    FAILED,
    RunContext,
    Runner,
    Status,
    Step,
    StepEvent,
    StepFinished,
    StepStarted,
)
from toolkit.plan import Plan, PlannedStep
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
        self._planned = {planned.step.key: planned for planned in plan.steps}
        self._runners = runners
        self._batching = batching
        self._journal = journal
        self._changed = threading.Condition()
        self._pending = dict.fromkeys(self._planned)
        self._running: set[str] = set()
        self._started: dict[str, float] = {}
        self._status: dict[str, Status] = {}
        self._pool: ThreadPoolExecutor | None = None
        self._context: RunContext | None = None
        self.errors: list[ToolkitError] = []  # what failed beside the steps, such as a hook

    def emit(self, event: StepEvent) -> None:
        """Take an event from a runner: journal first, then the scheduling."""
        if isinstance(event, StepFinished) and event.step in self._status:
            return
        if isinstance(event, StepFinished) and event.status == "skipped" and not event.message:
            cause = self._cause(self._planned[event.step]) or "something upstream failed"
            event = msgspec.structs.replace(event, message=f"skipped: {cause}")
        self._journal.on_event(event)
        with self._changed:
            if isinstance(event, StepStarted):
                self._started[event.step] = event.at
            elif isinstance(event, StepFinished):
                self._status[event.step] = event.status
                self._running.discard(event.step)
                self._pending.pop(event.step, None)
                self._submit_ready()  # at once: the main thread may be in a long segment
            self._changed.notify_all()

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
            while not context.cancel.is_set():
                self._skip_blocked()
                self._submit_ready()
                segment = self._segment()
                if segment:
                    self._run_segment(segment)
                    check()
                    continue
                with self._changed:
                    if not self._pending and not self._running:
                        return
                    if not self._anything_new():
                        self._changed.wait()
        except KeyboardInterrupt:
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
            self._abandon()

    def _say_what_is_waited_for(self) -> None:
        begun = sorted(
            self._planned[key].step.name for key in [*self._running] if key in self._started
        )
        if begun:
            shown = ", ".join(begun[:3]) + (", ..." if len(begun) > 3 else "")
            print(
                f"Stopping: waiting for {shown} to end; Ctrl-C again stops at once.",
                file=sys.stderr,
                flush=True,
            )

    # ---- what can run now ----

    def _is_ready(self, planned: PlannedStep) -> bool:
        done = all(key in self._status for key in planned.after)
        return done and self._cause(planned) is None

    def _anything_new(self) -> bool:
        """Whether a pending step could begin or be skipped: the check before going to sleep."""
        return any(
            self._is_ready(self._planned[key]) or self._cause(self._planned[key]) is not None
            for key in self._pending
        )

    def _submit_ready(self) -> None:
        """Hand the steps of integrations that do not batch to the pool, as they get ready."""
        with self._changed:
            context = self._context
            if self._pool is None or context is None or context.cancel.is_set() or self._stops():
                return
            ready = [
                planned.step
                for key in self._pending
                if (planned := self._planned[key]).step.integration not in self._batching
                and self._is_ready(planned)
            ]
            self._take(ready)
            for step in ready:
                self._pool.submit(self._call, step, context)

    def _segment(self) -> list[Step]:
        """All pending steps of one batching integration that it can order by itself."""
        with self._changed:
            for name in sorted(self._batching):
                chosen: dict[str, Step] = {}
                for key in self._pending:  # in planned order: parents come first
                    planned = self._planned[key]
                    if planned.step.integration != name or self._cause(planned) is not None:
                        continue
                    if all(
                        parent in self._status or (parent in chosen and parent not in planned.found)
                        for parent in planned.after
                    ):
                        chosen[key] = planned.step
                if chosen:
                    self._take(chosen.values())
                    return list(chosen.values())
        return []

    def _take(self, steps: Iterable[Step]) -> None:
        for step in steps:
            self._pending.pop(step.key, None)
            self._running.add(step.key)

    # ---- running ----

    def _run_segment(self, steps: list[Step]) -> None:
        try:
            self._runners[steps[0].integration].run(steps)
        except ToolkitError as error:
            if all(step.key in self._status for step in steps):
                self.errors.append(error)
            for step in steps:
                self._fail(step, str(error))

    def _call(self, step: Step, context: RunContext) -> None:
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
        if step.key in self._status:
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

    # ---- what will not run ----

    def _cause(self, planned: PlannedStep) -> str | None:
        """Why a step must not run any more, if so."""
        for key in sorted(planned.after):
            status = self._status.get(key)
            before = self._planned[key].step
            if status is None or not before.blocking:
                continue
            if status in FAILED:
                return (
                    f"{before.name} failed" if status == "fail" else f"{before.name} has an error"
                )
            if status == "skipped":
                return f"{before.name} was skipped"
        return None

    def _stops(self) -> bool:
        """Whether --fail-fast was asked for and something failed."""
        fail_fast = self._context is not None and self._context.fail_fast
        return fail_fast and any(
            status in FAILED and self._planned[key].step.blocking
            for key, status in list(self._status.items())
        )

    def _skip_blocked(self) -> None:
        stop = self._stops()
        changed = True
        while changed:
            changed = False
            for key in list(self._pending):
                cause = "--fail-fast" if stop else self._cause(self._planned[key])
                if cause is not None:
                    self._skip(key, f"skipped: {cause}")
                    changed = True

    def _skip(self, key: str, message: str) -> None:
        now = time.time()
        self.emit(
            StepFinished(
                step=key, status="skipped", started_at=now, finished_at=now, message=message
            )
        )

    def _abandon(self) -> None:
        """After an interruption: what was running has an error, what was not is skipped."""
        for key in [*self._running]:
            if key in self._started:
                self._fail(self._planned[key].step, "interrupted")
            else:
                self._skip(key, "skipped: the run was interrupted")
        for key in list(self._pending):
            self._skip(key, "skipped: the run was interrupted")
