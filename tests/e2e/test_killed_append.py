"""A build is killed just before or just after an append-only model commits: no row comes twice."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from toolkit.ledger import Ledger

pytestmark = [pytest.mark.slow, pytest.mark.e2e, pytest.mark.timeout(600)]

LOG = "model.shop.log"
FILES = {
    "dbt_project.yml": "name: shop\nprofile: shop\n",
    "profiles.yml": "shop: {target: dev, outputs: {dev: {type: duckdb, path: shop.duckdb}}}\n",
    "models/sources.yml": "sources: [{name: raw, tables: [{name: orders}]}]\n",
    # without a filter: a second run appends everything a second time
    "models/log.sql": "{{ config(materialized='incremental', incremental_strategy='append') }}\n"
    "select id from {{ source('raw', 'orders') }}\n",
}
DIE = "import os, signal, sys\ndef die(): os.kill(os.getpid(), signal.SIGKILL); signal.pause()\n"
BEFORE_COMMIT = f"""{DIE}
from dbt.adapters.duckdb.connections import DuckDBConnectionManager as theirs
commit = theirs.add_commit_query
def killed(self):
    if self.get_thread_connection().name == {LOG!r}: die()
    return commit(self)
theirs.add_commit_query = killed
"""
AFTER_COMMIT = f"""{DIE}
from toolkit.ledger import Ledger
finish = Ledger.finish_step
def killed(self, step, *rest):
    if step.step == {LOG!r}: die()
    return finish(self, step, *rest)
Ledger.finish_step = killed
"""
RUN = "sys.argv = ['toolkit', 'build', *sys.argv[1:]]\nfrom toolkit.cli import program; program()\n"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """Built once; since then its source has a row more."""
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    sql(tmp_path, "create schema raw; create table raw.orders as select range as id from range(3)")
    assert build(tmp_path).returncode == 0
    sql(tmp_path, "insert into raw.orders values (3)")
    return tmp_path


def sql(shop: Path, text: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(shop / "shop.duckdb")) as connection:
        return connection.execute(text).fetchall()


def build(shop: Path, *words: str, code: str = "import sys\n") -> subprocess.CompletedProcess[str]:
    hidden = ("DBT_", "PYTEST_")
    env = {k: v for k, v in os.environ.items() if not k.startswith(hidden)}
    env["DBT_SEND_ANONYMOUS_USAGE_STATS"] = "false"
    return subprocess.run(
        [sys.executable, "-c", code + RUN, *words],
        cwd=shop, env=env, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    "words",
    [
        pytest.param((), id="build"),
        pytest.param(("--resume",), id="resume", marks=pytest.mark.soak),
    ],
)
@pytest.mark.parametrize(
    ("code", "rows_then", "runs_again"), [(BEFORE_COMMIT, 3, True), (AFTER_COMMIT, 7, False)],
    ids=["before", "after"],
)  # fmt: skip
def test_nothing_is_appended_twice(
    shop: Path, code: str, rows_then: int, runs_again: bool, words: tuple[str, ...]
) -> None:
    killed = build(shop, code=code)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert sql(shop, "select count(*) from log") == [(rows_then,)]
    done = build(shop, *words)
    assert done.returncode == 0, done.stderr
    assert ("Nothing to do" not in done.stderr) is runs_again, done.stderr
    assert sql(shop, "select count(*) from log") == [(7,)]  # 3 rows, and then 4
    with Ledger(shop / ".toolkit" / "ledger.db") as ledger:
        said = {(row.status, row.message) for run in ledger.runs() for row in ledger.steps(run.id)}
    assert (("success", "committed before the kill") in said) is not runs_again
    assert "Nothing to do" in build(shop).stderr
