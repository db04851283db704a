"""Runs the command line in a process with a fault in it; or serves such processes, quickly.

    python driver.py '{"crash_at": [3, "before"]}' build --quiet
    python driver.py serve

The faults are all here, and none is in the product:

``crash_at: [n, when]``  kill -9 ourselves at the n-th transaction of the ledger: ``before`` it,
                         ``within`` it (all is written but not committed) or ``after`` it
``count: file``          no fault: write down how many transactions there were
``clock: [[seconds, n], ...]``  from the n-th call of ``time.time`` on the clock is off by so much
``file_size: bytes``     RLIMIT_FSIZE: no file may grow beyond it

``serve`` reads requests from standard input, a JSON object a line, and forks a process for each
from one that has imported what a build imports. Each is the leader of a session of its own. One
that is to stay builds through the Python API, once for each line that it reads from a pipe.
"""

import faulthandler
import gc
import importlib
import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

_IMPORTED = (
    "dbt.cli.main", "dbt.task.build", "dbt.adapters.duckdb", "duckdb", "pandas", "pyarrow",
    "sklearn.linear_model", "skops.io", "toolkit.cli.commands.build", "toolkit.project",
    "toolkit.run",
    "toolkit.integrations.dbt", "toolkit.integrations.airbyte", "toolkit.integrations.python",
)  # fmt: skip


def crash_at(wanted: int, when: str) -> None:
    """Die by SIGKILL at one transaction of the ledger."""

    def die(number: int, moment: str) -> None:
        if (number, moment) == (wanted, when):
            os.kill(os.getpid(), signal.SIGKILL)
            signal.pause()  # the signal is delivered before this returns, or it never does

    _wrap_transactions(die)


def count(path: str) -> None:
    """Write the number of the ledger's transactions so far into a file."""

    def note(number: int, moment: str) -> None:
        if moment == "after":
            with open(path, "w") as file:
                file.write(str(number))

    _wrap_transactions(note)


def _wrap_transactions(see: Callable[[int, str], None]) -> None:
    from toolkit.ledger.ledger import Ledger

    original = Ledger._transaction
    seen = 0

    @contextmanager
    def wrapped(self: Any) -> Iterator[None]:
        nonlocal seen
        with self._lock:
            if self._connection.in_transaction:  # within one of ours
                with original(self):
                    yield
                return
            seen += 1
            number = seen
            see(number, "before")
            with original(self):
                yield
                see(number, "within")
            see(number, "after")

    Ledger._transaction = wrapped  # type: ignore[method-assign]


def clock(*jumps: tuple[float, int]) -> None:
    """Let the clock jump while the build runs."""
    import time

    real, calls, lock = time.time, 0, threading.Lock()

    def shifted() -> float:
        nonlocal calls
        with lock:
            calls += 1
            off = [seconds for seconds, first in jumps if calls >= first]
        return real() + (off[-1] if off else 0.0)

    time.time = shifted


def file_size(limit: int) -> None:
    """No file may grow beyond so many bytes; writing fails then, as on a full disk."""
    import resource

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))


_FAULTS: dict[str, Callable[..., None]] = {
    "crash_at": crash_at, "count": count, "clock": clock, "file_size": file_size,
}  # fmt: skip


def run(words: list[str], faults: dict[str, Any]) -> None:
    """The command line, with these faults; does not return."""
    from toolkit.cli import program

    faulthandler.register(signal.SIGUSR1)  # one that hangs can be asked where
    for name, value in faults.items():
        _FAULTS[name](*(value if isinstance(value, list) else [value]))
    sys.argv = ["toolkit", *words]
    signal.signal(signal.SIGINT, signal.default_int_handler)
    program()


def stay(pipe: str) -> None:
    """Build once for each line, and answer with how it ended."""
    import time

    from toolkit import Project

    with open(pipe) as lines:
        for _ in lines:
            began = time.monotonic()
            code = Project.load(".").build().exit_code
            print(json.dumps([code, time.monotonic() - began]), flush=True)


def serve() -> None:
    """Fork a process for each request; answer with its pid, or how it ended."""
    for module in _IMPORTED:
        importlib.import_module(module)
    gc.collect()
    gc.freeze()  # no child looks through all that again
    answers = os.fdopen(os.dup(1), "w")
    for line in sys.stdin:
        request = json.loads(line)
        if "poll" in request:
            found, status = os.waitpid(request["poll"], os.WNOHANG)
            answer = os.waitstatus_to_exitcode(status) if found else None
        else:
            answer = os.fork()
            if answer == 0:
                _become(request)
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def _become(request: dict[str, Any]) -> None:
    """The child: another session, folder, environment and output; then the command line."""
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # until the command line hears it
        os.setsid()
        os.chdir(request["folder"])
        os.environ.clear()
        os.environ.update(request["environment"])
        for number, path in ((0, os.devnull), (1, request["out"]), (2, request["err"])):
            flags = os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_CREAT | os.O_TRUNC
            file = os.open(path, flags, 0o644)
            os.dup2(file, number)
            os.close(file)
        if "pipe" in request:
            stay(request["pipe"])
            os._exit(0)
        run(request["words"], request["faults"])
    except SystemExit as left:
        code = left.code if isinstance(left.code, int) else 1
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    finally:
        os._exit(70)  # an exception: its traceback was printed


if __name__ == "__main__":
    if sys.argv[1:] == ["serve"]:
        serve()
        os._exit(0)  # nobody needs what was frozen to be taken apart
    else:
        run(sys.argv[2:], json.loads(sys.argv[1]))
