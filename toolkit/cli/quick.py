"""A build that has nothing to do, found out before anything is loaded.

When a build ends and the next one would skip every step, what that depended on is noted:
size and time of each file, time of each folder (a new file changes it), environment
variables, the stamp of the DuckDB file. When the same words are called and all of that is
as noted, there is nothing to do. Anything else is left to the build itself, so a note can
be thrown away at any time.

Only what starts quickly is imported: no click, no msgspec, not even pathlib.
"""

import hashlib
import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from toolkit.files import write_whole
from toolkit.stamp import stamp_of

if TYPE_CHECKING:
    from pathlib import Path

    from toolkit.project import Project

_FORMAT = 1
_KEPT = (".toolkit", "quick")
_RESULTS = ("run_results.json", "junit.xml")
# What they ask for is more than to bring things up to date, or to say it in a line.
_OTHER = ("--force", "-f", "--full-refresh", "--dry-run", "--debug", "--log-format", "--publish",
          "--resume", "--sample", "--state", "--help", "-h")  # fmt: skip


def nothing_to_do(words: Sequence[str]) -> bool:
    """Whether this build has nothing to do; then that is said, and its results are written."""
    folder = _project(words)
    if folder is None or any(word.partition("=")[0] in _OTHER for word in words):
        return False
    path = _path(folder, words)
    try:
        with open(path, "rb") as file:
            note = json.load(file)
        if not _still(note, words):
            return False
        for name in _RESULTS:
            with open(os.path.join(f"{path}.results", name), "rb") as file:
                write_whole(os.path.join(note["output"], name), file.read())
    except (OSError, ValueError, KeyError, TypeError):
        return False
    if not note["quiet"]:
        print(note["said"], file=sys.stderr)
    return True


def _project(words: Sequence[str]) -> str | None:
    """The folder of dbt_project.yml, as :mod:`toolkit.settings.project` finds it."""
    given = os.environ.get("DBT_ENGINE_PROJECT_DIR") or os.environ.get("DBT_PROJECT_DIR") or None
    for index, word in enumerate(words):
        if word == "--project-dir" and index + 1 < len(words):
            given = words[index + 1]
        elif word.startswith("--project-dir="):
            given = word.partition("=")[2]
    if given is not None:
        return os.path.realpath(given)
    here = os.getcwd()
    while not os.path.exists(os.path.join(here, "dbt_project.yml")):
        above = os.path.dirname(here)
        if above == here:
            return None
        here = above
    return os.path.realpath(here)


def _path(folder: str, words: Sequence[str]) -> str:
    text = json.dumps([os.getcwd(), *words])
    name = hashlib.blake2b(text.encode(errors="surrogateescape"), digest_size=8).hexdigest()
    return os.path.join(folder, *_KEPT, name)


def _still(note: Mapping[str, object], words: Sequence[str]) -> bool:
    files, folders, missing = note["files"], note["folders"], note["missing"]
    names, warehouse = note["names"], note["warehouse"]
    assert isinstance(files, dict)
    assert isinstance(folders, dict)
    assert isinstance(missing, list)
    assert isinstance(names, list)
    assert isinstance(warehouse, str)
    return (
        note["format"] == _FORMAT
        and note["words"] == list(words)
        and note["python"] == sys.prefix
        and note["environment"] == _environment(names)
        and not any(os.path.lexists(path) for path in missing)
        and all(_file(path) == then for path, then in files.items())
        and all(_folder(path) == then for path, then in folders.items())
        and note["stamp"] == stamp_of(warehouse)
    )


def _file(path: str) -> list[int] | None:
    try:
        stat = os.stat(path)
    except OSError:
        return None
    return [stat.st_size, stat.st_mtime_ns, stat.st_ino]


def _folder(path: str) -> int | None:
    try:
        return os.stat(path).st_mtime_ns
    except OSError:
        return None


def _environment(names: Iterable[str]) -> str:
    """Fingerprint of these variables and of all that dbt reads."""
    every = sorted({*names, *(name for name in os.environ if name.startswith("DBT_"))})
    text = repr([(name, os.environ.get(name)) for name in every])
    return hashlib.blake2b(text.encode(errors="surrogateescape"), digest_size=16).hexdigest()


def note(project: "Project", words: Sequence[str], said: str, *, quiet: bool) -> bool:
    """Note that a build with these words has nothing to do.

    Args:
        project: as the build left it: nothing is open.

    Returns:
        Whether that can be noted. The results are to be written to :func:`results_folder`.
    """
    folder, watched = _project(words), project.watched()
    file = project.settings.profile.file if project.settings.profile else None
    if watched is None or file is None or folder is None:
        return False
    document = {
        "format": _FORMAT,
        "words": list(words),
        "python": sys.prefix,
        "said": said,
        "quiet": quiet,
        "output": str(project.settings.output_dir),
        "names": sorted(watched.environment),
        "environment": _environment(watched.environment),
        "missing": [p for p in sorted(watched.missing) if not os.path.lexists(p)],
        "files": {p: _file(p) for p in watched.files},
        "folders": {p: _folder(p) for p in watched.folders},
        "warehouse": str(file),
        "stamp": stamp_of(file),
    }
    if document["stamp"] is None:
        return False
    path = _path(folder, words)
    os.makedirs(f"{path}.results", exist_ok=True)
    write_whole(path, json.dumps(document).encode())
    return True


def results_folder(project: "Project", words: Sequence[str]) -> "Path":
    """Where the results of a build with these words are kept, which had nothing to do."""
    folder = _project(words) or str(project.settings.project_dir)
    return type(project.settings.project_dir)(f"{_path(folder, words)}.results")
