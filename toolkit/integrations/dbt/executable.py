"""dbt as a program: for one that lives in another environment, and for any unknown one.

Its JSON log says how far it is, its run_results.json how each node ended: what the log of
some dbt does not say is known at the end.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

import msgspec

from toolkit.errors import SettingsError
from toolkit.integrations.dbt.around import stamp
from toolkit.integrations.dbt.results import (
    LogLine,
    NodeEvent,
    NodeResult,
    parse_line,
    parse_run_results,
)
from toolkit.integrations.dbt.session import Outcome, Session, environment
from toolkit.settings import Settings

# After Ctrl-C dbt cancels its queries; what has not ended by then is killed.
_GRACE_SECONDS = 10.0
_KEPT_LINES = 20


class ExecutableSession(Session):
    """dbt through its command line, one process a call."""

    keeps_manifest = False

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.executable = find_executable(settings)
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._ended_for = ""

    def invoke(
        self, args: Sequence[str], hear: Callable[[NodeEvent], None] | None = None
    ) -> Outcome:
        """Run the program; ``hear`` is called in this thread."""
        command, *rest = args
        words = [
            self.executable, command, *self.common(),
            "--log-format", "json", "--log-level", "debug" if hear else "info",
            "--log-level-file", "none", "--no-use-colors", *rest,
        ]  # fmt: skip
        written = self.settings.target_path / "run_results.json"
        before = stamp(written)
        said = _Said(hear)
        self._ended_for = ""
        code = _run(words, self.settings.project_dir, said, self._runs)
        results: tuple[NodeResult, ...] = ()
        if command != "parse" and stamp(written) not in (None, before):
            with contextlib.suppress(OSError, msgspec.MsgspecError):
                results = parse_run_results(written.read_bytes())
        broken = code not in (0, 1) or (code == 1 and not results)
        why = said.text(code)
        if self._ended_for:
            broken, why = True, f"it was ended because {self._ended_for} took too long"
        return Outcome(
            success=code == 0,
            error=why if broken else None,
            results=results,
        )

    def interrupt(self) -> None:
        """Nothing is stuck: whoever waits for the program sees the signal, and stops it."""

    def _runs(self, process: "subprocess.Popen[bytes] | None") -> None:
        with self._lock:
            self._process = process

    def stop(self, key: str) -> None:
        """End the program, and with it all else that it does: no less can be stopped."""
        with self._lock:
            process = self._process
        if process is not None:
            self._ended_for = key
            # another thread reads what it prints
            _end(process, lambda: process.wait(_GRACE_SECONDS / 2))

    def forget(self, key: str) -> None:
        """Nothing is held."""

    def close(self) -> None:
        """Nothing is held: the program has ended."""


class _Said:
    """What the program prints: events as they come, and its last errors for a failure."""

    def __init__(self, hear: Callable[[NodeEvent], None] | None) -> None:
        self._hear = hear
        self._errors: deque[str] = deque(maxlen=_KEPT_LINES)
        self._other: deque[str] = deque(maxlen=_KEPT_LINES)

    def take(self, line: bytes) -> None:
        """A line of standard output."""
        found: LogLine | None = parse_line(line)
        if found is None:
            self.complain(line)
            return
        event = found.event()
        if event is not None and self._hear is not None:
            self._hear(event)
        if found.info.level == "error" and found.info.msg.strip():
            self._errors.append(found.info.msg.strip())

    def complain(self, line: bytes) -> None:
        """A line that is no event."""
        text = line.decode(errors="replace").strip()
        if text:
            self._other.append(text)

    def text(self, code: int) -> str:
        """Why it failed."""
        lines = self._errors or self._other or [f"it left with exit code {code} and no word"]
        return "\n".join(dict.fromkeys(lines))


def find_executable(settings: Settings) -> str:
    """The program to call: the one that is named, else the one beside our own Python.

    Raises:
        SettingsError: it is not there.
    """
    named = settings.dbt_executable
    if named is None:
        beside = Path(sys.executable).with_name("dbt")
        found = str(beside) if beside.is_file() else shutil.which("dbt")
    else:
        found = shutil.which(named)
    if found is None:
        raise SettingsError(
            f"The dbt executable {named or 'dbt'} is not there or cannot be run.",
            "dbt's part could not be built, so nothing was done.",
            "Correct `dbt_executable` in toolkit.yml."
            if named
            else "Install dbt, or name its executable: `dbt_executable` in toolkit.yml.",
        )
    return os.path.abspath(found)


def _run(
    words: Sequence[str],
    folder: Path,
    said: _Said,
    runs: Callable[["subprocess.Popen[bytes] | None"], None],
) -> int:
    tether = Path(__file__).with_name("tether.py")
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", str(tether), *words],
        cwd=folder,
        env=environment(os.environ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,  # a group of its own, so that all of it can be stopped
    )
    assert process.stdout is not None
    assert process.stderr is not None
    listener = threading.Thread(target=_drain, args=(process.stderr, said.complain), daemon=True)
    listener.start()
    ended = False
    try:
        runs(process)
        _drain(process.stdout, said.take)
        code = process.wait()
        listener.join()
        ended = True
        return code
    finally:
        if not ended:  # we were interrupted
            _end(process, lambda: process.communicate(timeout=_GRACE_SECONDS))
            process.wait()
        runs(None)
        process.stdout.close()
        process.stderr.close()


def _drain(pipe: IO[bytes], take: Callable[[bytes], None]) -> None:
    with contextlib.suppress(ValueError):  # closed by whoever stopped the program
        for line in pipe:
            take(line)


def _end(process: "subprocess.Popen[bytes]", wait: Callable[[], object]) -> None:
    """Interrupt the program as Ctrl-C does, wait, then kill what is left of its group."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGINT)
    with contextlib.suppress(subprocess.TimeoutExpired, KeyboardInterrupt):
        wait()
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
