"""One connector process: lines out, everything else into the log, no orphans."""

import contextlib
import fcntl
import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

from toolkit.errors import ConnectorError

_CHUNK = 1 << 20
_POLL_SECONDS = 0.2
_GRACE_SECONDS = 5.0  # between TERM and KILL

# Longer than any sane record: a connector that never ends its line must not eat the memory.
MAX_LINE_BYTES = 256 * 1024 * 1024

# These would lead the connector's own Python into ours.
_PYTHON_VARIABLES = ("PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "VIRTUAL_ENV")


class Cancelled(Exception):
    """The run is being stopped; internal, becomes an error event."""


class ConnectorProcess:
    """A running connector. Use as a context manager: leaving it ends the process.

    Args:
        command: program and arguments.
        name: what messages call it.
        log: takes each line of standard error; called from another thread.
        timeout: seconds of silence on standard output after which it counts as hung.
        cancel: set when the run must stop.
        stop: a command that ends what is in no process of ours (a container).

    Raises:
        ConnectorError: it was silent for too long, or printed a line without end.
        Cancelled: ``cancel`` was set.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        name: str,
        log: Callable[[str], None],
        timeout: float,
        cancel: threading.Event,
        stop: Sequence[str] = (),
    ) -> None:
        self._name = name
        self._log = log
        self._timeout = timeout
        self._cancel = cancel
        self.last_errors: deque[str] = deque(maxlen=8)
        launcher = Path(__file__).with_name("launcher.py")
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(launcher), json.dumps(list(stop)), *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            env=connector_environment(),
            start_new_session=True,
        )
        _widen(self._process.stdout)
        self._stderr = threading.Thread(
            target=self._drain, args=(self._process.stderr,), name=f"{name}-stderr", daemon=True
        )
        self._stderr.start()

    def __enter__(self) -> "ConnectorProcess":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def lines(self) -> Iterator[bytes]:
        """Lines of standard output without their ends, until it closes."""
        assert self._process.stdout is not None
        stdout = self._process.stdout.fileno()
        parts: list[bytes] = []
        size = 0
        while chunk := self._next_chunk(stdout):
            first, *rest = chunk.split(b"\n")
            parts.append(first)
            size += len(first)
            if size > MAX_LINE_BYTES:
                raise ConnectorError(
                    f"{self._name} printed more than {MAX_LINE_BYTES >> 20} MB without a line end.",
                    "That is no Airbyte message, so the sync was stopped.",
                    "Update the connector, or report this to its maintainers.",
                )
            if rest:
                yield b"".join(parts)
                yield from rest[:-1]
                parts = [rest[-1]]
                size = len(rest[-1])
        last = b"".join(parts)
        if last:
            yield last

    def wait(self) -> int:
        """Exit code, after standard output has closed."""
        deadline = time.monotonic() + self._timeout
        while True:
            try:
                code = self._process.wait(_POLL_SECONDS)
            except subprocess.TimeoutExpired:
                self._check(deadline)
            else:
                self._stderr.join(_GRACE_SECONDS)
                return code

    def stop(self) -> None:
        """End the whole process group: TERM, wait, KILL. Does nothing if it has ended."""
        process = self._process
        if process.poll() is None:
            self._signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._wait_draining(_GRACE_SECONDS)
        # Closing the lifeline makes the launcher kill what is left, also what has put itself
        # into another session.
        if process.stdin is not None:
            process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._wait_draining(_GRACE_SECONDS)
        if process.poll() is None:
            self._signal(signal.SIGKILL)
            process.wait()
        self._stderr.join(_GRACE_SECONDS)
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()

    def _wait_draining(self, seconds: float) -> None:
        """Wait for the end; nobody reads standard output any more, so a writer must not block."""
        assert self._process.stdout is not None
        stdout = self._process.stdout.fileno()
        deadline = time.monotonic() + seconds
        open_ = True
        while self._process.poll() is None:
            left = deadline - time.monotonic()
            if left <= 0:
                raise subprocess.TimeoutExpired(self._name, seconds)
            if open_ and select.select([stdout], [], [], min(left, _POLL_SECONDS))[0]:
                open_ = bool(os.read(stdout, _CHUNK))
            elif not open_:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._process.wait(min(left, _POLL_SECONDS))

    def _next_chunk(self, stdout: int) -> bytes:
        deadline = time.monotonic() + self._timeout
        while True:
            self._check(deadline)
            wait = min(_POLL_SECONDS, self._timeout)
            if select.select([stdout], [], [], wait)[0]:
                return os.read(stdout, _CHUNK)

    def _check(self, deadline: float) -> None:
        if self._cancel.is_set():
            raise Cancelled
        if time.monotonic() > deadline:
            raise ConnectorError(
                f"{self._name} was silent for {self._timeout:g} seconds.",
                "It counts as hung and was stopped; what it had checkpointed is kept.",
                "Look into its log; a source that is slow by nature needs a larger `timeout:` "
                "in its connection file.",
            )

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)

    def _drain(self, stream: IO[bytes]) -> None:
        for line in iter(lambda: stream.readline(_CHUNK), b""):
            text = line.decode("utf-8", "replace").rstrip()
            self.last_errors.append(text)
            self._log(text)


def _widen(pipe: IO[bytes] | None) -> None:
    """A larger pipe means fewer switches between the connector and us; Linux only."""
    set_size = getattr(fcntl, "F_SETPIPE_SZ", None)
    if pipe is not None and set_size is not None:
        with contextlib.suppress(OSError):  # the user may have no more pipe pages left
            fcntl.fcntl(pipe.fileno(), set_size, _CHUNK)


def connector_environment() -> Mapping[str, str]:
    """Our environment without what would lead another Python astray."""
    kept = {key: value for key, value in os.environ.items() if key not in _PYTHON_VARIABLES}
    return {**kept, "PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8"}
