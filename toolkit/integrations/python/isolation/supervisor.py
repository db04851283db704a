"""Runs one isolated function in a child of its own, and sees to it that nothing of it is left.

Run as a program: ``supervisor.py PID FOLDER``, in a session of its own. ``PID`` is toolkit's.
It forks before anything is imported that has threads; the child calls the function, and this
process only watches. Its standard input is a *lifeline*, a pipe whose other end only toolkit
holds: a byte asks for the end (TERM to all), and when the pipe closes, by whatever death of
toolkit (also ``kill -9``), everything that the function started is killed, in other sessions
too. Standard output tells toolkit ``pid N``, ``over LIMIT USED`` where all were killed because
they used too much, and at the end ``end STATUS`` (as of ``waitpid``) and ``used RSS SECONDS``,
the bytes of the largest process and the CPU seconds of all; standard error is what the
function prints.

Standard library only, and little of it: it is there while the function runs.
"""

import contextlib
import ctypes
import importlib
import json
import os
import select
import signal
import sys
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from toolkit.integrations.python.isolation import usage  # of this folder
else:
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))  # -P leaves it out
    import usage  # of this folder

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_LEFTOVERS_SECONDS = 1.0  # for what ends by itself when the function has
_KILLING_SECONDS = 3.0  # to kill what forks faster than it can be looked at
_LOOK_SECONDS = 0.25  # between two looks at whether toolkit is there, and who else is
_POLL_SECONDS = 0.05
_MEMORY_SECONDS = 0.02  # between two looks at memory, where it is limited
_KERNEL_LATER = 2  # seconds after our own look that the kernel's limit of CPU time strikes


def main(toolkit: int, folder: str) -> None:
    """Fork; be the child's guardian in one process, and the child in the other."""
    with open(os.path.join(folder, "job.json"), "rb") as file:
        job = json.load(file)
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)  # what it leaves behind becomes our child: we find it
    guardian = os.getpid()
    wake_read, wake_write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(wake_read)
        os.close(wake_write)
        _become_child(guardian, folder, job)
    os.set_blocking(wake_write, False)
    signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    guard = Guard(child, toolkit, wake_read, job["limits"])
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, guard.give_up)
    _say(f"pid {child}")
    guard.watch()
    if guard.status is not None:
        _say(f"used {guard.largest} {guard.cpu_seconds:.3f}")
        _say(f"end {guard.status}")


def _become_child(guardian: int, folder: str, job: dict[str, Any]) -> None:
    """Call the function; never return."""
    os.setpgid(0, 0)
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)  # of the guardian, which has one thread
    if os.getppid() != guardian:
        os._exit(1)  # it died before we asked to hear of it
    nowhere = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nowhere, 0)
    os.dup2(2, 1)
    os.close(nowhere)
    _hold_in(job["limits"])
    del sys.modules["usage"]  # the function may have one of its own
    if job["limits"]["environment"] is not None:
        sys.path[0] = os.path.join(sys.path[0], "alone")  # where another `toolkit` is
        child: Any = importlib.import_module("toolkit._program")
    else:
        sys.path[:] = job["path"]
        from toolkit.integrations.python.isolation import child
    child.main(folder)


def _hold_in(limits: dict[str, Any]) -> None:
    """What the kernel itself is to see to."""
    # Where the machine runs out of memory, it is this process that goes, and not toolkit.
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
        file.write("1000")
    if limits["cpu_seconds"] is not None:
        import resource

        seconds = int(limits["cpu_seconds"]) + _KERNEL_LATER
        with contextlib.suppress(ValueError, OSError):  # there is a lower one already
            resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + _KERNEL_LATER))


class Guard:
    """Watches one child and all that comes of it.

    Args:
        child: its process.
        toolkit: who started us; when it is gone, all must end.
        wake: readable when a signal came.
        limits: ``memory`` in bytes and ``cpu_seconds``, where there are such, and ``processes``.

    Attributes:
        status: how the child ended, as ``waitpid`` says it; ``None`` as long as it runs.
        largest: bytes of resident memory of the largest process.
        cpu_seconds: of all that have ended.
    """

    def __init__(self, child: int, toolkit: int, wake: int, limits: dict[str, Any]) -> None:
        self._child = child
        self._limits = limits
        self._alive: dict[int, float] = {child: 0.0}
        self._looked = 0.0
        self.largest = 0
        self.cpu_seconds = 0.0
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
                if over or not usage.descendants(os.getpid()):
                    break
            elif self._is_over():
                break
            self._listen(self._pause())
            if os.getppid() != self._toolkit:
                break
        self._kill_all()

    def _pause(self) -> float:
        if self.status is not None:
            return _POLL_SECONDS
        return _LOOK_SECONDS if self._limits["memory"] is None else _MEMORY_SECONDS

    def _is_over(self) -> bool:
        """Whether they use more than they may; toolkit is told."""
        now = time.monotonic()
        if now - self._looked >= _LOOK_SECONDS / 2:
            self._looked = now
            self._alive = usage.descendants(os.getpid()) or self._alive
            if len(self._alive) > self._limits["processes"]:
                return _over("processes", len(self._alive))
            limit = self._limits["cpu_seconds"]
            used = self.cpu_seconds + sum(self._alive.values())
            if limit is not None and used > limit:
                return _over("cpu_seconds", used)
        limit = self._limits["memory"]
        if limit is not None:
            held = usage.memory(self._alive, limit)
            if held > limit:
                return _over("memory", held)
        return False

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
                pid, status, used = os.wait4(-1, os.WNOHANG)
                if not pid:
                    return
                self.cpu_seconds += used.ru_utime + used.ru_stime
                unit = 1 if sys.platform == "darwin" else 1024
                self.largest = max(self.largest, used.ru_maxrss * unit)
                if pid == self._child:
                    self.status = status

    def _kill_all(self) -> None:
        """Kill until none is left: a process may fork while it is looked at."""
        until = time.monotonic() + _KILLING_SECONDS
        frozen: set[int] = set()
        # First they are all stopped: what forks faster than we kill would never end.
        while time.monotonic() < until - _KILLING_SECONDS / 2:
            moving = set(usage.descendants(os.getpid())) - frozen
            if not moving:
                break
            self._signal(signal.SIGSTOP, moving)
            frozen |= moving
        while time.monotonic() < until:
            self._signal(signal.SIGKILL)
            self._reap()
            if self.status is not None and not usage.descendants(os.getpid()):
                self._reap()  # what has died since: else it stays in the list of processes
                return
            if select.select([self._wake], [], [], _POLL_SECONDS)[0]:
                os.read(self._wake, 4096)

    def _signal(self, number: int, pids: Iterable[int] | None = None) -> None:
        for pid in usage.descendants(os.getpid()) if pids is None else pids:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, number)
        if not os.path.isdir("/proc/self"):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._child, number)


def _over(limit: str, used: float) -> bool:
    _say(f"over {limit} {used:.0f}")
    return True


def _say(line: str) -> None:
    with contextlib.suppress(BrokenPipeError):  # toolkit has gone; so shall we
        os.write(1, f"{line}\n".encode())


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
