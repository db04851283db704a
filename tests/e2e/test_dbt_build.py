"""``toolkit build`` in a plain dbt project does what ``dbt build`` does."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import duckdb
import pytest

PROJECT = Path(__file__).parent / "projects" / "plain"
BIN = Path(sys.executable).parent

pytestmark = [pytest.mark.slow, pytest.mark.e2e]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    copied: Path = sys.modules["mixed_project"].plain(tmp_path / "plain")
    return copied


def run(project: Path, *words: str, tool: str = "toolkit") -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "DBT_SEND_ANONYMOUS_USAGE_STATS": "false", "COLUMNS": "200"}
    if tool == "toolkit":
        done: subprocess.CompletedProcess[str] = sys.modules["mixed_project"].call(
            words, project, env
        )
        return done
    return subprocess.run(
        [BIN / tool, *words], cwd=project, env=env, capture_output=True, text=True, timeout=240
    )


def results(path: Path) -> dict[str, dict[str, object]]:
    """What dbt and toolkit must agree on; docs/output.md says what else differs, and why."""
    found = {r["unique_id"]: r for r in json.loads(path.read_text())["results"]}
    agreed = ("status", "failures", "message", "adapter_response", "batch_results")
    return {
        key: {name: result[name] for name in agreed} | {"fields": sorted(result)}
        for key, result in found.items()
        if not key.startswith("operation.")  # hooks that went well are no results of ours
    }


def contents(path: Path) -> dict[str, list[tuple[object, ...]]]:
    with duckdb.connect(str(path), read_only=True) as connection:
        tables = connection.execute(
            "select table_schema || '.' || table_name from information_schema.tables "
            "where table_schema <> '_toolkit' order by 1"  # what ours notes of incremental models
        ).fetchall()
        return {
            name: sorted(connection.execute(f"select * from {name}").fetchall(), key=repr)
            for (name,) in tables
            if "hook_runs" not in name and "snapshot" not in name
        }


@pytest.mark.parametrize("words", [(), ("--vars", "{break: true}")], ids=["good", "broken"])
def test_the_same_statuses_tables_and_exit_code(
    project: Path, tmp_path: Path, words: tuple[str, ...]
) -> None:
    other = Path(shutil.copytree(project, tmp_path / "other" / "plain"))
    run(other, "seed", tool="dbt")  # dbt alone may read the source before the seed is there
    theirs = run(other, "build", *words, tool="dbt")
    ours = run(project, "build", *words)
    assert ours.returncode == theirs.returncode == (1 if words else 0), ours.stderr
    found = results(project / "target" / "toolkit" / "run_results.json")
    expected = results(other / "target" / "run_results.json")
    if words:  # dbt leaves a skipped node without a reason
        expected["model.plain.below_broken"]["message"] = "skipped: broken_input has an error"
    assert found == expected
    assert contents(project / "plain.duckdb") == contents(other / "plain.duckdb")


def test_a_seed_is_there_before_the_source_that_stands_for_it_is_read(project: Path) -> None:
    done = run(project, "build")
    assert done.returncode == 0, done.stderr
    lines = done.stderr.splitlines()
    seed = next(i for i, line in enumerate(lines) if "seed raw_payments" in line)
    reader = next(i for i, line in enumerate(lines) if "model stg_payments" in line)
    assert seed < reader


def test_selection_builds_just_that(project: Path) -> None:
    assert run(project, "build").returncode == 0
    words = ("-s", "customers", "--exclude", "test_type:unit", "--log-format", "json")
    assert "Nothing to do" in run(project, "build", *words).stderr
    done = run(project, "build", "--force", *words)
    assert done.returncode == 0, done.stderr
    events = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
    finished = {e["step"] for e in events if e["event"] == "step_finished"}
    assert "model.plain.customers" in finished
    assert all(".customers" in key or "customers" in key or "totals" in key for key in finished)
    assert not any(key.startswith(("seed", "unit_test", "snapshot")) for key in finished)


def test_hooks_run_once_as_in_dbt(project: Path) -> None:
    assert run(project, "build").returncode == 0
    with duckdb.connect(str(project / "plain.duckdb"), read_only=True) as connection:
        assert connection.execute("select count(*) from hook_runs").fetchall() == [(1,)]


def test_two_projects_in_one_process_have_a_file_each(project: Path, tmp_path: Path) -> None:
    """dbt-duckdb keeps its connection, and knows a file by its relative path only."""
    other = Path(shutil.copytree(PROJECT, tmp_path / "other" / "plain"))
    assert run(other, "lineage", "customers").returncode == 0  # compiles, so it connects
    assert run(project, "build", "--quiet").returncode == 0
    assert contents(project / "plain.duckdb")


def test_what_was_in_a_file_that_is_gone_was_never_built(project: Path) -> None:
    assert run(project, "build").returncode == 0
    assert "never built" not in run(project, "status").stdout
    (project / "plain.duckdb").unlink()
    after = run(project, "status").stdout
    assert "fresh" not in "".join(line for line in after.splitlines() if "customers" in line)
    assert "never built here" in after


def test_a_failing_hook_fails_the_build_and_is_named(project: Path) -> None:
    config = project / "dbt_project.yml"
    config.write_text(config.read_text().replace("insert into hook_runs", "insert into nowhere"))
    done = run(project, "build")
    assert done.returncode == 1
    key = "operation.plain.plain-on-run-end-0"
    assert f"ERROR {key}\n" in done.stderr
    assert "nowhere" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("1 hook failed in ")  # no "0 of 13 steps"
    [record] = json.loads(run(project, "runs", "--json").stdout)
    assert [(e["key"], "nowhere" in e["message"]) for e in record["errors"]] == [(key, True)]
    lines = run(project, "runs", record["id"]).stdout.splitlines()
    assert [key in line for line in lines if line.split()[:1] == ["error"]] == [True]
    folder = project / "target" / "toolkit"
    found = results_of_hooks(folder / "run_results.json")
    assert found == {key: "error"}
    cases = ET.parse(folder / "junit.xml").getroot().iter("testcase")
    assert [c.attrib["name"] for c in cases if c.find("error") is not None] == [key]
    said = run(project, "build", "--force", "-s", "customers_seed", "--log-format", "json").stderr
    last_line = json.loads(said.splitlines()[-1])
    assert (last_line["event"], last_line["status"]) == ("run_finished", "failed")
    assert [e["key"] for e in last_line["errors"]] == [key]


def results_of_hooks(path: Path) -> dict[str, str]:
    found = json.loads(path.read_text())["results"]
    return {r["unique_id"]: r["status"] for r in found if r["unique_id"].startswith("operation.")}


def test_what_changed_is_parsed_again_and_what_did_not_is_not(project: Path) -> None:
    assert "model.plain.late" not in run(project, "ls", "--output", "name").stdout
    stamp = (project / "target" / "manifest.json").stat().st_mtime_ns
    run(project, "ls")
    assert (project / "target" / "manifest.json").stat().st_mtime_ns == stamp
    (project / "models" / "late.sql").write_text("select 1 as one")
    assert "model.plain.late" in run(project, "ls", "--output", "name").stdout
    (project / "models" / "late.sql").unlink()
    assert "model.plain.late" not in run(project, "ls", "--output", "name").stdout


def test_another_target_builds_elsewhere(project: Path) -> None:
    words = ("-s", "customers_seed", "--indirect-selection", "empty")
    assert run(project, "build", "--target", "other", *words).returncode == 0
    assert "elsewhere.customers_seed" in contents(project / "other.duckdb")


def test_columns_that_nobody_declared_are_taken_from_the_built_table(project: Path) -> None:
    (project / "models" / "sources.yml").write_text(
        "sources:\n  - name: raw\n    schema: main_raw\n    tables: [{name: raw_payments}]\n"
        "  - name: loose\n    schema: main\n    tables: [{name: hook_runs}]\n"
    )
    (project / "models" / "seen.sql").write_text("select * from {{ source('loose', 'hook_runs') }}")
    assert "seen.seen" not in run(project, "lineage", "--format", "csv").stdout
    assert run(project, "build", "--exclude", "seen").returncode == 0
    edges = run(project, "lineage", "seen", "--format", "csv").stdout.splitlines()
    assert "source.plain.loose.hook_runs,seen,model.plain.seen,seen,DIRECT,IDENTITY" in edges
    with duckdb.connect(str(project / "plain.duckdb")):  # held by another: does without
        held = subprocess.run(
            [BIN / "toolkit", "lineage", "seen", "--format", "csv"],
            cwd=project, capture_output=True, text=True, check=False,
        )  # fmt: skip
    assert held.returncode == 0
    assert "hook_runs,seen," not in held.stdout
