"""Bad input, as a user meets it: one message with fact and next command, and an exit code."""

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

pytestmark = [pytest.mark.slow, pytest.mark.e2e]


def refused(run: "subprocess.CompletedProcess[str]", *words: str, code: int = 2) -> str:
    """The message, after checking that it is one, that it says what it must, and no traceback."""
    assert run.returncode == code, run.stdout + run.stderr
    assert run.stdout == ""
    assert "Traceback" not in run.stderr
    assert run.stderr.count("Error: ") == 1, run.stderr
    assert "Next: " in run.stderr
    for word in words:
        assert word in run.stderr, run.stderr
    return run.stderr


def failed(run: "subprocess.CompletedProcess[str]", *words: str) -> None:
    """A build in which a step failed, with these words in its message."""
    assert run.returncode == 1, run.stdout + run.stderr
    assert "Traceback" not in run.stderr
    for word in words:
        assert word in run.stderr, run.stderr


def test_no_project_here(mixed: Any, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    refused(mixed.run("ls", "--project-dir", str(empty)), "dbt_project.yml", "--project-dir")


def test_no_profile(mixed: Any) -> None:
    (mixed.folder / "profiles.yml").unlink()
    mixed.environment["HOME"] = str(mixed.folder)
    refused(mixed.run("ls"), "profiles.yml")


def test_an_unknown_target_lists_those_that_are_there(mixed: Any) -> None:
    refused(mixed.run("build", "--target", "prod"), "prod", "dev", "other")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ["manifest.json"]),
        ('{"metadata": {"dbt_schema_version": "https://x/manifest/v12.json"}, "nod', ["JSON"]),
        ('{"metadata": {"dbt_schema_version": "https://x/manifest/v99.json"}}', ["99", "Upgrade"]),
        ('{"metadata": {}}', ["does not say"]),
        ("[1, 2]", ["not a dbt manifest"]),
        (
            '{"metadata": {"dbt_schema_version": "https://x/manifest/v12.json"},'
            ' "nodes": {"model.a.b": {"unique_id": 7}}}',
            ["model.a.b", "unique_id"],
        ),
    ],
    ids=["empty", "cut", "newer", "foreign", "list", "element"],
)
def test_a_manifest_that_cannot_be_read(mixed: Any, text: str, words: list[str]) -> None:
    path = mixed.write("given/manifest.json", text)
    refused(mixed.run("ls", "--manifest", str(path)), *words)


def test_a_model_that_dbt_cannot_parse(mixed: Any) -> None:
    mixed.write("models/bad.sql", "select {{ ref('nowhere') }}")
    refused(mixed.run("ls"), "nowhere", "dbt parse")


def test_an_unknown_key_in_toolkit_yml(mixed: Any) -> None:
    mixed.write("toolkit.yml", "version: 1\nconections: [connectors]\n")
    refused(mixed.run("ls"), "toolkit.yml:2", "connections")


def test_an_unset_variable(mixed: Any) -> None:
    text = (mixed.folder / "profiles.yml").read_text()
    mixed.write("profiles.yml", text.replace("'PLAIN_DB', 'plain.duckdb'", "'PLAIN_DB'"))
    mixed.environment.pop("PLAIN_DB", None)
    refused(mixed.run("ls"), "PLAIN_DB", "profiles.yml:")


def test_an_unknown_selection_method(mixed: Any) -> None:
    refused(mixed.run("ls", "-s", "tags:x"), "tag")


def test_a_selection_that_matches_nothing_is_a_warning(mixed: Any) -> None:
    run = mixed.run("ls", "-s", "custmers")
    assert run.returncode == 0
    assert run.stdout == ""
    assert "matches nothing" in run.stderr


@pytest.mark.parametrize(
    ("actions", "words"),
    [
        ([{"stderr": "the API said no"}, {"exit": 1}], ["exit"]),
        ([{"print": "what is this"}, {"print": "{}"}], ["without saying that it is done"]),
        ([{"rows": ["users", 1, 2]}, {"write": '{"type": "REC'}, {"exit": 9}], ["9"]),
    ],
    ids=["exits", "rubbish", "dies"],
)
def test_a_connector_that_fails_leaves_the_old_table(
    mixed: Any, actions: list[dict[str, Any]], words: list[str]
) -> None:
    assert mixed.run("build").returncode == 0
    mixed.connect(actions)
    run = mixed.run("build", "--force")
    failed(run, "sync.app", *words, "model landed  skipped: app has an error")
    assert "OK     model customers" in run.stderr
    with duckdb.connect(str(mixed.folder / "plain.duckdb"), read_only=True) as connection:
        assert connection.execute("select count(*) from landing.users").fetchall() == [(3,)]


def test_a_stream_that_the_source_does_not_have(mixed: Any) -> None:
    mixed.connect([], stream="user")
    failed(mixed.run("build", "-s", "kind:stream"), "user", "users")


def test_a_connector_that_cannot_be_installed(mixed: Any) -> None:
    mixed.connect([], package="airbyte-source-that-is-not-there", version="0.0.1")
    mixed.environment["PIP_NO_INDEX"] = "1"
    run = mixed.run("connectors", "install")
    refused(run, "airbyte-source-that-is-not-there", code=1)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("    raise ValueError('no good')", ["ValueError", "no good", "scores.py:6"]),
        ("    return 7", ["int"]),
        ("    return None", ["None"]),
        ("    import sys; sys.exit(3)", ["exit"]),
    ],
)
def test_an_asset_that_fails(mixed: Any, code: str, words: list[str]) -> None:
    head = "".join(f"{line}\n" for line in _ASSET_HEAD)
    mixed.write("ml/scores.py", head + code + "\n")
    failed(mixed.run("build", "-s", "+scores"), "python.scores", *words)


_ASSET_HEAD = [
    "import pyarrow as pa", "from toolkit import asset", "", "@asset",
    "def scores(landed: pa.Table) -> pa.Table:",
]  # fmt: skip


def test_an_input_that_does_not_exist(mixed: Any) -> None:
    text = (mixed.folder / "ml" / "scores.py").read_text()
    mixed.write("ml/scores.py", text.replace("landed", "landet"))
    refused(mixed.run("ls"), "scores.py:", "landet", "landed")


def test_a_cycle_through_a_python_asset(mixed: Any) -> None:
    mixed.write(
        "models/landing.yml",
        "sources:\n  - name: landing\n    tables: [{name: users}]\n"
        "  - name: main\n    tables: [{name: scores}]\n",
    )
    mixed.write("models/landed.sql", "select * from {{ source('main', 'scores') }}")
    refused(
        mixed.run("build"),
        "python.scores (ml/scores.py:4) -> source.plain.main.scores (models/landing.yml) -> "
        "model.plain.landed (models/landed.sql) -> python.scores",
    )


def test_a_held_duckdb_file_names_the_holder(mixed: Any) -> None:
    code = (
        "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('held', flush=True);"
        "sys.stdin.read()"
    )
    path = mixed.folder / "plain.duckdb"
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert holder.stdout is not None
    try:
        assert holder.stdout.readline() == "held\n"
        refused(mixed.run("build"), f"process {holder.pid}", "plain.duckdb")
    finally:
        holder.communicate(input="")


def test_a_path_that_cannot_be_written(mixed: Any) -> None:
    mixed.write("plug", "a file where a folder should be")
    refused(mixed.run("build", "--target-path", "plug/target"), "plug")
    (mixed.folder / ".toolkit").mkdir(exist_ok=True)
    for entry in (mixed.folder / ".toolkit").iterdir():
        os.remove(entry) if entry.is_file() else None
    (mixed.folder / ".toolkit" / "lock").mkdir()
    refused(mixed.run("build"), ".toolkit")


def test_two_builds_at_once(mixed: Any) -> None:
    import fcntl

    (mixed.folder / ".toolkit").mkdir(exist_ok=True)
    with (mixed.folder / ".toolkit" / "lock").open("w") as file:
        file.write("pid 4711 on elsewhere\n")
        file.flush()
        fcntl.flock(file, fcntl.LOCK_EX)
        refused(mixed.run("build"), "pid 4711 on elsewhere", code=4)
    assert mixed.run("build").returncode == 0


# In code that is running when a build is interrupted: for the signal, and then for who takes it.
WAITS = """\
    signalled = pathlib.Path(DONE)
    while not signalled.exists():
        time.sleep(0.05)
    time.sleep(3)
"""


def waits(mixed: Any) -> str:
    return WAITS.replace("DONE", repr(str(mixed.folder / "signalled")))


HANG = [{"rows": ["users", 1, 2]}, {"hang": True}]


@pytest.mark.parametrize(
    "number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.soak)]
)
def test_interrupted_in_a_sync(mixed: Any, number: int) -> None:
    mixed.connect(HANG)
    marker = str(mixed.cache)
    folder = mixed.folder / "target" / "toolkit"
    mixed.write("target/toolkit/junit.xml", "of the run before")
    run = mixed.interrupt_when(lambda: mixed.alive(marker), "build", number=number)
    assert run.returncode == 128 + number, run.stderr
    assert "Traceback" not in run.stderr
    assert run.stderr.count("the run was interrupted") == 1, "a line for all that was left"
    assert " steps skipped: the run was interrupted.\n" in run.stderr
    assert run.stderr.endswith("What had ended is kept; `toolkit build` makes the rest.\n")
    results = json.loads((folder / "run_results.json").read_text())["results"]
    found = {r["unique_id"]: r["status"] for r in results}
    assert (found["stream.app.users"], found["model.plain.landed"]) == ("error", "skipped")
    assert 'name="sync.app"' in (folder / "junit.xml").read_text()
    assert mixed.alive(marker) == []
    assert "interrupted" in mixed.run("runs").stdout
    _the_next_build_is_whole(mixed)


# The toolkit, where whoever is interrupted has swallowed it (a finalizer does, for one).
SWALLOWS = """\
from toolkit.cli.app import program
from toolkit.run.signals import Signals

raises = Signals._stop

def swallowed(self, number, frame):
    try:
        raises(self, number, frame)
    except KeyboardInterrupt:
        pass

Signals._stop = swallowed
program()
"""


def test_an_interruption_that_is_swallowed_is_not_lost(mixed: Any) -> None:
    """dbt's main thread waits for a sync then, which nobody has told to stop."""
    mixed.connect(HANG)
    mixed.command = lambda *words: [sys.executable, "-c", SWALLOWS, *words]
    began = mixed.folder / "began"
    mixed.write(
        "models/quick.py",
        "import pathlib\n"
        "def model(dbt, session):\n"
        "    dbt.config(materialized='table')\n"
        f"    pathlib.Path({str(began)!r}).touch()\n"
        "    return session.sql('select 1 as one')\n",
    )
    run = mixed.interrupt_when(began.exists, "build", number=signal.SIGTERM)
    assert run.returncode == 143, run.stderr
    assert "Traceback" not in run.stderr
    _the_next_build_is_whole(mixed)


def test_interrupted_in_dbt(mixed: Any) -> None:
    started = mixed.folder / "started"
    mixed.write(
        "models/slow.py",
        "import pathlib, time\n"
        "def model(dbt, session):\n"
        "    dbt.config(materialized='table')\n"
        f"    pathlib.Path({str(started)!r}).touch()\n"
        f"{waits(mixed)}"
        "    return session.sql('select 1 as one')\n",
    )
    run = mixed.interrupt_when(started.exists, "build")
    assert run.returncode == 130, run.stderr
    assert "Traceback" not in run.stderr
    (mixed.folder / "models" / "slow.py").unlink()
    _the_next_build_is_whole(mixed)


@pytest.mark.soak
def test_interrupted_where_python_executes_a_string(mixed: Any) -> None:
    """Python remembers such a Ctrl-C, and would end itself by the signal instead of with 130."""
    lines = "import os, signal\nexec('os.kill(os.getpid(), signal.SIGINT); [0, 1][0]')\n"
    told = sys.modules["mixed_project"]
    mixed.write("ml/scores.py", lines + told.GOOD_ASSET)
    run = subprocess.run(
        mixed.command("ls"), cwd=mixed.folder, env=mixed.environment, capture_output=True,
        text=True, preexec_fn=told.listen,
    )  # fmt: skip
    assert run.returncode == 130, run.stderr
    assert "Interrupted." in run.stderr


@pytest.mark.parametrize(
    ("hook", "words"),
    [
        ("on-run-start", ["build"]),  # and then dbt would wait for a sync that never ends
        pytest.param("on-run-end", ["build", "-s", "customers_seed"], marks=pytest.mark.soak),
    ],
)
def test_interrupted_in_a_query_of_a_hook(mixed: Any, hook: str, words: list[str]) -> None:
    """DuckDB makes an error of Ctrl-C there, and dbt a failed hook: it must not get lost."""
    mixed.connect(HANG)
    started = mixed.folder / "started"
    config = mixed.folder / "dbt_project.yml"
    text = config.read_text()
    mixed.write(
        "dbt_project.yml",
        text.replace(
            f"{hook}:\n",
            f'{hook}:\n  - "create temp table t as select range i from range(20000000); '
            f"copy (select 1) to '{started}'; "
            'select sum(hash(a.i, b.i)) from t a join t b on a.i % 2000 = b.i % 2000"\n',
        ),
    )

    def within() -> bool:  # not between the two queries, where dbt may swallow it
        return started.exists() and time.time() - started.stat().st_mtime > 0.5

    run = mixed.interrupt_when(within, *words)
    assert run.returncode == 130, run.stderr
    assert "Traceback" not in run.stderr
    mixed.write("dbt_project.yml", text)
    _the_next_build_is_whole(mixed)


def test_interrupted_in_a_python_asset(mixed: Any) -> None:
    started = mixed.folder / "started"
    head = "".join(f"{line}\n" for line in _ASSET_HEAD)
    mixed.write(
        "ml/scores.py",
        f"{head}    import pathlib, time\n    pathlib.Path({str(started)!r}).touch()\n"
        f"{waits(mixed)}    return landed\n",
    )
    run = mixed.interrupt_when(started.exists, "build")
    assert run.returncode == 130, run.stderr
    assert "Traceback" not in run.stderr
    assert "waiting for scores to end; Ctrl-C again stops at once" in run.stderr
    _the_next_build_is_whole(mixed)


@pytest.mark.soak
def test_interrupted_twice_stops_at_once(mixed: Any) -> None:
    started = mixed.folder / "started"
    head = "".join(f"{line}\n" for line in _ASSET_HEAD)
    mixed.write(
        "ml/scores.py",
        f"{head}    import pathlib, time\n    pathlib.Path({str(started)!r}).touch()\n"
        "    time.sleep(600)\n    return landed\n",
    )
    run = mixed.interrupt_when(started.exists, "build", twice="Ctrl-C again")
    assert run.returncode == 130, run.stderr
    assert "Traceback" not in run.stderr
    _the_next_build_is_whole(mixed)


def _the_next_build_is_whole(mixed: Any) -> None:
    mixed.connect([{"rows": ["users", 1, 3]}, {"status": ["users", "COMPLETE"]}])
    text = "".join(f"{line}\n" for line in _ASSET_HEAD)
    mixed.write("ml/scores.py", text + "    return landed\n")
    run = mixed.run("build")
    assert run.returncode == 0, run.stderr
    with duckdb.connect(str(mixed.folder / "plain.duckdb"), read_only=True) as connection:
        assert connection.execute("select count(*) from main.scores").fetchall() == [(3,)]
