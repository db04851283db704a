"""toolkit init in real repositories: what it finds, what it writes, that it loads."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from toolkit.cli.commands.init import init
from toolkit.errors import ProjectNotFoundError, UsageError
from toolkit.settings import load_settings

EXAMPLE = Path(__file__).parents[2]
DBT = {
    "dbt/dbt_project.yml": "name: shop\nprofile: shop\n",
    "dbt/profiles.yml": "shop:\n  target: dev\n  outputs:\n"
    "    dev: {type: duckdb, path: x.duckdb}\n"
    "    prod: {type: snowflake, password: \"{{ env_var('NOT_SET') }}\"}\n",
    "dbt/models/schema.yml": "models: [{name: a}]\n",
}
CONNECTION = "name: shop\nsource: {package: p}\ndestination: {type: duckdb}\nstreams: []\n"
ASSET = "from toolkit import asset\n\n@asset\ndef forecast(orders): ...\n"
FULL = {
    **DBT,
    "connectors/shop.yml": CONNECTION,
    "connectors/low-code.yaml": "type: DeclarativeSource\nname: x\nsource: x\nstreams: []\n",
    "airbyte/connections.json": '{"data": [{"connectionId": "1", "name": "x"}]}',
    "airbyte/broken.json": '{"connectionId": ',
    "dbt/ml/forecast.py": ASSET,
    "dbt/ml/deeper/more.py": "import toolkit as t\n\n@t.asset(kind='ml_model')\ndef m(): ...\n",
    "dbt/ml/helpers.py": "def asset(): ...\n",
    "dagster/other.py": "from dagster import asset\n\n@asset\ndef a(): ...  # no toolkit\n",
    "lone.py": ASSET,
    "tests/test_assets.py": ASSET,
    "dbt/dbt_packages/x/connectors/a.yml": CONNECTION,
    ".venv/connectors/a.yml": CONNECTION,
    "odd.yml": "streams: [\n",
    "odd.py": "toolkit asset (",
}


def repository(root: Path, files: Mapping[str, str]) -> Path:
    """A git repository with these files; gives the dbt project's folder."""
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    return root / "dbt"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(init, arguments)


def test_finds_what_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = repository(tmp_path, FULL)
    monkeypatch.chdir(folder)
    result = run()
    assert result.exit_code == 0, result.exception
    assert result.stdout == ""
    assert result.stderr.splitlines() == [
        "Airbyte configurations: ../airbyte, ../connectors",
        "Python assets: ml, ../lone.py",
        "Targets: dev (duckdb), prod (snowflake)",
        "Wrote toolkit.yml. Next: toolkit debug",
    ]
    settings = load_settings(environ={})
    assert settings.connections == (tmp_path / "airbyte", tmp_path / "connectors")
    assert settings.assets == (folder / "ml", tmp_path / "lone.py")
    assert settings.airbyte.run == "local"
    text = (folder / "toolkit.yml").read_text(encoding="utf-8")
    assert "\n#   prod: {run: remote, url: " in text


def test_the_commented_target_loads_when_switched_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = repository(tmp_path, FULL)
    monkeypatch.chdir(folder)
    run()
    path = folder / "toolkit.yml"
    path.write_text(path.read_text(encoding="utf-8").replace("\n#   prod", "\n  prod"))
    environ = {"NOT_SET": "x", "AIRBYTE_CLIENT_ID": "me", "DBT_ENV_SECRET_AIRBYTE": "s3cret"}
    airbyte = load_settings(environ=environ, target="prod").airbyte
    assert (airbyte.run, airbyte.client_id, airbyte.client_secret) == ("remote", "me", "s3cret")


def test_nothing_but_dbt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = repository(tmp_path, DBT)
    monkeypatch.chdir(folder / "models")
    result = run("--profiles-dir", "..")
    assert result.exit_code == 0, result.exception
    assert "Airbyte configurations: none found\nPython assets: none found\n" in result.stderr
    settings = load_settings(environ={}, profiles_dir=folder)
    assert settings.config_file == folder / "toolkit.yml"
    assert (settings.connections, settings.assets) == ((), ())


def test_without_a_profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = repository(tmp_path, {"dbt/dbt_project.yml": "name: shop\nprofile: shop\n"})
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HOME", str(tmp_path))
    result = run()
    assert result.exit_code == 0, result.exception
    assert "Targets: not known: There is no profiles.yml" in result.stderr
    assert (folder / "toolkit.yml").exists()


def test_keeps_what_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = repository(tmp_path, {**DBT, "dbt/toolkit.yml": "version: 1 # mine\n"})
    monkeypatch.chdir(folder)
    refused = run()
    assert isinstance(refused.exception, UsageError)
    assert refused.exception.exit_code == 2
    assert (folder / "toolkit.yml").read_text(encoding="utf-8") == "version: 1 # mine\n"
    assert run("--force").exit_code == 0
    assert "mine" not in (folder / "toolkit.yml").read_text(encoding="utf-8")


def test_no_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert isinstance(run().exception, ProjectNotFoundError)


def test_odd_names_are_quoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["a: b", "yes", "# x", "it's", 'a"b', "1", "-"]
    files = {f"{name}/c.yml": CONNECTION for name in names}
    folder = repository(tmp_path, {**DBT, **files})
    monkeypatch.chdir(folder)
    assert run().exit_code == 0
    assert {path.name for path in load_settings(environ={}).connections} == set(names)


def test_own_example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On the example of this repository it finds what its toolkit.yml says by hand."""
    by_hand = load_settings(project_dir=EXAMPLE / "dbt_project", environ={})
    files = {
        str(path.relative_to(EXAMPLE)): path.read_text(encoding="utf-8")
        for top in ("dbt_project", "connectors")
        for path in (EXAMPLE / top).rglob("*")
        if path.suffix in {".yml", ".py"} and path.name != "toolkit.yml" and path.is_file()
        if not {"target", "logs", ".toolkit"} & set(path.relative_to(EXAMPLE).parts)
    }
    repository(tmp_path, files)
    monkeypatch.chdir(tmp_path / "dbt_project")
    assert run().exit_code == 0
    settings = load_settings(environ={})
    assert settings.connections == (tmp_path / "connectors",)
    assert [path.name for path in settings.assets] == [path.name for path in by_hand.assets]


@pytest.mark.slow
@pytest.mark.e2e
def test_relative_path_is_where_dbt_builds(tmp_path: Path) -> None:
    """dbt, run in the project folder as we run it, writes the file that the settings name.

    dbt never changes its working folder (run from elsewhere it writes elsewhere), so whoever
    runs it for us must do so in the project folder.
    """
    folder = repository(tmp_path, {**DBT, "dbt/models/a.sql": "select 1 as id"})
    environ = {"HOME": str(tmp_path), "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"}
    dbt = str(Path(sys.executable).parent / "dbt")
    subprocess.run([dbt, "run", "--quiet"], cwd=folder, env=environ, check=True)
    profile = load_settings(project_dir=folder, profiles_dir=folder, environ=environ).profile
    assert profile is not None
    assert profile.path == str(folder / "x.duckdb")
    assert Path(profile.path).is_file()
