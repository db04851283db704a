"""One build: lock, ledger, warehouse, runners, scheduler; and everything given back."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

from toolkit.errors import HookError, RunLockedError, ToolkitError, WarehouseError
from toolkit.graph import AssetGraph
from toolkit.integrations.base import (
    FAILED,
    Integration,
    InterruptibleRunner,
    RunContext,
    Runner,
    Step,
)
from toolkit.ledger import Ledger, Left, Run, RunError, RunStatus, StepRow
from toolkit.lineage.queries.facts_cache import FactsCache
from toolkit.masking import Masker
from toolkit.plan import History, Plan
from toolkit.run.hidden import hiding
from toolkit.run.journal import Journal, Listener, confirm
from toolkit.run.logs import log_dir
from toolkit.run.profiler import Profiler
from toolkit.run.publish import Publication, Stage, staging
from toolkit.run.runs import holding, new_run
from toolkit.run.scheduling.priority import urgencies
from toolkit.run.scheduling.rules import Guide, policies
from toolkit.run.scheduling.scheduler import Scheduler
from toolkit.run.signals import Signals
from toolkit.run.versions import Versions
from toolkit.run.writers import refuse_two_writers
from toolkit.settings import Settings
from toolkit.warehouse import Warehouse, stamp_of
from toolkit.warehouse.markers import make_table


class BuildOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How to build; dbt's meanings.

    Attributes:
        sample: rows of each stream at most; ``None`` = all.
        call: what it was called with, for a run that goes on with this one.
        publish: build into a copy of the DuckDB file, which becomes live when all is well.
    """

    threads: int = 1
    publish: bool = False
    full_refresh: bool = False
    sample: int | None = None
    fail_fast: bool = False
    selection: str = ""
    call: Mapping[str, Any] = {}
    version: str = ""


class BuildResult(msgspec.Struct, frozen=True, kw_only=True):
    """How a build ended: the run as the ledger has it, and its steps in planned order.

    Attributes:
        publication: what became of a build into a copy.
    """

    run: Run
    steps: tuple[StepRow, ...]
    publication: Publication | None = None

    @property
    def errors(self) -> tuple[str, ...]:
        """What failed beside the steps, such as a dbt hook."""
        return tuple(error.message for error in self.run.errors)

    @property
    def exit_code(self) -> int:
        """0 when nothing failed, else 1 (a check of severity warn does not fail)."""
        return 0 if self.run.status == "success" else 1


def build(
    plan: Plan,
    graph: AssetGraph,
    settings: Settings,
    integrations: Mapping[str, Integration],
    options: BuildOptions,
    listeners: tuple[Listener, ...] = (),
    on_run: Callable[[Run], None] | None = None,
    history: History | None = None,
) -> BuildResult:
    """Run ``plan`` to its end.

    Args:
        on_run: called with the run when it begins, and again when it has ended, however.
        history: what the plan was made of; without it nothing is known of what was made before.

    Raises:
        RunLockedError: another run of the project goes on, or ended since the plan was made.
        WarehouseLockedError: another process holds the DuckDB file.
        PublishError: all is well, and yet the copy cannot be put live.
        KeyboardInterrupt: interrupted; the ledger says so and nothing runs any more.
    """
    refuse_two_writers(plan, graph, settings.adapter)
    with contextlib.ExitStack() as stack:
        ledger = stack.enter_context(holding(settings))
        if history is not None:
            _refuse_old(plan, ledger)
        history = history or History(latest=ledger.latest(settings.target))
        run = new_run(
            settings.target, selection=options.selection, options=options.call,
            version=options.version, published=not options.publish,
        )  # fmt: skip
        told = on_run or (lambda _: None)
        task = _Task(plan, graph, settings, integrations, options, history, listeners, told)
        if not options.publish:
            return _build(task, ledger, run)
        makes = [key for planned in plan.to_run for key in planned.step.makes]
        stage = stack.enter_context(staging(makes, graph, settings, integrations, ledger, run.id))
        result = _build(task._replace(settings=stage.settings), ledger, run)
        return _published(stage, result, ledger, told)


class _Task(NamedTuple):
    """What is to be built, of what, how, and who hears of it."""

    plan: Plan
    graph: AssetGraph
    settings: Settings
    integrations: Mapping[str, Integration]
    options: BuildOptions
    history: History
    listeners: tuple[Listener, ...]
    on_run: Callable[[Run], None]


def _build(task: _Task, ledger: Ledger, run: Run) -> BuildResult:
    """The work itself; nothing of the warehouse is open afterwards."""
    plan, graph, settings, history = task.plan, task.graph, task.settings, task.history
    with contextlib.ExitStack() as stack:
        logs = log_dir(settings, run.id)
        left = stack.enter_context(_leaving(ledger, settings))
        warehouse = _warehouse(plan, settings)
        if warehouse is not None:
            stack.callback(warehouse.close)
            _prepare(plan, graph, warehouse)
        stack.enter_context(contextlib.chdir(settings.project_dir))  # as dbt's own commands
        versions = _versions(task, warehouse)
        stack.callback(versions.facts.save)
        left.append(versions)
        profiler = Profiler(ledger, run, graph, warehouse, settings, history.latest)
        journal = Journal(ledger, run, plan, graph, versions, task.listeners, profiler)
        confirm(ledger, plan, graph, history)
        runners: dict[str, Runner] = {}
        batching = frozenset(name for name, tool in task.integrations.items() if tool.batches)
        guide = _guide(plan, graph, settings, ledger)
        scheduler = Scheduler(plan, runners, batching, journal, guide, asleep=versions.asleep)
        signals = stack.enter_context(Signals(lambda: _interrupt(scheduler, runners)))
        context = RunContext(
            run_id=run.id,
            settings=settings,
            graph=graph,
            warehouse=warehouse,
            emit=hiding(scheduler.emit, settings.secrets),
            cancel=threading.Event(),
            log_dir=logs,
            threads=task.options.threads,
            full_refresh=task.options.full_refresh,
            sample=task.options.sample,
            fail_fast=task.options.fail_fast,
            control=scheduler.control,
            counted=profiler,
        )
        status: RunStatus = "failed"
        errors: tuple[RunError, ...] = ()
        try:
            task.on_run(run)
            for name in dict.fromkeys(planned.step.integration for planned in plan.to_run):
                runners[name] = task.integrations[name].open(context)
                stack.callback(runners[name].close)
            ledger.steps_may_wait(True)
            scheduler.run(context, signals.check)
            errors = _run_errors(scheduler.errors, settings)
            status = "failed" if errors or _failed(plan, journal.rows) else "success"
        except KeyboardInterrupt:
            status, errors = "interrupted", _run_errors(scheduler.errors, settings)
            signals.check()  # raises what came: SIGTERM, too, where a tool speaks of Ctrl-C
            raise
        except ToolkitError as error:
            errors = _run_errors([*scheduler.errors, error], settings)
            raise
        finally:
            profiler.close(drain=status in ("success", "failed"))
            run = _ended(run, status, errors, ledger)
            task.on_run(run)
        return BuildResult(run=run, steps=tuple(journal.rows.values()))


def _ended(run: Run, status: RunStatus, errors: tuple[RunError, ...], ledger: Ledger) -> Run:
    """The run with its end, which is in the ledger from here on."""
    finished = time.time()
    ledger.steps_may_wait(False)
    ledger.finish_run(run.id, status, finished, errors)
    ledger.forget_old()
    return msgspec.structs.replace(run, status=status, finished_at=finished, errors=errors)


def _versions(task: _Task, warehouse: Warehouse | None) -> Versions:
    settings = task.settings
    facts = FactsCache(settings.state_dir / "facts.msgpack")
    return Versions(
        task.plan, task.graph, task.history, warehouse, settings.adapter, settings.target_path,
        facts,
    )  # fmt: skip


def _refuse_old(plan: Plan, ledger: Ledger) -> None:
    newest = ledger.runs(limit=1)
    if (newest[0].id if newest else None) != plan.newest_run:
        raise RunLockedError(
            "Another run of this project ended while this one was planned.",
            "What is up to date may differ from the plan, so nothing was run.",
            "Run the same command again.",
        )


@contextlib.contextmanager
def _leaving(ledger: Ledger, settings: Settings) -> Iterator[list[Versions]]:
    """Note how the warehouse is left once all of it is closed, however the build ended.

    Until then nothing is noted: after a kill the next plan looks for itself. What is given
    takes the versions of this run, once they are there.
    """
    held: list[Versions] = []
    profile = settings.profile
    ledger.leave(settings.target, None)
    try:
        yield held
    finally:
        stamp = stamp_of(profile.file) if profile is not None and profile.file else None
        if stamp is not None and held and held[0].settled:
            ledger.leave(settings.target, Left(stamp=stamp, outside=held[0].outside))


def _guide(plan: Plan, graph: AssetGraph, settings: Settings, ledger: Ledger) -> Guide:
    """What orders the steps beside their dependencies: toolkit.yml and earlier runs."""
    return Guide(
        settings=settings.run,
        policies=policies(plan, graph, settings.run, settings.project_name),
        urgency=urgencies(plan, ledger.durations(settings.target)),
    )


def _published(
    stage: Stage, result: BuildResult, ledger: Ledger, on_run: Callable[[Run], None]
) -> BuildResult:
    """Put live what was built, if all is well; a build that cannot be is one that failed."""
    run = result.run
    try:
        if run.status == "success":
            stage.publish()
            run = msgspec.structs.replace(run, published=True)
    except ToolkitError as error:
        errors = _run_errors([error], stage.settings)
        run = msgspec.structs.replace(run, status="failed", errors=errors)
        ledger.finish_run(run.id, run.status, run.finished_at or time.time(), errors)
        on_run(run)
        raise
    return msgspec.structs.replace(result, run=run, publication=stage.publication)


def _interrupt(scheduler: Scheduler, runners: Mapping[str, Runner]) -> None:
    scheduler.wake()
    for runner in [*runners.values()]:
        if isinstance(runner, InterruptibleRunner):
            runner.interrupt()


def _run_errors(errors: Iterable[ToolkitError], settings: Settings) -> tuple[RunError, ...]:
    """As the ledger keeps them: each failed hook by itself, with its key; nothing secret."""
    mask = Masker(settings.secrets).mask
    found: dict[RunError, None] = {}
    for error in errors:
        if isinstance(error, HookError):
            for key, message in error.failed.items():
                found[RunError(key=key, message=mask(message))] = None
        else:
            found[RunError(message=mask(str(error)))] = None
    return tuple(found)


def _failed(plan: Plan, rows: Mapping[str, StepRow]) -> bool:
    return any(rows[p.step.key].status in FAILED and p.step.blocking for p in plan.steps)


def _warehouse(plan: Plan, settings: Settings) -> Warehouse | None:
    """The target's DuckDB, opened before anything runs; ``None`` where only dbt needs one."""
    profile = settings.profile
    outside_dbt = [
        p.step.name for p in plan.steps if p.step.integration != "dbt" and p.step.uses_duckdb
    ]
    if profile is not None and profile.type == "duckdb" and profile.path not in (None, ":memory:"):
        return Warehouse(profile)
    if outside_dbt:
        kind = "an in-memory DuckDB" if profile and profile.type == "duckdb" else "not DuckDB"
        raise WarehouseError(
            f"Target {settings.target!r} is {kind}, and {', '.join(outside_dbt[:3])} "
            "can only be landed in a DuckDB file so far.",
            "Nothing was run.",
            "Choose a target whose profile has type duckdb and a path, or build dbt's part "
            "alone with --select integration:dbt.",
        )
    return None


def _incremental(graph: AssetGraph, step: Step) -> bool:
    return any(graph[key].materialized == "incremental" for key in step.makes)


def _prepare(plan: Plan, graph: AssetGraph, warehouse: Warehouse) -> None:
    """Schemas up front and one after the other, as concurrent CREATE SCHEMA statements conflict;
    and the table in which incremental models say that they committed.
    """
    if any(_incremental(graph, planned.step) for planned in plan.to_run):
        make_table(warehouse)
    relations = [
        graph[key].relation for p in plan.steps if p.step.uses_duckdb for key in p.step.makes
    ]
    own = (warehouse.database or "").casefold()
    for schema in sorted(
        {r.schema for r in relations if r and r.schema and (r.database or own).casefold() == own}
    ):
        warehouse.create_schema(schema)
