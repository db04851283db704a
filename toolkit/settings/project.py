"""Where the dbt project is, and what dbt_project.yml says of it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from toolkit.errors import ProjectNotFoundError, SettingsError
from toolkit.settings.document import Document, kind_of, shown_path
from toolkit.settings.render import Renderer

PROJECT_FILE = "dbt_project.yml"

# dbt's folders of sources with their defaults (dbt/config/project.py); 1.x still reads the old
# names of two of them.
_FOLDERS: Mapping[str, tuple[str, ...]] = {
    "model-paths": ("models",),
    "seed-paths": ("seeds",),
    "snapshot-paths": ("snapshots",),
    "test-paths": ("tests",),
    "macro-paths": ("macros",),
    "analysis-paths": ("analyses",),
    "function-paths": ("functions",),
}
_OLD_NAMES = {"model-paths": "source-paths", "seed-paths": "data-paths"}


class ProjectFile(msgspec.Struct, frozen=True, kw_only=True):
    """What we need of dbt_project.yml, rendered."""

    name: str
    target_path: str
    packages_path: str
    folders: tuple[str, ...]


def env_option(environ: Mapping[str, str], name: str) -> str | None:
    """dbt's environment variable for an option: ``DBT_ENGINE_<name>``, else ``DBT_<name>``.

    An empty one counts as not set, as in dbt.
    """
    return environ.get(f"DBT_ENGINE_{name}") or environ.get(f"DBT_{name}") or None


def find_project(project_dir: Path | None, environ: Mapping[str, str]) -> Path:
    """The project folder, absolute and without symbolic links.

    As in dbt: ``--project-dir``, else ``DBT_PROJECT_DIR``, else the working folder or the
    nearest of its parents that holds dbt_project.yml.

    Raises:
        ProjectNotFoundError: there is none.
    """
    given: tuple[str, Path] | None = None
    variable = env_option(environ, "PROJECT_DIR")
    if project_dir is not None:
        given = ("--project-dir", project_dir)
    elif variable:
        given = ("DBT_PROJECT_DIR", Path(variable))
    if given is not None:
        option, folder = given
        if not (folder / PROJECT_FILE).exists():
            there = "holds no dbt_project.yml" if folder.is_dir() else "is not there"
            raise ProjectNotFoundError(
                f"The folder {folder} ({option}) {there}.",
                "Without a dbt project there is nothing to do.",
                f"Give the folder that holds dbt_project.yml{_hint(folder)}.",
            )
        return folder.resolve()
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / PROJECT_FILE).exists():
            return folder.resolve()
    raise ProjectNotFoundError(
        f"There is no dbt_project.yml in {here} or above it.",
        "Without a dbt project there is nothing to do.",
        f"Go to the dbt project, or give its folder{_hint(here)}.",
    )


def read_project(document: Document, renderer: Renderer, target_path: Path | None) -> ProjectFile:
    """Read the keys that we need from dbt_project.yml.

    Args:
        document: dbt_project.yml.
        renderer: for dbt_project.yml, with ``target``.
        target_path: ``--target-path`` or ``DBT_TARGET_PATH``.

    Raises:
        SettingsError: a key is missing or of the wrong type.
    """
    data = document.mapping()
    name = _text(document, renderer, data, "name")
    if name is None:
        raise document.error(
            (), "has no `name`.", next_step="Add `name: <project>` to it, as dbt asks for."
        )
    folders: dict[str, None] = {}
    for key, default in _FOLDERS.items():
        for folder in _texts(document, renderer, data, key) or default:
            folders[folder.rstrip("/") or folder] = None
    configured = _text(document, renderer, data, "target-path")
    return ProjectFile(
        name=name,
        target_path=str(target_path) if target_path is not None else configured or "target",
        packages_path=_text(document, renderer, data, "packages-install-path") or "dbt_packages",
        folders=tuple(folders),
    )


def profile_name_of(document: Document, renderer: Renderer) -> str | None:
    """The rendered ``profile`` of dbt_project.yml.

    Raises:
        SettingsError: it is not text.
    """
    return _text(document, renderer, document.mapping(), "profile")


def missing_profile_name(document: Document) -> SettingsError:
    """The error for a project that names no profile."""
    return SettingsError(
        f"{document.shown} names no profile.",
        "Without a profile the warehouse is not known, so nothing was run.",
        "Add `profile: <name in profiles.yml>` to it, or set DBT_PROFILE.",
    )


def _text(document: Document, renderer: Renderer, data: dict[Any, Any], key: str) -> str | None:
    value = renderer.tree(document, (key,), data.get(key))
    if value is None or isinstance(value, str):
        return value
    raise document.error((key,), f"must be text, not {kind_of(value)}.")


def _texts(
    document: Document, renderer: Renderer, data: dict[Any, Any], key: str
) -> tuple[str, ...] | None:
    if key not in data and key in _OLD_NAMES:
        key = _OLD_NAMES[key]
    value = renderer.tree(document, (key,), data.get(key))
    if value is None:
        return None
    if isinstance(value, list) and all(isinstance(entry, str) for entry in value):
        return tuple(value)
    raise document.error((key,), f"must be a list of folders, not {kind_of(value)}.")


def _hint(folder: Path) -> str:
    """``: toolkit ... --project-dir x`` when exactly one subfolder is a dbt project."""
    try:
        found = [path.parent for path in sorted(folder.glob(f"*/{PROJECT_FILE}"))]
    except OSError:
        found = []
    if len(found) == 1:
        return f": --project-dir {shown_path(found[0])}"
    return " with --project-dir DIR"
