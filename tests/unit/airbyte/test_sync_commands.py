"""``toolkit connectors``: what is remembered, what does not fit, and the exit codes."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from airbyte_harness import Project, complete
from click.testing import CliRunner, Result

from toolkit.cli import cli as commands
from toolkit.errors import UsageError

ACTIONS = [{"rows": ["users", 1, 3]}, *complete("users")]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = Project(tmp_path)
    (tmp_path / "dbt_project.yml").write_text("name: shop\nversion: '1'\nprofile: shop\n")
    (tmp_path / "toolkit.yml").write_text("version: 1\nconnections: [connectors]\n")
    output = {"type": "duckdb", "path": "shop.duckdb"}
    profiles = {"shop": {"target": "dev", "outputs": {"dev": output}}}
    (tmp_path / "profiles.yml").write_text(yaml.safe_dump(profiles))
    return project


def run(project: Project, *words: str) -> Result:
    where = ["--project-dir", str(project.folder), "--profiles-dir", str(project.folder)]
    return CliRunner().invoke(commands, ["connectors", *words, *where])


def listed(project: Project) -> dict[str, Any]:
    (row,) = json.loads(run(project, "list", "--json").stdout)
    return dict(row)


def test_the_ages_of_what_is_remembered(project: Project) -> None:
    project.fake([{"rotate": "token"}, *ACTIONS], config={"token": "canary-1"})
    row = listed(project)
    assert (row["target"], row["state"]) == ("dev", "installed")
    ages = ("discovered_age", "specification_age", "configuration_changed_age")
    assert [row[age] for age in ages] == [None, None, None]
    assert run(project, "discover", "--cached").exit_code == 1
    assert run(project, "discover").exit_code == 0
    assert run(project, "check").stdout == "fake: ok\n"
    assert project.sync().status == "success"
    row = listed(project)
    assert all(0 <= row[age] < 300 for age in ages)
    for path in (project.settings.state_dir / "airbyte").glob("catalog-*"):
        os.utime(path, (path.stat().st_mtime - 7000,) * 2)
    shown = run(project, "list").stdout
    assert "discovered 117 min ago, specification read" in shown
    assert "configuration changed by the connector" in shown
    cached = run(project, "discover", "--cached", "--json")
    assert cached.exit_code == 0
    assert [stream["name"] for stream in json.loads(cached.stdout)["fake"]] == ["users", "orders"]
    assert "fake: discovered 117 min ago" in cached.stderr


def test_a_configuration_that_does_not_fit_never_starts_the_source(project: Project) -> None:
    seen = project.folder / "seen.json"
    config = {"seen": str(seen), "start": "x-canary", "pin": "x-canary"}
    path = project.fake(ACTIONS, config=config)
    result = run(project, "check", "--json")
    assert result.exit_code == 1
    (row,) = json.loads(result.stdout)
    assert not row["ok"]
    assert f"{path}:" in row["message"]
    assert "`source.config.start`: '*****' does not match" in row["message"]
    assert "canary" not in result.output
    assert not seen.exists()


def test_one_that_fails_does_not_keep_the_others(project: Project) -> None:
    project.fake(ACTIONS, name="a")
    project.fake([], name="b", config={"token": "{{ env_var('SHOP_TOKEN_THAT_IS_NOT_SET') }}"})
    project.fake(ACTIONS, name="c", config={"refuse": "no such account"})
    found = run(project, "discover", "--json")
    assert found.exit_code == 1
    assert sorted(json.loads(found.stdout)) == ["a", "c"]
    assert "SHOP_TOKEN_THAT_IS_NOT_SET" in found.stderr
    checked = json.loads(run(project, "check", "--json").stdout)
    assert [(row["name"], row["ok"]) for row in checked] == [
        ("a", True),
        ("b", False),
        ("c", False),
    ]
    assert "no such account" in checked[2]["message"]
    assert run(project, "check", "a").exit_code == 0
    assert isinstance(run(project, "check", "d").exception, UsageError)


def test_an_install_that_fails_is_told(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """An index that has no such package, as uv words it, and a source that is an image only."""
    uv = project.folder / "bin" / "uv"
    uv.parent.mkdir()
    said = "  x No solution found\\n  Because $7 was not found in the package registry"
    uv.write_text(f'#!/bin/sh\n[ "$1" = venv ] && exit 0\nprintf "{said}\\n"\nexit 1\n')
    uv.chmod(0o755)
    monkeypatch.setenv("PATH", f"{uv.parent}:{os.environ['PATH']}")
    project.fake(ACTIONS)
    source = {"package": "airbyte-source-postgres", "version": "3.6.1"}
    project.write("pg", source=source, streams=[{"name": "users"}])
    result = run(project, "install", "--json")
    assert result.exit_code == 1
    fake, postgres = json.loads(result.stdout)
    assert fake == {"package": "airbyte-source-fake", "version": "1.0.0", "installed": False}
    assert "Airbyte publishes this source as a container image only" in postgres["error"]
    assert "image: airbyte/source-postgres" in postgres["error"]
    assert "run: remote" in postgres["error"]


def test_a_connection_of_a_server_cannot_be_tried_here(project: Project) -> None:
    reply = {
        "connectionId": "c1",
        "name": "remote",
        "sourceId": "s",
        "destinationId": "d",
        "status": "active",
        "configurations": {"streams": [{"name": "users"}]},
    }
    (project.connections / "api.json").write_text(json.dumps({"data": [reply]}))
    result = run(project, "discover", "remote")
    assert isinstance(result.exception, UsageError)  # exit code 2
    assert "names no connector" in str(result.exception)
