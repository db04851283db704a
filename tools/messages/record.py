"""Run tests, and see which of them trigger which message."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tools.messages.catalog import REPOSITORY, Event

_RECORDER = Path(__file__).with_name("recorder")


def run(arguments: Sequence[str], repository: Path = REPOSITORY) -> list[Event]:
    """Let pytest run with these arguments; what the tests triggered, in child processes too."""
    with tempfile.TemporaryDirectory() as folder:
        events = Path(folder, "events.jsonl")
        known = os.environ.get("PYTHONPATH", "")
        path = os.pathsep.join(filter(None, (str(repository), str(_RECORDER), known)))
        environment = {**os.environ, "PYTHONPATH": path, "TOOLKIT_MESSAGES": str(events)}
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
        command += ["--continue-on-collection-errors", *arguments]
        subprocess.run(command, cwd=repository, env=environment, check=False)
        return read(events) if events.exists() else []


def read(file: Path) -> list[Event]:
    """The events that a recorder has written."""
    found = []
    for line in file.read_text(encoding="utf-8").splitlines():
        said = json.loads(line)
        places = tuple((path, number) for path, number in said["places"])
        found.append(Event(said["test"], places, said.get("code")))
    return found
