"""What is around a project as dbt meets it: packages, environment variables, files."""

import os
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed
from pathlib import Path

EVERY = "*"
"""Stands for all environment variables, where a name is computed."""

# A shell changes them from one command to the next.
_RESTLESS = frozenset({"_", "PWD", "OLDPWD", "SHLVL", "COLUMNS", "LINES", "RANDOM", "SECONDS"})


def version_of(package: str) -> str:
    """The version that is installed, or ``none``."""
    try:
        return installed(package)
    except PackageNotFoundError:
        return "none"


def variables(names: Iterable[str]) -> list[tuple[str, str | None]]:
    """Environment variables with their values; all but those that a shell changes for ``*``."""
    wanted = set(names)
    if EVERY in wanted:
        wanted = {*wanted, *os.environ} - _RESTLESS
    return [(name, os.environ.get(name)) for name in sorted(wanted)]


def stamp(path: Path) -> tuple[int, int] | None:
    """Size and modification time of a file; ``None`` when it is not there."""
    try:
        stat = path.stat()
    except OSError:
        return None
    return (stat.st_size, stat.st_mtime_ns)
