"""Isolated functions that hang, crash, leave processes behind, or lose toolkit to a kill -9.

Every process that comes of a test carries a mark in its environment, and /proc is searched
for it: so what made a session of its own, or lost its parent, is found too.
"""

import importlib.util
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
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

pytestmark = [
    pytest.mark.slow,
    pytest.mark.fault,
    pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc"),
]

# It ignores TERM, and so do its children: one in its group, one in a session of its own, and
# one whose parent has gone. Then it hangs, where only KILL reaches it.
HANG = """
import os, pathlib, signal, subprocess, sys, time
from toolkit import asset

HERE = pathlib.Path(__file__).parent
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
DEAF += "open({0!r}, 'w').close(); time.sleep(600)"
START = "import subprocess, sys; "
START += "subprocess.Popen([sys.executable, '-c', sys.argv[1]], start_new_session=True)"

@asset(isolate=True)
def hangs(orders):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    def start(name, **more):
        return subprocess.Popen([sys.executable, "-c", DEAF.format(str(HERE / name))], **more)
    start("group")
    start("session", start_new_session=True)
    subprocess.run([sys.executable, "-c", START, DEAF.format(str(HERE / "orphan"))], check=True)
    print("begun", flush=True)
    time.sleep(600)

@asset(isolate=True)
def works(orders):
    return orders
"""
CHILDREN = ("group", "session", "orphan")


@pytest.fixture
def mark(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The environment of all that this test starts says so; nothing of it may be left."""
    value = f"TOOLKIT_TEST_MARK={uuid.uuid4()}"
    monkeypatch.setenv(*value.split("="))
    yield value
    left = marked(value)
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    assert left == []


@pytest.fixture
def project(tmp_path: Path, mark: str) -> Iterator[PythonProject]:
    made = PythonProject(tmp_path)
    (tmp_path / "ml").mkdir()
    made.table("orders", "SELECT 1 AS id")
    yield made
    assert made.warehouse is not None
    made.warehouse.close()


def marked(mark: str) -> list[int]:
    """Processes with the mark, but this one (whose /proc entry is as it was started)."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and int(folder.name) != os.getpid():
            try:
                environment = (folder / "environ").read_bytes()
            except OSError:  # it has just ended, or is not ours
                continue
            if mark.encode() in environment.split(b"\0"):
                found.append(int(folder.name))
    return found


def all_begun(project: PythonProject) -> bool:
    return all((project.folder / "ml" / name).exists() for name in CHILDREN)


@pytest.mark.parametrize("how", ["its time is over", "Ctrl-C"])
def test_what_hangs_and_ignores_term_is_gone_in_ten_seconds(
    project: PythonProject, mark: str, how: str
) -> None:
    asked: list[float] = []
    alive: list[int] = []

    def stop() -> None:
        alive.extend(marked(mark))
        asked.append(time.monotonic())
        if how == "Ctrl-C":
            project.cancel.set()
        else:
            project.runner.stop_step("python.hangs")  # type: ignore[union-attr]
            asked.append(time.monotonic())

    thread = project.when(lambda: all_begun(project), stop)
    ended = project.run(HANG)
    over = time.monotonic()
    thread.join()
    assert len(alive) >= 5  # the supervisor, the function, three children
    assert marked(mark) == []
    assert over - asked[0] < 10
    assert project.log("hangs") == "begun\n"
    assert not project.rows("SELECT * FROM duckdb_tables() WHERE table_name = 'hangs'")
    if how == "Ctrl-C":
        assert {step.status for step in ended.values()} == {"skipped"}
    else:
        assert ended["python.hangs"].status == "error"
        assert "It was stopped before it had ended" in ended["python.hangs"].message
        assert ended["python.works"].status == "success"
        assert asked[1] - asked[0] < 10


POLITE = """
import pathlib, signal, time
from toolkit import asset, resource

HERE = pathlib.Path(__file__).parent

@resource
def client():
    yield 1
    (HERE / "closed").touch()

@asset(isolate=True)
def waits(orders, client):
    try:
        (HERE / "begun").touch()
        time.sleep(600)
    except Exception:
        return orders
    finally:
        (HERE / "cleaned").touch()
"""


def test_what_heeds_term_cleans_up_and_ends_at_once(project: PythonProject) -> None:
    asked: list[float] = []

    def stop() -> None:
        asked.append(time.monotonic())
        project.runner.stop_step("python.waits")  # type: ignore[union-attr]

    folder = project.folder / "ml"
    project.when((folder / "begun").exists, stop)
    step = project.run(POLITE)["python.waits"]
    assert time.monotonic() - asked[0] < 60  # it would sleep for ten minutes
    assert step.status == "error"
    assert (folder / "cleaned").exists()
    assert (folder / "closed").exists()


DRIVER = """
import importlib.util, sys
from pathlib import Path
spec = importlib.util.spec_from_file_location("python_harness", sys.argv[1])
harness = sys.modules["python_harness"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(harness)
project = harness.PythonProject(Path(sys.argv[2]))
project.table("orders", "SELECT 1 AS id")
project.run()
"""


@pytest.mark.parametrize("group", [False, True], ids=["toolkit alone", "its whole group"])
def test_kill_9_of_toolkit_leaves_nothing(project: PythonProject, mark: str, group: bool) -> None:
    assert project.warehouse is not None
    project.warehouse.close()
    project.write(HANG)
    toolkit = subprocess.Popen(
        [sys.executable, "-c", DRIVER, str(_HARNESS), str(project.folder)], start_new_session=True
    )
    deadline = time.monotonic() + 240
    pause = threading.Event()
    while not all_begun(project) and time.monotonic() < deadline:
        pause.wait(0.02)
    assert len(marked(mark)) >= 6
    killed = time.monotonic()
    if group:
        os.killpg(toolkit.pid, signal.SIGKILL)
    else:
        toolkit.kill()
    toolkit.wait()
    while marked(mark) and time.monotonic() < killed + 60:
        pause.wait(0.02)
    assert marked(mark) == []
    # The next run takes away what that one has left behind on the disk.
    left = project.folder / ".toolkit" / "python" / "exchange"
    assert len(list(left.iterdir())) == 1
    project.warehouse = type(project.warehouse)(project.profile)
    assert project.run(only=["python.works"])["python.works"].status == "success"
    assert list(left.iterdir()) == []


# As DRIVER, but a fork of toolkit, such as multiprocessing makes, goes on when toolkit is killed,
# and holds open the pipe by which the guardian hears of that.
FORKING = DRIVER.replace(
    "project.run()",
    """
import os, threading, time
def fork():
    pid = os.fork()
    if pid == 0:
        time.sleep(60)
        os._exit(0)
    Path(sys.argv[2], "fork").write_text(str(pid))
project.when(lambda: Path(sys.argv[2], "ml", "orphan").exists(), fork)
project.run()
""",
)


def test_a_fork_of_toolkit_does_not_keep_it_alive(project: PythonProject, mark: str) -> None:
    assert project.warehouse is not None
    project.warehouse.close()
    project.write(HANG)
    toolkit = subprocess.Popen([sys.executable, "-c", FORKING, str(_HARNESS), str(project.folder)])
    deadline = time.monotonic() + 240
    pause = threading.Event()
    fork = project.folder / "fork"
    while not (fork.exists() and fork.read_text()) and time.monotonic() < deadline:
        pause.wait(0.02)
    other = int(fork.read_text())
    toolkit.kill()
    toolkit.wait()
    killed = time.monotonic()
    try:
        while marked(mark) != [other] and time.monotonic() < killed + 60:
            pause.wait(0.02)
        assert marked(mark) == [other]
    finally:
        os.kill(other, signal.SIGKILL)
    while marked(mark) and time.monotonic() < killed + 120:
        pause.wait(0.02)


# What the function does -> parts of the message.
DEATHS = {
    "a segfault": (
        "import ctypes; ctypes.string_at(0)",
        ["killed by signal 11 (SIGSEGV) at ml/assets.py:10.", "Log: logs/out.log"],
    ),
    "an abort": ("os.abort()", ["killed by signal 6 (SIGABRT) at ml/assets.py:10."]),
    "a segfault in a helper": ("crash()", ["killed by signal 11 (SIGSEGV) at ml/assets.py:5."]),
    "kill -9": (
        "os.kill(os.getpid(), 9)",
        ["killed by signal 9 (SIGKILL), as when memory runs out."],
    ),
    "kill -9 of its group": ("os.killpg(0, 9)", ["killed by signal 9 (SIGKILL)"]),
    "kill -9 of its guardian": (
        "os.kill(os.getppid(), 9); __import__('time').sleep(60)",
        ["killed together with the one that watched it"],
    ),
    "TERM": ("os.kill(os.getpid(), 15)", ["killed by signal 15 (SIGTERM)."]),
    "os._exit(0)": ("os._exit(0)", ["ended with exit code 0 before it gave a result."]),
    "os._exit(3)": ("os._exit(3)", ["ended with exit code 3 before it gave a result."]),
    "out of memory": (
        "import resource as r; r.setrlimit(r.RLIMIT_AS, (2**32, 2**32)); b'x' * 2**33",
        ["It raised MemoryError at ml/assets.py:10"],
    ),
}


@pytest.mark.parametrize("case", DEATHS)
def test_a_death_is_an_error_and_the_run_goes_on(project: PythonProject, case: str) -> None:
    body, parts = DEATHS[case]
    ended = project.run(
        "import os\nfrom toolkit import asset\n\ndef crash():\n"
        "    import ctypes; ctypes.string_at(0)\n\n"
        f"@asset(isolate=True)\ndef out(orders):\n    print('before')\n    {body}\n\n"
        "@asset(isolate=True)\ndef then(orders):\n    return orders\n"
    )
    step = ended["python.out"]
    assert step.status == "error"
    for part in ["python.out (ml/assets.py:7)", *parts]:
        assert part in step.message, f"{part!r} not in:\n{step.message}"
    assert project.log("out").startswith("before\n")
    assert ended["python.then"].status == "success"


def test_what_is_left_running_ends_with_the_step(project: PythonProject, mark: str) -> None:
    step = project.run(
        "import subprocess\nfrom toolkit import asset\n@asset(isolate=True)\ndef out(orders):\n"
        "    subprocess.Popen(['sleep', '600'], start_new_session=True)\n    return orders\n"
    )["python.out"]
    assert step.status == "success"
    assert marked(mark) == []


def test_a_thread_of_the_function_does_not_hold_up_the_step(project: PythonProject) -> None:
    step = project.run(
        "import threading\nfrom toolkit import asset\n@asset(isolate=True)\ndef out(orders):\n"
        "    threading.Thread(target=threading.Event().wait).start()\n    return orders\n"
    )["python.out"]
    assert step.status == "success"
    assert step.finished_at - step.started_at < 20
