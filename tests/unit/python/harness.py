"""A project of Python files on a real DuckDB file, loaded and run without the CLI."""

import textwrap
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from toolkit.graph import Asset, AssetGraph, Kind, Relation
from toolkit.integrations.base import (
    Loaded,
    RunContext,
    Runner,
    Step,
    StepEvent,
    StepFinished,
    StepStarted,
)
from toolkit.integrations.python import PythonIntegration
from toolkit.plan.order import dependencies
from toolkit.settings import Profile, RunSettings, Settings
from toolkit.settings.types import AssetFile
from toolkit.warehouse import Warehouse


def _depth(key: str, before: Mapping[str, frozenset[str]]) -> int:
    return 1 + max((_depth(parent, before) for parent in before[key]), default=0)


class PythonProject:
    """What a test needs: write files, load them, run steps, look at the warehouse."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.database = "shop"
        self.profile = Profile(
            type="duckdb", database="shop", schema="main", path=str(folder / "shop.duckdb")
        )
        self.known: dict[str, Asset] = {}
        self.integration = PythonIntegration()
        self.target = "dev"
        self.secrets: frozenset[str] = frozenset()
        self.entries = ["ml"]
        self.files: list[AssetFile] = []
        self.targets: tuple[str, ...] = ()
        self.run_settings = RunSettings()
        self.full_refresh = False
        self.warehouse: Warehouse | None = Warehouse(self.profile)
        self.cancel = threading.Event()
        self.events: list[StepEvent] = []
        self.runner: Runner | None = None

    @property
    def settings(self) -> Settings:
        return Settings(
            project_name="shop",
            project_dir=self.folder,
            target=self.target,
            target_path=self.folder / "target",
            state_dir=self.folder / ".toolkit",
            profile=self.profile,
            assets=tuple(self.folder / entry for entry in self.entries),
            asset_files=tuple(self.files),
            secrets=self.secrets,
            targets=self.targets,
            run=self.run_settings,
        )

    def write(self, source: str, path: str = "ml/assets.py") -> Path:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(source), encoding="utf-8")
        return file

    def table(self, name: str, sql: str, kind: Kind = "model", **more: Any) -> Asset:
        """A table (or view) that dbt is said to have made."""
        create = more.pop("create", "TABLE")
        with self.cursor() as cursor:
            cursor.execute(f"CREATE OR REPLACE {create} {name} AS {sql}")
        return self.add(f"{kind}.shop.{name}", name, kind, **more)

    def add(self, key: str, name: str, kind: Kind, **more: Any) -> Asset:
        more.setdefault("relation", Relation("shop", "main", name))
        asset = Asset(key=key, name=name, kind=kind, integration="dbt", **more)
        self.known[key] = asset
        return asset

    def cursor(self) -> duckdb.DuckDBPyConnection:
        assert self.warehouse is not None
        return self.warehouse.cursor()

    def rows(self, sql: str) -> list[Any]:
        with self.cursor() as cursor:
            found: list[Any] = cursor.execute(sql).fetchall()
        return found

    def load(self) -> Loaded:
        return self.integration.load(self.settings, self.known)

    def steps(self, loaded: Loaded) -> tuple[AssetGraph, list[Step]]:
        graph = AssetGraph([*self.known.values(), *loaded.assets], loaded.checks)
        keys = frozenset(graph.assets) | frozenset(graph.checks)
        return graph, self.integration.steps(graph, keys)

    def run(
        self, source: str | None = None, only: Sequence[str] | None = None
    ) -> dict[str, StepFinished]:
        """Load, run all steps (or only those keys) one by one; how each ended."""
        if source is not None:
            self.write(source)
        graph, steps = self.steps(self.load())
        # a check of a model comes before what reads the model; else the order is the given one
        before = {key: waits.all for key, waits in dependencies(graph, steps).items()}
        steps.sort(key=lambda step: _depth(step.key, before))
        log_dir = self.folder / "logs"
        log_dir.mkdir(exist_ok=True)
        self.events = []
        context = RunContext(
            run_id="1",
            settings=self.settings,
            graph=graph,
            warehouse=self.warehouse,
            emit=self.events.append,
            cancel=self.cancel,
            log_dir=log_dir,
            full_refresh=self.full_refresh,
        )
        runner = self.runner = self.integration.open(context)
        try:
            for step in steps:
                if only is None or step.key in only:
                    runner.run([step])
        finally:
            runner.close()
        started = [event.step for event in self.events if isinstance(event, StepStarted)]
        finished = [event for event in self.events if isinstance(event, StepFinished)]
        assert started == [event.step for event in finished]
        return {event.step: event for event in finished}

    def when(self, ready: Callable[[], bool], then: Callable[[], None]) -> threading.Thread:
        """Do something once ``ready`` says so, in a thread of its own; it ends in a minute."""

        def wait() -> None:
            deadline = time.monotonic() + 240
            pause = threading.Event()
            while not ready():
                if time.monotonic() > deadline:
                    return
                pause.wait(0.02)
            then()

        thread = threading.Thread(target=wait, daemon=True)
        thread.start()
        return thread

    def log(self, name: str) -> str:
        return (self.folder / "logs" / f"{name}.log").read_text(encoding="utf-8")
