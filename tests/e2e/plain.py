"""Commands on the plain project, which only dbt makes: as it is, or a copy of its own."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_MIXED: Any = sys.modules["mixed_project"]  # see conftest.py
TOOLKIT = [sys.executable, "-m", "toolkit.cli"]
ENVIRONMENT = {
    **{k: v for k, v in os.environ.items() if not k.startswith(("DBT_", "PLAIN_"))},
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    "COLUMNS": "200",
}
Run = subprocess.CompletedProcess[str]


def run(folder: Path, *words: str, env: Mapping[str, str] | None = None) -> Run:
    """In this process: starting another one takes longer than most commands."""
    done: Run = _MIXED.call(words, folder, {**ENVIRONMENT, **(env or {})})
    return done


def out(folder: Path, *words: str) -> str:
    done = run(folder, *words)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def plain(folder: Path) -> Path:
    """A copy of the project, not built."""
    project: Path = _MIXED.plain(folder)
    return project
