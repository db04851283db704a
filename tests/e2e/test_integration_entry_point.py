"""A new integration is one package with one entry point, and no change of the product.

The package is :mod:`toolkit_filedrop` in ``filedrop/`` here, the one that docs/integrations.md
explains: a loader of files that somebody drops into a folder.
"""

import ast
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest

MIXED: Any = sys.modules["mixed_project"]  # see conftest.py

pytestmark = [pytest.mark.slow, pytest.mark.e2e, pytest.mark.timeout(600)]

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PACKAGE = HERE / "filedrop" / "toolkit_filedrop.py"
STREAM, SOURCE, MODEL = "stream.drops.visits", "source.plain.dropped.visits", "model.plain.pages"
# Just after the rows are in, and before anybody has heard of it.
DIE = """
import os, signal, sys
import toolkit_filedrop as theirs
land = theirs.FileDropRunner._land
def killed(self, *rest):
    land(self, *rest)
    os.kill(os.getpid(), signal.SIGKILL)
    signal.pause()
theirs.FileDropRunner._land = killed
sys.argv = ["toolkit", "build", "-s", "+pages"]
from toolkit.cli import program
program()
"""


class Dropped:
    """The plain project with a file in ``drops``, a model that reads it, and the package."""

    def __init__(self, folder: Path) -> None:
        self.project: Path = MIXED.plain(folder / "plain")
        self.site = site = folder / "site"
        info = site / "toolkit_filedrop-1.0.dist-info"
        info.mkdir(parents=True)
        shutil.copy(PACKAGE, site)
        (info / "METADATA").write_text(
            "Metadata-Version: 2.1\nName: toolkit-filedrop\nVersion: 1\n"
        )
        self.entry_points = info / "entry_points.txt"
        self.entry_points.write_text(
            "[toolkit.integrations]\nfiledrop = toolkit_filedrop:FileDrop\n"
        )
        self.environment = {**os.environ, "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"}
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

    def python(self, *words: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, *words], cwd=self.project, capture_output=True, text=True,
            timeout=240, env={**self.environment, "PYTHONPATH": str(self.site)},
        )  # fmt: skip

    def run(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """In this process, which finds the package as one that is installed."""
        done: subprocess.CompletedProcess[str] = MIXED.call(words, self.project, self.environment)
        return done

    def plan(self) -> dict[str, Any]:
        """What a build would do to each step that is about the file, by key."""
        document = json.loads(self.run("plan", "-s", "+pages", "--json").stdout)
        return {step["step"]: step for step in document["steps"]}

    def sql(self, text: str) -> list[Any]:
        with duckdb.connect(str(self.project / "plain.duckdb"), read_only=True) as connection:
            return connection.execute(text).fetchall()


@pytest.fixture
def dropped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Dropped:
    made = Dropped(tmp_path)
    monkeypatch.syspath_prepend(made.site)
    monkeypatch.delitem(sys.modules, "toolkit_filedrop", raising=False)
    return made


def test_it_imports_only_what_is_documented_and_is_what_the_documentation_shows() -> None:
    page = (ROOT / "docs" / "integrations.md").read_text(encoding="utf-8")
    source = PACKAGE.read_text(encoding="utf-8")
    assert f"```python\n{source}```" in page
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("toolkit"):
            for name in node.names:
                assert f"| `{node.module}` |" in page, node.module
                assert f"`{name.name}`" in page, name.name


def test_it_is_in_the_graph_and_joined_with_dbts_source(dropped: Dropped) -> None:
    listed = dropped.run("ls", "--format", "json")
    assert listed.returncode == 0, listed.stderr
    assets = {a["key"]: a for a in map(json.loads, listed.stdout.splitlines())}
    assert assets[STREAM]["integration"] == "filedrop"
    assert assets[SOURCE]["depends_on"] == [STREAM]
    below = dropped.run("ls", "-s", "integration:filedrop+", "--format", "name")
    assert below.stdout.splitlines() == [STREAM, SOURCE, MODEL]
    traced = json.loads(dropped.run("lineage", "pages.page", "--format", "json").stdout)
    edges = {(*edge["from"], *edge["to"]) for edge in traced["column_edges"]}
    assert edges >= {(STREAM, "page", SOURCE, "page"), (SOURCE, "page", MODEL, "page")}


def test_it_runs_before_what_reads_it_and_only_when_its_file_changed(dropped: Dropped) -> None:
    done = dropped.run("build", "--log-format", "json")
    assert done.returncode == 0, done.stderr
    events = [json.loads(line) for line in done.stderr.splitlines()]
    order = [(e["event"], e["step"]) for e in events if "step" in e]
    assert order.index(("step_finished", STREAM)) < order.index(("step_started", MODEL))
    assert dropped.sql("select * from pages order by page") == [("home", 2), ("shop", 1)]
    states = map(json.loads, dropped.run("status", "--json").stdout.splitlines())
    [visits] = [state for state in states if state["key"] == STREAM]
    assert (visits["state"], visits["rows"]) == ("fresh", 3)

    assert {step["action"] for step in dropped.plan().values()} == {"skip"}
    dropped.file.write_text("id,page\n4,shop\n")
    assert dropped.plan()[STREAM]["action"] == "run"
    assert dropped.run("build", "-s", "+pages").returncode == 0
    assert dropped.sql("select * from pages") == [("shop", 1)]

    reported = dropped.run("report")
    assert reported.returncode == 0, reported.stderr
    document = (dropped.project / "target" / "toolkit" / "graph.json").read_text()
    assert STREAM in {asset["key"] for asset in json.loads(document)["assets"]}


def test_its_failure_blocks_what_reads_it_and_nothing_else(dropped: Dropped) -> None:
    dropped.file.unlink()
    dropped.file.mkdir()  # a folder of that name is found, and cannot be read
    done = dropped.run("build")
    assert done.returncode == 1, done.stderr
    assert "ERROR  sync visits" in done.stderr or "ERROR  stream visits" in done.stderr
    assert "cannot be loaded" in done.stderr
    assert "Correct the file, then run `toolkit build` again." in done.stderr
    assert "SKIP   model pages  skipped: visits has an error" in done.stderr
    assert "OK     model customers" in done.stderr


@pytest.mark.soak
def test_a_build_that_is_killed_while_it_loads_goes_on(dropped: Dropped) -> None:
    assert dropped.python("-c", DIE).returncode == -signal.SIGKILL
    done = dropped.run("build", "-s", "+pages", "--resume")
    assert done.returncode == 0, done.stderr
    assert dropped.sql("select * from pages order by page") == [("home", 2), ("shop", 1)]
    assert {step["action"] for step in dropped.plan().values()} == {"skip"}


def test_one_that_cannot_be_imported_is_named(dropped: Dropped) -> None:
    dropped.entry_points.write_text("[toolkit.integrations]\nfiledrop = toolkit_filedrop:Nothing\n")
    done = dropped.run("ls")
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr
    assert "filedrop" in done.stderr
    assert "toolkit-filedrop" in done.stderr
