"""A small project with all three tools, whose connector is a program that does as it is told."""

import atexit
import contextlib
import functools
import importlib.util
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

PLAIN = Path(__file__).parent / "projects" / "plain"
_FAKE = Path(__file__).parents[1] / "unit" / "airbyte" / "harness.py"

GOOD_ASSET = """\
import pyarrow as pa
from toolkit import asset

@asset
def scores(landed: pa.Table) -> pa.Table:
    return landed.append_column("score", pa.array([1.0] * landed.num_rows))
"""
GOOD_SYNC = [{"rows": ["users", 1, 3]}, {"status": ["users", "COMPLETE"]}]


def call(
    words: Sequence[str], folder: Path, environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """``toolkit WORDS`` as a process would run it, but in this one."""
    from toolkit.cli import main

    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8") for _ in range(2))
    before = dict(os.environ)
    code: object = None
    os.environ.clear()
    os.environ.update(environment)
    try:
        with (
            contextlib.chdir(folder),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            main([*words])
    except SystemExit as left:
        code = left.code
    finally:
        os.environ.clear()
        os.environ.update(before)
    texts = []
    for stream in (out, err):
        stream.flush()
        texts.append(stream.buffer.getvalue().decode())  # type: ignore[attr-defined]
    return subprocess.CompletedProcess([*words], code if isinstance(code, int) else 0, *texts)


def plain(folder: Path) -> Path:
    """A copy of the plain project in ``folder``, as it is when dbt has parsed it before.

    In a folder that it has never seen, dbt parses all macros of its own, which takes a second.
    """
    project = Path(shutil.copytree(PLAIN, folder))
    (project / "target").mkdir()
    shutil.copy(_parsed(), project / "target")
    return project


@functools.cache
def _parsed() -> Path:
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    project = Path(shutil.copytree(PLAIN, folder / "plain"))
    environment = {**os.environ, "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"}
    done = call(["ls"], project, environment)
    assert done.returncode == 0, done.stderr
    return project / "target" / "partial_parse.msgpack"


class Mixed:
    """The plain project, with a stream below it and a Python asset above it.

    ``stream users -> source landing.users -> model landed -> python scores``
    """

    def __init__(self, folder: Path) -> None:
        self.folder = plain(folder / "mixed")
        self.cache = folder / "cache"
        self.environment = {
            **os.environ,
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
            "TOOLKIT_CACHE_DIR": str(self.cache),
            "COLUMNS": "200",
        }
        self.write("toolkit.yml", "version: 1\nconnections: [connectors]\nassets: [ml]\n")
        self.write(
            "models/landing.yml",
            "sources:\n  - name: landing\n    tables: [{name: users}]\n",
        )
        self.write("models/landed.sql", "select id, name from {{ source('landing', 'users') }}")
        self.write("ml/scores.py", GOOD_ASSET)
        self.connect(GOOD_SYNC)

    def copied(self, folder: Path) -> "Mixed":
        """The same as it is now, in another folder; with the same connectors."""
        copy = object.__new__(Mixed)
        copy.folder = Path(shutil.copytree(self.folder, folder / "mixed"))
        copy.cache, copy.environment = self.cache, dict(self.environment)
        return copy

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def connect(
        self, actions: Sequence[dict[str, Any]], stream: str = "users", **source: Any
    ) -> None:
        """Have the connector do ``actions`` at the next sync."""
        _install_fake(self.cache)
        document = {
            "version": 1,
            "name": "app",
            "source": {
                "package": "airbyte-source-fake",
                "version": "1.0.0",
                "config": {"actions": list(actions)},
                **source,
            },
            "destination": {"type": "duckdb", "name": "warehouse", "schema": "landing"},
            "streams": [{"name": stream, "sync_mode": "full_refresh_overwrite"}],
        }
        self.write("connectors/app.yml", json.dumps(document, indent=1))  # JSON is YAML

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "toolkit.cli", *words]

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run the command line in this process: dbt is imported once for all tests."""
        return call(words, self.folder, self.environment)

    def interrupt_when(
        self, ready: Callable[[], bool], *words: str, number: int = signal.SIGINT, twice: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run, and send a signal to the toolkit alone (as ``kill`` does) once ``ready``.

        With ``twice``: and again, once a line on standard error holds that text. What must still
        run then can wait for the file ``signalled``.
        """
        process = subprocess.Popen(
            self.command(*words), cwd=self.folder, env=self.environment,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
            preexec_fn=listen,
        )  # fmt: skip
        deadline = time.monotonic() + 240
        while not ready():
            assert process.poll() is None, process.communicate()[1]
            assert time.monotonic() < deadline, "it never came so far"
            time.sleep(0.02)
        process.send_signal(number)
        (self.folder / "signalled").touch()
        said = ""
        if twice:
            assert process.stderr is not None
            while twice not in said:
                line = process.stderr.readline()
                assert line, said
                said += line
            process.send_signal(number)
        try:
            out, err = process.communicate(timeout=60)
        finally:
            process.kill()
        return subprocess.CompletedProcess(process.args, process.returncode, out, said + err)

    def alive(self, marker: str) -> list[str]:
        """Command lines of living processes that mention ``marker``."""
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                except OSError:
                    continue
                if marker in line:
                    found.append(line)
        return found


def listen() -> None:
    """A shell starts what runs in the background deaf to Ctrl-C; that is inherited."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _install_fake(cache: Path) -> None:
    spec = importlib.util.spec_from_file_location("airbyte_harness_e2e", _FAKE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    before = os.environ.get("TOOLKIT_CACHE_DIR")
    os.environ["TOOLKIT_CACHE_DIR"] = str(cache)
    try:
        spec.loader.exec_module(module)
        module.install_fake()
    finally:
        if before is None:
            del os.environ["TOOLKIT_CACHE_DIR"]
        else:
            os.environ["TOOLKIT_CACHE_DIR"] = before
