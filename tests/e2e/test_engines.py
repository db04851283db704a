"""One suite for all engines: whichever runs dbt, a build does the same."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import duckdb
import pytest

from toolkit.ledger import Ledger
from toolkit.run.scheduling.control import RunControl

pytestmark = [pytest.mark.slow, pytest.mark.e2e]

MIXED = sys.modules["mixed_project"]  # see conftest.py
ENGINES = ("gated", "runner", "cli")
MODELS = {
    # between the Python asset and the end there is dbt again, and a test on the way
    # a macro that looks for the table, which was not there when dbt began
    "models/scored.sql": """\
{% set scores = source('ml', 'scores') %}
{% set found = adapter.get_relation(scores.database, scores.schema, scores.identifier) %}
select id, score, {{ found is not none }} as found from {{ scores }}
""",
    "models/ml.yml": """\
sources:
  - name: ml
    schema: main
    tables: [{name: scores, columns: [{name: score, data_tests: [not_null]}]}]
models:
  - name: scored
    columns: [{name: id, data_tests: [unique]}]
  - name: landed
    columns: [{name: id, data_tests: [{not_null: {name: landed_has_ids}}]}]
""",
}
KEYS = {
    "sync.app": "success", "model.plain.landed": "success", "test landed_has_ids": "pass",
    "python.scores": "success", "test score": "pass", "model.plain.scored": "success",
    "test id": "pass",
}  # fmt: skip


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def _asked(*engines: str) -> pytest.MarkDecorator:
    """Of each engine: in CI of all of them with dbt 1.10, and of the first one with 1.11."""
    others = [pytest.param(engine, marks=pytest.mark.soak) for engine in engines[1:]]
    return pytest.mark.parametrize("engine", [engines[0], *others], indirect=True)


each_engine = _asked(*ENGINES)
# The executable starts dbt for each segment, so it is only asked what differs by it.
in_process = _asked("gated", "runner")


@pytest.fixture
def chain(mixed: Any) -> Any:
    """Sync -> model -> test -> Python asset -> model -> test: five turns between the tools."""
    for name, text in MODELS.items():
        mixed.write(name, text)
    return mixed


def ends(project: Any) -> dict[str, str]:
    """How the steps of the chain ended in the last run."""
    with Ledger(project.folder / ".toolkit" / "ledger.db") as ledger:
        steps = ledger.steps(ledger.runs(1)[0].id)
    names = {
        "landed_has_ids": "test landed_has_ids",
        "source_not_null_ml_scores_score": "test score",
        "unique_scored_id": "test id",
    }
    named = {names.get(step.name, step.step): step.status for step in steps}
    return {key: named[key] for key in KEYS}


def build(project: Any, engine: str, *words: str) -> subprocess.CompletedProcess[str]:
    done: subprocess.CompletedProcess[str] = project.run("build", "--engine", engine, *words)
    assert "Traceback" not in done.stderr
    return done


@each_engine
def test_every_turn_between_the_tools(chain: Any, engine: str) -> None:
    done = build(chain, engine)
    assert done.returncode == 0, done.stderr
    assert ends(chain) == KEYS
    with duckdb.connect(str(chain.folder / "plain.duckdb"), read_only=True) as connection:
        sql = "select count(*), sum(score), bool_and(found) from scored"
        assert connection.execute(sql).fetchall() == [(3, 3, True)]


@in_process
def test_a_failed_sync_blocks_all_that_is_below(chain: Any, engine: str) -> None:
    chain.connect([{"exit": 1}])
    done = build(chain, engine)
    assert done.returncode == 1, done.stderr
    assert ends(chain) == dict.fromkeys(KEYS, "skipped") | {"sync.app": "error"}
    assert "model.plain.customers" in done.stderr or "model customers" in done.stderr


@in_process
def test_a_failed_test_blocks_the_python_asset(chain: Any, engine: str) -> None:
    chain.write(
        "models/landed.sql",
        "select nullif(id, 2) as id, name from {{ source('landing', 'users') }}",
    )
    done = build(chain, engine)
    assert done.returncode == 1, done.stderr
    assert ends(chain) == KEYS | dict.fromkeys(
        ["python.scores", "test score", "model.plain.scored", "test id"], "skipped"
    ) | {"test landed_has_ids": "fail"}


@each_engine
def test_a_failed_python_asset_blocks_the_model_that_reads_it(chain: Any, engine: str) -> None:
    text = (chain.folder / "ml" / "scores.py").read_text()
    chain.write(
        "ml/scores.py", text.replace("    return", "    raise ValueError('no')\n    return")
    )
    done = build(chain, engine)
    assert done.returncode == 1, done.stderr
    below = ["test score", "model.plain.scored", "test id"]
    assert ends(chain) == KEYS | dict.fromkeys(below, "skipped") | {"python.scores": "error"}
    with Ledger(chain.folder / ".toolkit" / "ledger.db") as ledger:
        steps = {step.step: step for step in ledger.steps(ledger.runs(1)[0].id)}
    assert steps["model.plain.scored"].message == "skipped: scores has an error"


@in_process
def test_a_part_of_the_graph(chain: Any, engine: str) -> None:
    assert build(chain, engine).returncode == 0
    done = build(chain, engine, "-s", "landed+", "--exclude", "scored")
    assert done.returncode == 0, done.stderr
    results = json.loads((chain.folder / "target" / "toolkit" / "run_results.json").read_text())[
        "results"
    ]
    built = {r["unique_id"] for r in results}
    assert {"model.plain.landed", "python.scores"} <= built
    assert "model.plain.scored" not in built
    assert "sync.app" not in built


@in_process
def test_fail_fast(chain: Any, engine: str) -> None:
    chain.connect([{"exit": 1}])
    done = build(chain, engine, "--fail-fast", "-s", "landed+", "1+landed", "stream:*", "scored+")
    assert done.returncode == 1, done.stderr
    assert ends(chain)["model.plain.scored"] == "skipped"


@in_process
def test_a_failed_test_blocks_the_models_below(tmp_path: Path, engine: str) -> None:
    # Within dbt's own part: a model waits for the tests of what it reads.
    folder = tmp_path / "plain"
    MIXED.plain(folder)
    (folder / "models/twice.sql").write_text("select unnest([1, 1]) as id\n")
    (folder / "models/below.sql").write_text("select * from {{ ref('twice') }}\n")
    (folder / "models/twice.yml").write_text(
        "models: [{name: twice, columns: [{name: id, data_tests: [unique]}]}]\n"
    )
    words = ["build", "--engine", engine, "--select", "twice+"]
    done = MIXED.call(words, folder, os.environ)
    assert done.returncode == 1, done.stderr
    with Ledger(folder / ".toolkit" / "ledger.db") as ledger:
        ended = {step.name: step.status for step in ledger.steps(ledger.runs(1)[0].id)}
    assert ended == {"twice": "success", "unique_twice_id": "fail", "below": "skipped"}


def test_a_mistake_of_ours_in_a_thread_of_dbts_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # dbt's pool would lose it, and wait for ever for a node that never ends.
    def mistaken(_: RunControl, key: str) -> None:
        raise LookupError(f"nobody knows {key}")

    monkeypatch.setattr(RunControl, "retry_in", mistaken)
    MIXED.plain(tmp_path / "plain")
    words = ["build", "--engine", "gated"]
    done = MIXED.call(words, tmp_path / "plain", os.environ)
    assert done.returncode != 0
    assert "nobody knows" in done.stderr


def test_forcing_an_engine_beside_another_dbt_is_refused(chain: Any) -> None:
    text = (chain.folder / "toolkit.yml").read_text()
    chain.write("toolkit.yml", text + f"dbt_executable: {Path(sys.executable).with_name('dbt')}\n")
    done = chain.run("build", "--engine", "gated")
    assert done.returncode == 2, done.stderr
    assert "dbt_executable" in done.stderr
    assert "Leave out --engine" in done.stderr


@pytest.mark.soak  # in CI test_other_dbt.py does more, with the executable of another version
def test_a_dbt_executable_does_all_of_dbts_work(chain: Any) -> None:
    """It parses and builds; the toolkit's own dbt is not even imported."""
    calls = chain.folder / "calls.txt"
    real = Path(sys.executable).with_name("dbt")
    program = chain.write("bin/dbt", f'#!/bin/sh\necho "$1" >> "{calls}"\nexec "{real}" "$@"\n')
    program.chmod(0o755)
    text = (chain.folder / "toolkit.yml").read_text()
    chain.write("toolkit.yml", text + "dbt_executable: bin/dbt\n")
    done = chain.run("build")
    assert done.returncode == 0, done.stderr
    assert ends(chain) == KEYS
    assert calls.read_text().split() == ["parse", "build", "build"]


def test_a_dbt_executable_that_is_not_there(chain: Any) -> None:
    text = (chain.folder / "toolkit.yml").read_text()
    chain.write("toolkit.yml", text + "dbt_executable: bin/nothing\n")
    done = chain.run("build")
    assert done.returncode == 2, done.stderr
    assert "bin/nothing is not there or cannot be run" in done.stderr
    assert "Correct `dbt_executable`" in done.stderr


def test_a_dbt_executable_does_not_outlive_a_killed_build(chain: Any) -> None:
    started = chain.folder / "started"
    chain.write(
        "models/endless.sql",
        "{{ config(pre_hook=\"copy (select 1) to '" + str(started) + "'\") }}\n"
        "select sum(hash(a.range, b.range)) as x from range(3000000) a, range(3000000) b",
    )
    words = ("build", "--engine", "cli", "-s", "endless")
    run = chain.interrupt_when(started.exists, *words, number=signal.SIGKILL)
    assert run.returncode == -signal.SIGKILL
    deadline = time.monotonic() + 120
    while chain.alive(str(chain.folder)):
        assert time.monotonic() < deadline, chain.alive(str(chain.folder))
        time.sleep(0.1)
    (chain.folder / "models" / "endless.sql").unlink()
    done = build(
        chain, "cli", "-s", "raw_payments", "stg_payments", "--indirect-selection", "empty"
    )
    assert done.returncode == 0, done.stderr


BROKEN = ("--vars", "{break: true}")


def statuses(path: Path) -> dict[str, str]:
    results = json.loads(path.read_text())["results"]
    beside = ("operation.", "exposure.")
    return {r["unique_id"]: r["status"] for r in results if not r["unique_id"].startswith(beside)}


@pytest.mark.soak  # in CI with dbt 1.10; test_dbt_build.py compares more with 1.11
def test_the_same_as_dbt(tmp_path: Path) -> None:
    """Statuses of every node as ``dbt build`` has them, in the project without other tools."""
    project: Path = MIXED.plain(tmp_path / "theirs")
    for words in (["seed"], ["build", *BROKEN]):
        dbt = [Path(sys.executable).with_name("dbt"), *words]
        subprocess.run(dbt, cwd=project, capture_output=True, check=False)
    theirs = statuses(project / "target" / "run_results.json")
    for engine in ENGINES:
        ours: Path = MIXED.plain(tmp_path / engine)
        done = MIXED.call(["build", "--engine", engine, *BROKEN], ours, os.environ)
        assert done.returncode == 1, done.stderr
        assert statuses(ours / "target" / "toolkit" / "run_results.json") == theirs, engine
