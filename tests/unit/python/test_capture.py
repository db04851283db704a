"""Prints, secrets, threads and stopping: what a running function must not get in the way of."""

import io
import sys
import threading
import time

import pytest
from python_harness import PythonProject

from toolkit.integrations.base import RunContext, Runner, StepEvent, StepFinished

HEAD = """
import os, sys, threading
import duckdb, pyarrow as pa
from toolkit import asset, check
"""

# What the function does -> what its log holds. Nothing of it reaches standard output.
PRINTS = {
    "print": ("print('hello')", "hello\n"),
    "print without an end": ("print('a', end=''); print('b')", "ab\n"),
    "standard error": ("print('hello', file=sys.stderr)", "hello\n"),
    "write": ("sys.stdout.write('x' * 100_000)", "x" * 100_000),
    "what no file can hold": ("print('\\udcff ü')", "\\udcff ü\n"),
    "flush": ("print('hello', flush=True)", "hello\n"),
}


@pytest.mark.parametrize("case", PRINTS)
def test_prints(project: PythonProject, case: str, capsys: pytest.CaptureFixture[str]) -> None:
    body, text = PRINTS[case]
    project.run(f"{HEAD}\n@asset\ndef out():\n    {body}\n    return pa.table({{'a': [1]}})\n")
    assert text in project.log("out")
    assert capsys.readouterr().out == ""


def test_prints_at_import(project: PythonProject, capsys: pytest.CaptureFixture[str]) -> None:
    project.write("print('hello')\n")
    project.load()
    assert capsys.readouterr() == ("", "hello\n")


def test_a_thread_of_the_function(
    project: PythonProject, capsys: pytest.CaptureFixture[str]
) -> None:
    project.run(
        f"{HEAD}\n@asset\ndef out():\n"
        "    t = threading.Thread(target=print, args=('stray',)); t.start(); t.join()\n"
        "    return pa.table({'a': [1]})\n"
    )
    assert capsys.readouterr() == ("", "stray\n")


def test_no_print_no_log(project: PythonProject) -> None:
    project.run(f"{HEAD}\n@asset\ndef out():\n    return pa.table({{'a': [1]}})\n")
    assert list((project.folder / "logs").iterdir()) == []


def test_the_streams_are_given_back(project: PythonProject) -> None:
    before = sys.stdout, sys.stderr
    project.run(f"{HEAD}\n@asset\ndef out():\n    sys.exit(1)\n")
    assert (sys.stdout, sys.stderr) == before


def test_a_stream_replaced_meanwhile_stays(project: PythonProject) -> None:
    before = sys.stdout
    project.run(
        f"{HEAD}\nimport io\n@asset\ndef out():\n    sys.stdout = io.StringIO()\n    return 1\n"
    )
    try:
        assert isinstance(sys.stdout, io.StringIO)
    finally:
        sys.stdout = before


def test_secrets_are_hidden(project: PythonProject) -> None:
    project.secrets = frozenset({"hunter2-hunter2"})
    step = project.run(
        f"{HEAD}\n@asset\ndef out():\n    print('hunter2-hunter2')\n"
        "    raise ValueError('url?key=hunter2-hunter2')\n"
    )["python.out"]
    assert "url?key=*****" in step.message
    assert "hunter2" not in project.log("out")
    assert "ValueError" in project.log("out")


def test_steps_at_once_have_their_own_logs(project: PythonProject) -> None:
    """Four threads print and write at the same time; each has its own log and table."""
    names = ["a", "b", "c", "d"]
    project.write(
        HEAD
        + "BARRIER = threading.Barrier(4)\n"
        + "".join(
            f"@asset\ndef {name}(orders: duckdb.DuckDBPyRelation):\n"
            f"    BARRIER.wait(240)\n"
            f"    for _ in range(200): print('{name}')\n"
            f"    return orders.project(\"id, '{name}' AS who\")\n"
            for name in names
        )
    )
    project.table("orders", "SELECT range AS id FROM range(50000)")
    graph, steps = project.steps(project.load())
    events: list[StepEvent] = []
    (project.folder / "logs").mkdir()
    runner = project.integration.open(
        RunContext(
            run_id="1",
            settings=project.settings,
            graph=graph,
            warehouse=project.warehouse,
            emit=events.append,
            cancel=project.cancel,
            log_dir=project.folder / "logs",
        )
    )
    threads = [threading.Thread(target=runner.run, args=([step],)) for step in steps]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    runner.close()
    ended = [event for event in events if isinstance(event, StepFinished)]
    assert [(event.status, event.message) for event in ended] == [("success", "50,000 rows")] * 4
    for name in names:
        assert project.log(name) == f"{name}\n" * 200
        assert project.rows(f"SELECT DISTINCT who FROM {name}") == [(name,)]


def test_a_stopped_run_begins_nothing(project: PythonProject) -> None:
    project.cancel.set()
    step = project.run(f"{HEAD}\n@asset\ndef out():\n    raise SystemExit\n")["python.out"]
    assert (step.status, step.message) == ("skipped", "The run was stopped before it began.")


def test_a_stopped_run_interrupts_duckdb(project: PythonProject) -> None:
    """A query that would take hours ends soon after the stop, and nothing is written."""
    begun = project.settings.project_dir / "begun"
    project.write(
        HEAD
        + "import pathlib\n"
        + "@asset\ndef out(orders: duckdb.DuckDBPyRelation):\n"
        + f"    pathlib.Path({str(begun)!r}).touch()\n"
        + "    sql = 'SELECT sum(hash(a.id, b.id)) AS s FROM o a, o b'\n"
        + "    return pa.table({'s': orders.query('o', sql).fetchall()[0]})\n"
    )
    project.table("orders", "SELECT range AS id FROM range(3000000)")

    def stop() -> None:
        deadline = time.monotonic() + 240
        while not begun.exists() and time.monotonic() < deadline:
            project.cancel.wait(0.02)
        project.cancel.set()

    project.load()
    original = project.integration.open

    def open_and_stop(context: RunContext) -> Runner:
        threading.Thread(target=stop, daemon=True).start()
        return original(context)

    project.integration.open = open_and_stop  # type: ignore[method-assign]
    step = project.run()["python.out"]
    assert step.status == "skipped"
    assert project.rows("SELECT table_name FROM duckdb_tables()") == [("orders",)]
