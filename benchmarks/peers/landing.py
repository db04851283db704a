"""What people write round a connector when nobody does it for them: as little as possible.

    python landing.py SCORE

No types but the rows' own, no state, no checks. The working folder is the project.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

DATABASE = "big.duckdb"
SOURCE = Path(__file__).with_name("source_wait.py")


def bench() -> dict[str, Any]:
    """What ``benchmarks.mixed`` says of the project; a plain one has neither streams nor scores."""
    path = Path("bench.json")
    plain: dict[str, Any] = {"streams": {}, "scores": {}, "segments": []}
    return json.loads(path.read_text()) if path.exists() else plain


def read(stream: str) -> list[dict[str, Any]]:
    """The stream's rows, from its connector."""
    connection = json.loads(Path("connectors", f"{stream}.yml").read_text())
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder, "config.json")
        config.write_text(json.dumps(connection["source"]["config"]))
        done = subprocess.run(
            [sys.executable, "-I", SOURCE, "read", "--config", config],
            stdout=subprocess.PIPE, check=True,
        )  # fmt: skip
    messages = map(json.loads, done.stdout.splitlines())
    return [message["record"]["data"] for message in messages if message["type"] == "RECORD"]


def land(stream: str, rows: Sequence[dict[str, Any]]) -> None:
    """Replace the stream's table."""
    import duckdb
    import pyarrow as pa

    table = pa.Table.from_pylist([*rows])
    with duckdb.connect(DATABASE) as connection:
        connection.execute("create schema if not exists raw")
        connection.register("landed", table)
        connection.execute(f"create or replace table raw.{stream} as select * from landed")


def score(name: str) -> None:
    """Do what the Python asset of that name does."""
    import duckdb

    known = bench()
    left, right = known["scores"][name]
    time.sleep(known["score_seconds"])
    with duckdb.connect(DATABASE) as connection:
        connection.execute("create schema if not exists ml")
        connection.execute(
            f"create or replace table ml.{name} as select id, l.value + r.value as value "
            f"from main.{left} as l join main.{right} as r using (id)"
        )


if __name__ == "__main__":
    score(sys.argv[1])
