"""What commands refuse, from outside: the three parts as ``--log-format json`` gives them."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from toolkit import Project
from toolkit.cli import main
from toolkit.errors import AssetFailedError
from toolkit.integrations.python.models import native
from toolkit.integrations.python.models.info import Storing
from toolkit.integrations.python.models.packing import pack
from toolkit.integrations.python.models.store import store_of
from toolkit.settings import load_settings

pytestmark = pytest.mark.slow  # a real project, which the real dbt parses

CONNECTION = """\
name: {name}
source: {{package: airbyte-source-faker, version: 7.2.1}}
destination: {{schema: raw}}
streams: [{{name: {name}}}]
"""
FILES = {
    "dbt_project.yml": "name: shop\nprofile: shop\nversion: '1.0'\n",
    "profiles.yml": "shop:\n  target: dev\n  outputs:\n"
    "    dev: {type: duckdb, path: shop.duckdb}\n"
    "    memory: {type: duckdb, path: ':memory:'}\n",
    "toolkit.yml": "version: 1\nconnections: [connections]\nassets: [ml]\n"
    "airbyte: {files: {run: remote, url: 'http://127.0.0.1:9'}}\n",
    "models/orders.sql": "select 1 as id\n",
    "models/sources.yml": "version: 2\nsources: [{name: raw, tables: [{name: orders}]}]\n",
    "connections/orders.yml": CONNECTION.format(name="orders"),
    "connections/users.yml": CONNECTION.format(name="users"),
    "many.json": json.dumps({"users": {"streams": []}}),
    "ml/models.py": "from toolkit import asset\n\n\n@asset(kind='ml_model')\ndef guess(): ...\n",
    "one.json": json.dumps({"streams": []}),
}


class Case(NamedTuple):
    """Words of a command line, and what it says of them."""

    words: str
    fact: str
    consequence: str
    next_step: str


COMPARED = "There is nothing to compare with."
CASES = {
    "a copy that goes on": Case(
        "build --publish --resume",
        "--publish begins with a copy of what is live, and --resume goes on in what is there.",
        "It is not clear which is meant, so nothing was run.",
        "Leave out --resume: with --publish, too, only what is not up to date is run.",
    ),
    "two ways to know what sources offer": Case(
        "connectors diff --against one.json --offline",
        "--against and --offline do not go together.",
        "Nothing was done.",
        "Leave one of them out.",
    ),
    "one catalog for two connections": Case(
        "connectors diff --against one.json",
        "one.json holds one catalog, and 2 connections are looked at.",
        "Whose catalog it is cannot be known, so nothing was done.",
        "Name the connection, or give a file with a catalog for each by its name.",
    ),
    "a catalog without a comparison": Case(
        "diff --base one.json --against one.json",
        "--against goes with --drift only.",
        "Nothing was compared.",
        "Give --drift, too.",
    ),
    "rows of no file": Case(
        "diff --base target/manifest.json --data shop.duckdb --target memory",
        "--data compares DuckDB files, and this target has none.",
        "Nothing was compared.",
        "Leave out --data, or use a target of type duckdb and no --manifest.",
    ),
    "a base that is nothing": Case(
        "diff --base nowhere",
        "'nowhere' (--base) is no file, no folder and no commit that git knows here.",
        COMPARED,
        "Give a manifest.json, a folder with one, or a branch, tag or commit; in CI fetch it first "
        "(`git fetch origin main`, then --base origin/main).",
    ),
    "a base without artifacts": Case(
        "diff --base connections",
        "There is no manifest.json in connections (--base).",
        COMPARED,
        "Give a folder that holds the artifacts of an earlier run (dbt's `target/`).",
    ),
    "connections for a commit": Case(
        "diff --base HEAD --base-connections connections",
        "--base-connections goes with a base of artifacts, and the base is a commit.",
        "Its own connections are read, so nothing was compared.",
        "Leave out --base-connections.",
    ),
    "a second toolkit.yml": Case(
        "init",
        "toolkit.yml is there already.",
        "It was left as it is.",
        "Edit it, or write a new one with: toolkit init --force",
    ),
    "a name of two": Case(
        "profile orders",
        "'orders' could mean any of model.shop.orders, source.shop.raw.orders, "
        "stream.orders.orders.",
        "It is not known which one is meant.",
        "Give the whole key.",
    ),
    "nothing counted": Case(
        "profile model.shop.orders",
        "Nothing was counted of model.shop.orders for target dev yet.",
        "Tables are counted when a build makes them: no views, and none with `profile: off`.",
        "Run `toolkit build --select orders`.",
    ),
    "nothing to accept": Case(
        "profile model.shop.orders --accept",
        "Nothing was counted of model.shop.orders for target dev yet.",
        "So there is nothing to accept.",
        "Run `toolkit build --select orders`.",
    ),
    "no server": Case(
        "connectors pull",
        "Target 'dev' has no Airbyte server.",
        "Nothing was read.",
        "Set `airbyte.dev.run: remote` in toolkit.yml, or choose another --target.",
    ),
    "a report where no file can be": Case(
        "report --output dbt_project.yml/report.html",
        "HERE/dbt_project.yml cannot be written: File exists.",
        "An earlier report, where there is one, was left as it was.",
        "Make the folder writable, or name another file with --output.",
    ),
    "syncs into memory": Case(
        "build --target memory",
        "Target 'memory' is an in-memory DuckDB, and orders, users, guess can only be landed in a "
        "DuckDB file so far.",
        "Nothing was run.",
        "Choose a target whose profile has type duckdb and a path, or build dbt's part alone with "
        "--select integration:dbt.",
    ),
    "a run that is not there": Case(
        "runs 2020",
        "There is no single run '2020' here.",
        "No run has this id, or more than one begins with it.",
        "`toolkit runs` lists them all.",
    ),
    "a reason that is none": Case(
        "ls --select stale:blue",
        "'stale:blue': 'blue' is no reason to be stale.",
        "Nothing was selected.",
        "Known: any, check, code, failed, inputs, never, order, sample, source, touched, volatile.",
    ),
    "what is stale, of a manifest": Case(
        "ls --select stale:any --manifest target/manifest.json",
        "'stale:any' asks what is up to date, which only a project's ledger knows.",
        "Nothing was selected.",
        "Leave out --manifest, in the folder of the project.",
    ),
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project in a repository whose first commit has none; parsed once."""
    folder = tmp_path_factory.mktemp("shop")
    commit = ("-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "--quiet")
    git(folder, "init", "--quiet")
    git(folder, *commit, "--allow-empty", "--message=empty")
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    git(folder, "add", ".")
    git(folder, *commit, "--message=project")
    ls = [sys.executable, "-m", "toolkit.cli", "ls"]
    subprocess.run(ls, cwd=folder, check=True, capture_output=True)
    return folder


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(
        ["git", *words], cwd=folder, check=True, capture_output=True, text=True,
        env={**os.environ, "GIT_CONFIG_GLOBAL": os.devnull},
    )  # fmt: skip
    return done.stdout.strip()


def refusal(words: str, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """What the command said at its end."""
    with pytest.raises(SystemExit) as left:
        main(words.split())
    said: dict[str, Any] = json.loads(capsys.readouterr().err.splitlines()[-1])
    assert left.value.code == said["exit_code"]
    return said


@pytest.fixture
def here(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder: a copy of its own."""
    folder = shutil.copytree(project, tmp_path / "shop", symlinks=True)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("DBT_LOG_FORMAT", "json")
    monkeypatch.setenv("TOOLKIT_CACHE_DIR", str(folder / "cache"))
    return folder


@pytest.mark.parametrize("case", CASES)
def test_a_command(case: str, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words, *parts = CASES[case]
    said = refusal(words, capsys)
    fact = said["message"].replace(str(here), "HERE")
    assert [fact, said["consequence"], said["next"]] == parts
    assert said["exit_code"] == 2


def test_commits_that_cannot_be_had(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, last = git(here, "rev-parse", "HEAD~1"), git(here, "rev-parse", "HEAD")
    said = refusal(f"diff --base {first}", capsys)
    assert said["message"] == f"There is no dbt project in . at {first[:7]} ({first})."
    assert said["next"] == "Give a later commit, or compare with artifacts (--base FOLDER)."

    cache = here / ".toolkit" / "base"
    cache.mkdir(parents=True, exist_ok=True)
    (cache / last[:12]).touch()  # where the commit's files should go
    said = refusal("diff --base HEAD", capsys)
    assert said["message"].startswith(f"The files of {last[:7]} cannot be written to {cache}: ")
    assert said["next"] == "Make room there, or let it be written to."

    (cache / last[:12]).unlink()
    tree = git(here, "rev-parse", "HEAD:models")
    (here / ".git" / "objects" / tree[:2] / tree[2:]).unlink()
    said = refusal("diff --base HEAD", capsys)
    assert said["message"] == f"git cannot give the files of {last[:7]} (`git read-tree`)."
    assert said["consequence"] == COMPARED
    assert said["next"] == "Fetch the commit with its files (a shallow clone may lack them)."


def test_a_catalog_that_lacks_a_connection(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["connectors", "diff", "orders", "--against", str(here / "many.json")])
    assert left.value.code == 1
    assert "many.json has no catalog of 'orders'." in capsys.readouterr().out


def test_an_ml_model_that_was_not_made(here: Path) -> None:
    for ledger in (here / ".toolkit").glob("ledger.db*"):
        ledger.unlink()
    with pytest.raises(AssetFailedError) as caught:
        Project.load(here).read("guess")
    assert str(caught.value).splitlines() == [
        "The ML model 'guess' has not been made: nothing was built here yet.",
        "There is nothing to read.",
        "Make it first: toolkit build --select +guess",
    ]


def test_an_ml_model_whose_function_is_gone(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    saved = store_of(load_settings()).save(
        "gone", pack(b"1", Storing()), trusted=(), code_version="", inputs={}
    )
    said = refusal(f"models promote gone {saved.version}", capsys)
    assert [said["message"], said["consequence"], said["next"]] == [
        "No @asset(kind='ml_model') makes 'gone' any more.",
        "Nothing was changed.",
        "Versions of it are still stored; nothing of the project uses them.",
    ]
    lost = msgspec.structs.replace(saved, loader="no_such_library.Model")
    with pytest.raises(AssetFailedError) as caught:
        native.read(lost, here, b"", ("no_such_library.Model",))
    assert str(caught.value).splitlines() == [
        "no_such_library.Model cannot read the stored ML model 'gone': ModuleNotFoundError: No "
        "module named 'no_such_library'.",
        "What needs it was not run.",
        "Install the version of the library that it was made with (`toolkit models show gone`), "
        "or make it anew: toolkit build --select gone",
    ]


def test_models_that_do_not_compile(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "models" / "broken.sql").write_text("select {{ run_query('select gone') }}")
    with pytest.raises(SystemExit) as left:
        main(["lineage", "--format", "json"])
    assert left.value.code == 0
    problems = {p["code"]: p["message"] for p in json.loads(capsys.readouterr().out)["problems"]}
    assert problems["compile-failed"].startswith("dbt could not compile everything: ")


def test_a_base_that_dbt_cannot_parse(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "models" / "torn.yml").write_text("models: [")
    git(here, "add", "models/torn.yml")
    git(here, "-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "-qm", "torn")
    (here / "models" / "torn.yml").unlink()
    sha = git(here, "rev-parse", "HEAD")
    said = refusal("diff --base HEAD", capsys)
    assert said["message"].startswith("The base cannot be read, in ")
    assert sha[:12] in said["message"]
    assert said["consequence"] == COMPARED
    assert said["next"] == (
        "Mend what it says there (missing packages: `dbt deps`), or compare with artifacts of an "
        "earlier run (--base FOLDER)."
    )
