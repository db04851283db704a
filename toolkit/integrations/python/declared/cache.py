"""What the user's files declared, remembered, so that listing it does not import them.

Importing a file of assets imports pandas and the like, which costs more than everything
else that ``toolkit ls`` does. What files declare is taken to depend on nothing but the
Python files in the folders of ``assets:``, on what the other tools gave (names and
relations), on the target, on which packages are installed, and on the files that counted for
a code version besides. A build imports them all the same and compares.
"""

import contextlib
import hashlib
import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path

import msgspec

from toolkit.files import write_whole
from toolkit.graph import Asset
from toolkit.integrations.base import Loaded, Watched
from toolkit.integrations.python.code import libraries
from toolkit.integrations.python.registry import Stamp, stamp
from toolkit.settings import Settings


class _Kept(msgspec.Struct):
    inputs: str
    watched: dict[str, Stamp]
    loaded: Loaded


def kept(settings: Settings, known: Mapping[str, Asset]) -> Loaded | None:
    """What was declared when nothing was different; ``None`` where that is not known."""
    try:
        found = msgspec.msgpack.decode(_path(settings).read_bytes(), type=_Kept)
    except (OSError, msgspec.MsgspecError):
        return None
    if any(stamp(Path(file)) != then for file, then in found.watched.items()):
        return None
    return found.loaded if found.inputs == _inputs(settings, known) else None


def keep(
    settings: Settings,
    known: Mapping[str, Asset],
    loaded: Loaded,
    watched: Mapping[str, Stamp],
) -> None:
    """Remember ``loaded``; where it cannot be written, the next call imports again."""
    try:
        data = msgspec.msgpack.encode(_Kept(_inputs(settings, known), dict(watched), loaded))
    except (TypeError, ValueError):  # a value in `meta` that only Python knows
        return
    with contextlib.suppress(OSError):
        write_whole(_path(settings), data)


def watched(settings: Settings) -> Watched | None:
    """On which files it depends what is declared; ``None`` where nothing is kept."""
    if not settings.assets and not settings.asset_files:
        return Watched()
    try:
        found = msgspec.msgpack.decode(_path(settings).read_bytes(), type=_Kept)
    except (OSError, msgspec.MsgspecError):
        return None
    files = {*found.watched, str(_path(settings))}
    files |= {str(entry.path) for entry in settings.asset_files}
    folders: set[str] = set()
    for entry in settings.assets:
        below = entry if entry.is_dir() else entry.parent
        files |= {str(path) for path in _files(entry)}
        inner = (path for path in below.rglob("*/") if path.name != "__pycache__")
        folders |= {str(below), *map(str, inner)}
    folders |= libraries.folders()  # what is installed counts as code
    models = settings.state_dir / "models"
    folders |= {str(models), *(str(path) for path in models.rglob("*/"))}
    return Watched(files=files, folders=folders)


def _path(settings: Settings) -> Path:
    return settings.state_dir / "python" / f"declared-{settings.target}.msgpack"


def _inputs(settings: Settings, known: Mapping[str, Asset]) -> str:
    profile = settings.profile
    facts = (
        version("toolkit"),
        sys.version,
        libraries.installed(),
        settings.target,
        settings.targets,
        sorted(settings.run.pools),
        (profile.type, profile.database, profile.schema) if profile else None,
        [(str(path), *stamp(path)) for entry in settings.assets for path in _files(entry)],
        [(repr(entry), *stamp(entry.path)) for entry in settings.asset_files],
        [
            (a.key, a.name, a.kind, a.source_name, a.version, a.latest_version, str(a.relation))
            for a in known.values()
        ],
    )
    return hashlib.blake2b(repr(facts).encode(), digest_size=16).hexdigest()


def _files(entry: Path) -> Iterator[Path]:
    if entry.is_file():
        yield entry
        entry = entry.parent  # its neighbours are what it can import
    for pattern in ("*.py", "*.yml", "*.yaml"):
        yield from sorted(entry.rglob(pattern))
