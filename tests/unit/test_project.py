"""The facade, where it is more than a call of another room. (Whole projects: tests/e2e.)"""

import fcntl
import json
import shutil
import time
from pathlib import Path
from typing import Any

import pytest

import toolkit
from toolkit.errors import ArtifactError, GraphError
from toolkit.ledger import Ledger, Run, StepRow
from toolkit.project import Project
from toolkit.settings import artifact_settings


def node(name: str, **more: Any) -> dict[str, Any]:
    return {
        "unique_id": f"model.shop.{name}", "name": name, "resource_type": "model",
        "package_name": "shop", "fqn": ["shop", name], "schema": "main", "alias": name,
        "original_file_path": f"models/{name}.sql", "raw_code": "select 1 as id",
        "compiled_code": "select 1 as id", "config": {"materialized": "table"},
        "depends_on": {"nodes": [], "macros": []}, **more,
    }  # fmt: skip


def write(folder: Path, *nodes: dict[str, Any]) -> Path:
    folder.mkdir(exist_ok=True)
    document = {
        "metadata": {
            "dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v12.json",
            "project_name": "shop",
            "adapter_type": "postgres",
        },
        "nodes": {n["unique_id"]: n for n in nodes},
    }
    path = folder / "manifest.json"
    path.write_text(json.dumps(document))
    return path


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Two models, read from a manifest only."""
    reads = {"nodes": ["model.shop.a"], "macros": []}
    path = write(tmp_path / "target", node("a"), node("b", depends_on=reads))
    return Project(artifact_settings(manifest=path))


def test_name_and_dialect_come_from_the_manifest(project: Project) -> None:
    assert (project.name, project.dialect) == ("shop", "postgres")


def test_the_class_is_what_the_package_offers() -> None:
    assert toolkit.Project is Project


def test_plan_of_a_selection(project: Project) -> None:
    plan = project.plan(["+b"])
    assert [p.step.key for p in plan.steps] == ["model.shop.a", "model.shop.b"]
    assert plan.steps[1].after == {"model.shop.a"}
    assert [p.reason for p in project.plan(["b"], full_refresh=True).steps] == ["--full-refresh"]


def test_state_tells_what_changed(project: Project, tmp_path: Path) -> None:
    before = write(tmp_path / "before", node("a", raw_code="select 0 as id"))
    folder = before.parent
    assert project.select(["state:modified"], state=folder).assets == {
        "model.shop.a", "model.shop.b",
    }  # fmt: skip
    assert project.select(["state:new"], state=before).assets == {"model.shop.b"}


@pytest.mark.parametrize("ours", [True, False], ids=["ours", "dbt's"])
def test_results_of_the_state(project: Project, tmp_path: Path, ours: bool) -> None:
    folder = write(tmp_path / "before", node("a"), node("b")).parent
    results = {"results": [{"unique_id": "model.shop.b", "status": "error"}]}
    path = folder / "toolkit" / "run_results.json" if ours else folder / "run_results.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(results))
    assert project.select(["result:error"], state=folder).assets == {"model.shop.b"}
    path.write_text(path.read_text()[:20])
    with pytest.raises(ArtifactError, match=r"run_results\.json cannot be read"):
        project.select(["result:error"], state=folder)


def test_a_state_without_a_manifest(project: Project, tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"no manifest\.json"):
        project.select(["state:new"], state=tmp_path / "nowhere")


def test_lineage_of_artifacts_writes_nothing(project: Project) -> None:
    folder = project.settings.project_dir
    before = sorted(folder.rglob("*"))
    assert project.lineage().coverage.opaque == 0
    assert sorted(folder.rglob("*")) == before


def test_a_circle_is_an_error_of_ours(tmp_path: Path) -> None:
    a = node("a", depends_on={"nodes": ["model.shop.b"], "macros": []})
    b = node("b", depends_on={"nodes": ["model.shop.a"], "macros": []})
    with pytest.raises(GraphError, match="circle"):
        _ = Project(artifact_settings(manifest=write(tmp_path / "t", a, b))).graph


def begun(project: Project, run_id: str) -> None:
    """A run whose process said no more."""
    state = project.settings.state_dir
    with Ledger(state / "ledger.db") as ledger:
        ledger.start_run(Run(id=run_id, command="build", target="dev", started_at=100.0))
        ledger.plan_steps(
            StepRow(run_id=run_id, step=key, kind="dbt", name=key, integration="dbt",
                    status="planned")
            for key in ("model.shop.a", "model.shop.b", "model.shop.c")
        )  # fmt: skip
        ledger.start_step(run_id, "model.shop.a", 101.0)
        ledger.finish_step(
            StepRow(run_id=run_id, step="model.shop.a", kind="dbt", name="a", integration="dbt",
                    status="success", started_at=101.0, finished_at=102.0)
        )  # fmt: skip
        ledger.start_step(run_id, "model.shop.b", 103.0)
    (state / "lock").touch()


def test_a_killed_run_is_ended_as_interrupted(project: Project) -> None:
    begun(project, "r1")
    with project.ledger() as ledger:
        assert ledger is not None
        [run] = ledger.runs()
        assert (run.status, run.finished_at) == ("interrupted", 103.0)
        statuses = {step.step[-1]: (step.status, step.message) for step in ledger.steps("r1")}
    assert statuses == {
        "a": ("success", ""), "b": ("error", "its process was killed"), "c": ("planned", ""),
    }  # fmt: skip


def test_a_run_that_goes_on_is_left_alone(project: Project) -> None:
    begun(project, "r1")
    with (project.settings.state_dir / "lock").open("r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with project.ledger() as ledger:
            assert ledger is not None
            assert ledger.runs()[0].status == "running"


def test_a_glance_at_the_ledger_does_not_stop_a_build(project: Project, tmp_path: Path) -> None:
    from toolkit.errors import RunLockedError
    from toolkit.run import RunLock, nobody_runs

    lock = tmp_path / "lock"
    with RunLock(lock):
        started = time.monotonic()
        with pytest.raises(RunLockedError), RunLock(lock):
            pass
        assert time.monotonic() - started < 60  # it says so, and does not wait for the build
        with nobody_runs(lock) as alone:
            assert not alone
    with nobody_runs(lock) as alone, nobody_runs(lock) as also:
        assert alone
        assert also
    with nobody_runs(tmp_path / "never") as alone:
        assert not alone
    with RunLock(lock):
        pass


def test_nothing_was_built_here(project: Project) -> None:
    shutil.rmtree(project.settings.state_dir, ignore_errors=True)
    with project.ledger() as ledger:
        assert ledger is None
    assert project.history().latest == {}
    assert {state.state for state in project.states().values()} == {"never"}
    assert not project.settings.state_dir.exists()
