"""What a runner gets from StepRunner: beginnings and ends, masked, failed, stopped."""

import threading
from pathlib import Path

import pytest

from toolkit.errors import ConnectorError, ToolkitError, WarehouseError
from toolkit.graph import AssetGraph
from toolkit.integrations.base import (
    Made,
    RunContext,
    Step,
    StepEvent,
    StepFinished,
    StepProgress,
    StepStarted,
)
from toolkit.integrations.steps import Outcome, StepRunner
from toolkit.settings import Settings

SECRET = "hunter2-hunter2"


def busy() -> ConnectorError:
    error = ConnectorError("Too many requests.")
    error.may_pass = True
    return error


class Files(StepRunner):
    """Ends as it is told to."""

    def __init__(self, context: RunContext, ends: Outcome | ToolkitError) -> None:
        super().__init__(context)
        self._ends = ends
        self.seen: list[bool] = []

    def do(self, step: Step, cancel: threading.Event) -> Outcome:
        self.progress(step, f"opened with {SECRET}")
        self.stop_step("another")
        self.seen.append(cancel.is_set())
        self.stop_step(step.key)
        self.seen.append(cancel.is_set())
        if isinstance(self._ends, ToolkitError):
            raise self._ends
        return self._ends


def run(folder: Path, ends: Outcome | ToolkitError) -> tuple[list[StepEvent], Files]:
    events: list[StepEvent] = []
    settings = Settings(
        project_name="shop", project_dir=folder, target="dev", target_path=folder,
        state_dir=folder, secrets=frozenset({SECRET}),
    )  # fmt: skip
    context = RunContext(
        run_id="run", settings=settings, graph=AssetGraph([]), warehouse=None,
        emit=events.append, cancel=threading.Event(), log_dir=folder,
    )  # fmt: skip
    step = Step(key="s", kind="sync", integration="files", makes=("a",), reads=(), name="s")
    runner = Files(context, ends)
    runner.run([step])
    runner.close()
    return events, runner


def test_a_step_is_told_from_its_beginning_to_its_end(tmp_path: Path) -> None:
    made = Made(asset="a", rows=3)
    events, runner = run(tmp_path, Outcome(message=f"3 rows, {SECRET}", made=(made,), failures=0))
    started, progress, finished = events
    assert isinstance(started, StepStarted)
    assert isinstance(progress, StepProgress)
    assert isinstance(finished, StepFinished)
    assert {event.step for event in events} == {"s"}
    assert started.at == finished.started_at <= finished.finished_at
    assert started.thread == finished.thread == threading.current_thread().name
    assert (finished.status, finished.made, finished.failures) == ("success", (made,), 0)
    assert SECRET not in progress.message + finished.message
    assert runner.seen == [False, True]  # a stop is the named step's only


@pytest.mark.parametrize(
    ("error", "transient"),
    [(WarehouseError("It is gone.", "Nothing was loaded."), False), (busy(), True)],
)
def test_an_error_is_an_end(error: ToolkitError, transient: bool, tmp_path: Path) -> None:
    events, _ = run(tmp_path, error)
    finished = events[-1]
    assert isinstance(finished, StepFinished)
    assert (finished.status, finished.message) == ("error", str(error))
    assert (finished.made, finished.transient) == ((), transient)
