"""What user code may do to the build: eat memory, fork, print, hang, close what is not its own.

Each case gives one clear message, the run goes on, and nothing half-written is visible.
"""

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

_HARNESS = Path(__file__).parents[1] / "unit" / "python" / "harness.py"
if "python_harness" not in sys.modules:
    _SPEC = importlib.util.spec_from_file_location("python_harness", _HARNESS)
    assert _SPEC is not None
    assert _SPEC.loader is not None
    sys.modules["python_harness"] = importlib.util.module_from_spec(_SPEC)
    _SPEC.loader.exec_module(sys.modules["python_harness"])

from python_harness import PythonProject  # noqa: E402

pytestmark = [pytest.mark.slow, pytest.mark.fault]
linux = pytest.mark.skipif(sys.platform != "linux", reason="limits are kept by looking into /proc")


@pytest.fixture
def project(tmp_path: Path) -> Iterator[PythonProject]:
    made = PythonProject(tmp_path)
    (tmp_path / "ml").mkdir()
    made.table("orders", "SELECT 1 AS id")
    made.table("out", "SELECT 'as it was' AS said", kind="source")  # of an earlier build
    made.known.clear()
    made.add("model.shop.orders", "orders", "model")
    yield made
    assert made.warehouse is not None
    made.warehouse.close()


CHILD = "import subprocess, sys; subprocess.run([sys.executable, '-c', {!r}])"
BURN = "\n    while True: pass"

# What it does, its limits -> parts of the message.
LIMITS = {
    "numpy": (
        "import numpy\n    x = [numpy.ones(10_000_000) for _ in range(100)]",
        {"memory": "400MB"},
        ["It used more than 400 MB of memory: ", "with all that it had started."],
    ),
    "arrow": (
        "import pyarrow as pa\n    x = [pa.array(range(2_000_000)) for _ in range(100)]",
        {"memory": "400MB"},
        ["It used more than 400 MB of memory: "],
    ),
    "its own DuckDB": (
        "import duckdb\n    c = duckdb.connect(config={'memory_limit': '16GB'})\n    "
        "c.sql('SELECT md5(i::VARCHAR) AS m FROM range(60_000_000) t(i) ORDER BY m').fetchnumpy()",
        {"memory": "400MB"},
        ["It used more than 400 MB of memory: "],
    ),
    "a child's memory": (
        CHILD.format("import numpy, time; x = numpy.ones(10**8); time.sleep(600)"),
        {"memory": "400MB"},
        ["It used more than 400 MB of memory: "],
    ),
    "many small children": (
        "import os, time\n    x = bytearray(10_000_000)\n    for n in range(30):\n"
        "        if os.fork() == 0:\n            y = b'x' * 30_000_000\n"
        "            time.sleep(600)\n    time.sleep(600)",
        {"memory": "500MB"},
        ["It used more than 500 MB of memory: "],
    ),
    "CPU time": (BURN, {"cpu_seconds": 1}, ["It used more than 1 s of CPU time: 1."]),
    "CPU time of threads": (
        "import hashlib, threading\n    f = lambda: hashlib.pbkdf2_hmac('md5', b'', b'', 10**9)\n"
        "    for _ in range(4): threading.Thread(target=f).start()\n    f()",
        {"cpu_seconds": 1},
        ["It used more than 1 s of CPU time: "],
    ),
    "CPU time of a child": (
        CHILD.format("while True: pass"),
        {"cpu_seconds": 1},
        ["It used more than 1 s of CPU time: "],
    ),
    # It ends by itself, should the limit not hold.
    "a fork bomb": (
        "import os, time\n    until = time.monotonic() + 5\n    total = 0\n"
        "    while time.monotonic() < until and total < 9:\n        os.fork()\n        total += 1\n"
        "    time.sleep(20)",
        {"processes": 40},
        ["processes at once, more than 40"],
    ),
    "processes in sessions of their own": (
        "import subprocess\n    for _ in range(60):\n"
        "        subprocess.Popen(['sleep', '30'], start_new_session=True)\n"
        "    import time; time.sleep(30)",
        {"processes": 40},
        ["processes at once, more than 40"],
    ),
}


@linux
@pytest.mark.parametrize("case", LIMITS)
def test_limits_hold(project: PythonProject, case: str) -> None:
    body, limits, parts = LIMITS[case]
    ended = project.run(
        f"from toolkit import asset\n@asset(isolate={limits!r})\ndef out(orders):\n    {body}\n"
        "    return orders\n@asset\ndef then(orders):\n    return orders\n"
    )
    step = ended["python.out"]
    assert step.status == "error"
    for part in ["python.out (ml/assets.py:2): ", *parts, "What it makes is as it was before."]:
        assert part in step.message, step.message
    assert ended["python.then"].status == "success"
    assert project.rows("FROM out") == [("as it was",)]


@linux
def test_within_its_limits_all_is_well(project: PythonProject) -> None:
    """What is shared by forks counts once, and files mapped into memory do not count."""
    ended = project.run("""
import os, time
import numpy, pyarrow as pa, pyarrow.parquet
from toolkit import asset

@asset(isolate={"memory": "900MB", "cpu_seconds": 60, "processes": 20})
def out(orders):
    x = numpy.ones(50_000_000)
    children = []
    for _ in range(5):
        pid = os.fork()
        if pid == 0:
            time.sleep(1)
            os._exit(0)
        children.append(pid)
    for pid in children:
        os.waitpid(pid, 0)
    return pa.table({"total": [x.sum()]})
""")
    step = ended["python.out"]
    assert step.status == "success", step.message
    assert project.rows("FROM out") == [(5e7,)]
    metadata = step.made[0].metadata
    assert metadata["max_rss_bytes"] > 400_000_000
    assert 0.1 < metadata["cpu_seconds"] < 60


@pytest.mark.soak
def test_duckdb_of_an_input_spills_within_the_limit(project: PythonProject) -> None:
    project.table("big", "SELECT i, md5(i::VARCHAR) AS m FROM range(6_000_000) t(i)")
    ended = project.run("""
import duckdb
from toolkit import asset

@asset(isolate={"memory": "900MB"})
def out(big: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation:
    return big.query("b", "SELECT m, i, row_number() OVER (ORDER BY m) AS n FROM b")
""")
    assert ended["python.out"].status == "success", ended["python.out"].message
    assert project.rows("SELECT count(*), max(n) FROM out") == [(6_000_000, 6_000_000)]


# What it does -> how it ends, isolated and in toolkit's own process; parts of the message.
DEEDS: dict[str, tuple[str, list[str], list[str]]] = {
    "sys.exit": (
        "import sys; sys.exit(3)", ["It called sys.exit(3) at ml/assets.py:4."], ["sys.exit(3)"],
    ),
    "an error of its own sort": (
        "raise type('E', (BaseException,), {})('x')",
        ["It raised E: x at ml/assets.py:4"], ["It raised E: x at ml/assets.py:4"],
    ),
    "closes its standard streams": ("import os; os.close(1); os.close(2)", [], []),
    "changes the folder": ("import os; os.chdir('/')", [], []),
    "ignores signals": (
        "import signal; signal.signal(signal.SIGCHLD, signal.SIG_IGN); "
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)", [], [],
    ),
    "replaces sys.stdout": ("import sys, io; sys.stdout = io.StringIO()", [], []),
    "leaves threads": (
        "import threading\n    for _ in range(50):\n"
        "        threading.Thread(target=threading.Event().wait, args=(5,), daemon=True).start()",
        [], [],
    ),
    "forks a daemon": (
        "import subprocess; subprocess.Popen(['sleep', '5'], start_new_session=True)", [], [],
    ),
    "holds the warehouse": (
        "import duckdb; duckdb.connect(WAREHOUSE).execute('CREATE TABLE stray AS SELECT 1')",
        ["Could not set lock on file", "The build holds the warehouse"], [],
    ),
}  # fmt: skip
ONLY_ISOLATED = frozenset(
    # In toolkit's own process these would be done to toolkit: what happens is documented.
    {"closes its standard streams", "ignores signals",
     "changes the folder", "replaces sys.stdout", "holds the warehouse"}
)  # fmt: skip


def source(project: PythonProject, body: str, option: str) -> str:
    return (
        "from toolkit import asset\n"
        f"@asset({option})\ndef out(orders):\n    {body}\n    return orders\n"
        "@asset\ndef then(orders):\n    return orders\n"
    ).replace("WAREHOUSE", repr(project.profile.path))


@pytest.mark.parametrize("case", DEEDS)
@pytest.mark.parametrize("isolated", [True, False], ids=["isolated", "here"])
def test_deeds(project: PythonProject, case: str, isolated: bool) -> None:
    if not isolated and case in ONLY_ISOLATED:
        pytest.skip("nothing keeps code in toolkit's own process from it: docs/python-running.md")
    body, there, here = DEEDS[case]
    parts = there if isolated else here
    ended = project.run(source(project, body, f"isolate={isolated}"))
    step = ended["python.out"]
    assert step.status == ("error" if parts else "success"), step.message
    for part in parts:
        assert part in step.message, step.message
    assert ended["python.then"].status == "success"
    assert project.rows("FROM out") == ([("as it was",)] if parts else [(1,)])
    assert not project.rows("FROM duckdb_tables() WHERE table_name LIKE '%staging%'")
    assert not project.rows("FROM duckdb_tables() WHERE table_name = 'stray'")


@pytest.mark.parametrize("isolated", [True, False], ids=["isolated", "here"])
def test_a_log_of_100_mb_is_cut(project: PythonProject, isolated: bool) -> None:
    body = (
        "print('the first line')\n    for n in range(1000):\n        print('x' * 100_000)\n"
        "    raise ValueError('the end')"
    )
    step = project.run(source(project, body, f"isolate={isolated}"))["python.out"]
    assert step.status == "error"
    log = project.folder / "logs" / "out.log"
    assert log.stat().st_size < 12_000_000
    text = log.read_text()
    assert text.startswith("the first line\nxxx")
    assert " characters are left out here]\n" in text
    assert text.rstrip().endswith("ValueError: the end")


def test_one_line_without_an_end(project: PythonProject) -> None:
    body = "import sys\n    for _ in range(300): sys.stdout.write('x' * 1_000_000)"
    step = project.run(source(project, body, "isolate=True"))["python.out"]
    assert step.status == "success"
    assert (project.folder / "logs" / "out.log").stat().st_size < 12_000_000


def test_a_result_that_breaks_off_is_not_seen(project: PythonProject) -> None:
    """A reader that dies in the middle, by an exception, a signal and the memory limit."""
    ended = project.run("""
import os
import pyarrow as pa
from toolkit import asset

def batches(end):
    schema = pa.schema({"a": pa.int64()})
    def rows():
        for n in range(5):
            yield pa.record_batch({"a": list(range(1000))}, schema)
        end()
    return pa.RecordBatchReader.from_batches(schema, rows())

def fail():
    raise ValueError("in the middle")

def eat():
    held = []
    while True:
        held.append(bytearray(50_000_000))

@asset(isolate=True)
def out(orders):
    return batches(fail)

@asset(isolate=True)
def killed(orders):
    return batches(lambda: os.kill(os.getpid(), 9))

@asset(isolate={"memory": "400MB"})
def eaten(orders):
    return batches(eat)
""")
    assert {step.status for step in ended.values()} == {"error"}
    assert "in the middle" in ended["python.out"].message
    assert "SIGKILL" in ended["python.killed"].message
    assert "more than 400 MB" in ended["python.eaten"].message
    assert project.rows("FROM out") == [("as it was",)]
    found = {name for (name,) in project.rows("SELECT table_name FROM duckdb_tables()")}
    assert found == {"orders", "out"}
    assert list((project.folder / ".toolkit" / "python" / "exchange").iterdir()) == []
