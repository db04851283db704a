"""Calling Python assets and checks during one run."""

import threading
import traceback
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

import msgspec

from toolkit.errors import AssetFailedError, Problem, ToolkitError
from toolkit.graph import Relation
from toolkit.integrations.base import Made, RunContext, Status, Step, StepProgress
from toolkit.integrations.python.declared.modules import relative
from toolkit.integrations.python.definitions import MLModel
from toolkit.integrations.python.isolation.isolated import Isolation
from toolkit.integrations.python.lineage.captured import Queries, returned
from toolkit.integrations.python.lineage.sql_asset import SQL, relation_of
from toolkit.integrations.python.models.info import Packed
from toolkit.integrations.python.models.of_run import RunModels, about_of
from toolkit.integrations.python.models.packing import pack
from toolkit.integrations.python.registry import (
    Callee,
    Input,
    PythonAsset,
    PythonCheck,
    Registry,
)
from toolkit.integrations.python.running import checking, output
from toolkit.integrations.python.running.batches import SCHEMA, Batches, summary, with_batch
from toolkit.integrations.python.running.calling import UNTOUCHED, call
from toolkit.integrations.python.running.capture import Capture, StepLog
from toolkit.integrations.python.running.column_testing import run_column_test
from toolkit.integrations.python.running.resources import ResourcePool
from toolkit.integrations.python.running.session import Session
from toolkit.integrations.python.running.stopping import RESUME, Stoppable
from toolkit.integrations.steps import Outcome, StepRunner
from toolkit.warehouse import content_hash

_WATCH = 0.5  # seconds between two looks at whether the run is over


class PythonRunner(StepRunner):
    """Calls functions; steps may come from several threads at once.

    Args:
        given: ML models that are used instead of stored ones, by key.
        gated: whether the checks of an ML model decide if a new version counts.

    Attributes:
        problems: what went wrong without failing a step (a resource that did not close).
        errors: why steps failed, by key.
    """

    def __init__(
        self,
        context: RunContext,
        registry: Registry,
        given: Mapping[str, MLModel] | None = None,
        *,
        gated: bool = True,
    ) -> None:
        super().__init__(context)
        self.errors: dict[str, BaseException] = {}
        self._registry = registry
        self._resources_log = StepLog(context.log_dir / "resources.log", self._masker)
        self._resources = ResourcePool(registry.resources)
        self._models = RunModels(context, registry, given or {}, gated=gated)
        self._queries = Queries(context.settings)
        self._isolation = Isolation(context, registry, self._models, self._not_closed)
        self._running: dict[str, Stoppable] = {}
        self._lock = threading.Lock()
        self._over = threading.Event()
        self.problems: list[Problem] = []
        self._create_schemas()
        self._capture = Capture()
        self._capture.start()
        self._watcher = threading.Thread(target=self._watch, name="python-cancel", daemon=True)
        self._watcher.start()

    def _create_schemas(self) -> None:
        if self.context.warehouse is None:
            return
        relations = (item.asset.relation for item in self._registry.assets.values())
        schemas = {r.schema for r in relations if r is not None and r.schema}
        if any(item.batching is not None for item in self._registry.assets.values()):
            schemas.add(SCHEMA)
        for schema in sorted(schemas):
            self.context.warehouse.create_schema(schema)

    def _watch(self) -> None:
        """Interrupt DuckDB when the run must stop; Python code cannot be interrupted."""
        while not self._over.wait(_WATCH):  # the end of the run wakes it at once
            if self.context.cancel.is_set():
                # Again and again: a function may start its next query at any time.
                with self._lock:
                    running = list(self._running.values())
                for step in running:
                    step.interrupt()

    def stop_step(self, key: str) -> None:
        """Break off a step: its process with all that it started, or what can be of a thread."""
        with self._lock:
            step = self._running.get(key)
        if step is not None:
            step.stop()

    def close(self) -> None:
        """Close resources, give the standard streams back."""
        self._over.set()
        self._watcher.join()
        with self._capture.to(self._resources_log):
            self._resources.close(self._not_closed)
        self._capture.stop()
        self._models.close()
        self._resources_log.close()

    def _not_closed(self, line: str, trace: str) -> None:
        line = self.mask(line)
        self._resources_log.write(f"{line}\n{trace}")
        self.problems.append(Problem(asset=None, code="resource-not-closed", message=line))
        self.context.emit(StepProgress(step="resources", message=line))

    def do(self, step: Step, cancel: threading.Event) -> Outcome:
        """Call one function; whatever it raises is an outcome."""
        log = StepLog(self.context.log_dir / _log_name(step.key), self._masker)
        stoppable = Stoppable()
        with self._lock:
            self._running[step.key] = stoppable
        try:
            return self._outcome(step, log, stoppable)
        finally:
            log.close()
            with self._lock:
                del self._running[step.key]
            stoppable.ended()

    def _outcome(self, step: Step, log: StepLog, stoppable: Stoppable) -> Outcome:
        if self.context.cancel.is_set():
            return Outcome(status="skipped", message="The run was stopped before it began.")
        asset = self._registry.assets.get(step.key)
        check = self._registry.checks.get(step.key)
        try:
            with self._capture.to(log):
                if asset is not None:
                    outcome = self._make(asset, log, stoppable)
                    return _with(outcome, self._isolation.used(step.key))
                assert check is not None, step.key
                return self._check(check, log, stoppable)
        except ToolkitError as error:
            return self._failure(step, error, error.__cause__, log)
        except Exception as error:  # noqa: BLE001  # DuckDB, Arrow, skops on what the user gave
            return self._failure(step, f"{type(error).__name__}: {error}", error, log)

    def _failure(
        self, step: Step, what: object, cause: BaseException | None, log: StepLog
    ) -> Outcome:
        if self.context.cancel.is_set():
            return Outcome(status="skipped", message="The run was stopped while it ran.")
        error = what if isinstance(what, BaseException) else cause
        if error is not None:
            self.errors[step.key] = error
        if cause is not None:
            log.write("".join(traceback.format_exception(cause)))
        item = self._registry.assets.get(step.key) or self._registry.checks[step.key]
        message = f"{step.key} ({item.callee.place}): {what}"
        if isinstance(item, PythonCheck):
            message += self._not_judged(item)
        if log.used:
            message += f"\nLog: {relative(log.path, self.context.settings.project_dir)}"
        return Outcome(status="error", message=message)

    def _not_judged(self, item: PythonCheck) -> str:
        try:
            _, promotion = self._models.judged(item, passed=False)
        except ToolkitError:  # that is why the check failed
            return ""
        return f"\n{promotion}" if promotion else ""

    def _make(self, item: PythonAsset, log: StepLog, step: Stoppable) -> Outcome:
        if item.batching is not None:
            return self._make_batches(item, log, step)
        relation = item.asset.relation
        with ExitStack() as stack:
            session = self._session(stack, step, needed=relation is not None, callee=item.callee)
            value = self._called(item, stack, session, log, step)
            if self.context.cancel.is_set():
                raise AssetFailedError(
                    "The run was stopped before it was written.", UNTOUCHED, RESUME
                )
            step.check()
            if item.asset.kind == "ml_model":
                is_packed = isinstance(value, Packed)
                packed = value if is_packed else pack(value, self._models.storing(item))
                read = {i.key: self._data_version(i, session) for i in item.callee.inputs}
                made, message = self._models.keep(item, packed, read)
                return Outcome(status="success", message=message, made=(made,))
            assert relation is not None
            assert session is not None
            query = returned(item, value, session, self._masker)
            content = output.write(session, value, relation, item.asset.columns)
        self._queries.keep(item.asset.key, query)
        made = Made(
            asset=item.asset.key,
            rows=content.rows,
            data_version=content.version,
            sql=item.asset.sql if item.asset.language == SQL else None,
        )
        return Outcome(
            status="success",
            message=f"{content.rows:,} rows" if content.rows != 1 else "1 row",
            relation=str(relation),
            made=(made,),
        )

    def _make_batches(self, item: PythonAsset, log: StepLog, step: Stoppable) -> Outcome:
        with ExitStack() as outer:
            looks = self._session(outer, step, needed=True, callee=item.callee)
            assert looks is not None
            work = Batches(item, looks, self.context.run_id, self.context.full_refresh)
            due, left = work.due()
            for batch in due:
                message = f"batch {batch.key}"
                self.context.emit(StepProgress(step=item.asset.key, message=message))
                with ExitStack() as stack, work.told(batch):
                    session = self._session(stack, step, needed=True, callee=item.callee)
                    assert session is not None
                    session.span = (batch.start, batch.end)
                    value = self._called(with_batch(item, batch), stack, session, log, step)
                    if self.context.cancel.is_set():
                        raise AssetFailedError(
                            "The run was stopped.", "The batches before it are written.", RESUME
                        )
                    step.check()
                    work.write(session, value, batch)
            step.opened(looks)
            content = work.content(looks)
        made = Made(asset=item.asset.key, rows=content.rows, data_version=content.version)
        return Outcome(
            status="success",
            message=summary(due, left, content),
            relation=str(item.asset.relation),
            made=(made,),
        )

    def _data_version(self, item: Input, session: Session | None) -> str:
        if item.relation is None:
            return self._models.data_version(item)
        assert session is not None
        return content_hash(session.cursor, item.relation).version

    def _check(self, item: PythonCheck, log: StepLog, step: Stoppable) -> Outcome:
        with ExitStack() as stack:
            session = self._session(stack, step, needed=False, callee=item.callee)
            if item.column_test is not None:
                relation = item.callee.inputs[0].relation
                assert relation is not None
                assert session is not None
                verdict = self._column_test(session, item, relation)
            elif item.gate is not None:
                passed, said = self._models.gate(item)
                verdict = checking.Verdict(passed, int(not passed), said)
            else:
                found = self._called(item, stack, session, log, step)
                is_judged = isinstance(found, checking.Verdict)
                verdict = found if is_judged else checking.judge(found, log)
            step.check()
        made, promotion = self._models.judged(item, passed=verdict.passed)
        if verdict.passed:
            message = "; ".join(filter(None, (verdict.message.rstrip("."), promotion)))
            return Outcome(
                status="pass",
                message=message,
                failures=0,
                made=made,
                adapter_response=verdict.response,
            )
        message = verdict.message or "The check returned False."
        if promotion:
            message = f"{message.rstrip('.')}: {promotion}"
        if log.used:
            message += f" Log: {relative(log.path, self.context.settings.project_dir)}"
        fails = item.check.severity == "error" and not verdict.only_warns
        status: Status = "fail" if fails else "warn"
        failures = max(verdict.failures, 1)
        return Outcome(
            status=status, message=message, failures=failures, adapter_response=verdict.response
        )

    def _column_test(
        self, session: Session, item: PythonCheck, relation: Relation
    ) -> checking.Verdict:
        import duckdb

        assert item.column_test is not None
        try:
            return run_column_test(session.cursor, relation, item.column_test)
        except duckdb.Error as error:
            raise AssetFailedError(
                f"The test cannot be run on {relation}: {error}",
                "The check counts as not run.",
                f"Make the asset first: toolkit build --select {relation.identifier}",
            ) from error

    def _session(
        self, stack: ExitStack, step: Stoppable, *, needed: bool, callee: Callee
    ) -> Session | None:
        if not needed and all(item.relation is None for item in callee.inputs):
            return None
        warehouse = self.context.warehouse
        if warehouse is None:
            raise AssetFailedError(
                "It reads or writes a table, but this target has no DuckDB warehouse.",
                "It was not run.",
                "Use a target of type duckdb for Python assets.",
            )
        session = stack.enter_context(Session(warehouse))
        step.opened(session)
        return session

    def _called(
        self,
        item: PythonAsset | PythonCheck,
        stack: ExitStack,
        session: Session | None,
        log: StepLog,
        step: Stoppable,
    ) -> Any:  # noqa: ANN401  # whatever it returns
        callee = item.callee
        if isinstance(item, PythonAsset) and item.asset.language == SQL:
            assert session is not None
            return relation_of(item.asset, callee, session)
        if callee.isolate is not None:
            return stack.enter_context(self._isolation.called(item, session, log, step))
        arguments: dict[str, Any] = {name: self._resources.get(name) for name in callee.resources}
        for part in callee.inputs:
            arguments[part.parameter] = self._argument(part, session, about_of(item))
        return step.call(lambda: call(callee, arguments, self.context.settings.project_dir))

    def model(self, key: str) -> MLModel:
        """An ML model as a function gets it; also when the run is over."""
        name = self._registry.assets[key].asset.name
        item = Input(
            parameter="", key=key, name=name, kind="ml_model", relation=None, form="mlmodel"
        )
        found = self._models.argument(item, about=key)
        assert isinstance(found, MLModel)
        return found

    def _argument(self, item: Input, session: Session | None, about: str | None) -> Any:  # noqa: ANN401  # as annotated
        if item.kind != "ml_model":
            assert session is not None
            return session.table(item)
        return self._models.argument(item, about)


def _with(outcome: Outcome, metadata: Mapping[str, Any]) -> Outcome:
    """The outcome with more to be kept of what was made."""
    made = tuple(
        msgspec.structs.replace(item, metadata={**item.metadata, **metadata})
        for item in outcome.made
    )
    return msgspec.structs.replace(outcome, made=made)


def _log_name(key: str) -> str:
    """A step's log file: ``churn.log`` for an asset, ``check.churn.no_nulls.log`` for a check."""
    name = key.removeprefix("python.")
    return "".join(c if c.isalnum() or c in "._-" else "_" for c in name) + ".log"
