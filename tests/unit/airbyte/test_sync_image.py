"""Sources that are container images, run by an executable that stands in for the engine.

No engine is needed: the stand-in takes `docker`'s words, checks them, and runs our fake source in
the place of the image, reading the mounted folder at its place in the container.
"""

import contextlib
import json
import os
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from airbyte_harness import DEDUP, FAKE, Project, complete

from toolkit.errors import ConnectorError
from toolkit.integrations.airbyte.source.docker import Image

# Keeps the container as a process in a session of its own, as the engine's daemon does: killing
# the client does not end it.
ENGINE = """#!{python}
import json, os, pathlib, signal, subprocess, sys, time
home = pathlib.Path({home!r})
words = sys.argv[1:]
with (home / "calls").open("a") as calls:
    calls.write(json.dumps(words) + "\\n")
if words[:2] == ["image", "inspect"]:
    sys.exit(not (home / "pulled").exists())
if words[0] == "pull":
    if (home / "broken").exists():
        sys.exit("Cannot connect to the Docker daemon.")
    (home / "pulled").write_text(words[-1])
elif words[0] == "rm":
    pid = home / words[-1]
    if pid.exists():
        os.killpg(int(pid.read_text()), signal.SIGKILL)
        pid.unlink()
elif words[0] == "run":
    options, rest = [], words[1:]
    while rest[0].startswith("--"):
        options.append(rest.pop(0))
        if options[-1] in ("--name", "--volume"):
            options.append(rest.pop(0))
    image, verb, *arguments = rest
    if "--volume" in options:
        folder, inside, mode = options[options.index("--volume") + 1].split(":")
        assert mode == "ro"
        arguments = [word.replace(inside, folder, 1) for word in arguments]
        modes = [os.stat(path).st_mode & 0o777 for path in (os.path.dirname(folder), folder)]
        (home / "modes").write_text(json.dumps(modes))
    program = [sys.executable, {fake!r}, verb, *arguments]
    container = subprocess.Popen(program, start_new_session=True)
    (home / options[options.index("--name") + 1]).write_text(str(container.pid))
    signal.signal(signal.SIGTERM, lambda *_: None)  # passed on, and ignored by the source
    sys.exit(container.wait())
"""


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "engine"
    home.mkdir()
    program = home / "docker"
    program.write_text(ENGINE.format(python=sys.executable, home=str(home), fake=str(FAKE)))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{home}:{os.environ['PATH']}")
    return home


def connect(project: Project, actions: list[dict[str, Any]], **more: Any) -> None:
    image = {"image": "airbyte/source-postgres", "version": "3.6.1"}
    project.write(
        "pg",
        source={**image, "config": {"actions": actions}},
        streams=[{"name": "users", **DEDUP}],
        **more,
    )


def calls(engine: Path) -> list[list[str]]:
    return [json.loads(line) for line in (engine / "calls").read_text().splitlines()]


def test_an_image_syncs(tmp_path: Path, engine: Path) -> None:
    project = Project(tmp_path)
    connect(project, [{"rows": ["users", 1, 25], "state_every": 5}, *complete("users")])
    first = project.sync()
    assert first.status == "success", first.message
    assert project.sync().message == "1 stream, 0 rows"
    assert project.sql("SELECT count(*) FROM main.users") == [(25,)]
    assert (engine / "pulled").read_text() == "airbyte/source-postgres:3.6.1"
    assert json.loads((engine / "modes").read_text()) == [0o700, 0o755]
    read = [words for words in calls(engine) if "read" in words]
    assert len(read) == 2
    name, volume = read[1][5], read[1][7]
    assert read[1] == [
        *("run", "--rm", "--init", "--interactive", "--name", name, "--volume", volume),
        *("airbyte/source-postgres:3.6.1", "read", "--config", "/toolkit/config.json"),
        *("--catalog", "/toolkit/catalog.json", "--state", "/toolkit/state.json"),
    ]
    assert not Path(volume.partition(":")[0]).exists()
    assert not [words for words in calls(engine) if words[0] == "rm"]  # it ended by itself


@pytest.mark.slow
@pytest.mark.parametrize("how", ["timeout", "cancel"])
def test_a_container_that_hangs_is_removed(tmp_path: Path, engine: Path, how: str) -> None:
    project = Project(tmp_path)
    pids = tmp_path / "pids"
    hang = [{"ignore_term": True}, {"grandchild": str(pids)}, {"hang": True}]
    connect(project, hang, timeout=1 if how == "timeout" else 60)
    cancel = threading.Event()
    if how == "cancel":
        watch = threading.Thread(target=lambda: (_wait_for(pids), cancel.set()))
        watch.start()
    assert project.sync(cancel=cancel).status == "error"
    run = next(words for words in calls(engine) if "read" in words)
    assert calls(engine)[-1] == ["rm", "--force", run[5]]
    container = int(pids.read_text().split()[1])
    assert not _alive(container)
    with contextlib.suppress(ProcessLookupError):  # the stand-in has no namespace to end it
        os.kill(int(pids.read_text().split()[0]), 9)


def _wait_for(path: Path) -> None:
    for _ in range(1000):
        if path.exists() and path.read_text():
            return
        threading.Event().wait(0.01)


def _alive(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def test_an_engine_that_does_not_run(tmp_path: Path, engine: Path) -> None:
    (engine / "broken").touch()
    project = Project(tmp_path)
    connect(project, [])
    message = project.sync().message
    assert "cannot be pulled: Cannot connect to the Docker daemon." in message
    assert "run: remote" in message


def test_no_engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConnectorError, match="there is no docker or podman on PATH"):
        Image("airbyte/source-postgres", "3.6.1").is_installed()


def test_podman_will_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, engine: Path) -> None:
    (engine / "docker").rename(tmp_path / "podman")
    monkeypatch.setenv("PATH", str(tmp_path))
    Image("airbyte/source-postgres", "3.6.1").pull()
    assert (engine / "pulled").read_text() == "airbyte/source-postgres:3.6.1"
