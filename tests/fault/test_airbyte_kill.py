"""``kill -9`` of toolkit at random moments of a low-code source's sync: what is there is exact.

The source is `connectors/weather` on the real runner, read from a server on 127.0.0.1, its time
cut into days so that it checkpoints on the way. TOOLKIT_KILLS says how many kills for each
mode (default 1; `make fault` does 50, so 100 in all).
"""

import importlib.util
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

_HARNESS = Path(__file__).parents[1] / "unit" / "airbyte" / "harness.py"
if "airbyte_harness" not in sys.modules:
    _SPEC = importlib.util.spec_from_file_location("airbyte_harness", _HARNESS)
    assert _SPEC is not None
    assert _SPEC.loader is not None
    sys.modules["airbyte_harness"] = importlib.util.module_from_spec(_SPEC)
    _SPEC.loader.exec_module(sys.modules["airbyte_harness"])

from airbyte_harness import Project  # noqa: E402

pytestmark = [pytest.mark.slow, pytest.mark.fault, pytest.mark.timeout(3600)]

KILLS = int(os.environ.get("TOOLKIT_KILLS", "1"))
MANIFEST = Path(__file__).parents[2] / "connectors" / "weather" / "manifest.yaml"
START = datetime(2026, 1, 1, tzinfo=UTC)
# One each five minutes: 41 days and some hours, or ten days for the short form.
ROWS = 12_000 if KILLS > 5 else 3_000
# Lines that are seen before the kill, at least: a single one is to come after a commit.
FIRST = 1 if KILLS > 5 else 20
COLUMNS = "id, station, country_code, observed_at::VARCHAR, temperature_celsius, precipitation_mm"

DRIVER = """
import importlib.util, sys
from pathlib import Path
spec = importlib.util.spec_from_file_location("airbyte_harness", sys.argv[1])
harness = sys.modules["airbyte_harness"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(harness)
from toolkit.integrations.airbyte.local import sync
sync.COMMIT_ROWS, sync._PROGRESS_SECONDS = 400, 0.0
project = harness.Project(Path(sys.argv[2]))
project.run(emit=lambda event: print(event, flush=True))
"""


def text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def observation(number: int) -> dict[str, Any]:
    return {
        "id": number,
        "station": f"station {number % 7}",
        "country_code": "NZ",
        "observed_at": text(START + timedelta(minutes=5 * number)),
        "temperature_celsius": number % 30 + 0.5,
        "precipitation_mm": None if number % 3 else 0.1 * (number % 11),
    }


class Weather(BaseHTTPRequestHandler):
    """Observations between two times, inclusive, in pages."""

    rows = tuple(map(observation, range(ROWS)))

    def do_GET(self) -> None:
        query = {key: values[0] for key, values in parse_qs(urlsplit(self.path).query).items()}
        since, until = query["since"], query["until"]
        found = [row for row in self.rows if since <= row["observed_at"] <= until]
        first = (int(query["page"]) - 1) * int(query["per_page"])
        page = found[first : first + int(query["per_page"])]
        body = json.dumps({"observations": page, "page": int(query["page"])}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """A client that was killed is what this test is about."""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    server = Server(("127.0.0.1", 0), Weather)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


def make_project(folder: Path, url: str, mode: str) -> Project:
    project = Project(folder)
    manifest = yaml.safe_load(MANIFEST.read_text())
    cursor = manifest["streams"][0]["incremental_sync"]
    end = {"type": "MinMaxDatetime", "datetime": text(START + timedelta(minutes=5 * ROWS))}
    cursor |= {"step": "P1D", "cursor_granularity": "PT1S", "end_datetime": end}
    option = {"type": "RequestOption", "inject_into": "request_parameter", "field_name": "until"}
    cursor["end_time_option"] = option
    (project.connections / "manifest.yaml").write_text(yaml.safe_dump(manifest))
    project.write(
        "weather",
        source={
            "manifest": "manifest.yaml",
            "config": {"base_url": url, "start_date": text(START)},
        },
        destination={"type": "duckdb", "name": "warehouse", "schema": "raw"},
        streams=[
            {
                "name": "observations",
                "sync_mode": mode,
                "primary_key": [["id"]],
                "cursor_field": ["observed_at"],
            }
        ],
    )
    return project


def start(folder: Path) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-c", DRIVER, str(_HARNESS), str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def connectors_of(folder: Path) -> list[int]:
    """Processes that were started, by whomever, for the project in this folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            words = (path / "cmdline").read_bytes()
            environment = (path / "environ").read_bytes()
        except OSError:
            continue
        mine = f"TOOLKIT_KILL_TEST={folder}".encode() in environment.split(b"\0")
        if mine and words and int(path.name) != os.getpid():
            found.append(int(path.name))
    return found


def kill(victim: "subprocess.Popen[bytes]", lines: int) -> bool:
    """Kill it and its group once it has said so much; whether it still ran."""
    assert victim.stdout is not None
    said = sum(1 for _, line in zip(range(lines), victim.stdout, strict=False) if line)
    os.killpg(victim.pid, signal.SIGKILL)
    victim.stdout.close()
    victim.wait()
    return said == lines


def gone(folder: Path) -> bool:
    end = time.monotonic() + 10
    while connectors_of(folder):
        if time.monotonic() > end:
            return False
        threading.Event().wait(0.02)
    return True


def table(project: Project) -> list[tuple[Any, ...]]:
    if "raw.observations" not in project.tables():
        return []
    return project.sql(f"SELECT {COLUMNS} FROM raw.observations ORDER BY id")


def boundary(project: Project) -> str:
    """From which time on the source will send again: what the kept STATE says."""
    rows = project.sql("SELECT state FROM _toolkit.connector_state WHERE stream = 'observations'")
    state = json.loads(rows[0][0]) if rows and rows[0][0] else {}
    if "slices" in state:
        return str(state["slices"][0].get("most_recent_cursor_value") or state["slices"][0]["end"])
    return str(state.get("observed_at", ""))


@pytest.fixture(scope="module")
def undisturbed(server: str, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A sync that nobody kills; its table is the same in both modes."""
    project = make_project(tmp_path_factory.mktemp("whole"), server, "incremental_append")
    done = project.sync()
    assert done.status == "success", done.message
    return project


@pytest.mark.soak
@pytest.mark.parametrize("mode", ["incremental_deduped_history", "incremental_append"])
def test_kill_9_at_random_moments(
    tmp_path: Path, server: str, undisturbed: Project, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = table(undisturbed)
    assert len(expected) == ROWS

    rng = random.Random(7)
    killed = resumed = chain = 0
    while killed < KILLS:
        folder = tmp_path / f"chain{chain}"
        chain += 1
        monkeypatch.setenv("TOOLKIT_KILL_TEST", str(folder))
        project = make_project(folder, server, mode)
        # Nobody needs to ask the source for its fields again.
        shutil.copytree(undisturbed.settings.state_dir, project.settings.state_dir)
        may_repeat: set[int] = set()
        for _ in range(min(5, KILLS - killed)):
            victim = start(folder)
            killed += kill(victim, rng.randrange(FIRST, 40))
            assert gone(folder), f"orphans: {connectors_of(folder)}"
            there, since = table(project), boundary(project)
            resumed += bool(there)
            sent_again = {row["id"] for row in Weather.rows if row["observed_at"] >= since}
            ids = {row[0] for row in there}
            may_repeat |= ids & sent_again
            assert set(there) <= set(expected)
            # The STATE is never ahead of the rows.
            assert ids | sent_again == set(range(ROWS))
            if mode == "incremental_deduped_history":
                assert len(ids) == len(there)
        assert project.sync().status == "success", project.log()[-2000:]
        assert not connectors_of(folder)
        found = table(project)
        assert sorted(set(found)) == expected
        if mode == "incremental_deduped_history":
            assert found == expected
        else:
            counts = Counter(row[0] for row in found)
            assert {number for number, count in counts.items() if count > 1} <= may_repeat
    print(f"{mode}: {killed} kills, {resumed} with rows there, {chain} chains")
    assert resumed  # some were killed after a commit, so that something could go wrong
