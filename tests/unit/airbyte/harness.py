"""A project on disk, a warehouse and a connector, for tests of the Airbyte integration."""

import json
import os
import shutil
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import yaml

from toolkit.graph import AssetGraph
from toolkit.integrations.airbyte import AirbyteIntegration
from toolkit.integrations.airbyte.source.environment import Package
from toolkit.integrations.base import RunContext, StepEvent, StepFinished
from toolkit.settings import AirbyteTarget, DestinationMap, Profile, Settings
from toolkit.warehouse import Warehouse

FAKE = Path(__file__).with_name("fake_source.py")
DEDUP = {
    "sync_mode": "incremental_deduped_history",
    "primary_key": [["id"]],
    "cursor_field": ["updated_at"],
}


def install_fake(name: str = "airbyte-source-fake", version: str = "1.0.0") -> None:
    """Lay an environment as `install` would leave it, with our program as its connector."""
    folder = Package(name, version).folder
    (folder / "bin").mkdir(parents=True, exist_ok=True)
    if not (folder / "bin" / "python").exists():
        (folder / "bin" / "python").symlink_to(os.path.realpath(sys.executable))
        shutil.copy(FAKE, folder / "bin" / "source-fake")
    (folder / "toolkit-connector.json").write_text(json.dumps({"script": "source-fake"}))


def complete(*streams: str) -> list[dict[str, Any]]:
    return [{"status": [stream, "COMPLETE"]} for stream in streams]


class Project:
    """A project folder with connections, synced in this process."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.folder = folder
        self.connections = folder / "connectors"
        self.connections.mkdir(parents=True, exist_ok=True)
        self.logs = folder / "logs"
        self.logs.mkdir(exist_ok=True)
        self.profile = Profile(
            type="duckdb", database="shop", schema="main", path=str(folder / "shop.duckdb")
        )
        self.settings = Settings(
            project_name="shop",
            project_dir=folder,
            target="dev",
            target_path=folder / "target",
            state_dir=folder / ".toolkit",
            profile=self.profile,
            connections=(self.connections,),
            **settings,
        )
        self.events: list[StepEvent] = []

    def write(self, name: str, **document: Any) -> Path:
        path = self.connections / f"{name}.yml"
        path.write_text(yaml.safe_dump({"name": name, **document}, sort_keys=False))
        return path

    def fake(
        self,
        actions: Sequence[dict[str, Any]],
        *,
        streams: Sequence[dict[str, Any]] = ({"name": "users", **DEDUP},),
        name: str = "fake",
        config: dict[str, Any] | None = None,
        **document: Any,
    ) -> Path:
        """A connection whose source does these actions."""
        install_fake()
        source = {
            "package": "airbyte-source-fake",
            "version": "1.0.0",
            "config": {"actions": list(actions), **(config or {})},
        }
        destination = {"type": "duckdb", "name": "warehouse", "schema": "raw"}
        return self.write(
            name,
            source=source,
            destination=document.pop("destination", destination),
            streams=list(streams),
            **document,
        )

    def run(
        self,
        *,
        keys: Sequence[str] | None = None,
        full_refresh: bool = False,
        sample: int | None = None,
        threads: int = 1,
        cancel: threading.Event | None = None,
        emit: Callable[[StepEvent], None] | None = None,
    ) -> list[StepFinished]:
        """Sync; the file is opened and closed, as by a run of its own."""
        integration = AirbyteIntegration()
        loaded = integration.load(self.settings, {})
        graph = AssetGraph(loaded.assets, problems=loaded.problems)
        steps = integration.steps(graph, frozenset(keys if keys is not None else graph.assets))
        warehouse = Warehouse(self.profile)
        try:
            context = RunContext(
                run_id="run",
                settings=self.settings,
                graph=graph,
                warehouse=warehouse,
                emit=emit or self.events.append,
                cancel=cancel or threading.Event(),
                log_dir=self.logs,
                full_refresh=full_refresh,
                sample=sample,
            )
            runner = integration.open(context)
            with ThreadPoolExecutor(threads) as pool:
                list(pool.map(lambda step: runner.run([step]), steps))
            runner.close()
        finally:
            warehouse.close()
        return [event for event in self.events if isinstance(event, StepFinished)]

    def sync(self, **options: Any) -> StepFinished:
        """Sync the one connection that there is."""
        self.events.clear()
        finished = self.run(**options)
        assert len(finished) == 1
        return finished[0]

    def sql(self, query: str) -> list[tuple[Any, ...]]:
        warehouse = Warehouse(self.profile)
        try:
            with warehouse.cursor() as cursor:
                return cursor.execute(query).fetchall()
        finally:
            warehouse.close()

    def tables(self) -> list[str]:
        rows = self.sql(
            "SELECT schema_name || '.' || table_name FROM duckdb_tables() "
            "WHERE schema_name <> '_toolkit' ORDER BY 1"
        )
        return [row[0] for row in rows]

    def log(self) -> str:
        return "".join(path.read_text() for path in sorted(self.logs.glob("*.log")))


__all__ = ["DEDUP", "AirbyteTarget", "DestinationMap", "Project", "complete", "install_fake"]
