"""A new integration is one package with one entry point, and no change of the product.

The package here is a loader of files that somebody drops into a folder: each CSV becomes a
``stream`` asset that lands in the warehouse, and so feeds the dbt source that reads that table.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

pytestmark = [pytest.mark.slow, pytest.mark.e2e]

PROJECT = Path(__file__).parent / "projects" / "plain"

PACKAGE = '''\
"""Files that somebody drops into the folder ``drops`` of the project."""

import time

import duckdb

from toolkit.graph import Asset, Relation
from toolkit.integrations.base import Loaded, Made, Step, StepFinished, StepStarted
from toolkit.warehouse import quote_relation


class FileDrop:
    name = "filedrop"
    batches = False

    def load(self, settings, known):
        return Loaded(assets=[
            Asset(
                key=f"stream.drops.{path.stem}", kind="stream", name=path.stem,
                integration=self.name, source_name="drops", path=str(path),
                relation=Relation(settings.profile.database, "dropped", path.stem),
            )
            for path in sorted((settings.project_dir / "drops").glob("*.csv"))
        ])

    def steps(self, graph, keys):
        return [
            Step(key=asset.key, kind="sync", integration=self.name, makes=(asset.key,),
                 reads=(), name=asset.name)
            for asset in graph if asset.key in keys and asset.integration == self.name
        ]

    def open(self, context):
        return Drop(context)


class Drop:
    def __init__(self, context):
        self.context = context

    def run(self, steps):
        for step in steps:
            begun = time.time()
            self.context.emit(StepStarted(step=step.key, at=begun))
            asset = self.context.graph[step.key]
            try:
                with self.context.warehouse.cursor() as cursor:
                    cursor.execute(
                        f"CREATE OR REPLACE TABLE {quote_relation(asset.relation)} AS "
                        "SELECT * FROM read_csv(?)", [asset.path])
                rows = self.context.warehouse.row_count(asset.relation)
                status, message = "success", ""
                made = (Made(asset=asset.key, rows=rows),)
            except duckdb.Error as error:
                status, message, made = "error", str(error), ()
            self.context.emit(StepFinished(
                step=step.key, status=status, message=message, made=made,
                started_at=begun, finished_at=time.time()))

    def close(self):
        pass
'''


class Dropped:
    """The plain project with a file in ``drops``, a model that reads it, and the package."""

    def __init__(self, folder: Path) -> None:
        self.project = Path(shutil.copytree(PROJECT, folder / "plain"))
        site = folder / "site"
        info = site / "toolkit_filedrop-1.0.dist-info"
        info.mkdir(parents=True)
        (site / "toolkit_filedrop.py").write_text(PACKAGE)
        (info / "METADATA").write_text(
            "Metadata-Version: 2.1\nName: toolkit-filedrop\nVersion: 1\n"
        )
        self.entry_points = info / "entry_points.txt"
        self.entry_points.write_text(
            "[toolkit.integrations]\nfiledrop = toolkit_filedrop:FileDrop\n"
        )
        self.environment = {
            **os.environ, "PYTHONPATH": str(site), "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        }  # fmt: skip
        self.file = self.project / "drops" / "visits.csv"
        self.file.parent.mkdir()
        self.file.write_text("id,page\n1,home\n2,shop\n3,home\n")
        models = self.project / "models"
        (models / "dropped.yml").write_text(
            "sources:\n  - name: dropped\n    tables: [{name: visits}]\n"
        )
        (models / "pages.sql").write_text(
            "{{ config(materialized='table') }}\n"
            "select page, count(*) as visits from {{ source('dropped', 'visits') }} group by page"
        )

    def run(self, *words: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "toolkit.cli", *words], cwd=self.project,
            env=self.environment, capture_output=True, text=True, timeout=240,
        )  # fmt: skip


@pytest.fixture
def dropped(tmp_path: Path) -> Dropped:
    return Dropped(tmp_path)


def test_it_is_in_the_graph_and_joined_with_dbts_source(dropped: Dropped) -> None:
    listed = dropped.run("ls", "--output", "json")
    assert listed.returncode == 0, listed.stderr
    assets = {a["key"]: a for a in map(json.loads, listed.stdout.splitlines())}
    assert assets["stream.drops.visits"]["integration"] == "filedrop"
    assert assets["source.plain.dropped.visits"]["depends_on"] == ["stream.drops.visits"]
    below = dropped.run("ls", "-s", "integration:filedrop+", "--output", "name")
    assert below.stdout.splitlines() == [
        "stream.drops.visits", "source.plain.dropped.visits", "model.plain.pages",
    ]  # fmt: skip
    traced = json.loads(dropped.run("lineage", "pages.page", "--format", "json").stdout)
    edges = {(*edge["from"], *edge["to"]) for edge in traced["column_edges"]}
    assert ("source.plain.dropped.visits", "page", "model.plain.pages", "page") in edges


def test_it_runs_in_a_build_before_what_reads_it(dropped: Dropped) -> None:
    done = dropped.run("build", "--log-format", "json")
    assert done.returncode == 0, done.stderr
    events = [json.loads(line) for line in done.stderr.splitlines()]
    order = [(e["event"], e["step"]) for e in events if "step" in e]
    landed = order.index(("step_finished", "stream.drops.visits"))
    assert landed < order.index(("step_started", "model.plain.pages"))
    with duckdb.connect(str(dropped.project / "plain.duckdb"), read_only=True) as connection:
        rows = connection.execute("select * from pages order by page").fetchall()
    assert rows == [("home", 2), ("shop", 1)]
    states = map(json.loads, dropped.run("status", "--json").stdout.splitlines())
    [visits] = [state for state in states if state["key"] == "stream.drops.visits"]
    assert (visits["state"], visits["rows"]) == ("fresh", 3)


def test_its_failure_blocks_what_reads_it_and_nothing_else(dropped: Dropped) -> None:
    dropped.file.unlink()
    dropped.file.mkdir()  # a folder of that name is found, and cannot be read
    done = dropped.run("build")
    assert done.returncode == 1, done.stderr
    assert "ERROR  sync visits" in done.stderr or "ERROR  stream visits" in done.stderr
    assert "SKIP   model pages  skipped: visits has an error" in done.stderr
    assert "OK     model customers" in done.stderr


def test_one_that_cannot_be_imported_is_named(dropped: Dropped) -> None:
    dropped.entry_points.write_text("[toolkit.integrations]\nfiledrop = toolkit_filedrop:Nothing\n")
    done = dropped.run("ls")
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr
    assert "filedrop" in done.stderr
    assert "toolkit-filedrop" in done.stderr
