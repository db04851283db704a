"""Functions in processes of their own: inputs handed over, the answer understood."""

import re
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from toolkit.errors import AssetFailedError
from toolkit.integrations.base import RunContext, StepProgress
from toolkit.integrations.python.declared.makers import with_needs
from toolkit.integrations.python.declared.modules import package_name, relative
from toolkit.integrations.python.files.run_notebook import OUTPUT
from toolkit.integrations.python.isolation import environments
from toolkit.integrations.python.isolation.exchange import (
    ANSWER,
    CRASH,
    JOB,
    MODEL,
    TABLE,
    Answer,
    Handed,
    Job,
    Maker,
    cast,
    hand_table,
    open_arrow,
    raised_again,
)
from toolkit.integrations.python.isolation.limits import said
from toolkit.integrations.python.isolation.process import Ended, IsolatedProcess
from toolkit.integrations.python.models.info import Storing
from toolkit.integrations.python.models.of_run import RunModels, about_of
from toolkit.integrations.python.registry import (
    Callee,
    Input,
    Isolate,
    PythonAsset,
    PythonCheck,
    Registry,
    stamp,
)
from toolkit.integrations.python.running import checking
from toolkit.integrations.python.running.calling import AGAIN, UNTOUCHED
from toolkit.integrations.python.running.capture import StepLog
from toolkit.integrations.python.running.session import Session
from toolkit.integrations.python.running.stopping import RESUME, Stoppable

_FRAME = re.compile(r'^  File "(.+)", line (\d+) in ', re.MULTILINE)


class Isolation:
    """Calls functions in processes of their own, for one run.

    Args:
        registry: all functions.
        models: of the run.
        unclosed: hears of a resource that was not closed: one line and its traceback.
    """

    def __init__(
        self,
        context: RunContext,
        registry: Registry,
        models: RunModels,
        unclosed: Callable[[str, str], None],
    ) -> None:
        self._context = context
        self._registry = registry
        self._models = models
        self._unclosed = unclosed
        self._used: dict[str, Ended] = {}
        self._folder = context.settings.state_dir / "python" / "exchange"
        shutil.rmtree(self._folder, ignore_errors=True)  # what a killed run has left

    @contextmanager
    def called(
        self,
        item: PythonAsset | PythonCheck,
        session: Session | None,
        log: StepLog,
        step: Stoppable,
    ) -> Iterator[Any]:
        """Call it; gives, for as long as this is open, what :mod:`output` or the store takes.

        That is a table (or path) as the function itself could have returned it, a
        :class:`Packed` model, or a check's :class:`checking.Verdict`.

        Raises:
            AssetFailedError: it failed, was stopped, or its process died.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._folder, ignore_cleanup_errors=True) as name:
            folder = Path(name)
            key = item.asset.key if isinstance(item, PythonAsset) else item.check.key
            self._unchanged(key)
            python = self._python(item.callee, key, step)
            job = self._job(item, session, folder, python)
            (folder / JOB).write_bytes(msgspec.json.encode(job))
            if job.program is not None and job.program.kind == "notebook":
                python = None  # its kernel is what runs there
            process = step.started(
                lambda: IsolatedProcess(folder, log.write, self._context.cancel, python)
            )
            ended = process.wait()
            self._used[key] = ended
            self._keep_notebook(folder, log)
            answer = self._answer(folder, ended, item.callee, log)
            for line, trace in answer.unclosed:
                self._unclosed(line, trace)
            if answer.failure is not None:
                raise raised_again(answer.failure)
            self._unchanged(key)
            yield _value(answer, folder, session)

    def used(self, key: str) -> dict[str, float]:
        """What the process of a step has used, for the ledger; empty where it had none."""
        ended = self._used.pop(key, None)
        if ended is None or not ended.largest:
            return {}
        return {"max_rss_bytes": ended.largest, "cpu_seconds": ended.cpu_seconds}

    def _python(self, callee: Callee, key: str, step: Stoppable) -> str | None:
        """The interpreter of the function's environment, which is built if it is not there."""
        assert callee.isolate is not None
        if callee.isolate.environment is None:
            return None
        notebook = callee.program is not None and callee.program.kind == "notebook"
        return environments.ready(
            callee.isolate.environment,
            extra=environments.NOTEBOOK if notebook else (),
            say=lambda line: self._context.emit(StepProgress(step=key, message=line)),
            stopped=lambda: step.stopped or self._context.cancel.is_set(),
        )

    def _keep_notebook(self, folder: Path, log: StepLog) -> None:
        """What ran, with its outputs, goes beside the log; also when it failed."""
        output = folder / OUTPUT
        if output.is_file():
            kept = log.keep(output, ".ipynb")
            project = self._context.settings.project_dir
            log.write(f"The notebook with its outputs: {relative(kept, project)}\n")

    def _unchanged(self, key: str) -> None:
        """What the child imports is what was planned, and what the code version says."""
        project = self._context.settings.project_dir
        for file, then in self._registry.stamps.get(key, {}).items():
            if stamp(Path(file)) != then:
                raise AssetFailedError(
                    f"{relative(Path(file), project)} was changed while the build ran.",
                    "It is not known which code its process would run, so nothing was written.",
                    "Run `toolkit build` again: it starts from the files as they are now.",
                )

    def _job(
        self,
        item: PythonAsset | PythonCheck,
        session: Session | None,
        folder: Path,
        python: str | None,
    ) -> Job:
        callee, settings = item.callee, self._context.settings
        assert callee.origin is not None
        assert callee.isolate is not None
        notebook = callee.program is not None and callee.program.kind == "notebook"
        asset = item.asset if isinstance(item, PythonAsset) else None
        wants = "verdict" if asset is None else "model" if asset.kind == "ml_model" else "table"
        makers = with_needs(callee.resources, self._registry.resources)
        return Job(
            path=sys.path,
            limits=callee.isolate.with_environment(None) if notebook else callee.isolate,
            program=callee.program,
            kernel=python if notebook else None,
            project_dir=str(settings.project_dir),
            folder=callee.folder,
            origin=callee.origin,
            wants=wants,  # type: ignore[arg-type]  # one of the literals
            relation=str(asset.relation) if asset is not None else "",
            arguments=[
                self._hand(part, session, folder, number, callee.isolate, about_of(item))
                for number, part in enumerate(callee.inputs)
            ],
            resources=[
                Maker(name=m.name, place=m.place, origin=m.origin, needs=m.needs, values=m.values)
                for m in makers
            ],
            needs=callee.resources,
            storing=self._models.storing(item) if isinstance(item, PythonAsset) else Storing(),
            settings=settings.profile.settings if settings.profile is not None else {},
            values=callee.values,
            packages={
                origin.folder: package_name(Path(origin.folder), settings.project_dir)
                for origin in (callee.origin, *(maker.origin for maker in makers))
            },
        )

    def _hand(
        self,
        item: Input,
        session: Session | None,
        folder: Path,
        number: int,
        how: Isolate,
        about: str | None,
    ) -> Handed:
        plain = how.environment is not None
        if item.kind != "ml_model":
            assert session is not None
            return hand_table(session, item, folder, number, plain=plain)
        if plain:  # a model itself is refused when the project is loaded
            metrics = self._models.argument(item, about) or {}
            return Handed(parameter=item.parameter, form="metrics", metrics=metrics)
        return Handed(
            parameter=item.parameter,
            form=item.form,
            model=self._models.handed(item, about),
        )

    def _answer(self, folder: Path, ended: Ended, callee: Callee, log: StepLog) -> Answer:
        try:
            return msgspec.json.decode((folder / ANSWER).read_bytes(), type=Answer)
        except FileNotFoundError:
            if ended.stopped:
                raise AssetFailedError(
                    "It was stopped before it had ended, with all that it had started.",
                    UNTOUCHED,
                    RESUME,
                ) from None
            over = _over(ended, callee)
            if over is not None:
                raise over from None
            at = self._crash(folder, callee, log)
            raise AssetFailedError(f"{_died(ended)}{at}.", UNTOUCHED, AGAIN) from None

    def _crash(self, folder: Path, callee: Callee, log: StepLog) -> str:
        """Where in the user's code a crash met the process, if Python could say so."""
        try:
            text = (folder / CRASH).read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:  # it did not even come so far
            return ""
        if text:
            log.write(text)
        # All threads are listed; the one that crashed is called the current one.
        _, _, current = text.rpartition("Current thread")
        for found in _FRAME.finditer(current):
            file = Path(found[1])
            if file.is_relative_to(callee.folder) and "site-packages" not in file.parts:
                return f" at {relative(file, self._context.settings.project_dir)}:{found[2]}"
        return ""


def _value(answer: Answer, folder: Path, session: Session | None) -> Any:  # noqa: ANN401  # see `called`
    if answer.verdict is not None:
        return checking.Verdict(*answer.verdict, metadata=answer.metadata)
    if answer.model is not None:
        return msgspec.structs.replace(answer.model, data=(folder / MODEL).read_bytes())
    if answer.parquet is not None:
        return Path(answer.parquet)
    table = open_arrow(folder / TABLE).read_all()
    if not answer.types:
        return table
    assert session is not None
    session.cursor.register("toolkit_result", table)
    return cast(session.cursor.sql("SELECT * FROM toolkit_result"), answer.types)


def _over(ended: Ended, callee: Callee) -> AssetFailedError | None:
    """What is said of a process that used more than it may."""
    limits = callee.isolate
    assert limits is not None
    over = ended.over
    if over is None and ended.signal == signal.SIGXCPU and limits.cpu_seconds is not None:
        over = ("cpu_seconds", ended.cpu_seconds)  # the kernel was there first
    if over is None:
        return None
    name, used = over
    if name == "memory":
        fact = f"It used more than {said(limits.memory or 0)} of memory: {said(used)}"
        step = "have it take less at once (pyarrow.RecordBatchReader, DuckDBPyRelation)"
    elif name == "cpu_seconds":
        fact = f"It used more than {limits.cpu_seconds:,.15g} s of CPU time: {used:,.1f} s"
        step = "have it do less"
    else:
        fact = f"It had {used:,.0f} processes at once, more than {limits.processes:,}"
        step = "have it start fewer"
    return AssetFailedError(
        f"{fact}, with all that it had started. It was killed.",
        UNTOUCHED,
        f'Raise its limit, isolate={{"{name}": ...}}, or {step}; then `toolkit build` again.',
    )


def _died(ended: Ended) -> str:
    if ended.signal is not None:
        try:
            name = f" ({signal.Signals(ended.signal).name})"
        except ValueError:  # a real-time signal has no name
            name = ""
        why = ", as when memory runs out" if ended.signal == signal.SIGKILL else ""
        return f"Its process was killed by signal {ended.signal}{name}{why}"
    if ended.code is not None:
        return f"Its process ended with exit code {ended.code} before it gave a result"
    return "Its process was killed together with the one that watched it"
