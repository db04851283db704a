"""The runner engine: the public ``dbtRunner`` in this process, one call a segment.

A segment is a set of dbt steps whose parents outside of dbt are done. dbt orders and
parallelises what is inside of it.
"""

import signal
import threading
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from toolkit.errors import HookError, ToolkitError
from toolkit.integrations.base import RunContext, Step
from toolkit.integrations.dbt.events import EventReader
from toolkit.integrations.dbt.markers import mark, marked_in
from toolkit.integrations.dbt.results import NodeEvent, NodeResult
from toolkit.integrations.dbt.select_args import select_args
from toolkit.integrations.dbt.session import Session


class RunnerEngine:
    """``dbt build`` of exactly the asked steps, through the public ``dbtRunner``."""

    name = "runner"

    def __init__(self, session: Session, context: RunContext, buildable: frozenset[str]) -> None:
        self._session = session
        self._context = context
        self._buildable = buildable
        self._reader: EventReader | None = None

    def run(self, steps: Sequence[Step]) -> None:
        """Build ``steps`` in one dbt invocation."""
        graph = self._context.graph
        mixed = any(asset.integration != "dbt" for asset in graph)
        words = select_args(graph, steps, self._buildable)
        threads = self._context.threads
        together = self._context.control.at_once(steps, threads)
        words += ["--threads", str(together)] if together < threads else []
        marks = marked_in(self._context, [step.key for step in steps])
        change = partial(mark, keys=marks, run_id=self._context.run_id) if marks else None
        self._build(steps, words, share_parse=mixed, change=change)

    def _build(
        self,
        steps: Sequence[Step],
        words: Sequence[str],
        *,
        share_parse: bool,
        change: Callable[[Any], None] | None = None,
    ) -> None:
        context = self._context
        reader = self._reader = EventReader(context, steps)
        args = [*words]
        args += ["--full-refresh"] if context.full_refresh else []
        args += ["--fail-fast"] if context.fail_fast else []
        hear = _Guarded(reader.on_event)
        try:
            outcome = self._session.build(args, hear, share_parse=share_parse, change=change)
        except ToolkitError as error:
            reader.close(str(error))
            return
        finally:
            if hear.error is not None:
                raise hear.error
        reader.on_results(outcome.results)
        reader.close(
            "dbt did not run it, though it was asked to: "
            + (str(outcome.failure()) if outcome.error else "its selection did not match")
        )
        _raise_failed_hooks(outcome.results)

    def interrupt(self) -> None:
        """Break off the queries that dbt runs: a hook's is in the main thread."""
        self._session.interrupt()

    def stop_step(self, key: str) -> None:
        """Break off the query of one node; a program is ended with all that it does."""
        self._session.stop(key)

    def _again(self, key: str) -> None:
        """A node whose end was told will be done once more."""
        if self._reader is not None:
            self._reader.again(key)

    def close(self) -> None:
        """dbt holds its DuckDB connection for the life of the process; let go of it."""
        self._session.close()


class _Guarded:
    """Keeps an error of ours out of dbt's worker threads: dbt would wait for them for ever.

    dbt is interrupted instead, as a build is from outside; ``error`` is to be raised when it
    has returned. By a real signal: ``interrupt_main`` does not wake a thread that waits. Not by
    Ctrl-C's, which a program under nohup ignores.
    """

    def __init__(self, take: Callable[[NodeEvent], None]) -> None:
        self._take = take
        self._caller = threading.get_ident()
        self._main = threading.current_thread() is threading.main_thread()
        self.error: Exception | None = None

    def __call__(self, event: NodeEvent) -> None:
        if self.error is not None:
            return
        try:
            self._take(event)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is raised later
            self.error = error
            if self._main:
                signal.pthread_kill(self._caller, signal.SIGTERM)


def _raise_failed_hooks(results: Iterable[NodeResult]) -> None:
    """on-run-start and on-run-end are no steps of ours; a failed one must still be heard."""
    failed = {r.key: r.message for r in results if r.key.startswith("operation.") and r.failed}
    if failed:
        raise HookError(failed, "dbt counts the run as failed.", "Mend it in dbt_project.yml.")
