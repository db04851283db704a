"""``build --publish`` and ``rollback``, with the real dbt, and readers in other processes."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from toolkit.run import RunLock
from toolkit.warehouse import stamp_of

pytestmark = [pytest.mark.slow, pytest.mark.e2e]

# Opens the file again and again, as a dashboard does ("again"), or keeps it open ("keeps"), and
# prints what is not as it should be. The number of rows is the version: all tables and views
# must be of the same one.
READER = """
import duckdb, sys, threading
stop = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), stop.set()), daemon=True).start()
ask = ("select (select count(*) from landing.users), (select count(*) from landed), "
       "(select count(*) from scores), (select count(*) from seen)")
seen, wrong, last, connection = [], [], False, None
while not last and not wrong:
    last = stop.wait(0.01)
    try:
        connection = connection or duckdb.connect(sys.argv[1], read_only=True)
        [counts] = connection.execute(ask).fetchall()
    except duckdb.Error as error:
        wrong.append(str(error))
        break
    if sys.argv[2] == "again":
        connection.close()
        connection = None
    if len(set(counts)) != 1:
        wrong.append(str(counts))
    if not seen:
        print("ready", flush=True)
    if not seen or seen[-1] != counts[0]:
        seen.append(counts[0])
print(wrong, seen)
"""
MODELS = {
    "models/seen.sql": "{{ config(materialized='view') }} select * from {{ ref('landed') }}",
    "models/checked.yml": """\
models:
  - name: seen
    columns:
      - name: id
        data_tests: [{accepted_values: {values: [1, 2, 3, 4, 5, 6], quote: false}}]
""",
}


class Live:
    """The mixed project, built once in place, with the number of rows as its version."""

    def __init__(self, mixed: Any) -> None:
        self.project = mixed
        self.folder: Path = mixed.folder
        self.file = self.folder / "plain.duckdb"

    def model(self) -> None:
        """Add the view, and the test that accepts no more than six rows."""
        for name, text in MODELS.items():
            self.project.write(name, text)

    def offer(self, rows: int) -> None:
        """What the source has at the next sync."""
        self.project.connect([{"rows": ["users", 1, rows]}, {"status": ["users", "COMPLETE"]}])

    def build(self, *words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        done: subprocess.CompletedProcess[str] = self.project.run("build", *words)
        assert "Traceback" not in done.stderr
        assert done.returncode == code, done.stderr
        return done

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        done: subprocess.CompletedProcess[str] = self.project.run(*words)
        assert "Traceback" not in done.stderr
        return done

    def versions(self, path: Path | None = None) -> set[int]:
        tables = ("landing.users", "landed", "scores", "seen")
        with duckdb.connect(str(path or self.file), read_only=True) as connection:
            counts = [connection.execute(f"select count(*) from {t}").fetchall() for t in tables]
        return {count for [(count,)] in counts}

    def status(self) -> dict[str, tuple[Any, ...]]:
        """What `status` says of each asset, without what differs by time."""
        lines = self.run("status", "--json").stdout.splitlines()
        rows = [json.loads(line) for line in lines]
        return {row["key"]: (row["state"], row["rows"], row["run"]) for row in rows}


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Built once for all tests, each of which has a copy."""
    mixed = sys.modules["mixed_project"].Mixed(tmp_path_factory.mktemp("first"))
    live = Live(mixed)
    live.model()
    live.offer(3)
    live.build()
    return mixed


@pytest.fixture
def live(first: Any, tmp_path: Path) -> Live:
    live = Live(first.copied(tmp_path))
    assert live.versions() == {3}
    return live


@pytest.fixture
def readers(live: Live) -> Iterator[list["subprocess.Popen[str]"]]:
    """One that opens the file again and again, and one that keeps it open."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", READER, str(live.file), how],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for how in ("again", "keeps")
    ]  # fmt: skip
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    yield processes
    for process in processes:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(
    ("engine", "last"),
    [
        pytest.param("gated", [4], id="gated"),
        pytest.param("runner", [], id="runner", marks=pytest.mark.soak),
        pytest.param("cli", [], id="cli", marks=pytest.mark.soak),
    ],
)
def test_readers_see_whole_versions_only(
    live: Live, readers: list["subprocess.Popen[str]"], engine: str, last: list[int]
) -> None:
    live.offer(5)
    done = live.build("--publish", "--engine", engine)
    assert "Published: " in done.stderr
    live.offer(9)  # 7, 8 and 9 are not accepted
    before = stamp_of(live.file)
    done = live.build("--publish", "--engine", engine, code=1)
    assert "Nothing was published" in done.stderr
    assert stamp_of(live.file) == before
    [staging] = live.folder.glob(".toolkit-staging/building/*.duckdb")
    assert str(staging) in done.stderr
    assert live.versions(staging) >= {9}
    for rows in last:
        live.offer(rows)
        live.build("--publish", "--engine", engine)
    heard = [reader.communicate("", timeout=60)[0].strip() for reader in readers]
    assert heard == [f"[] {[3, 5, *last]}", "[] [3]"]


def test_what_was_not_published_does_not_count(live: Live) -> None:
    live.offer(9)
    before = live.status()
    live.build("--publish", code=1)
    assert live.status() == before
    listed = [line for line in live.run("runs").stdout.splitlines() if "not published" in line]
    assert len(listed) == 1
    plan = live.run("plan").stdout
    live.build("--publish", code=1)
    assert live.run("plan").stdout == plan


def test_a_rollback_is_what_status_and_plan_speak_of(live: Live) -> None:
    assert live.run("rollback").returncode == 2
    old = live.status(), live.run("plan").stdout
    live.offer(5)
    live.build("--publish")
    new = live.status(), live.run("plan").stdout
    assert old[0] != new[0]
    assert live.run("rollback").returncode == 0
    assert live.versions() == {3}
    live.offer(3)  # what the connection is told is part of its code
    assert (live.status(), live.run("plan").stdout) == old
    done = live.run("rollback", "--log-format", "json")
    assert json.loads(done.stderr.splitlines()[-1])["event"] == "rolled_back"
    assert live.versions() == {5}
    live.offer(5)
    assert (live.status(), live.run("plan").stdout) == new
    assert "rollback" in live.run("runs").stdout


def test_code_of_the_version_that_was_rolled_back_is_new_again(live: Live) -> None:
    """The old version was made by the old code, and the new code is still in the project."""
    live.build("--publish")
    live.project.write("models/seen.sql", "select *, 1 as one from {{ ref('landed') }}")
    assert live.status()["model.plain.seen"][0] == "stale"
    live.build("--publish")
    assert live.status()["model.plain.seen"][0] == "fresh"
    live.run("rollback")
    assert live.status()["model.plain.seen"][0] == "stale"


def test_a_rollback_is_refused(live: Live) -> None:
    live.offer(5)
    live.build("--publish")
    with RunLock(live.folder / ".toolkit" / "lock"):
        done = live.run("rollback")
        assert (done.returncode, "Another run" in done.stderr) == (4, True)
    live.offer(4)
    live.build()  # in place
    done = live.run("rollback")
    assert (done.returncode, "was changed since" in done.stderr) == (2, True)
    assert live.versions() == {4}
    assert live.run("rollback", "--force").returncode == 0
    assert live.versions() == {3}
    assert live.run("rollback").returncode == 0
    assert live.versions() == {4}


def test_a_file_that_is_another_at_the_end_is_not_replaced(live: Live) -> None:
    """A backup is restored while the build runs, by a function of it here."""
    backup = live.folder / "backup.duckdb"
    shutil.copy(live.file, backup)
    asset = (live.folder / "ml" / "scores.py").read_text()
    moved = f"    import os; os.replace({str(backup)!r}, {str(live.file)!r})\n    return"
    live.project.write("ml/scores.py", asset.replace("    return", moved))
    live.offer(5)
    done = live.build("--publish", code=1)
    assert "was changed by another program" in done.stderr
    assert live.versions() == {3}
    assert "not published" in live.run("runs").stdout.splitlines()[0]
    assert "failed" in live.run("runs").stdout.splitlines()[0]


def test_an_ml_model_goes_with_the_tables(live: Live) -> None:
    """The store keeps every version; which one counts must be the one of the live tables."""
    live.project.write("ml/model.py", """\
import pandas as pd
from sklearn.dummy import DummyRegressor
from toolkit import MLModel, asset

@asset(kind="ml_model")
def average(landed: pd.DataFrame) -> MLModel:
    return MLModel(DummyRegressor().fit(landed[["id"]], landed["id"]), metrics={"n": len(landed)})
""")  # fmt: skip
    pointer = live.folder / ".toolkit" / "models" / "average" / "dev.current"
    live.offer(9)
    live.build("--publish", code=1)
    assert not pointer.exists()
    live.offer(4)
    live.build("--publish")
    first = pointer.read_text()
    live.offer(9)
    live.build("--publish", code=1)
    assert pointer.read_text() == first
    live.offer(5)
    live.build("--publish")
    second = pointer.read_text()
    assert second != first
    live.run("rollback")
    assert pointer.read_text() == first
    live.run("rollback")
    assert pointer.read_text() == second


@pytest.mark.soak
def test_dbt_parses_no_more_than_it_must(live: Live) -> None:
    """Neither we nor dbt, whose manifest says when each node was parsed."""
    manifest = live.folder / "target" / "manifest.json"

    def parsed() -> float:
        nodes = json.loads(manifest.read_bytes())["nodes"]
        return float(nodes["model.plain.landed"]["created_at"])

    in_place = parsed()
    live.build("--publish", "--full-refresh")  # the first into a copy parses all, once
    into_a_copy = parsed()
    for words, at in (
        ("--publish", into_a_copy),
        ("--quiet", in_place),
        ("--publish", into_a_copy),
    ):
        stamp = manifest.stat().st_mtime_ns
        assert live.run("plan").returncode == 0
        assert manifest.stat().st_mtime_ns == stamp
        live.build(words, "--full-refresh")
        assert (manifest.stat().st_mtime_ns != stamp, parsed()) == (True, at)


@pytest.mark.soak
def test_a_project_that_asks_for_the_path_is_parsed_anew(live: Live) -> None:
    live.project.write("models/where_am_i.sql", "select '{{ target.path }}' as path")
    live.build("--publish")
    assert ".toolkit-staging" not in live.run("lineage", "--format", "json").stdout
    manifest = live.folder / "target" / "manifest.json"
    stamp = manifest.stat().st_mtime_ns
    live.run("plan")
    live.run("plan")
    assert manifest.stat().st_mtime_ns >= stamp


def test_secrets_stay_in_the_environment(live: Live) -> None:
    profiles = live.folder / "profiles.yml"
    text = profiles.read_text().replace(
        "      threads: 2\n",
        "      threads: 2\n      settings:\n        http_proxy_password: "
        "\"{{ env_var('DBT_ENV_SECRET_PROXY') }}\"\n",
    )
    profiles.write_text(text)
    live.project.environment["DBT_ENV_SECRET_PROXY"] = "canary-4711"
    live.build("--publish", "--force")
    assert (
        "DBT_ENV_SECRET_PROXY"
        in (live.folder / ".toolkit" / "publish" / "profiles" / "profiles.yml").read_text()
    )
    held = [
        path for path in live.folder.rglob("*")
        if path.is_file() and b"canary-4711" in path.read_bytes()
    ]  # fmt: skip
    assert held == []


def test_only_a_duckdb_file_can_be_published(live: Live) -> None:
    live.project.environment["PLAIN_DB"] = ":memory:"
    done = live.build("--publish", "-s", "customers_seed", code=2)
    assert "is :memory:, and not a DuckDB file" in done.stderr


def test_a_first_version_comes_from_nothing(mixed: Any) -> None:
    live = Live(mixed)
    live.model()
    live.offer(3)
    live.build("--publish")
    assert live.versions() == {3}
    assert live.run("rollback").returncode == 2


def test_the_copy_of_a_killed_build_is_no_beginning(live: Live) -> None:
    building = live.folder / ".toolkit-staging" / "building"
    building.mkdir(parents=True)
    (building / "plain.duckdb").write_bytes(b"half a file")
    (building / "plain.duckdb.wal").write_bytes(b"and a half")
    live.offer(4)
    live.build("--publish")
    assert live.versions() == {4}
    assert os.listdir(building) == []


def test_two_projects_on_one_file_take_turns(live: Live, tmp_path: Path) -> None:
    other = Path(shutil.copytree(live.folder, tmp_path / "other"))
    live.project.folder, live.project.environment["PLAIN_DB"] = other, str(live.file)
    with RunLock(live.folder / ".toolkit-staging" / "plain.duckdb.lock"):
        done = live.build("--publish", code=4)
    assert "plain.duckdb.lock" in done.stderr
