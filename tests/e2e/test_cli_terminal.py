"""The command line on a terminal, in a pipe that ends, and killed while it works."""

import json
import os
import pty
import signal
import sqlite3
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
from plain_project import ENVIRONMENT, TOOLKIT, out, plain, run

pytestmark = [pytest.mark.slow, pytest.mark.e2e]


@pytest.fixture(scope="module")
def unbuilt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The plain project. Tests here only read it, or build what nothing else needs."""
    return plain(tmp_path_factory.mktemp("terminal") / "plain")


def on_terminal(folder: Path, *words: str, env: Mapping[str, str] | None = None) -> str:
    """What a person sees: both streams are a terminal."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*TOOLKIT, *words], cwd=folder, env={**ENVIRONMENT, "TERM": "xterm", **(env or {})},
        stdin=theirs, stdout=theirs, stderr=theirs,
    )  # fmt: skip
    os.close(theirs)
    seen = b""
    while True:
        try:
            part = os.read(ours, 4096)
        except OSError:  # what Linux says at the end of a terminal
            break
        if not part:
            break
        seen += part
    os.close(ours)
    assert process.wait(timeout=60) in (0, 1, 2)
    return seen.decode()


def test_color_on_a_terminal_unless_no_color(unbuilt: Path) -> None:
    for words in (("debug",), ("ls", "-s", "method:x")):
        assert "\033[3" in on_terminal(unbuilt, *words), words
        assert "\033[3" not in on_terminal(unbuilt, *words, env={"NO_COLOR": "1"}), words


@pytest.mark.soak
def test_a_live_build_on_a_terminal(fresh: Path) -> None:
    seen = on_terminal(fresh, "build", env={"NO_COLOR": "1", "LINES": "50"})
    assert "13 of 13  OK     snapshot customers_snapshot" in seen
    assert "13 steps done" in seen
    assert "\033[3" not in seen


@pytest.mark.parametrize(
    ("shell", "code"),
    [
        ("ls --output json | true", 141),
        ("lineage --format json | head -1", None),  # depends on who is faster
        ("ls >&-", 0),
        ("ls 2>&-", 0),
        ("build -s raw_payments >&- 2>&- <&-", 0),
        ("ls > /dev/full", 2),
    ],
)
def test_a_reader_that_goes_away(unbuilt: Path, shell: str, code: int | None) -> None:
    command = " ".join(TOOLKIT)
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", f"{command} {shell}"],
        cwd=unbuilt, env=ENVIRONMENT, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode in ((0, 141) if code is None else (code,)), done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


def test_a_build_goes_on_when_nobody_looks_any_more(fresh: Path) -> None:
    command = " ".join(TOOLKIT)
    done = subprocess.run(
        ["bash", "-c", f"{command} build 2>&1 | head -1; echo ${{PIPESTATUS[0]}}"],
        cwd=fresh, env=ENVIRONMENT, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.stdout.splitlines() == ["Building 13 steps for plain, target dev.", "0"]
    assert json.loads(out(fresh, "runs", "--json"))[0]["status"] == "success"


# ---- when it is killed, or its ledger fails ----

SLOW = """\
import pathlib, time
def model(dbt, session):
    dbt.config(materialized='table')
    pathlib.Path({started!r}).touch()
    for _ in range(1200):
        time.sleep(0.05)
    return session.sql('select 1 as one')
"""


def test_killed_while_a_model_runs(fresh: Path) -> None:
    started = fresh / "started"
    (fresh / "models" / "slow.py").write_text(SLOW.format(started=str(started)))
    process = subprocess.Popen(
        [*TOOLKIT, "build"], cwd=fresh, env=ENVIRONMENT,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    deadline = time.monotonic() + 240
    while not started.exists():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    [run_] = json.loads(out(fresh, "runs", "--json"))
    assert (run_["status"], run_["finished_at"]) == ("running", None)
    process.send_signal(signal.SIGKILL)
    process.wait()
    [run_] = json.loads(out(fresh, "runs", "--json"))
    assert run_["status"] == "interrupted"
    assert run_["finished_at"] >= run_["started_at"]
    steps = {s["step"]: s for s in json.loads(out(fresh, "runs", run_["id"], "--json"))["steps"]}
    slow = steps["model.plain.slow"]
    assert (slow["status"], slow["message"]) == ("error", "its process was killed")
    states = {
        r["key"]: r["state"] for r in map(json.loads, out(fresh, "status", "--json").splitlines())
    }
    assert states["model.plain.slow"] == "failed"
    (fresh / "models" / "slow.py").unlink()
    out(fresh, "build")
    assert [r["status"] for r in json.loads(out(fresh, "runs", "--json"))] == [
        "success", "interrupted",
    ]  # fmt: skip


def test_the_ledger_fails_while_dbt_runs(fresh: Path) -> None:
    """One message and an end, though dbt waits for its threads and they wait for us."""
    ledger = str(fresh / ".toolkit" / "ledger.db")
    (fresh / "models" / "spoil.py").write_text(
        "import sqlite3\ndef model(dbt, session):\n    dbt.config(materialized='table')\n"
        f"    with sqlite3.connect({ledger!r}) as connection:\n"
        "        connection.execute('drop table step')\n"
        "    return session.sql('select 1 as one')\n"
    )
    done = run(fresh, "build")
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.count("Error: ") == 1
    assert "ledger.db cannot be used" in done.stderr
    with sqlite3.connect(ledger) as connection:
        connection.execute("select 1 from run")
