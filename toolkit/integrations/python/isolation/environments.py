"""Environments of functions' own: where they are, and building one that is not there yet."""

import contextlib
import hashlib
import importlib.metadata
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from toolkit import environments
from toolkit.environments import NotBuiltError, base_python, programs
from toolkit.errors import AssetFailedError
from toolkit.integrations.python.isolation.requirements import requirement_name
from toolkit.integrations.python.registry import Environment
from toolkit.integrations.python.running.stopping import RESUME
from toolkit.settings.cache import cache_dir

NOTEBOOK = ("ipykernel",)  # what a notebook needs besides
MARKER = "toolkit-environment.json"
_SHOWN = 3


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """An environment that is there, as its marker says.

    Attributes:
        requirements: what was asked for.
        python: its version.
        packages: what is in it, ``name==version``.
        built_at: ISO 8601, UTC.
        folder: where it is.
        used: when it was last used, seconds since the epoch.
        size: bytes on the disk.
    """

    requirements: list[str]
    python: str
    packages: list[str]
    built_at: str
    folder: str = ""
    used: float = 0.0
    size: int = 0


def root() -> Path:
    """The folder of all of them."""
    return cache_dir() / "environments"


def needed(environment: Environment, extra: tuple[str, ...] = ()) -> tuple[str, ...]:
    """What is installed: what was asked for, and pyarrow, which reads and writes the tables."""
    names = {requirement_name(item) for item in environment.requirements}
    ours = tuple(item for item in ("pyarrow", *extra) if item not in names)
    return (*environment.requirements, *ours)


def folder_of(environment: Environment, extra: tuple[str, ...] = ()) -> Path:
    """Where an environment is or would be: by its Python and what is in it."""
    identity = (base_python(), sys.version, sys.platform, *needed(environment, extra))
    digest = hashlib.sha256("\0".join(identity).encode()).hexdigest()[:16]
    return root() / f"py{sys.version_info.major}{sys.version_info.minor}-{digest}"


def is_built(environment: Environment, extra: tuple[str, ...] = ()) -> bool:
    """Whether it is complete."""
    return (folder_of(environment, extra) / MARKER).is_file()


def ready(
    environment: Environment,
    *,
    extra: tuple[str, ...] = (),
    say: Callable[[str], None],
    stopped: Callable[[], bool],
) -> str:
    """Build an environment unless it is there; gives its interpreter.

    Raises:
        AssetFailedError: with the last lines of uv or pip, or it was stopped.
    """
    folder = folder_of(environment, extra)
    wanted = needed(environment, extra)

    def facts() -> dict[str, object]:
        return {
            "requirements": wanted,
            "python": ".".join(map(str, sys.version_info[:3])),
            "packages": _packages(folder),
            "built_at": datetime.now(UTC).isoformat(),
        }

    try:
        environments.build(
            folder, MARKER, wanted, facts, say=say, stopped=stopped,
            waiting="waiting for its environment, which another process builds",
            building=f"building its environment: {said(environment)}",
        )  # fmt: skip
    except NotBuiltError as error:
        if error.stopped:
            raise AssetFailedError(
                "It was stopped while its environment was built.",
                "Nothing of that is left.",
                RESUME,
            ) from None
        raise AssetFailedError(
            f"Its environment ({said(environment)}) cannot be built:\n{error.tail}",
            "It was not run; nothing of the environment is left.",
            "Correct its requirements, or see that the package index can be reached; then "
            "`toolkit build` again.",
        ) from None
    with contextlib.suppress(OSError):
        os.utime(folder / MARKER)  # when it was last used
    return str(programs(folder) / "python")


def to_build(config: Mapping[str, Any], path: str | None) -> str:
    """What must be built before a step can run, in words; empty: nothing.

    Args:
        config: of the asset or check.
        path: its file.
    """
    if "requirements" not in config:
        return ""
    environment = Environment(requirements=tuple(config["requirements"]))
    extra = NOTEBOOK if path is not None and path.endswith(".ipynb") else ()
    if is_built(environment, extra):
        return ""
    return f"builds an environment: {said(environment)}"


def said(environment: Environment) -> str:
    """An environment for people, in a few words."""
    shown = list(environment.requirements[:_SHOWN])
    more = len(environment.requirements) - len(shown)
    if more:
        shown.append(f"{more} more")
    return ", ".join(shown) or "no packages"


def kept() -> Iterator[Kept]:
    """All that are there and complete, the one used last first."""
    markers = [path for path in root().glob(f"*/{MARKER}") if path.is_file()]
    for marker in sorted(markers, key=lambda path: -path.stat().st_mtime):
        folder = marker.parent
        with contextlib.suppress(OSError, msgspec.MsgspecError):
            found = msgspec.json.decode(marker.read_bytes(), type=Kept)
            yield msgspec.structs.replace(
                found, folder=str(folder), used=marker.stat().st_mtime, size=_size(folder)
            )


def prune(unused_since: float) -> list[Kept]:
    """Remove those last used before ``unused_since`` (seconds since the epoch); gives them.

    The marker goes first: what is half removed does not count as complete.
    """
    old = [item for item in kept() if item.used < unused_since]
    for item in old:
        (Path(item.folder) / MARKER).unlink(missing_ok=True)
        shutil.rmtree(item.folder, ignore_errors=True)
    return old


def _size(folder: Path) -> int:
    return sum(
        os.lstat(os.path.join(place, name)).st_size
        for place, _, files in os.walk(folder)
        for name in files
    )


def _packages(folder: Path) -> list[str]:
    site = [str(path) for path in folder.glob("lib*/python*/site-packages")]
    found = importlib.metadata.distributions(path=site or [str(folder / "Lib" / "site-packages")])
    return sorted({f"{item.name}=={item.version}" for item in found})
