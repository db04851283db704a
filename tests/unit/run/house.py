"""A plan, a scheduler and tools of our own, for tests of how steps are run."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from toolkit.graph import Asset, AssetGraph
from toolkit.integrations.base import (
    RunContext,
    Status,
    Step,
    StepEvent,
    StepFinished,
    StepKind,
    StepProgress,
    StepStarted,
)
from toolkit.ledger import Ledger, Run, StepRow
from toolkit.plan import History, Plan, make_plan
from toolkit.run.journal import Journal
from toolkit.run.scheduling.rules import Guide
from toolkit.run.scheduling.scheduler import Scheduler
from toolkit.settings import Settings

KINDS: Mapping[str, StepKind] = {"s": "sync", "p": "python", "d": "dbt", "c": "check"}
Make = Callable[[str], Status | Mapping[str, Any]]


def plan_of(edges: Mapping[str, str]) -> tuple[Plan, AssetGraph]:
    """Steps from ``{"child": "parent parent"}``; a key's first letter is its kind."""
    graph = AssetGraph(
        Asset(
            key=key, kind="model", name=key, depends_on=tuple(parents.split()),
            integration="dbt" if key.startswith("d") else "single",
        )
        for key, parents in edges.items()
    )  # fmt: skip
    steps = [
        Step(key=a.key, kind=KINDS[a.key[0]], integration=a.integration, makes=(a.key,),
             reads=a.depends_on, name=a.key)
        for a in graph
    ]  # fmt: skip
    return make_plan(graph, steps, frozenset(graph.assets), History()), graph


class Tool:
    """Makes each step by calling a function, which says how it ended; can stop one of them.

    Attributes:
        stops: keys of the steps that it was asked to stop.
        stopped: set for a step that it was asked to stop.
        most: how many ran at once at most.
    """

    def __init__(self, emit: Callable[[StepEvent], None], make: Make) -> None:
        self.emit, self.make = emit, make
        self.calls: list[list[str]] = []
        self.begun: list[str] = []
        self.stops: list[str] = []
        self.stopped: dict[str, threading.Event] = {}
        self.most = self._now = 0
        self._lock = threading.Lock()

    def run(self, steps: Sequence[Step]) -> None:
        with self._lock:
            self.calls.append([step.key for step in steps])
        for step in steps:
            self._one(step.key)

    def _one(self, key: str) -> None:
        with self._lock:
            self.begun.append(key)
            self._now += 1
            self.most = max(self.most, self._now)
            self.stopped[key] = threading.Event()
        started = time.time()
        thread = threading.current_thread().name
        self.emit(StepStarted(step=key, at=started, thread=thread))
        made = self.make(key)
        given = made if isinstance(made, Mapping) else {"status": made}
        with self._lock:
            self._now -= 1
        self.emit(
            StepFinished(
                step=key, started_at=started, finished_at=time.time(), thread=thread, **given
            )
        )

    def stop_step(self, key: str) -> None:
        self.stops.append(key)
        self.stopped[key].set()

    def close(self) -> None: ...


class House:
    """One run of a plan.

    Args:
        make: how each step ends; called in its thread.
    """

    def __init__(
        self,
        folder: Path,
        edges: Mapping[str, str],
        make: Make = lambda _: "success",
        guide: Guide | None = None,
        *,
        threads: int = 4,
        grace: float = 20.0,
    ) -> None:
        self.plan, self.graph = plan_of(edges)
        folder.mkdir(exist_ok=True)
        self.ledger = Ledger(folder / "ledger.db")
        self.said: list[StepProgress] = []
        self.on_said: Callable[[StepProgress], None] = lambda _: None
        journal = Journal(
            self.ledger, Run(id="r", command="build", target="dev", started_at=0), self.plan,
            self.graph, listeners=(self._listen,),
        )  # fmt: skip
        self.tools: dict[str, Tool] = {}
        self.scheduler = Scheduler(self.plan, self.tools, frozenset({"dbt"}), journal, guide, grace)
        for name in ("dbt", "single"):
            self.tools[name] = Tool(self.scheduler.emit, make)
        self.single = self.tools["single"]
        self.context = RunContext(
            run_id="r", graph=self.graph, warehouse=None, emit=self.scheduler.emit,
            cancel=threading.Event(), log_dir=folder, threads=threads,
            control=self.scheduler.control,
            settings=Settings(project_name="p", project_dir=folder, target="dev",
                              target_path=folder, state_dir=folder),
        )  # fmt: skip

    def _listen(self, event: StepEvent) -> None:
        if isinstance(event, StepProgress):
            self.said.append(event)
            self.on_said(event)

    def run(self, *, fail_fast: bool = False) -> dict[str, str]:
        self.context.fail_fast = fail_fast
        self.scheduler.run(self.context)
        return {key: row.status for key, row in self.rows().items()}

    def rows(self) -> dict[str, StepRow]:
        return {row.step: row for row in self.ledger.steps("r")}

    def messages(self) -> dict[str, str]:
        return {key: row.message for key, row in self.rows().items()}
