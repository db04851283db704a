"""kill -9 of ``build --publish`` at random moments, while another process reads all the time.

Each build makes a new version, whose number is how many rows each of its tables has; every
third one fails its test. It is killed at a uniformly random time within what an undisturbed
build takes. Whatever happened, a reader sees whole versions that passed, the ledger speaks of
the version that is live, and the next build does what it should. TOOLKIT_PUBLISH_KILLS says how
many builds are killed (default 3).
"""

import json
import os
import random
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import duckdb
import pytest

from toolkit.project import Project

pytestmark = [pytest.mark.slow, pytest.mark.fault, pytest.mark.timeout(3600)]

HARNESS = sys.modules["fault_harness"]
KILLS = int(os.environ.get("TOOLKIT_PUBLISH_KILLS", "2"))
SEED = int(os.environ.get("TOOLKIT_FAULT_SEED", "1"))
TOO_MUCH = 1000  # a version that fails has so many rows more
TABLES = ("numbers", "first", "second", "scores", "last")

FILES = {
    "dbt_project.yml": "name: shop\nprofile: shop\nflags: {send_anonymous_usage_stats: false}\n",
    "profiles.yml": "shop: {target: dev, outputs: {dev: {type: duckdb, path: shop.duckdb}}}\n",
    "toolkit.yml": "version: 1\nassets: [ml]\n",
    "models/first.sql": "{{ config(materialized='table') }} select id from {{ ref('numbers') }}",
    "models/second.sql": "{{ config(materialized='table') }} select id from {{ ref('first') }}",
    "models/last.sql": "select id from {{ source('ml', 'scores') }}",
    "models/all.yml": f"""\
sources: [{{name: ml, schema: main, tables: [{{name: scores}}]}}]
models:
  - name: last
    columns: [{{name: id, data_tests: [accepted_values: {{values: [0], quote: false,
      config: {{where: "id >= {TOO_MUCH}"}}}}]}}]
""",
    "ml/scores.py": """\
import pyarrow as pa
from toolkit import asset

@asset
def scores(second: pa.Table) -> pa.Table:
    return second
""",
}
READER = f"""
import duckdb, sys, threading
stop = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), stop.set()), daemon=True).start()
ask = "select {", ".join(f"(select count(*) from {table})" for table in TABLES)}"
seen, last = [], False
while not last:
    last = stop.wait(0.01)
    with duckdb.connect(sys.argv[1], read_only=True) as connection:
        [counts] = connection.execute(ask).fetchall()
    assert len(set(counts)) == 1, counts
    if not seen:
        print("ready", flush=True)
    if not seen or seen[-1] != counts[0]:
        seen.append(counts[0])
print(seen)
"""


class Versions:
    """The shop, and what its newest version is."""

    def __init__(self, folder: Path, warm: Any) -> None:
        self.shop = HARNESS.Shop(folder / "shop", folder / "cache", warm)
        self.file = self.shop.folder / "shop.duckdb"
        for name, text in FILES.items():
            path = self.shop.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def write(self, rows: int) -> None:
        text = "id\n" + "".join(f"{number}\n" for number in range(rows))
        (self.shop.folder / "seeds").mkdir(exist_ok=True)
        (self.shop.folder / "seeds" / "numbers.csv").write_text(text)

    def live(self) -> int:
        with duckdb.connect(str(self.file), read_only=True) as connection:
            counts = [connection.execute(f"select count(*) from {t}").fetchall() for t in TABLES]
        [version] = {count for [(count,)] in counts}
        return int(version)

    def told(self) -> int | None:
        """The version that the ledger speaks of, as every command would see it."""
        with Project.load(self.shop.folder).ledger() as ledger:
            assert ledger is not None
            return ledger.latest("dev")["python.scores"].rows


@pytest.mark.soak
def test_kill_9_while_another_process_reads(tmp_path: Path, warm: Any) -> None:
    versions, chance = Versions(tmp_path, warm), random.Random(SEED)
    versions.write(1)
    versions.shop.build("--publish")
    versions.write(2)
    seconds = versions.shop.build("--publish")
    assert versions.live() == versions.told() == 2
    reader = subprocess.Popen(
        [sys.executable, "-c", READER, str(versions.file)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert reader.stdout is not None
    assert reader.stdout.readline() == "ready\n"
    live, good, killed = 2, {2}, 0
    for number in range(KILLS):
        fails = number % 3 == 2
        version = number + 3 + (TOO_MUCH if fails else 0)
        versions.write(version)
        process = versions.shop.start("build", "--publish")
        threading.Event().wait(chance.uniform(0, seconds))
        early = process.poll() is None
        process.kill_group()
        versions.shop.gone()
        killed += early
        assert versions.live() in ({live} if fails else {live, version})
        assert versions.told() == versions.live()
        again = versions.shop.run("build", "--publish")
        assert again.code == (1 if fails else 0), again.err
        live = live if fails else version
        good |= {live}
        assert versions.live() == versions.told() == live
    out, err = reader.communicate("", timeout=60)
    assert reader.returncode == 0, err
    seen = json.loads(out)
    assert set(seen) <= good
    assert seen == sorted(seen)
    assert killed
    print(f"\n{KILLS} builds, {killed} killed before their end, {len(seen)} versions seen")
