"""Profiles, anomaly rules and SQL assets in builds with real dbt, as a user meets them."""

import json
import os
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import duckdb
import pytest

MIXED: Any = sys.modules["mixed_project"]  # see conftest.py

pytestmark = [pytest.mark.slow, pytest.mark.e2e, pytest.mark.timeout(600)]

FILES = {
    "dbt_project.yml": "name: shop\nprofile: shop\nmodels: {+materialized: table}\n",
    "profiles.yml": "shop: {target: dev, outputs: {dev: {type: duckdb, path: shop.duckdb, "
    "threads: 2}}}\n",
    "toolkit.yml": "version: 1\nassets: [ml]\nanomalies:\n"
    "  - {select: orders, metrics: [row_count, mean], least: 3, severity: error}\n",
    "models/sources.yml": "sources: [{name: raw, tables: [{name: landed}]}]\n",
    "models/orders.sql": "select id, amount, email, note from {{ source('raw', 'landed') }}\n",
    "models/orders.yml": "models: [{name: orders, columns: [{name: email, "
    "config: {tags: [pii]}}]}]\n",
    "models/orders_view.sql": "{{ config(materialized='view') }}\n"
    "select * from {{ ref('orders') }}\n",
    "models/below.sql": "select count(*) as n from {{ ref('orders') }}\n",
    "ml/totals.py": "from toolkit import asset\n"
    "@asset(sql='select sum(amount) as total from {orders}')\ndef totals(orders): ...\n",
}  # fmt: skip


class Shop:
    """One project, its source table, and the command line."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name, text in FILES.items():
            self.write(name, text)

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def land(self, rows: int, note: str = "x") -> None:
        with duckdb.connect(str(self.folder / "shop.duckdb")) as connection:
            connection.execute("CREATE SCHEMA IF NOT EXISTS raw")
            connection.execute(
                "CREATE OR REPLACE TABLE raw.landed AS SELECT range AS id, range % 9 AS amount, "
                f"'p' || range AS email, '{note}' AS note FROM range({rows})"
            )

    def run(self, *words: str, code: int = 0) -> str:
        environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("DBT_")},
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        }
        done = MIXED.call(words, self.folder, environment)
        assert done.returncode == code, done.stdout + done.stderr
        return str(done.stdout)

    def profiles(self, name: str) -> list[dict[str, Any]]:
        found = json.loads(self.run("profile", name, "--history", "--output", "json"))
        profiles: list[dict[str, Any]] = found["profiles"]
        return profiles

    def results(self) -> dict[str, dict[str, Any]]:
        text = (self.folder / "target/toolkit/run_results.json").read_text()
        return {one["unique_id"]: one for one in json.loads(text)["results"]}


CHECK = "check.model.shop.orders.anomaly"


@pytest.mark.parametrize("engine", ["gated", pytest.param("runner", marks=pytest.mark.soak)])
def test_an_anomaly_blocks_until_it_is_accepted(tmp_path: Path, engine: str) -> None:
    shop = Shop(tmp_path)
    for rows in (1000, 1002, 998, 1001):
        shop.land(rows)
        shop.run("build", "--engine", engine)
    shop.land(100)
    shop.run("build", "--engine", engine, code=1)
    results = shop.results()
    assert results[CHECK]["status"] == "fail"
    assert "row count 100 is 90.0 MADs below the median 1,000 of 4 builds" in (
        results[CHECK]["message"] or ""
    )
    assert results["model.shop.below"]["status"] == "skipped"
    assert results["python.totals"]["status"] == "skipped"
    cases = ET.parse(tmp_path / "target/toolkit/junit.xml").getroot().iter("testcase")
    assert {case.get("name"): len(case) for case in cases}[CHECK] == 1
    newest, before, *_ = shop.profiles("orders")
    assert (newest["rows"], newest["unusual"]) == (100, ["mean:id", "row_count"])
    assert before["unusual"] == []

    shop.run("build", "--engine", engine, code=1)  # it is no part of its own history
    shop.run("profile", "orders", "--accept")
    shop.run("build", "--engine", engine)
    assert shop.results()["model.shop.below"]["status"] == "success"
    shop.land(104)  # as near to what was accepted as others are to the median
    shop.run("build", "--engine", engine)


def test_what_is_counted(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    shop.land(10)
    shop.run("build")
    shop.run("build", "--force")
    first, second = shop.profiles("orders")
    assert first["columns"] == second["columns"]
    columns = {one["name"]: one for one in first["columns"]}
    assert (columns["amount"]["most"], columns["amount"]["nulls"]) == ("8", 0)
    assert (columns["email"]["hidden"], columns["email"]["least"]) == (True, None)
    assert columns["email"]["distinct"] == pytest.approx(10, abs=1)
    assert shop.profiles("totals")[0]["rows"] == 1
    assert "hidden" in shop.run("profile", "orders.email")
    shop.run("profile", "orders_view", code=2)
    shop.run("profile", "orders.nothing", code=2)
    shop.write("toolkit.yml", "version: 1\nassets: [ml]\nprofile: off\n")
    shop.run("build", "--force")
    assert len(shop.profiles("orders")) == 2
    page = shop.run("report")
    assert "p1" not in page


@pytest.mark.soak
def test_a_sql_asset_sleeps_while_its_columns_are_the_same(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    shop.land(10)
    shop.run("build")
    shop.land(10, note="another")  # which it does not read
    shop.run("build")
    ended = shop.results()
    assert ended["model.shop.orders"]["status"] == "success"
    assert "no column that it reads changed" in ended["python.totals"]["message"]
    text = "from toolkit import asset\n"
    shop.write("ml/totals.py", text + "@asset(sql='SELECT sum(amount) AS total -- all\\nFROM "
               "{orders}')\ndef totals(orders): ...\n")  # fmt: skip
    shop.run("build")
    assert shop.results()["python.totals"]["status"] == "no-op"
    shop.write("ml/totals.py", text + "@asset(sql='select sum(amount) as total, now() as at from "
               "{orders}')\ndef totals(orders): ...\n")  # fmt: skip
    shop.run("build")
    shop.run("build")
    assert shop.results()["python.totals"]["status"] == "success"  # it reads the clock
    edges = json.loads(shop.run("lineage", "totals", "--format", "json"))["column_edges"]
    assert {(e["from"][1], e["to"][1], e["subtype"]) for e in edges
            if e["to"][0] == "python.totals"} == {("amount", "total", "AGGREGATION")}  # fmt: skip
