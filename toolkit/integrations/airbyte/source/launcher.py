"""Starts a connector and sees to it that nothing of it outlives us.

Run as a program with the toolkit's Python, in a session of its own: its standard input is a
*lifeline*, a pipe whose other end only the toolkit holds. When that end closes, by whatever
death (also ``kill -9``), everything that the connector started is killed. A thread-bound
``PR_SET_PDEATHSIG`` in ``preexec_fn`` could do neither: it fires when the spawning *thread*
ends, is not safe in a threaded parent, and does not reach grandchildren.

Arguments: a JSON list with the command that stops a container (or an empty list), then the
connector's command.

Standard library only: it is started with ``-I -S``.
"""

import contextlib
import ctypes
import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_STOP_SECONDS = 30


def main(command: list[str], stop: list[str]) -> int:
    """Run ``command``, with our output as its output; its exit code is ours.

    Args:
        stop: a command that ends what killing our descendants does not reach (a container).
    """
    prctl = _prctl()
    if prctl is not None:
        # Whatever the connector leaves behind becomes our child, so that we can find it.
        prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    wake_read, wake_write = os.pipe()
    os.set_blocking(wake_write, False)
    signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    # A TERM to the whole group is for the connector; we wait and tell how it ended.
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: None)

    def in_child() -> None:
        # This process has one thread, so the signal comes when the process dies.
        if prctl is not None:
            prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)

    try:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, preexec_fn=in_child)
    except OSError as error:
        print(f"cannot start {command[0]}: {error}", file=sys.stderr)
        return 127
    lifeline = sys.stdin.fileno()
    while child.poll() is None:
        ready, _, _ = select.select([lifeline, wake_read], [], [])
        if wake_read in ready:
            os.read(wake_read, 4096)
        if lifeline in ready and not os.read(lifeline, 4096):
            _kill_descendants()
            _run(stop)
            if not os.path.isdir("/proc"):
                os.killpg(0, signal.SIGKILL)
            child.wait()
            return 137
    _kill_descendants()
    if child.returncode < 0:
        _run(stop)
    return child.returncode if child.returncode >= 0 else 128 - child.returncode


def _run(command: list[str]) -> None:
    """Run it in a session of its own: whoever kills our group must not stop it half-way."""
    if not command:
        return
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            timeout=_STOP_SECONDS,
            check=False,
        )


def _kill_descendants() -> None:
    """Kill until none is left: a process may fork while it is looked at."""
    for _ in range(100):
        found = list(_descendants(os.getpid()))
        for pid in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        if not found:
            return


def _descendants(root: int) -> Iterator[int]:
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc") if os.path.isdir("/proc") else ():
        if not name.isdigit():
            continue
        with contextlib.suppress(OSError), open(f"/proc/{name}/stat", "rb") as stat:
            # "pid (name) state ppid ...": the name may hold spaces and brackets.
            state, parent = stat.read().rpartition(b")")[2].split()[:2]
            if state != b"Z":
                children.setdefault(int(parent), []).append(int(name))
    pending = list(children.get(root, ()))
    while pending:
        pid = pending.pop()
        yield pid
        pending += children.get(pid, ())


def _prctl() -> "ctypes._NamedFuncPointer | None":
    if not sys.platform.startswith("linux"):
        return None
    return ctypes.CDLL(None).prctl


if __name__ == "__main__":
    sys.exit(main(sys.argv[2:], json.loads(sys.argv[1])))
