"""A dbt of another version and environment, driven through `dbt_executable`.

TOOLKIT_TEST_OTHER_DBT names it: `make test-dbt110` makes one with dbt-core 1.10.
"""

import json
import os
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

import duckdb
import pytest

pytestmark = [pytest.mark.slow, pytest.mark.e2e]


@pytest.fixture(scope="module")
def other_dbt() -> str:
    path = os.environ.get("TOOLKIT_TEST_OTHER_DBT")
    if not path:
        reason = "no TOOLKIT_TEST_OTHER_DBT, the dbt of another version (make test-dbt110)"
        if os.environ.get("CI"):
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    assert Path(path).is_file(), path
    return path


@pytest.fixture
def driven(mixed: Any, other_dbt: str) -> Any:
    """The mixed project, whose dbt is the other one."""
    text = (mixed.folder / "toolkit.yml").read_text()
    mixed.write("toolkit.yml", f"{text}dbt_executable: {other_dbt}\n")
    mixed.write("models/scored.sql", "select id, score from {{ source('ml', 'scores') }}")
    mixed.write("models/ml.yml", "sources: [{name: ml, schema: main, tables: [{name: scores}]}]\n")
    return mixed


def manifest(project: Any) -> Any:
    return json.loads((project.folder / "target" / "manifest.json").read_bytes())


def run(project: Any, *words: str) -> subprocess.CompletedProcess[str]:
    done: subprocess.CompletedProcess[str] = project.run(*words)
    assert "Traceback" not in done.stderr
    return done


def statuses(project: Any) -> dict[str, str]:
    path = project.folder / "target" / "toolkit" / "run_results.json"
    return {r["unique_id"]: r["status"] for r in json.loads(path.read_bytes())["results"]}


def test_another_version_builds(driven: Any) -> None:
    done = run(driven, "build")
    assert done.returncode == 0, done.stderr
    used = manifest(driven)["metadata"]["dbt_version"]
    assert used.split(".")[:2] != version("dbt-core").split(".")[:2]
    found = statuses(driven)
    made = ("stream.app.users", "model.plain.landed", "python.scores", "model.plain.scored")
    assert {found[key] for key in made} == {"success"}
    assert set(found.values()) <= {"success", "pass", "no-op"}  # no-op: an exposure
    with duckdb.connect(str(driven.folder / "plain.duckdb"), read_only=True) as connection:
        sql = "select count(*), sum(score) from scored"
        assert connection.execute(sql).fetchall() == [(3, 3)]
    stamp = (driven.folder / "target" / "manifest.json").stat().st_mtime_ns
    plan = json.loads(run(driven, "plan", "--json").stdout)
    assert {step["step"] for step in plan["steps"]} >= {"sync.app", "python.scores"}
    assert (driven.folder / "target" / "manifest.json").stat().st_mtime_ns == stamp


def test_what_fails_in_it_blocks_what_is_below(driven: Any) -> None:
    driven.write("models/landed.sql", "select nothing from {{ source('landing', 'users') }}")
    done = run(driven, "build")
    assert done.returncode == 1, done.stderr
    found = statuses(driven)
    assert found["model.plain.landed"] == "error"
    assert {found["python.scores"], found["model.plain.scored"]} == {"skipped"}
    assert "nothing" in done.stderr


def test_it_builds_into_a_copy(driven: Any) -> None:
    done = run(driven, "build", "--publish")
    assert done.returncode == 0, done.stderr
    assert "Published: " in done.stderr
    assert ".toolkit-staging" not in json.dumps(manifest(driven))
