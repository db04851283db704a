"""One isolated function's process, as toolkit sees it: started, read, stopped, gone."""

import contextlib
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

import msgspec

GRACE_SECONDS = 4.0  # between TERM and KILL
_KILL_SECONDS = 4.0  # the supervisor's to kill all; then we do what is left to us
_POLL_SECONDS = 0.2
_LAST_LINES_SECONDS = 2.0
_LINE = 1 << 20  # longer lines go to the log in pieces


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """How the process ended.

    Attributes:
        code: its exit code, or
        signal: the number of the signal that killed it; neither where its supervisor was
            killed, so that nobody knows.
        stopped: we had asked for it.
        over: the limit that was passed, and by how much was used, if that is why.
        largest: bytes of resident memory of the largest of its processes; 0: not known.
        cpu_seconds: of all its processes.
    """

    code: int | None = None
    signal: int | None = None
    stopped: bool = False
    over: tuple[str, float] | None = None
    largest: int = 0
    cpu_seconds: float = 0.0


class IsolatedProcess:
    """A child that does the job in ``folder``, with all that it starts.

    Args:
        folder: holds ``job.json``.
        log: takes what the child and its own children print; called from another thread.
        python: the interpreter of an environment of its own; ``None``: toolkit's.
        cancel: set when the run must stop.
    """

    def __init__(
        self,
        folder: Path,
        log: Callable[[str], None],
        cancel: threading.Event,
        python: str | None = None,
    ) -> None:
        self._log = log
        self._cancel = cancel
        self._asked = threading.Event()
        self._over = threading.Event()
        self._ended = threading.Event()
        self._said = b""
        supervisor = Path(__file__).with_name("supervisor.py")
        environment = dict(os.environ)
        if python is not None:  # what is meant for toolkit's Python is not for another one
            for name in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"):
                environment.pop(name, None)
        self._process = subprocess.Popen(
            [python or sys.executable, "-P", str(supervisor), str(os.getpid()), str(folder)],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._drain, name="isolated-log", daemon=True)
        self._reader.start()

    def stop(self, seconds: float) -> None:
        """Have it stopped, and wait until nothing of it is left; from any thread.

        Args:
            seconds: to wait at most.
        """
        self._asked.set()
        self._ended.wait(seconds)

    def wait(self) -> Ended:
        """How it ended, once nothing of it is left; called once, by one thread."""
        try:
            self._watch()
        finally:
            self._give_back()
        return self._how()

    def _watch(self) -> None:
        """Until the supervisor has closed its standard output; it has killed all by then."""
        stdout, lifeline = self._process.stdout, self._process.stdin
        assert stdout is not None
        assert lifeline is not None
        poll = select.poll()
        poll.register(stdout, select.POLLIN | select.POLLHUP)
        deadline = None
        while True:
            if poll.poll(_POLL_SECONDS * 1000):
                said = os.read(stdout.fileno(), 4096)
                self._said += said
                if not said:
                    return
            if deadline is None and (self._cancel.is_set() or self._asked.is_set()):
                self._asked.set()
                deadline = time.monotonic() + GRACE_SECONDS
                with contextlib.suppress(BrokenPipeError):
                    os.write(lifeline.fileno(), b"T")
            if deadline is not None and time.monotonic() > deadline:
                if lifeline.closed:
                    return
                lifeline.close()  # the supervisor kills all
                deadline = time.monotonic() + _KILL_SECONDS

    def _give_back(self) -> None:
        """Whatever happened, leave no process, thread or descriptor."""
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdin.close()
        try:
            process.wait(_KILL_SECONDS)
        except subprocess.TimeoutExpired:
            self._kill_groups()
            process.wait()
        if process.returncode:  # it was killed, and what it guarded may be there yet
            self._kill_groups()
        self._over.set()
        self._reader.join()
        process.stdout.close()
        process.stderr.close()
        self._ended.set()

    def _kill_groups(self) -> None:
        for group in (self._number(b"pid "), self._process.pid):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                if group is not None:
                    os.killpg(group, signal.SIGKILL)

    def _number(self, word: bytes) -> int | None:
        words = self._words(word.strip())
        return int(words[0]) if words else None

    def _words(self, name: bytes) -> list[bytes]:
        """What the supervisor has said under this name."""
        lines = (line.split() for line in self._said.split(b"\n"))
        return next((line[1:] for line in lines if line[:1] == [name]), [])

    def _how(self) -> Ended:
        status, over, used = self._number(b"end "), self._words(b"over"), self._words(b"used")
        ended = Ended(
            stopped=self._asked.is_set(),
            over=(over[0].decode(), float(over[1])) if over else None,
            largest=int(used[0]) if used else 0,
            cpu_seconds=float(used[1]) if used else 0.0,
        )
        if status is None:
            return ended
        if os.WIFSIGNALED(status):
            return msgspec.structs.replace(ended, signal=os.WTERMSIG(status))
        return msgspec.structs.replace(ended, code=os.waitstatus_to_exitcode(status))

    def _drain(self) -> None:
        """Hand on whole lines: a secret must not be cut in two before it is hidden."""
        stream: IO[bytes] | None = self._process.stderr
        assert stream is not None
        poll = select.poll()
        poll.register(stream, select.POLLIN | select.POLLHUP)
        rest = b""
        until: float | None = None
        while True:
            ready = poll.poll(_POLL_SECONDS * 1000)
            if self._over.is_set():
                # Somebody who got away may have it open, and go on writing.
                until = until or time.monotonic() + _LAST_LINES_SECONDS
                if not ready or time.monotonic() > until:
                    break
            if not ready:
                continue
            data = os.read(stream.fileno(), _LINE)
            if not data:
                break
            *lines, rest = (rest + data).split(b"\n")
            if lines:
                self._log(b"\n".join([*lines, b""]).decode("utf-8", "backslashreplace"))
            if len(rest) > _LINE:
                self._log(rest.decode("utf-8", "backslashreplace"))
                rest = b""
        if rest:
            self._log(rest.decode("utf-8", "backslashreplace"))
