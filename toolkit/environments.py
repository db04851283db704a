"""Virtual environments of other programs: built by uv or pip, whole or not at all, once.

Venvs cannot be moved (their scripts name the interpreter's path), so one is built where it
will stay, under a lock, and *counts* only once its marker file is there; what lies there
without a marker is what a killed build left, and is removed.
"""

import contextlib
import fcntl
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from toolkit.files import write_whole
from toolkit.masking import Masker

_BUILD_SECONDS = 1800
_POLL_SECONDS = 0.2
_LAST_LINES = 6

# These would make pip install into another place than the venv.
_ELSEWHERE = (
    "PIP_TARGET",
    "PIP_PREFIX",
    "PIP_ROOT",
    "PIP_USER",
    "PIP_REQUIREMENT",
    "PIP_REQUIRE_VIRTUALENV",
    "PYTHONPATH",
    "PYTHONHOME",
    "PYTHONUSERBASE",
    "VIRTUAL_ENV",
)


class NotBuiltError(Exception):
    """An environment could not be built; nothing of it is left.

    Attributes:
        lines: what uv or pip said, secrets masked.
        stopped: somebody had asked for the end.
    """

    def __init__(self, lines: Sequence[str], *, stopped: bool = False) -> None:
        super().__init__("\n".join(lines))
        self.lines = tuple(lines)
        self.stopped = stopped

    @property
    def tail(self) -> str:
        """The last lines, indented."""
        return "\n".join(f"  {line}" for line in self.lines[-_LAST_LINES:])


def base_python() -> str:
    """The interpreter below our own venv."""
    return str(getattr(sys, "_base_executable", None) or sys.executable)


def programs(folder: Path) -> Path:
    """The folder of an environment's programs, ``python`` among them."""
    return folder / ("Scripts" if sys.platform == "win32" else "bin")


def build(
    folder: Path,
    marker: str,
    requirements: Sequence[str],
    facts: Callable[[], Mapping[str, Any]],
    *,
    say: Callable[[str], None] = lambda _: None,
    waiting: str = "",
    building: str = "",
    stopped: Callable[[], bool] = lambda: False,
) -> bool:
    """Build an environment unless it is there.

    Args:
        folder: where it will stay.
        marker: name of the file in it that says that it is complete.
        requirements: as pip takes them.
        facts: asked when all is installed, and written to the marker; may raise.
        say: takes progress for people: ``waiting`` when somebody else builds it, ``building``.
        stopped: asked again and again; to give up.

    Returns:
        Whether anything was built.

    Raises:
        NotBuiltError: uv or pip failed, or it was stopped.
    """
    if (folder / marker).is_file():
        return False
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _locked(folder.with_name(folder.name + ".lock"), lambda: say(waiting), stopped) as lock:
        if (folder / marker).is_file():
            return False
        shutil.rmtree(folder, ignore_errors=True)
        say(building)
        with contextlib.ExitStack() as undo:
            undo.callback(shutil.rmtree, folder, ignore_errors=True)
            for command in _commands(folder, requirements):
                _run(command, lock, stopped)
            write_whole(folder / marker, json.dumps(facts()).encode())
            undo.pop_all()
    return True


def _commands(folder: Path, requirements: Sequence[str]) -> Iterator[list[str]]:
    python = str(programs(folder) / "python")
    uv = shutil.which("uv")
    if uv is not None:
        yield [uv, "venv", "--quiet", "--python", base_python(), str(folder)]
        yield [uv, "pip", "install", "--python", python, *requirements]
    else:
        yield [base_python(), "-m", "venv", str(folder)]
        yield [python, "-m", "pip", "install", "--no-input", "--disable-pip-version-check",
               *requirements]  # fmt: skip


def _run(command: Sequence[str], lock: IO[str], stopped: Callable[[], bool]) -> None:
    environment = {k: v for k, v in os.environ.items() if k not in _ELSEWHERE}
    deadline = time.monotonic() + _BUILD_SECONDS
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            # It holds the lock too: when we are killed, nobody builds where it still writes.
            pass_fds=(lock.fileno(),),
        )
        try:
            asked = False
            while process.poll() is None and time.monotonic() < deadline and not asked:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(_POLL_SECONDS)
                asked = stopped()
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        if process.returncode == 0:
            return
        output.seek(0)
        text = without_secrets(output.read().decode("utf-8", "replace"), environment)
    raise NotBuiltError([line for line in text.splitlines() if line.strip()], stopped=asked)


def without_secrets(text: str, environment: Mapping[str, str]) -> str:
    """Package indexes carry credentials in their URLs."""
    text = re.sub(r"(\w+://)[^/\s@]+@", r"\1*****@", text)
    found = (
        match[1]
        for key, value in environment.items()
        if key.startswith(("PIP_", "UV_"))
        for match in re.finditer(r"://([^/\s@]+)@", value)
    )
    return Masker(part for pair in found for part in (pair, *pair.split(":")[1:])).mask(text)


@contextlib.contextmanager
def _locked(
    path: Path, waiting: Callable[[], None], stopped: Callable[[], bool]
) -> Iterator[IO[str]]:
    """Hold a lock file; the kernel lets go of it when we die, and what we have started."""
    said = False
    with path.open("w") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if not said:
                    waiting()
                said = True
                if stopped():
                    raise NotBuiltError([], stopped=True) from None
                time.sleep(_POLL_SECONDS)
        yield file
