"""How fast records become rows, and what that adds to a connector's own work.

    python benchmarks/bench_loader.py [--rows 100000] [--rounds 3]

Prints rows a second of the loader alone (reading, decoding, typing, writing to a DuckDB
file), and the CPU time of source-faker with and without the loader behind it. CPU seconds are
the figure to compare; wall time depends on what else the machine does.
"""

import argparse
import json
import resource
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from toolkit.graph import Relation
from toolkit.integrations.airbyte.local.landing import transaction
from toolkit.integrations.airbyte.local.state import SCHEMA, StateStore
from toolkit.integrations.airbyte.local.sync import Landing, Saved, Sync, Target
from toolkit.integrations.airbyte.model import Connection
from toolkit.integrations.airbyte.readers import read_connections
from toolkit.integrations.airbyte.source.catalog import plan_stream
from toolkit.integrations.airbyte.source.connector import Connector
from toolkit.integrations.airbyte.source.environment import install, package_of
from toolkit.integrations.airbyte.source.protocol import Message
from toolkit.settings import Profile
from toolkit.warehouse import Warehouse


def cpu() -> float:
    """CPU seconds of this process and of the children that it has waited for."""
    who = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(u.ru_utime + u.ru_stime for u in map(resource.getrusage, who))


def measured(work: Callable[[], None]) -> tuple[float, float]:
    started, before = time.monotonic(), cpu()
    work()
    return time.monotonic() - started, cpu() - before


def connection(folder: Path, rows: int) -> Connection:
    document = {
        "name": "bench",
        "source": {
            "package": "airbyte-source-faker",
            "version": "7.2.1",
            "config": {"count": rows, "seed": 1, "parallelism": 1, "always_updated": True},
        },
        "streams": [{"name": "users", "sync_mode": "full_refresh_overwrite"}],
    }
    path = folder / "bench.yml"
    path.write_text(json.dumps(document))
    return read_connections([path]).connections[0]


def warehouse(folder: Path) -> Warehouse:
    path = folder / f"{time.monotonic_ns()}.duckdb"
    opened = Warehouse(Profile(type="duckdb", database=path.stem, schema="main", path=str(path)))
    opened.create_schema(SCHEMA)
    with opened.cursor() as cursor:
        StateStore.create(cursor)
    return opened


def lines_of(connector: Connector, catalog: dict[str, Any], to: Path) -> None:
    """The connector's output into a file, as the shell would."""
    with tempfile.TemporaryDirectory() as folder:
        for name, value in (("config", connector.connection.source.config), ("catalog", catalog)):
            Path(folder, name).write_text(json.dumps(value))
        command = [*package_of(connector.connection).command(), "read"]
        command += ["--config", f"{folder}/config", "--catalog", f"{folder}/catalog"]
        with to.open("wb") as file:
            subprocess.run(command, stdout=file, stderr=subprocess.DEVNULL, check=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        bench = connection(folder, arguments.rows)
        install(package_of(bench), say=print)
        connector = Connector(bench, cancel=threading.Event())
        plan = plan_stream(bench, connector.discover(), bench.streams[0])
        catalog = {
            "streams": [
                {
                    "stream": msgspec.to_builtins(plan.offered),
                    "sync_mode": "full_refresh",
                    "destination_sync_mode": "overwrite",
                }
            ]
        }
        recorded = folder / "lines.jsonl"
        ratios = []
        for _ in range(arguments.rounds):
            wall, alone = measured(lambda: lines_of(connector, catalog, recorded))
            print(f"connector alone      {wall:7.2f} s wall  {alone:7.2f} s CPU")
            opened = warehouse(folder)
            target = Target(plan, Relation(opened.database, "main", "users"), "stream.bench.users")
            sync = Sync(Connector(bench), opened, [target])
            wall, both = measured(lambda sync=sync: check(sync))  # type: ignore[misc]
            opened.close()
            ratios.append(both / alone)
            print(f"connector and loader {wall:7.2f} s wall  {both:7.2f} s CPU  x{ratios[-1]:.2f}")
            load_alone(folder, target, recorded, arguments.rows)
        print(f"ratio (median) x{sorted(ratios)[len(ratios) // 2]:.2f}")


def check(sync: Sync) -> None:
    result = sync.run()
    assert result.error is None, result.error


def load_alone(folder: Path, target: Target, recorded: Path, rows: int) -> None:
    opened = warehouse(folder)
    with opened.cursor() as cursor:
        landing = Landing(
            cursor,
            target.plan,
            Relation(opened.database, "main", "users"),
            Saved(),
            key=target.key,
            index=0,
            fresh=True,
            sync_id=0,
        )

        def work() -> None:
            for message in messages(recorded):
                if message.record is not None:
                    landing.add(message.record.data, message.record.emitted_at)
            landing.flush()
            with transaction(cursor):
                landing.finish(StateStore(cursor, "bench"))

        wall, used = measured(work)
        assert landing.rows == rows
    opened.close()
    print(
        f"loader alone         {wall:7.2f} s wall  {used:7.2f} s CPU  "
        f"{rows / wall:,.0f} rows/s wall, {rows / used:,.0f} rows/s CPU"
    )


def messages(path: Path) -> Iterator[Message]:
    decoder = msgspec.json.Decoder(Message)
    with path.open("rb") as file:
        for line in file:
            yield decoder.decode(line)


if __name__ == "__main__":
    main()
