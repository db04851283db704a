"""A shop on disk, builds of it as processes, and what is true of it afterwards."""

import contextlib
import hashlib
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from toolkit.ledger import Ledger, Run, StepRow

DRIVER = Path(__file__).with_name("driver.py")
MARK = "TOOLKIT_FAULT_SHOP"
# Time stamps and ids that differ between any two builds, however undisturbed, and the generation,
# which counts full refreshes, also one that was killed. Everything else is compared: also
# dbt_scd_id and dbt_valid_from of the snapshot by time stamp.
BY_NATURE = {
    "*": {"_airbyte_raw_id", "_airbyte_meta", "_airbyte_generation_id"},
    "main.plans_history": {"dbt_scd_id", "dbt_updated_at", "dbt_valid_from", "dbt_valid_to"},
}
_DONE = frozenset({"success", "pass", "warn"})


class Process:
    """A build that runs: the leader of its own session and process group."""

    def __init__(self, poll: Callable[[], int | None], pid: int, out: Path, err: Path) -> None:
        self._poll, self.pid, self._out, self._err = poll, pid, out, err
        self.began = time.monotonic()
        self.code: int | None = None

    @property
    def out(self) -> str:
        return self._out.read_text(errors="replace") if self._out.exists() else ""

    @property
    def err(self) -> str:
        return self._err.read_text(errors="replace") if self._err.exists() else ""

    def poll(self) -> int | None:
        if self.code is None:
            self.code = self._poll()
        return self.code

    def wait(self, seconds: float = 120) -> int | None:
        """Its exit code; ``None`` when it still runs after so long."""
        end = time.monotonic() + seconds
        while self.poll() is None and time.monotonic() < end:
            threading.Event().wait(min(0.01, max(0.0, end - time.monotonic())))
        return self.poll()

    def signal(self, number: int) -> None:
        """To the process alone, as ``kill`` does."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill_group(self) -> None:
        """kill -9 of everything in its group, and wait for its end."""
        if self.poll() is None:
            os.killpg(self.pid, signal.SIGKILL)
        self.wait()


class Warm:
    """Starts builds in processes forked from one that has imported dbt: see driver.py."""

    def __init__(self) -> None:
        self._server = subprocess.Popen(
            [sys.executable, str(DRIVER), "serve"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self._lock = threading.Lock()

    def ask(self, **request: Any) -> Any:
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        with self._lock:
            self._server.stdin.write(json.dumps(request) + "\n")
            self._server.stdin.flush()
            return json.loads(self._server.stdout.readline())

    def close(self) -> None:
        self._server.communicate(timeout=240)


class Resident:
    """A process that builds one shop again and again: no import, no parsing of what is the same."""

    def __init__(self, pipe: Path, out: Path, err: Path) -> None:
        self._pipe, self._out, self._err = pipe.open("w"), out, err
        self._asked = 0

    def build(self, seconds: float = 120) -> None:
        """Build once, which must go well."""
        self._asked += 1
        self._pipe.write("build\n")
        self._pipe.flush()
        end = time.monotonic() + seconds
        while len(lines := self._out.read_text().splitlines()) < self._asked:
            assert time.monotonic() < end, self._err.read_text()
            threading.Event().wait(0.01)
        assert json.loads(lines[-1])[0] == 0, self._err.read_text()

    def close(self) -> None:
        """It leaves when it hears no more."""
        self._pipe.close()


class Shop:
    """One project folder.

    Args:
        warm: starts builds by forking; ``None``: the real command, from nothing.
    """

    def __init__(self, folder: Path, cache: Path, warm: Warm | None = None) -> None:
        self.folder, self.cache = folder, cache
        self.scratch = folder.with_name(f"{folder.name}-scratch")
        self.scratch.mkdir(parents=True, exist_ok=True)
        self.mark = uuid.uuid4().hex
        self._warm = warm
        self._count = 0
        hidden = ("PYTEST_", "TOOLKIT_", "DBT_")
        self.environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith(hidden)},
            "TOOLKIT_CACHE_DIR": str(cache),
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
            "COLUMNS": "200",
            MARK: self.mark,
        }

    # ---- builds ----

    def start(self, *words: str, **faults: Any) -> Process:
        """``toolkit WORDS`` with these faults of driver.py."""
        self._count += 1
        out, err = (self.scratch / f"{self._count}.{name}" for name in ("out", "err"))
        if self._warm is not None:
            pid = self._warm.ask(
                folder=str(self.folder), environment=self.environment, words=words,
                faults=faults, out=str(out), err=str(err),
            )  # fmt: skip
            warm = self._warm
            return Process(lambda: warm.ask(poll=pid), pid, out, err)
        command = [sys.executable, "-m", "toolkit.cli", *words]
        if faults:
            command = [sys.executable, str(DRIVER), json.dumps(faults), *words]
        return self.start_command(command, out, err)

    def start_command(self, command: Sequence[str], out: Path, err: Path) -> Process:
        with out.open("w") as stdout, err.open("w") as stderr:
            process = subprocess.Popen(
                command, cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL,
                stdout=stdout, stderr=stderr, start_new_session=True, preexec_fn=_listen,
            )  # fmt: skip
        return Process(process.poll, process.pid, out, err)

    def run(self, *words: str, **faults: Any) -> Process:
        """Run it to its end."""
        process = self.start(*words, **faults)
        if process.wait() is None:
            if self._warm is not None:  # it tells where it is, see driver.py
                process.signal(signal.SIGUSR1)
                process.wait(1)
            process.kill_group()
            raise AssertionError(f"toolkit {' '.join(words)} did not end:\n{process.err}")
        assert "Traceback" not in process.err, process.err
        return process

    def build(self, *words: str) -> float:
        """Build, which must go well; its seconds."""
        process = self.run("build", *words)
        assert process.code == 0, process.err
        return time.monotonic() - process.began

    def stay(self) -> "Resident":
        """A process that builds this shop whenever it is told to, undisturbed."""
        assert self._warm is not None
        pipe, out, err = (self.scratch / f"resident.{name}" for name in ("pipe", "out", "err"))
        os.mkfifo(pipe)
        self._warm.ask(
            folder=str(self.folder), environment=self.environment,
            pipe=str(pipe), out=str(out), err=str(err),
        )  # fmt: skip
        return Resident(pipe, out, err)

    # ---- what is true ----

    def alive(self) -> dict[int, str]:
        """Living processes that were started for this shop, by whomever, and what they are."""
        mark = f"{MARK}={self.mark}".encode()
        found = {}
        for path in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                words = (path / "cmdline").read_bytes()
                if words and mark in (path / "environ").read_bytes().split(b"\0"):
                    found[int(path.name)] = words.replace(b"\0", b" ").decode(errors="replace")
        return found

    def gone(self, seconds: float = 10) -> float:
        """How long until nothing is alive; an error when that takes too long."""
        began = time.monotonic()
        while left := self.alive():
            assert time.monotonic() - began < seconds, f"still alive: {left}"
            threading.Event().wait(0.02)
        return time.monotonic() - began

    def ledger(self, newest: int = 8) -> tuple[list[Run], dict[tuple[str, str], StepRow]]:
        """The newest runs, newest first, and their steps by run and key.

        Read from a copy, so that nothing changes: a run that was killed is still "running".
        """
        copy = self._copy(".toolkit", "ledger.db")
        if copy is None:
            return [], {}
        with Ledger(copy) as ledger:
            runs = ledger.runs(newest)
            return runs, {(run.id, row.step): row for run in runs for row in ledger.steps(run.id)}

    def tables(self) -> dict[str, str]:
        """A hash of the sorted rows of every table and view; read from a copy."""
        import duckdb

        copy = self._copy(".", "shop.duckdb")
        if copy is None:
            return {}
        found = {}
        with duckdb.connect(str(copy)) as connection:
            columns: dict[str, list[str]] = {}
            for schema, table, column in connection.execute(
                "select schema_name, table_name, column_name from duckdb_columns() where not "
                "internal and schema_name <> '_toolkit' order by all"
            ).fetchall():
                columns.setdefault(f"{schema}.{table}", []).append(column)
            for table, names in columns.items():
                left_out = BY_NATURE["*"] | BY_NATURE.get(table, set())
                chosen = ", ".join(f'"{name}"' for name in names if name not in left_out)
                found[table] = _hash(connection.execute(f"select {chosen} from {table}").fetchall())
        return found

    def _copy(self, folder: str, name: str) -> Path | None:
        place = self.folder / folder
        if not (place / name).exists():
            return None
        copy = self.scratch / "copy"
        shutil.rmtree(copy, ignore_errors=True)
        copy.mkdir()
        for path in place.glob(f"{name}*"):  # with its WAL; SQLite's -shm is made anew
            if not path.name.endswith("-shm"):
                shutil.copy(path, copy / path.name)
        return copy / name


def _hash(rows: Iterable[tuple[Any, ...]]) -> str:
    digest = hashlib.sha256()
    count = 0
    for text in sorted(map(repr, rows)):
        digest.update(text.encode())
        count += 1
    return f"{count} rows {digest.hexdigest()[:16]}"


def _listen() -> None:
    """Whoever is started in the background may be deaf to Ctrl-C; that is inherited."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def finished(steps: Mapping[tuple[str, str], StepRow], run: str) -> set[str]:
    """Steps that a run has really done, by its ledger."""
    return {key for (of, key), row in steps.items() if of == run and row.status in _DONE}


def differences(found: Mapping[str, str], expected: Mapping[str, str]) -> dict[str, str]:
    """Tables that are not equal: what there is, and what should be."""
    return {
        name: f"{found.get(name, 'missing')}, expected {expected.get(name, 'nothing')}"
        for name in sorted({*found, *expected})
        if found.get(name) != expected.get(name)
    }


def spread(seconds: Sequence[float]) -> str:
    """p50 and p95 in milliseconds."""
    if not seconds:
        return "none"
    ordered = sorted(seconds)
    p95 = ordered[min(len(ordered) - 1, round(0.95 * (len(ordered) - 1)))]
    return f"p50 {statistics.median(ordered) * 1000:.0f} ms, p95 {p95 * 1000:.0f} ms"
