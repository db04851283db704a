"""A build that has nothing to do is answered at once; anything that differs sends it the long way.

A real project is built once. Each case changes one thing, sees that the short way is not taken,
and puts the thing back, to the nanosecond: then it is taken again.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest

from toolkit.cli.quick import nothing_to_do
from toolkit.ledger import Ledger, Run

pytestmark = [pytest.mark.slow, pytest.mark.e2e]

FILES = {
    "dbt_project.yml": "name: tiny\nprofile: tiny\nvars: {rate: 1}\n",
    "profiles.yml": """\
tiny:
  target: dev
  outputs:
    dev: {type: duckdb, path: "{{ env_var('TINY_DB', 'tiny.duckdb') }}"}
    other: {type: duckdb, path: tiny.duckdb, schema: other}
""",
    "models/orders.sql": "select {{ var('rate') }} as rate, '{{ env_var('TINY_DAY', '') }}' as day",
    "models/more/report.sql": "{{ config(materialized='table') }} from {{ ref('orders') }}",
    "models/schema.yml": "models: [{name: report, columns: [{name: rate, data_tests: [unique]}]}]",
    "seeds/prices.csv": "id\n1\n",
    "macros/cents.sql": "{% macro cents() %}100{% endmacro %}",
    "dbt_packages/pack/dbt_project.yml": "name: pack\n",
    "dbt_packages/pack/macros/m.sql": "{% macro m() %}1{% endmacro %}",
}  # fmt: skip
HEAVY = ("click", "dbt", "sqlglot", "duckdb", "msgspec", "networkx", "yaml", "rich", "sqlite3",
         "pathlib", "toolkit.project", "toolkit.settings", "toolkit.graph")  # fmt: skip


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Built, and built again: that noted that there is nothing to do."""
    folder = tmp_path_factory.mktemp("quick") / "tiny"
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    with pytest.MonkeyPatch.context() as patch:
        for name in [n for n in os.environ if n.startswith(("DBT_", "TINY_"))]:
            patch.delenv(name)
        patch.setenv("DBT_SEND_ANONYMOUS_USAGE_STATS", "false")
        patch.chdir(folder)
        toolkit(folder, "build")
        second = toolkit(folder, "build")
        assert "Nothing to do: 4 steps up to date." in second.stderr, second.stderr
        yield folder


def toolkit(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "toolkit.cli", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)


def quick(*words: str) -> bool:
    return nothing_to_do(["build", *words])


@contextmanager
def put_back(*paths: Path) -> Iterator[None]:
    """Files as they were, with their times and those of their folders; what is new goes."""
    before = {p: (p.read_bytes() if p.is_file() else None) for p in paths}
    times = {p: p.stat() for q in paths for p in (q, *q.parents[:3]) if p.exists()}
    try:
        yield
    finally:
        for path, content in before.items():
            if content is not None:
                with path.open("r+b") as file:  # the same inode
                    file.truncate()
                    file.write(content)
            elif path not in times and path.is_dir():
                shutil.rmtree(path)
            elif path not in times:
                path.unlink(missing_ok=True)
        for path, stat in sorted(times.items(), reverse=True):
            os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def test_the_same_again_is_answered_at_once(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert quick()
    assert capsys.readouterr() == ("", "Nothing to do: 4 steps up to date.\n")


def test_it_loads_next_to_nothing(project: Path) -> None:
    code = (
        "import sys; sys.argv = ['toolkit', 'build']; before = {*sys.modules}\n"
        "from toolkit.cli import program; program()\n"
        f"print([m for m in {HEAVY!r} if m in {{*sys.modules}} - before])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=project, capture_output=True, text=True, check=True
    )
    assert (done.stdout, done.stderr) == ("[]\n", "Nothing to do: 4 steps up to date.\n")


def test_its_results_are_those_of_a_build_in_which_nothing_ran(project: Path) -> None:
    folder = project / "target" / "toolkit"
    with put_back(folder / "run_results.json", folder / "junit.xml"):
        for name in ("run_results.json", "junit.xml"):
            (folder / name).write_text("of an older build")
        assert quick()
        results = json.loads((folder / "run_results.json").read_text())["results"]
        kinds = [(r["unique_id"].split(".")[0], r["status"]) for r in results]
        assert sorted(kinds) == [(kind, "no-op") for kind in ("model", "model", "seed", "test")]
        assert 'skipped="4"' in (folder / "junit.xml").read_text()


def edit(name: str) -> Callable[[Path], None]:
    return lambda root: append(root / name)


def append(path: Path) -> None:
    with path.open("a") as file:
        file.write(" ")


def new(name: str, text: str = "select 1 as one") -> Callable[[Path], None]:
    def make(root: Path) -> None:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)

    return make


def same_size_later(root: Path) -> None:
    path = root / "models" / "orders.sql"
    path.write_text(path.read_text().replace("rate", "RATE", 1))


def other_file_same_times(root: Path) -> None:
    """As `mv` of a file of the same size and time over it."""
    path, other = root / "models" / "orders.sql", root / "models" / "orders.tmp"
    other.write_text(path.read_text().replace("day", "dax"))
    stat = path.stat()
    os.utime(other, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    other.replace(path)


def by_another_process(root: Path) -> None:
    with duckdb.connect(str(root / "tiny.duckdb")) as connection:
        connection.execute("insert into prices values (7)")


def a_run(root: Path) -> None:
    """Any row of the ledger: of a run from another folder, say."""
    with Ledger(root / ".toolkit" / "ledger.db") as ledger:
        ledger.start_run(
            Run(id="r", command="build", target="dev", started_at=1.0, status="success")
        )


def a_run_that_was_killed(root: Path) -> None:
    """What it wrote is still in SQLite's WAL beside the file."""
    (root / ".toolkit" / "ledger.db-wal").write_bytes(b"x")


CHANGES: dict[str, tuple[Callable[[Path], None], tuple[str, ...]]] = {
    "a model": (edit("models/orders.sql"), ("models/orders.sql",)),
    "a letter, the same size": (same_size_later, ("models/orders.sql",)),
    "a seed": (edit("seeds/prices.csv"), ("seeds/prices.csv",)),
    "a macro": (edit("macros/cents.sql"), ("macros/cents.sql",)),
    "a description": (edit("models/schema.yml"), ("models/schema.yml",)),
    "the project file": (edit("dbt_project.yml"), ("dbt_project.yml",)),
    "the profile": (edit("profiles.yml"), ("profiles.yml",)),
    "a new model": (new("models/new.sql"), ("models/new.sql",)),
    "a new model in a folder below": (new("models/more/new.sql"), ("models/more/new.sql",)),
    "a new folder with a model": (new("models/deep/new.sql"), ("models/deep",)),
    "a folder that was not there": (new("snapshots/s.yml", "snapshots: []"), ("snapshots",)),
    "a new seed": (new("seeds/s.csv", "a\n1\n"), ("seeds/s.csv",)),
    "toolkit.yml": (new("toolkit.yml", "version: 1\n"), ("toolkit.yml",)),
    "packages.yml": (new("packages.yml", "packages: []\n"), ("packages.yml",)),
    "selectors.yml": (new("selectors.yml", "selectors: []\n"), ("selectors.yml",)),
    ".dbtignore": (new(".dbtignore", "x"), (".dbtignore",)),
    "a package's macro": (edit("dbt_packages/pack/macros/m.sql"),
                          ("dbt_packages/pack/macros/m.sql",)),
    "a package is installed": (new("dbt_packages/other/dbt_project.yml", "name: other"),
                               ("dbt_packages/other",)),
    "the manifest": (edit("target/manifest.json"), ("target/manifest.json",)),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_what_changed_on_disk(project: Path, name: str) -> None:
    change, touched = CHANGES[name]
    assert quick()
    with put_back(*(project / path for path in touched)):
        change(project)
        assert not quick()
    assert quick(), "it was put back, and yet"


# What cannot be put back: each in a project of its own.
BEYOND = {
    "another file in its place": other_file_same_times,
    "the table of another process": by_another_process,
    "the ledger": a_run,
    "the ledger of a killed process": a_run_that_was_killed,
    "a model is gone": lambda root: (root / "models/more/report.sql").unlink(),
    "a model is renamed": lambda root: (root / "models/orders.sql").rename(root / "models/o.sql"),
    "the warehouse is gone": lambda root: (root / "tiny.duckdb").unlink(),
    "the ledger is gone": lambda root: (root / ".toolkit" / "ledger.db").unlink(),
    "a WAL beside the warehouse": lambda root: (root / "tiny.duckdb.wal").write_bytes(b"x"),
    "the kept results are gone": lambda root: [
        path.unlink() for path in (root / ".toolkit" / "quick").glob("*.results/*")
    ],
    "the note is half written": lambda root: [
        path.write_bytes(path.read_bytes()[:-40])
        for path in (root / ".toolkit" / "quick").iterdir() if path.is_file()
    ],
    "the note is of another kind": lambda root: [
        path.write_text("[1, 2]")
        for path in (root / ".toolkit" / "quick").iterdir() if path.is_file()
    ],
    "nothing": lambda root: None,
}  # fmt: skip


@pytest.mark.parametrize("name", BEYOND)
def test_what_changed_for_good(project: Path, tmp_path: Path, name: str) -> None:
    with moved(project, tmp_path):
        BEYOND[name](project)
        assert quick() is (name == "nothing")


@contextmanager
def moved(project: Path, scratch: Path) -> Iterator[None]:
    """Have a copy of everything in the project's place; then the real one again.

    A note says at which paths things were, and which inodes: so the copy's are written into it.
    """
    away = scratch / "away"
    project.rename(away)
    try:
        shutil.copytree(away, project)
        for path in [project, *project.rglob("*")]:
            stat = (away / path.relative_to(project)).stat()
            os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
        os.chdir(project)
        for path in (project / ".toolkit" / "quick").iterdir():
            if path.is_file():
                note = json.loads(path.read_text())
                for file, facts in note["files"].items():
                    if facts is not None and Path(file).is_relative_to(project):
                        facts[2] = Path(file).stat().st_ino
                inode = str((away / "tiny.duckdb").stat().st_ino)
                copied = str((project / "tiny.duckdb").stat().st_ino)
                note["stamp"] = note["stamp"].replace(f":{inode}:", f":{copied}:")
                times = path.stat()
                path.write_text(json.dumps(note))
                os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
        yield
    finally:
        shutil.rmtree(project)
        away.rename(project)
        os.chdir(project)


@pytest.mark.parametrize(
    ("name", "value", "taken"),
    [
        ("TINY_DAY", "monday", False),  # named in a model
        ("TINY_DB", "elsewhere.duckdb", False),  # named in the profile
        ("DBT_TARGET", "other", False),
        ("DBT_ANYTHING", "1", False),
        ("TINY_UNNAMED", "1", True),
    ],
)
def test_the_environment(
    project: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, taken: bool
) -> None:
    assert quick()
    monkeypatch.setenv(name, value)
    assert quick() is taken
    monkeypatch.delenv(name)
    assert quick()


@pytest.mark.parametrize(
    "words",
    ["--force", "--full-refresh", "-f", "--resume", "--publish", "--dry-run", "--sample 3",
     "--sample=3", "--target other", "--vars {rate: 2}", "-s orders", "--help", "--debug",
     "--log-format json", "--quiet", "--threads 2"],
)  # fmt: skip
def test_other_words(project: Path, words: str) -> None:
    assert not quick(*words.split(" ", 1))


def test_another_folder(project: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(project / "models")
    assert not quick()
    monkeypatch.chdir(tmp_path)
    assert not quick()
    assert not quick("--project-dir", str(project))


def test_another_python(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "prefix", "/elsewhere")
    assert not quick()


def test_what_is_installed(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    [path] = [p for p in (project / ".toolkit" / "quick").iterdir() if p.is_file()]
    folders = json.loads(path.read_text())["folders"]
    assert {entry for entry in sys.path if entry.endswith("site-packages")} <= folders.keys()
