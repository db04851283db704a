"""``run:`` of toolkit.yml with real dbt, a real connector and Python: limits, timeouts, retries."""

import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from toolkit.ledger import Ledger, StepRow

pytestmark = [pytest.mark.slow, pytest.mark.e2e]

MIXED = sys.modules["mixed_project"]  # see conftest.py
# takes longer than anyone waits, and can be interrupted
ENDLESS = """\
{{ config(materialized='table') }}
select sum(hash(a.range, b.range)) as x from range(3000000) a, range(3000000) b
"""
# leaves a file at each attempt; the third one succeeds
FLAKY = """\
{{ config(materialized='table', pre_hook="copy (select 1) to
   'FOLDER/{{ modules.datetime.datetime.now().timestamp() }}.csv'") }}
select case when (select count(*) from glob('FOLDER/*.csv')) < 3
       then error('not yet') else 1 end as x
"""


def configure(project: Any, text: str) -> None:
    base = "version: 1\nconnections: [connectors]\nassets: [ml]\n"
    project.write("toolkit.yml", base + text)


def steps(project: Any) -> dict[str, StepRow]:
    with Ledger(project.folder / ".toolkit" / "ledger.db") as ledger:
        return {step.step: step for step in ledger.steps(ledger.runs(1)[0].id)}


def build(project: Any, *words: str, code: int = 0) -> dict[str, StepRow]:
    done = project.run("build", *words)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return steps(project)


def test_a_pool_holds_for_dbt_and_python_together(mixed: Any) -> None:
    """All write their begin and end: with one place no two of them overlap."""
    for n in range(4):
        mixed.write(f"models/m{n}.sql", "select 1 as x")
    mixed.write(
        "ml/more.py",
        "from toolkit import asset\nimport pyarrow as pa\n"
        + "".join(
            f"@asset\ndef a{n}() -> pa.Table:\n    return pa.table({{'x': [1]}})\n"
            for n in range(3)
        ),
    )
    configure(
        mixed,
        "run:\n  pools: {crm: 1}\n  rules:\n"
        "    - {select: ['m0', 'm1', 'm2', 'm3', 'a0', 'a1', 'a2'], pool: crm}\n",
    )
    found = build(mixed, "--threads", "4")
    names = {"m0", "m1", "m2", "m3", "a0", "a1", "a2"}
    pooled = [row for row in found.values() if row.name in names]
    assert [row.status for row in pooled] == ["success"] * 7
    spans = sorted((row.started_at or 0, row.finished_at or 0) for row in pooled)
    assert all(one[1] <= two[0] for one, two in pairwise(spans)), spans


@pytest.mark.parametrize("engine", ["gated", "runner", pytest.param("cli", marks=pytest.mark.soak)])
def test_a_query_that_takes_too_long(mixed: Any, engine: str) -> None:
    mixed.write("models/endless.sql", ENDLESS)
    mixed.write("models/below.sql", "select * from {{ ref('endless') }}")
    configure(mixed, "run:\n  rules: [{select: endless, timeout: 1}]\n")
    words = ("--engine", engine, "-s", "endless+", "stg_payments", "--full-refresh")
    found = build(mixed, *words, "--indirect-selection", "empty", code=1)
    assert found["model.plain.endless"].status == "error"
    assert found["model.plain.endless"].message.startswith("timed out after 1 s")
    assert found["model.plain.below"].status != "success"
    if engine != "cli":  # a program is ended with all that it does
        assert found["model.plain.below"].message == "skipped: endless has an error"


@pytest.mark.soak
def test_a_node_that_nobody_can_stop(mixed: Any) -> None:
    """It is left behind with its thread: all that does not need it is built, and we get out."""
    mixed.write(
        "models/stuck.py",
        "import threading\n\ndef model(dbt, session):\n"
        "    threading.Event().wait()\n    return session.sql('select 1 as x')\n",
    )
    mixed.write("models/below.sql", "select * from {{ ref('stuck') }}")
    configure(mixed, "run:\n  rules: [{select: stuck, timeout: 0.5}]\n")
    done = subprocess.run(
        mixed.command("build", "--engine", "gated", "--threads", "1"),
        cwd=mixed.folder, env=mixed.environment, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    found = steps(mixed)
    assert found["model.plain.stuck"].status == "error"
    assert "could not be stopped" in found["model.plain.stuck"].message
    assert found["model.plain.below"].message == "skipped: stuck has an error"
    others = {key: row.status for key, row in found.items() if "stuck" not in key}
    others.pop("model.plain.below")
    assert set(others.values()) <= {"success", "pass"}, others


def test_a_node_is_tried_again(mixed: Any, tmp_path: Path) -> None:
    (tmp_path / "tries").mkdir()
    mixed.write("models/flaky.sql", FLAKY.replace("FOLDER", str(tmp_path / "tries")))
    mixed.write("models/below.sql", "select * from {{ ref('flaky') }}")
    configure(mixed, "run:\n  rules: [{select: flaky, retries: 2, retry_wait: 0.1}]\n")
    found = build(mixed, "--engine", "gated", "-s", "flaky+", "--fail-fast")
    assert found["model.plain.flaky"].adapter_response["attempts"] == 3
    assert found["model.plain.flaky"].message.endswith("attempt 3 of 3")
    assert found["model.plain.below"].status == "success"


def test_ctrl_c_while_steps_wait_for_places_and_attempts(mixed: Any, tmp_path: Path) -> None:
    """A query runs, a node lacks a place, another waits an hour for its next attempt."""
    (tmp_path / "tries").mkdir()
    started = tmp_path / "started"
    mixed.write("models/flaky.sql", FLAKY.replace("FOLDER", str(tmp_path / "tries")))
    mixed.write(
        "models/endless.sql",
        ENDLESS.replace("'table'", f"'table', pre_hook=\"copy (select 1) to '{started}'\""),
    )
    mixed.write("models/late.sql", "select 1 as x")
    configure(
        mixed,
        "run:\n  pools: {one: 1}\n  rules:\n"
        "    - {select: flaky, retries: 3, retry_wait: 1 h}\n"
        "    - {select: [endless, late], pool: one}\n",
    )

    def ready() -> bool:
        return started.exists() and any((tmp_path / "tries").iterdir())

    words = ("build", "--engine", "gated", "--threads", "4", "-s", "endless", "late", "flaky")
    done = mixed.interrupt_when(ready, *words)
    assert done.returncode == 130, done.stderr
    assert "Traceback" not in done.stderr
    found = {key: row.status for key, row in steps(mixed).items()}
    assert found["model.plain.flaky"] == "error"
    assert sorted([found["model.plain.endless"], found["model.plain.late"]]) in (
        ["error", "skipped"],
        ["error", "success"],  # it had the place first
    )


def test_a_sync_is_tried_again_after_what_may_pass(mixed: Any, tmp_path: Path) -> None:
    error = {"message": "The API is busy.", "failure_type": "transient_error"}
    trace = {"type": "ERROR", "emitted_at": 0, "error": error}
    mixed.connect([{"message": {"type": "TRACE", "trace": trace}}, {"exit": 1}])
    configure(mixed, "run:\n  rules: [{select: 'stream:*', retry_wait: 0.05}]\n")
    found = build(mixed, code=1)
    assert found["sync.app"].status == "error"
    assert found["sync.app"].adapter_response["attempts"] == 3
    assert "The API is busy." in found["sync.app"].message
    assert found["model.plain.landed"].message == "skipped: app has an error"


def test_two_writers_are_refused_before_anything_runs(mixed: Any) -> None:
    mixed.write("models/users.sql", "{{ config(schema='landing') }} select 1 as id")
    mixed.write(
        "macros/schema.sql",
        "{% macro generate_schema_name(name, node) %}{{ name or target.schema }}{% endmacro %}",
    )
    done = mixed.run("build")
    assert done.returncode == 2, done.stderr
    assert "both write" in done.stderr
    assert "sync.app" in done.stderr
    assert "model.plain.users" in done.stderr
    assert not (mixed.folder / ".toolkit" / "ledger.db").exists()
