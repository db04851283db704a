"""How fast records become rows, what that adds to a connector's own work, and what memory it needs.

    python benchmarks/bench_loader.py [--rows 100000] [--rounds 3] [--memory]
        [--pyairbyte PYTHON]

Prints rows a second of the loader alone (reading, decoding, typing, writing to a DuckDB
file), and the CPU time of source-faker with and without the loader behind it. CPU seconds are
the figure to compare; wall time depends on what else the machine does.

``--pyairbyte`` names a Python in whose environment PyAirbyte is installed (it cannot share
ours: it pins another duckdb); it then reads the same stream into its own DuckDB cache in every
round. ``--memory`` loads 100,000 and 1,000,000 rows and prints the peak of each.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from toolkit.graph import Relation
from toolkit.integrations.airbyte.local.landing import Landing, Target, transaction
from toolkit.integrations.airbyte.local.plan import Plan, plan_stream
from toolkit.integrations.airbyte.local.schemas import SchemaStore
from toolkit.integrations.airbyte.local.state import SCHEMA, Saved, StateStore
from toolkit.integrations.airbyte.local.sync import Sync
from toolkit.integrations.airbyte.model import Connection
from toolkit.integrations.airbyte.readers import read_connections
from toolkit.integrations.airbyte.source.connector import Connector
from toolkit.integrations.airbyte.source.environment import install, package_of
from toolkit.integrations.airbyte.source.protocol import Catalog, CatalogStream, Message
from toolkit.settings import Profile
from toolkit.warehouse import Warehouse

# DuckDB keeps what it has written in memory as long as there is some; this is no need of ours.
DUCKDB_MEMORY = "256MB"

PYAIRBYTE = """
import sys, json
import airbyte
config = json.loads(sys.argv[1])
source = airbyte.get_source("source-faker", config=config, local_executable=sys.argv[2])
source.select_streams(["users"])
cache = airbyte.caches.DuckDBCache(db_path=sys.argv[3])
result = source.read(cache=cache, force_full_refresh=True)
assert result.processed_records == config["count"], result.processed_records
"""


def cpu() -> float:
    """CPU seconds of this process and of the children that it has waited for."""
    who = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(u.ru_utime + u.ru_stime for u in map(resource.getrusage, who))


def measured(work: Callable[[], object]) -> tuple[float, float]:
    started, before = time.monotonic(), cpu()
    work()
    return time.monotonic() - started, cpu() - before


def report(name: str, wall: float, used: float, base: float | None = None) -> None:
    ratio = f"  x{used / base:.2f}" if base else ""
    print(f"{name:<21} {wall:7.2f} s wall  {used:7.2f} s CPU{ratio}", flush=True)


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


def warehouse(folder: Path, memory_limit: str | None = None) -> Warehouse:
    path = folder / f"{time.monotonic_ns()}.duckdb"
    options = {"memory_limit": memory_limit} if memory_limit else {}
    profile = Profile(
        type="duckdb", database=path.stem, schema="main", path=str(path), config_options=options
    )
    opened = Warehouse(profile)
    opened.create_schema(SCHEMA)
    with opened.cursor() as cursor:
        StateStore.create(cursor)
        SchemaStore.create(cursor)
    return opened


def lines_of(connector: Connector, catalog: dict[str, Any], to: Path) -> None:
    """The connector's output into a file, as the shell would."""
    with tempfile.TemporaryDirectory() as folder:
        for name, value in (("config", connector.connection.source.config), ("catalog", catalog)):
            Path(folder, f"{name}.json").write_text(json.dumps(value))
        launch = package_of(connector.connection).launch(
            "read", ["config", "catalog"], Path(folder)
        )
        with to.open("wb") as file:
            subprocess.run(launch.command, stdout=file, stderr=subprocess.DEVNULL, check=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--pyairbyte", metavar="PYTHON")
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--load", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.load:
        load_generated(arguments.load)
        return
    with tempfile.TemporaryDirectory() as name:
        compare(Path(name), arguments.rows, arguments.rounds, arguments.pyairbyte)
    if arguments.memory:
        memory()


def compare(folder: Path, rows: int, rounds: int, pyairbyte: str | None) -> None:
    bench = connection(folder, rows)
    install(package_of(bench), say=print)
    connector = Connector(bench, cancel=threading.Event())
    plan = plan_stream(bench, connector.discover(), bench.streams[0])
    stream = {"sync_mode": "full_refresh", "destination_sync_mode": "overwrite"}
    catalog = {"streams": [{"stream": msgspec.to_builtins(plan.offered), **stream}]}
    recorded = folder / "lines.jsonl"
    ratios: dict[str, list[float]] = {}
    for _ in range(rounds):
        wall, alone = measured(lambda: lines_of(connector, catalog, recorded))
        report("connector alone", wall, alone)
        opened = warehouse(folder)
        target = Target(plan, Relation(opened.database, "main", "users"), "stream.bench.users")
        sync = Sync(Connector(bench), opened, [target])
        wall, both = measured(lambda sync=sync: check(sync))  # type: ignore[misc]
        opened.close()
        report("connector and loader", wall, both, alone)
        ratios.setdefault("connector and loader", []).append(both / alone)
        if pyairbyte:
            wall, used = measured(lambda: run_pyairbyte(pyairbyte, bench, folder))
            report("PyAirbyte", wall, used, alone)
            ratios.setdefault("PyAirbyte", []).append(used / alone)
        load_alone(folder, target, recorded, rows)
    for name, found in ratios.items():
        print(f"{name}: CPU x{sorted(found)[len(found) // 2]:.2f} of the connector alone (median)")


def run_pyairbyte(python: str, bench: Connection, folder: Path) -> None:
    script = package_of(bench).launch("read", [], folder).command[1]
    words = [json.dumps(bench.source.config), script, str(folder / f"{time.monotonic_ns()}.db")]
    environment = {**os.environ, "DO_NOT_TRACK": "1", "AIRBYTE_OFFLINE_MODE": "1"}
    command = [python, "-c", PYAIRBYTE, *words]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=False)
    if done.returncode:
        sys.exit(f"PyAirbyte failed:\n{done.stderr.decode()[-2000:]}")


def check(sync: Sync) -> None:
    result = sync.run()
    assert result.error is None, result.error


def load_alone(folder: Path, target: Target, recorded: Path, rows: int) -> None:
    wall, used = load(folder, target.plan, messages(recorded), rows)
    print(
        f"{'loader alone':<21} {wall:7.2f} s wall  {used:7.2f} s CPU  "
        f"{rows / wall:,.0f} rows/s wall, {rows / used:,.0f} rows/s CPU"
    )


def load(
    folder: Path,
    plan: Plan,
    records: Iterator[Message],
    expected: int,
    memory_limit: str | None = None,
) -> tuple[float, float]:
    opened = warehouse(folder, memory_limit)
    with opened.cursor() as cursor:
        relation = Relation(opened.database, "main", "users")
        target = Target(plan, relation, "stream.bench.users")
        landing = Landing(cursor, target, Saved(), index=0, fresh=True, sync_id=0)

        def work() -> None:
            for message in records:
                if message.record is not None:
                    landing.loader.add(message.record.data, message.record.emitted_at)
            landing.loader.flush()
            with transaction(cursor):
                landing.finish(StateStore(cursor, "bench"))

        wall, used = measured(work)
        assert landing.loader.arrived == expected
    opened.close()
    return wall, used


def messages(path: Path) -> Iterator[Message]:
    decoder = msgspec.json.Decoder(Message)
    with path.open("rb") as file:
        for line in file:
            yield decoder.decode(line)


def memory() -> None:
    """Peak memory of a process that loads so many rows; of each size a process of its own.

    DuckDB may have 256 MB of it: by itself it would keep written blocks until the machine's
    memory is short.
    """
    peaks = {}
    for rows in (100_000, 1_000_000):
        command = [sys.executable, str(Path(__file__).resolve()), "--load", str(rows)]
        peaks[rows] = int(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
        print(f"{rows:>9,} rows: peak {peaks[rows] / 1024:,.0f} MB", flush=True)
    print(f"memory x{peaks[1_000_000] / peaks[100_000]:.2f} for 10 times the rows")


def load_generated(rows: int) -> None:
    """Load rows of about 600 bytes; print the peak of this process's memory in KB."""
    types = {"id": "integer", "updated_at": "string", "score": "number", "active": "boolean"}
    types |= {f"text{number}": "string" for number in range(12)}
    schema = {"properties": {name: {"type": kind} for name, kind in types.items()}}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        catalog = Catalog([CatalogStream("users", schema)])
        bench = connection(folder, rows)
        plan = plan_stream(bench, catalog, bench.streams[0])
        load(folder, plan, generated(rows), rows, DUCKDB_MEMORY)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def generated(rows: int) -> Iterator[Message]:
    decoder = msgspec.json.Decoder(Message)
    for number in range(rows):
        data = {"id": number, "updated_at": "2026-01-01", "score": number / 7, "active": True}
        data |= {f"text{n}": f"{number * (n + 3):034d}" for n in range(12)}
        record = {"stream": "users", "data": data, "emitted_at": 1}
        yield decoder.decode(msgspec.json.encode({"type": "RECORD", "record": record}))


if __name__ == "__main__":
    main()
