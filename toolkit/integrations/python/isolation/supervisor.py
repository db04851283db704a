"""Runs one isolated function in a child of its own, and sees to it that nothing of it is left.

Run as a program: ``supervisor.py PID FOLDER``, in a session of its own. ``PID`` is toolkit's.
It forks before anything is imported that has threads; the child calls the function, and this
process only watches. Its standard input is a *lifeline*, a pipe whose other end only toolkit
holds: a byte asks for the end (TERM to all), and when the pipe closes, by whatever death of
toolkit (also ``kill -9``), everything that the function started is killed, in other sessions
too. Standard output tells toolkit ``pid N`` and at the end ``end STATUS`` (as of ``waitpid``);
standard error is what the function prints.

Standard library only, and little of it: it is there while the function runs.
"""

import contextlib
import ctypes
import json
import os
import select
import signal
import sys
import time
from collections.abc import Iterator

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_LEFTOVERS_SECONDS = 1.0  # for what ends by itself when the function has
_KILLING_SECONDS = 3.0  # to kill what forks faster than it can be looked at
_LOOK_SECONDS = 1.0  # between two looks at whether toolkit is there
_POLL_SECONDS = 0.05


def main(toolkit: int, folder: str) -> None:
    """Fork; be the child's guardian in one process, and the child in the other."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)  # what it leaves behind becomes our child: we find it
    guardian = os.getpid()
    wake_read, wake_write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(wake_read)
        os.close(wake_write)
        _become_child(guardian, folder)
    os.set_blocking(wake_write, False)
    signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    guard = Guard(child, toolkit, wake_read)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, guard.give_up)
    _say(f"pid {child}")
    guard.watch()
    if guard.status is not None:
        _say(f"end {guard.status}")


def _become_child(guardian: int, folder: str) -> None:
    """Call the function; never return."""
    os.setpgid(0, 0)
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)  # of the guardian, which has one thread
    if os.getppid() != guardian:
        os._exit(1)  # it died before we asked to hear of it
    nowhere = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nowhere, 0)
    os.dup2(2, 1)
    os.close(nowhere)
    with open(os.path.join(folder, "job.json"), "rb") as file:
        sys.path[:] = json.load(file)["path"]

    from toolkit.integrations.python.isolation import child

    child.main(folder)


class Guard:
    """Watches one child and all that comes of it.

    Args:
        child: its process.
        toolkit: who started us; when it is gone, all must end.
        wake: readable when a signal came.

    Attributes:
        status: how the child ended, as ``waitpid`` says it; ``None`` as long as it runs.
    """

    def __init__(self, child: int, toolkit: int, wake: int) -> None:
        self._child = child
        self._toolkit = toolkit
        self._wake = wake
        self._kill = False
        self._stopping = False
        self.status: int | None = None

    def give_up(self, *_: object) -> None:
        """A signal handler: end all now."""
        self._kill = True

    def watch(self) -> None:
        """Return when nothing of the child is left."""
        until = None
        while not self._kill:
            self._reap()
            if self.status is not None:
                # What it left behind may end by itself; then it can clean up.
                until = until or time.monotonic() + _LEFTOVERS_SECONDS
                over = time.monotonic() > until and not self._stopping
                if over or not any(True for _ in self._descendants()):
                    break
            self._listen(_LOOK_SECONDS if self.status is None else _POLL_SECONDS)
            if os.getppid() != self._toolkit:
                break
        self._kill_all()

    def _listen(self, seconds: float) -> None:
        ready, _, _ = select.select([0, self._wake], [], [], seconds)
        if self._wake in ready:
            os.read(self._wake, 4096)
        if 0 in ready:
            if not os.read(0, 4096):
                self._kill = True
            elif not self._stopping:
                self._stopping = True
                self._signal(signal.SIGTERM)

    def _reap(self) -> None:
        with contextlib.suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if not pid:
                    return
                if pid == self._child:
                    self.status = status

    def _kill_all(self) -> None:
        """Kill until none is left: a process may fork while it is looked at."""
        until = time.monotonic() + _KILLING_SECONDS
        while time.monotonic() < until:
            self._signal(signal.SIGKILL)
            self._reap()
            if self.status is not None and not any(True for _ in self._descendants()):
                return
            if select.select([self._wake], [], [], _POLL_SECONDS)[0]:
                os.read(self._wake, 4096)

    def _signal(self, number: int) -> None:
        for pid in self._descendants():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, number)
        if not os.path.isdir("/proc/self"):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._child, number)

    def _descendants(self) -> Iterator[int]:
        """All processes below us that are not dead, whatever group or session they are in."""
        children: dict[int, list[int]] = {}
        for name in os.listdir("/proc") if os.path.isdir("/proc/self") else ():
            if not name.isdigit():
                continue
            with contextlib.suppress(OSError), open(f"/proc/{name}/stat", "rb") as stat:
                # "pid (name) state ppid ...": the name may hold spaces and brackets.
                state, parent = stat.read().rpartition(b")")[2].split()[:2]
                if state != b"Z":
                    children.setdefault(int(parent), []).append(int(name))
        pending = list(children.get(os.getpid(), ()))
        while pending:
            pid = pending.pop()
            yield pid
            pending += children.get(pid, ())


def _say(line: str) -> None:
    with contextlib.suppress(BrokenPipeError):  # toolkit has gone; so shall we
        os.write(1, f"{line}\n".encode())


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
