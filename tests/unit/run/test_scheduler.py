"""The scheduler with runners that really run in threads and in the main thread."""

import _thread
import signal
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from toolkit.errors import LedgerError
from toolkit.graph import Asset, AssetGraph
from toolkit.integrations.base import RunContext, Status, Step, StepEvent, StepFinished, StepStarted
from toolkit.ledger import Ledger, Run
from toolkit.plan import History, make_plan
from toolkit.run.journal import Journal
from toolkit.run.scheduling.scheduler import Scheduler
from toolkit.run.signals import Signals
from toolkit.settings import Settings


class Tool:
    """Makes assets by calling a function for each; keeps the order and the calls."""

    def __init__(self, emit: Callable[[StepEvent], None], make: Callable[[str], Status]) -> None:
        self.emit, self.make = emit, make
        self.calls: list[list[str]] = []
        self.threads: set[str] = set()

    def run(self, steps: Sequence[Step]) -> None:
        self.calls.append([step.key for step in steps])
        self.threads.add(threading.current_thread().name)
        for step in steps:
            started = time.time()
            self.emit(StepStarted(step=step.key, at=started))
            status = self.make(step.key)
            self.emit(
                StepFinished(
                    step=step.key, status=status, started_at=started, finished_at=time.time()
                )
            )

    def close(self) -> None: ...


class House:
    """A graph of ``{"child": "parent parent"}``; keys that begin with ``d`` are batched."""

    def __init__(
        self, tmp_path: Path, edges: dict[str, str], make: Callable[[str], Status]
    ) -> None:
        assets = [
            Asset(
                key=key, kind="model", name=key, depends_on=tuple(parents.split()),
                integration="dbt" if key.startswith("d") else "single",
            )
            for key, parents in edges.items()
        ]  # fmt: skip
        self.graph = AssetGraph(assets)
        steps = [
            Step(key=a.key, kind="dbt", integration=a.integration, makes=(a.key,),
                 reads=a.depends_on, name=a.key)
            for a in self.graph
        ]  # fmt: skip
        plan = make_plan(self.graph, steps, frozenset(self.graph.assets), History())
        self.ledger = Ledger(tmp_path / "ledger.db")
        run = Run(id="r", command="build", target="dev", started_at=0)
        self.journal = Journal(self.ledger, run, plan, self.graph, {})
        self.tools: dict[str, Tool] = {}
        self.scheduler = Scheduler(plan, self.tools, frozenset({"dbt"}), self.journal)
        for name in ("dbt", "single"):
            self.tools[name] = Tool(self.scheduler.emit, make)
        self.context = RunContext(
            run_id="r", graph=self.graph, warehouse=None, emit=self.scheduler.emit,
            cancel=threading.Event(), log_dir=tmp_path, threads=2,
            settings=Settings(project_name="p", project_dir=tmp_path, target="dev",
                              target_path=tmp_path, state_dir=tmp_path),
        )  # fmt: skip

    def run(self, *, fail_fast: bool = False) -> dict[str, str]:
        self.context.fail_fast = fail_fast
        self.scheduler.run(self.context)
        return self.statuses()

    def statuses(self) -> dict[str, str]:
        return {row.step: row.status for row in self.ledger.steps("r")}

    def messages(self) -> dict[str, str]:
        return {row.step: row.message for row in self.ledger.steps("r")}


def good(key: str) -> Status:
    return "success"


def bad(*names: str) -> Callable[[str], Status]:
    return lambda key: "error" if key in names else "success"


def test_a_segment_is_all_that_waits_for_nobody_outside(tmp_path: Path) -> None:
    house = House(tmp_path, {"p1": "", "d1": "p1", "d2": "d1", "p2": "d2", "d3": "p2 d1"}, good)
    assert set(house.run().values()) == {"success"}
    assert house.tools["dbt"].calls == [["d1", "d2"], ["d3"]]
    assert house.tools["single"].calls == [["p1"], ["p2"]]


def test_segments_run_in_the_main_thread_and_the_others_beside_it(tmp_path: Path) -> None:
    house = House(tmp_path, {"p1": "", "d1": ""}, good)
    house.run()
    assert house.tools["dbt"].threads == {threading.main_thread().name}
    assert threading.main_thread().name not in house.tools["single"].threads


def test_what_does_not_depend_runs_at_the_same_time(tmp_path: Path) -> None:
    barrier = threading.Barrier(3, timeout=20)

    def meet(key: str) -> Status:
        barrier.wait()  # passes only when all three are running at once
        return "success"

    assert set(House(tmp_path, {"p1": "", "p2": "", "d1": ""}, meet).run().values()) == {"success"}


def test_what_gets_ready_within_a_segment_does_not_wait_for_its_end(tmp_path: Path) -> None:
    begun = threading.Event()

    def make(key: str) -> Status:
        if key == "p1":
            begun.set()
        return "success" if key != "d2" or begun.wait(timeout=20) else "error"

    house = House(tmp_path, {"d1": "", "d2": "d1", "p1": "d1"}, make)
    assert set(house.run().values()) == {"success"}
    assert house.tools["dbt"].calls == [["d1", "d2"]]


def test_a_failure_blocks_what_is_below_and_nothing_else(tmp_path: Path) -> None:
    house = House(tmp_path, {"p1": "", "d1": "p1", "p2": "d1", "p3": "", "d2": "p3"}, bad("p1"))
    assert house.run() == {
        "p1": "error", "d1": "skipped", "p2": "skipped", "p3": "success", "d2": "success",
    }  # fmt: skip
    assert house.messages()["d1"] == "skipped: p1 has an error"
    assert house.messages()["p2"] == "skipped: d1 was skipped"


def test_fail_fast_begins_nothing_new(tmp_path: Path) -> None:
    failed = threading.Event()

    def make(key: str) -> Status:
        if key == "p2":
            assert failed.wait(30)  # it ends after the failure was told
        return "error" if key == "p1" else "success"

    def told(event: StepEvent) -> None:
        emit(event)
        if isinstance(event, StepFinished) and event.step == "p1":
            failed.set()

    house = House(tmp_path, {"p1": "", "p2": "", "p3": "p2", "d9": "p3"}, make)
    emit, house.tools["single"].emit = house.tools["single"].emit, told
    found = house.run(fail_fast=True)
    assert found == {"p1": "error", "p2": "success", "p3": "skipped", "d9": "skipped"}


def test_a_runner_that_raises_in_a_thread_fails_its_step_only(tmp_path: Path) -> None:
    def explode(key: str) -> Status:
        if key == "p1":
            raise RuntimeError("a bug")
        return "success"

    house = House(tmp_path, {"p1": "", "p2": "", "d1": "p1"}, explode)
    assert house.run() == {"p1": "error", "p2": "success", "d1": "skipped"}
    assert "RuntimeError: a bug" in house.messages()["p1"]
    assert "a bug" in (tmp_path / "errors.log").read_text()


def test_an_interruption_leaves_nothing_running_and_says_so(tmp_path: Path) -> None:
    def interrupt(key: str) -> Status:
        if key == "d1":
            raise KeyboardInterrupt
        return "success"

    house = House(tmp_path, {"d1": "", "d2": "d1", "p1": "d2"}, interrupt)
    with pytest.raises(KeyboardInterrupt):
        house.run()
    assert house.context.cancel.is_set()
    assert house.statuses() == {"d1": "error", "d2": "skipped", "p1": "skipped"}
    assert house.messages() == {
        "d1": "interrupted",
        "d2": "skipped: the run was interrupted",
        "p1": "skipped: the run was interrupted",
    }


def test_an_interruption_while_an_end_is_noted_waits_for_what_follows(tmp_path: Path) -> None:
    """Else the ledger would have a step that ended well, and the run one that never did."""
    house = House(tmp_path, {"d1": "", "p1": "d1", "d2": "p1"}, good)
    write = house.ledger.finish_step

    def interrupted(*args: Any, **named: Any) -> None:
        house.ledger.finish_step = write  # type: ignore[method-assign]
        write(*args, **named)
        signal.raise_signal(signal.SIGINT)

    house.ledger.finish_step = interrupted  # type: ignore[method-assign]
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt), Signals(house.scheduler.wake) as signals:
            house.scheduler.run(house.context, signals.check)
    finally:
        signal.signal(signal.SIGINT, before)
    found = house.statuses()
    assert (found["d1"], found["d2"]) == ("success", "skipped")


def test_a_ledger_that_cannot_be_written_ends_the_run(tmp_path: Path) -> None:
    """A step's end that could not be noted is not taken for told: nobody would ever hear of it."""
    house = House(tmp_path, {"p1": "", "p2": "p1"}, good)
    write = house.ledger.finish_step

    def full(*args: object, **kwargs: object) -> None:
        raise LedgerError("The ledger cannot be used: disk full.")

    house.ledger.finish_step = full  # type: ignore[method-assign]
    with pytest.raises(LedgerError):
        house.run()
    house.ledger.finish_step = write  # type: ignore[method-assign]


def test_it_ends_the_run_however_late_the_main_thread_is_interrupted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The interruption must not meet whoever comes after: nobody has pressed Ctrl-C."""
    interrupt, told = _thread.interrupt_main, threading.Event()

    def late() -> None:
        time.sleep(0.3)  # the main thread has long seen that the run ends
        interrupt()
        told.set()

    house = House(tmp_path, {"p1": ""}, good)
    write = house.ledger.finish_step

    def full(*args: object, **kwargs: object) -> None:
        raise LedgerError("The ledger cannot be used: disk full.")

    house.ledger.finish_step = full  # type: ignore[method-assign]
    monkeypatch.setattr("_thread.interrupt_main", late)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(LedgerError):
            house.run()
        assert told.wait(240)
        for _ in range(10_000):  # Python delivers between two instructions
            pass
    finally:
        signal.signal(signal.SIGINT, before)
    house.ledger.finish_step = write  # type: ignore[method-assign]
