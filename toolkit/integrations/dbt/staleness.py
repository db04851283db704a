"""Is manifest.json still what the project says? Answered without importing dbt.

A manifest is current when nothing that dbt would read has changed since it was written:
every file of the project (by path, size and modification time), profiles.yml, the
variables, the target, the environment variables that the project names, and the
version of dbt. What we saw when it was written is kept in the state folder.
"""

import hashlib
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import msgspec

from toolkit.files import write_whole
from toolkit.integrations.base import Watched
from toolkit.integrations.dbt.around import EVERY, stamp, variables, version_of
from toolkit.settings import Settings

_ENV_VAR = re.compile(rb"""env_var\(\s*['"]([A-Za-z_]\w*)['"]""")
# A name that is computed may be any: then all variables count, but those that a shell changes.
_ANY_ENV_VAR = re.compile(rb"""env_var\(\s*(?!['"][A-Za-z_]\w*['"]\s*[,)])""")
# Jinja's ``target`` knows the path of the DuckDB file: where it is asked for that, or is handed
# on as a whole. So does the connection. What only looks so costs one parse more.
_JINJA = re.compile(rb"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
_ANY_PATH = re.compile(
    rb"""(?<![.\w])target\b(?!\s*\.\s*(?!path\b|get\b|items\b|values\b|copy\b)\w)|\bcredentials\b"""
)
_TEXT = (".sql", ".yml", ".yaml", ".py", ".md")

_ROOT = (
    "dbt_project.yml", "packages.yml", "dependencies.yml", "package-lock.yml", "selectors.yml",
    "vars.yml", ".dbtignore",
)  # fmt: skip


class Seen(msgspec.Struct):
    """What the project looked like at one moment.

    Attributes:
        inputs: fingerprint of all that dbt would read.
        env_names: the environment variables that the project names; ``*`` where one name is
            computed.
        names_path: it may ask where the DuckDB file is, so that a manifest that was written while
            a build worked on a copy says the copy's path.
    """

    inputs: str
    env_names: list[str]
    names_path: bool = False


class _Record(msgspec.Struct):
    manifest: tuple[int, int]
    seen: Seen


def is_current(settings: Settings) -> bool:
    """Whether the manifest in the target folder can be used as it is."""
    manifest = manifest_stamp(settings)
    if manifest is None:
        return False
    try:
        record = msgspec.json.decode(_record(settings).read_bytes(), type=_Record)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return False
    names = record.seen.env_names
    return record.manifest == manifest and record.seen.inputs == _inputs(settings, names)


def look(settings: Settings) -> Seen:
    """What the project looks like now; to be asked *before* dbt reads it.

    A file that is changed while dbt works then counts as changed, as it must.
    """
    names, names_path = _names(settings)
    return Seen(inputs=_inputs(settings, names), env_names=names, names_path=names_path)


def remember(settings: Settings, seen: Seen) -> None:
    """Note that the manifest in the target folder was written from the project as ``seen``."""
    manifest = manifest_stamp(settings)
    if manifest is None or (settings.staged_profiles_dir is not None and seen.names_path):
        return
    write_whole(_record(settings), msgspec.json.encode(_Record(manifest=manifest, seen=seen)))


def manifest_stamp(settings: Settings) -> tuple[int, int] | None:
    """Size and modification time of manifest.json; ``None`` when it is not there."""
    return stamp(settings.target_path / "manifest.json")


def watched(settings: Settings) -> Watched | None:
    """What the project would be read from; ``None`` where variables have computed names."""
    names, _ = _names(settings)
    if EVERY in names:
        return None
    files = {str(path) for path in _files(settings)}
    folders: set[str] = set()
    for tree, walked in _trees(settings):
        folders.update(where for where, _ in _folders(tree, walked))
        if not tree.exists():
            folders.add(str(tree))
    missing = {str(settings.project_dir / name) for name in _ROOT} - files
    if settings.dbt_executable is not None and (found := shutil.which(settings.dbt_executable)):
        files.add(found)
    files |= {str(settings.target_path / "manifest.json"), str(_record(settings))}
    return Watched(files=files, folders=folders, missing=missing, environment={*names})


def _record(settings: Settings) -> Path:
    return settings.state_dir / "dbt" / "manifest-seen.json"


def _inputs(settings: Settings, env_names: list[str]) -> str:
    parts: list[object] = [
        (str(path), stamp(path)) for path in sorted(_files(settings))
    ]  # sorted: a folder's own order is the file system's whim
    parts.append((settings.target, settings.profile_name, sorted(settings.vars.items(), key=str)))
    parts.append(variables(env_names))
    parts.append(_dbt(settings))
    return hashlib.blake2b(repr(parts).encode(), digest_size=16).hexdigest()


def _files(settings: Settings) -> Iterator[Path]:
    root = settings.project_dir
    for name in _ROOT:
        if (root / name).exists():
            yield root / name
    if settings.profiles_dir is not None:
        yield settings.profiles_dir / "profiles.yml"
    for tree, walked in _trees(settings):
        for where, names in _folders(tree, walked):
            yield from (Path(where, name) for name in names)


def _trees(settings: Settings) -> Iterator[tuple[Path, set[str]]]:
    """Folders whose files dbt reads, and the real paths of those in them that are left out."""
    trees = {settings.project_dir / folder for folder in settings.project_paths}
    packages = settings.packages_path
    trees |= {packages} if packages is not None else set()
    written = {settings.target_path, settings.state_dir}  # by dbt and by us, in every build
    if packages is not None and packages.is_dir():
        written |= {pack / name for pack in packages.iterdir() for name in ("target", "logs")}
    walked = {os.path.realpath(folder) for folder in written}
    for tree in sorted(trees):
        yield tree, walked


def _folders(tree: Path, walked: set[str]) -> Iterator[tuple[str, list[str]]]:
    """Folders below ``tree`` with their files, also behind links, each folder once.

    A local package is a link.
    """
    for where, folders, names in os.walk(tree, followlinks=True):
        real = os.path.realpath(where)
        if real in walked:
            folders.clear()
            continue
        walked.add(real)
        folders[:] = sorted(f for f in folders if f not in ("__pycache__", ".git"))
        yield where, names


def _names(settings: Settings) -> tuple[list[str], bool]:
    """The environment variables that the project names, and whether it may name the path."""
    names: set[str] = set()
    names_path = False
    for path in _files(settings):
        if path.suffix in _TEXT:
            content = path.read_bytes()
            names.update(found.decode() for found in _ENV_VAR.findall(content))
            if _ANY_ENV_VAR.search(content):
                names.add(EVERY)
            names_path = names_path or any(map(_ANY_PATH.search, _JINJA.findall(content)))
    return sorted(names), names_path


def _dbt(settings: Settings) -> object:
    """Which dbt would read the project."""
    if settings.dbt_executable is not None:
        found = shutil.which(settings.dbt_executable)
        return (found, stamp(Path(found)) if found else None)
    return [version_of(package) for package in ("dbt-core", "dbt-adapters")]
