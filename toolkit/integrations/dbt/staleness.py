"""Is manifest.json still what the project says? Answered without importing dbt.

A manifest is current when nothing that dbt would read has changed since it was written:
every file of the project (by path, size and modification time), profiles.yml, the
variables, the target, the environment variables that the project names, and the
version of dbt. What we saw when it was written is kept in the state folder.
"""

import hashlib
import os
import re
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import msgspec

from toolkit.settings import Settings

_ENV_VAR = re.compile(rb"""env_var\(\s*['"]([A-Za-z_]\w*)['"]""")
_TEXT = (".sql", ".yml", ".yaml", ".py", ".md")


class _Seen(msgspec.Struct):
    """What the project looked like when manifest.json was written."""

    inputs: str
    manifest: tuple[int, int]
    env_names: list[str]


def is_current(settings: Settings) -> bool:
    """Whether the manifest in the target folder can be used as it is."""
    manifest = _stamp(settings.target_path / "manifest.json")
    if manifest is None:
        return False
    try:
        seen = msgspec.json.decode(_record(settings).read_bytes(), type=_Seen)
    except (OSError, msgspec.MsgspecError):
        return False
    return seen.manifest == manifest and seen.inputs == _inputs(settings, seen.env_names)


def remember(settings: Settings) -> None:
    """Note that the manifest in the target folder was just written from the project."""
    manifest = _stamp(settings.target_path / "manifest.json")
    if manifest is None:
        return
    names = sorted(_env_names(settings))
    seen = _Seen(inputs=_inputs(settings, names), manifest=manifest, env_names=names)
    record = _record(settings)
    record.parent.mkdir(parents=True, exist_ok=True)
    temporary = record.with_suffix(f".{os.getpid()}.tmp")
    temporary.write_bytes(msgspec.json.encode(seen))
    temporary.replace(record)


def _record(settings: Settings) -> Path:
    return settings.state_dir / "dbt" / "manifest-seen.json"


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        stat = path.stat()
    except OSError:
        return None
    return (stat.st_size, stat.st_mtime_ns)


def _inputs(settings: Settings, env_names: list[str]) -> str:
    parts: list[object] = [
        (str(path), _stamp(path)) for path in sorted(_files(settings))
    ]  # sorted: a folder's own order is the file system's whim
    parts.append((settings.target, settings.profile_name, sorted(settings.vars.items())))
    parts.append([(name, os.environ.get(name)) for name in env_names])
    parts.append([_version(package) for package in ("dbt-core", "dbt-adapters")])
    return hashlib.blake2b(repr(parts).encode(), digest_size=16).hexdigest()


def _files(settings: Settings) -> Iterator[Path]:
    root = settings.project_dir
    for name in (
        "dbt_project.yml", "packages.yml", "dependencies.yml", "package-lock.yml",
        "selectors.yml", "vars.yml",
    ):  # fmt: skip
        if (root / name).exists():
            yield root / name
    if settings.profiles_dir is not None:
        yield settings.profiles_dir / "profiles.yml"
    trees = {root / folder for folder in settings.project_paths}
    trees |= {settings.packages_path} if settings.packages_path else set()
    for tree in trees:
        for where, folders, names in os.walk(tree):
            folders[:] = [f for f in folders if f not in ("__pycache__", ".git", "target")]
            for name in names:
                yield Path(where, name)


def _env_names(settings: Settings) -> set[str]:
    names: set[str] = set()
    for path in _files(settings):
        if path.suffix in _TEXT:
            names.update(found.decode() for found in _ENV_VAR.findall(path.read_bytes()))
    return names


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "none"
