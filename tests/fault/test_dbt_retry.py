"""The same kills against ``dbt build`` and ``dbt retry``: for comparison, printed, not asserted.

dbt's part of the shop, in two copies; what connectors and Python would make is loaded by hand.
After a kill a user calls ``dbt retry``; where that refuses, ``dbt build``. TOOLKIT_DBT_KILLS says
how many runs; without it there are none.
"""

import os
import random
import shutil
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.fault, pytest.mark.timeout(6 * 3600)]

PIPELINE = sys.modules["fault_pipeline"]
HARNESS = sys.modules["fault_harness"]

RUNS = int(os.environ.get("TOOLKIT_DBT_KILLS", "0"))
SEED = int(os.environ.get("TOOLKIT_FAULT_SEED", "1"))
MADE = {
    "features": "select user_id, count(*) as visits from raw.events group by 1",
    "scores": "select id as user_id, round(id / 7.0, 3) as score from raw.users",
    "anomalies": "select distinct day, day % 3 = 0 as strange from raw.orders",
    "forecast": "select max(day) + 1 as day, 100 as cents from raw.orders",
}


def load(shop: Any, source: Path) -> None:
    """What comes from outside of dbt."""
    import duckdb

    with duckdb.connect(str(shop.folder / "shop.duckdb")) as connection:
        connection.execute("create schema if not exists raw")
        for stream in PIPELINE.STREAMS:
            connection.execute(
                f"create or replace table raw.{stream} as select *, "
                + ", ".join(f"null as {name.strip()}" for name in columns())
                + f" from read_json_auto('{source / stream}.jsonl')"
            )
        for name, sql in MADE.items():
            connection.execute(f"create or replace table main.{name} as {sql}")


def columns() -> list[str]:
    return list(PIPELINE.AIRBYTE_COLUMNS.split(","))


def dbt(shop: Any, *words: str) -> Any:
    out, err = (shop.scratch / f"dbt.{name}" for name in ("out", "err"))
    program = Path(sys.executable).with_name("dbt")
    return shop.start_command([str(program), *words], out, err)


def test_dbt_build_killed_and_retried(tmp_path: Path) -> None:
    if not RUNS:
        pytest.skip("a comparison only: TOOLKIT_DBT_KILLS=50 runs it")
    rng = random.Random(SEED)
    source = PIPELINE.Source(tmp_path / "source", SEED)
    shops = [HARNESS.Shop(tmp_path / name, tmp_path / "cache") for name in ("calm", "killed")]
    calm, killed = shops
    for shop in shops:
        PIPELINE.write_shop(shop.folder, source.folder, tools=False)
        load(shop, source.folder)
        assert dbt(shop, "build").wait() == 0
    counts = dict.fromkeys(("killed", "refused", "silently incomplete", "appended twice"), 0)
    wrong = 0
    seconds = []
    for _ in range(RUNS):
        source.change()
        for shop in shops:
            load(shop, source.folder)
        began = time.monotonic()
        assert dbt(calm, "build").wait() == 0
        seconds.append(time.monotonic() - began)
        process = dbt(killed, "build")
        if process.wait(rng.uniform(0, statistics.median(seconds))) is None:
            process.kill_group()
            counts["killed"] += 1
            retried = dbt(killed, "retry")
            if retried.wait() != 0:
                counts["refused"] += 1
            elif HARNESS.differences(killed.tables(), calm.tables()):
                counts["silently incomplete"] += 1
            if HARNESS.differences(killed.tables(), calm.tables()):
                assert dbt(killed, "build").wait() == 0
        found = HARNESS.differences(killed.tables(), calm.tables())
        if found:
            wrong += 1
            counts["appended twice"] += bool(found.keys() & set(PIPELINE.APPENDED))
            shutil.copy(calm.folder / "shop.duckdb", killed.folder / "shop.duckdb")
    shown = ", ".join(f"{name}: {count}" for name, count in counts.items())
    print(
        f"\ndbt build, kill -9, dbt retry (and dbt build, where that did not mend it): "
        f"{RUNS} runs, {wrong} with wrong tables at the end; {shown}; seed {SEED}"
    )
