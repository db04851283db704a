"""Breaking off a step that runs in a thread of ours: what can be done there, and what not."""

import time

import pytest
from python_harness import PythonProject

HEAD = """
import pathlib, threading, time
import duckdb, pyarrow as pa
from toolkit import asset, check

BEGUN = pathlib.Path(__file__).parent / "begun"
"""

# What the function does once it has begun -> whether the stop reaches it.
LOOPS = {
    "a loop": "while True: pass",
    "a loop that catches all exceptions": (
        "while True:\n"
        "        try:\n"
        "            time.sleep(0.001)\n"
        "        except Exception:\n"
        "            pass"
    ),
    "a query": "orders.query('o', 'SELECT count(*) FROM range(10000000000) a, o').fetchall()",
    "a query after each interruption": (
        "while True:\n"
        "        try:\n"
        "            orders.query('o', 'SELECT count(*) FROM range(10000000000) a, o').fetchall()\n"
        "        except duckdb.Error:\n"
        "            pass"
    ),
    "a lazy result": "return orders.query('o', 'SELECT sum(hash(a.range)) AS s FROM "
    "range(100000000000) a, o')",
}


@pytest.mark.usefixtures("orders")
@pytest.mark.parametrize("case", LOOPS)
def test_it_ends_and_nothing_is_written(project: PythonProject, case: str) -> None:
    asked: list[float] = []

    def stop() -> None:
        asked.append(time.monotonic())
        project.runner.stop_step("python.out")  # type: ignore[union-attr]
        asked.append(time.monotonic())

    thread = project.when((project.folder / "ml" / "begun").exists, stop)
    ended = project.run(
        f"{HEAD}\n@asset\ndef out(orders: duckdb.DuckDBPyRelation):\n    BEGUN.touch()\n"
        f"    {LOOPS[case]}\n"
        "@asset\ndef then(orders):\n    return orders\n"
    )
    thread.join()
    assert ended["python.out"].status == "error"
    assert "stopped before it had ended" in ended["python.out"].message.replace(
        "INTERRUPT", "stopped before it had ended"
    )
    assert asked[1] - asked[0] < 5
    assert ended["python.then"].status == "success"
    assert project.rows("SELECT table_name FROM duckdb_tables() ORDER BY 1") == [
        ("orders",),
        ("then",),
    ]


@pytest.mark.usefixtures("orders")
def test_what_swallows_the_stop_writes_nothing(project: PythonProject) -> None:
    thread = project.when(
        (project.folder / "ml" / "begun").exists,
        lambda: project.runner.stop_step("python.out"),  # type: ignore[union-attr]
    )
    ended = project.run(
        f"{HEAD}\n@asset\ndef out(orders):\n    BEGUN.touch()\n"
        "    try:\n        while True: pass\n    except BaseException:\n        return orders\n"
    )
    thread.join()
    assert ended["python.out"].status == "error"
    assert "It was stopped before it had ended." in ended["python.out"].message
    assert project.rows("SELECT table_name FROM duckdb_tables()") == [("orders",)]


@pytest.mark.usefixtures("orders")
def test_a_step_that_does_not_run_is_left_alone(project: PythonProject) -> None:
    ended = project.run(f"{HEAD}\n@asset\ndef out(orders):\n    return orders\n")
    project.runner.stop_step("python.out")  # type: ignore[union-attr]
    project.runner.stop_step("python.never")  # type: ignore[union-attr]
    assert ended["python.out"].status == "success"
