"""``assets:`` of toolkit.yml: Python files and folders, and notebooks and scripts with options."""

from pathlib import Path

from toolkit.settings.document import Document, Keys, kind_of
from toolkit.settings.render import Renderer
from toolkit.settings.shape import check_keys
from toolkit.settings.types import AssetFile

# `path`, and what @asset takes besides what only a function has.
_KEYS = (
    "path", "name", "deps", "schema", "database", "owner", "tags", "group", "description",
    "columns", "access", "meta", "config", "targets", "enabled", "isolate", "requirements",
    "volatile", "timeout", "retries", "retry_wait", "pool",
)  # fmt: skip
ENDINGS = (".ipynb", ".py")


def asset_entries(
    document: Document, value: object, renderer: Renderer
) -> tuple[tuple[Path, ...], tuple[AssetFile, ...]]:
    """Files and folders with functions, and files that are assets themselves.

    Raises:
        SettingsError: with file:line and key.
    """
    if value is None:
        return (), ()
    if not isinstance(value, list):
        raise document.error(
            ("assets",),
            f"must be a list of files and folders, not {kind_of(value)}.",
            next_step=f"Write `assets: [{value if isinstance(value, str) else 'path'}]`.",
        )
    paths: list[Path] = []
    files: list[AssetFile] = []
    for index, entry in enumerate(value):
        place: Keys = ("assets", index)
        rendered = renderer.tree(document, place, entry)
        if isinstance(rendered, dict):
            check_keys(document, place, rendered, _KEYS)
            files.append(_file(document, place, rendered))
        else:
            path = _path(document, place, rendered)
            if path.suffix == ".ipynb":
                files.append(AssetFile(where=_where(document, place), path=path))
            else:
                paths.append(path)
    return tuple(dict.fromkeys(paths)), tuple(files)


def _file(document: Document, place: Keys, entry: dict[str, object]) -> AssetFile:
    if "path" not in entry:
        raise document.error(
            place, "has no `path`.", next_step="Name the notebook or script: `path: report.ipynb`."
        )
    path = _path(document, (*place, "path"), entry["path"])
    if path.suffix not in ENDINGS or not path.is_file():
        raise document.error(
            (*place, "path"),
            "is neither a notebook (.ipynb) nor a script (.py).",
            next_step="Options are for such a file; name a folder without any: `- ml`.",
        )
    options = {key: value for key, value in entry.items() if key != "path"}
    return AssetFile(where=_where(document, place), path=path, options=options)


def _where(document: Document, place: Keys) -> str:
    line = document.line(place)
    return f"{document.path.name}:{line}" if line else document.path.name


def _path(document: Document, place: Keys, value: object) -> Path:
    if not isinstance(value, str) or not value:
        raise document.error(
            place, f"must be a path, not {'empty' if value == '' else kind_of(value)}."
        )
    path = document.path.parent / value
    try:
        there = path.exists()
    except (OSError, ValueError):  # too long a name, a NUL in it
        there = False
    if not there:
        raise document.error(
            place,
            f"is {value!r}, which is not there (paths are relative to toolkit.yml).",
            next_step="Correct the path, or remove it from `assets`.",
        )
    return path.resolve()
