"""What decorators and YAML declare, in the real CLI with dbt: retries, batches, tests, secrets."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest

MIXED: Any = sys.modules["mixed_project"]  # see conftest.py

pytestmark = [pytest.mark.slow, pytest.mark.e2e, pytest.mark.timeout(600)]

VALUE = "kaninchen-4711"
FILES = {
    "dbt_project.yml": "name: shop\nprofile: shop\nmodel-paths: [models]\n",
    "profiles.yml": "shop: {target: dev, outputs: {dev: {type: duckdb, path: shop.duckdb}}}\n",
    "toolkit.yml": "version: 1\nassets: [ml]\n"
    "run: {pools: {gpu: 1}, rules: [{select: fails_twice, retry_wait: 0}]}\n",
    "models/orders.sql": "select 1 as id",
    "ml/p.yml": "version: 2\nassets:\n  - name: fails_twice\n    config: {schema: ml}\n"
    "    columns:\n      - name: id\n        data_tests:\n          - unique\n"
    "          - relationships: {to: ref('orders'), field: id}\n",
    "ml/a.py": """
import pathlib
import pyarrow as pa
from toolkit import Batch, asset, secret

TRIES = pathlib.Path(__file__).with_name("tries.txt")


@asset(retries=2, pool="gpu")
def fails_twice(orders):
    tries = len(TRIES.read_text()) if TRIES.exists() else 0
    TRIES.write_text("x" * (tries + 1))
    if tries < 2:
        raise ValueError("refused: " + secret("RABBIT"))
    return orders


@asset(event_time="day", batch_size="month", begin="2026-06-01")
def monthly(orders, batch: Batch):
    return pa.table({"day": [batch.start]})
""",
}


def build(folder: Path, *options: str) -> str:
    done = MIXED.call(["build", *options], folder, {**os.environ, "RABBIT": VALUE})
    assert done.returncode == 0, done.stdout + done.stderr
    return str(done.stdout + done.stderr)


def statuses(folder: Path) -> dict[str, str]:
    document = json.loads((folder / "target/toolkit/run_results.json").read_text())
    return {result["unique_id"]: result["status"] for result in document["results"]}


def test_it(tmp_path: Path) -> None:
    for path, text in FILES.items():
        file = tmp_path / path
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    told = build(tmp_path)
    assert told.count("refused: *****") == 2
    assert (tmp_path / "ml/tries.txt").read_text() == "xxx"
    assert statuses(tmp_path) == {
        "model.shop.orders": "success",
        "python.fails_twice": "success",
        "python.monthly": "success",
        "check.fails_twice.id_unique": "pass",
        "check.fails_twice.id_relationships": "pass",
    }
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert [path for path in files if VALUE.encode() in path.read_bytes()] == []
    assert VALUE not in told

    build(tmp_path, "--select", "monthly")
    with duckdb.connect(str(tmp_path / "shop.duckdb"), read_only=True) as connection:
        table = "SELECT count(*), count(DISTINCT day) FROM monthly"
        [(rows, months)] = connection.execute(table).fetchall()
        [(marked,)] = connection.execute("SELECT count(*) FROM _toolkit.batches").fetchall()
    assert rows == months == marked >= 6
