"""profiles.yml -> the one output that dbt would use, rendered."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from toolkit.errors import SettingsError
from toolkit.settings.document import Document, Keys, kind_of, nearest, shown_path
from toolkit.settings.project import env_option
from toolkit.settings.render import Renderer
from toolkit.settings.types import Profile

PROFILES_FILE = "profiles.yml"

# What adapters call the two parts of a relation's address (`_ALIASES` of their credentials).
_DATABASE_KEYS = ("database", "dbname", "catalog", "project")
_SCHEMA_KEYS = ("schema", "dataset")
# Where an adapter has a default of its own.
_DEFAULT_DATABASE = {"databricks": "hive_metastore", "athena": "awsdatacatalog"}
# These have schemas only, whatever a profile says.
_WITHOUT_DATABASE = frozenset({"spark", "hive", "mysql", "mariadb", "clickhouse", "teradata"})

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")
_MOTHERDUCK = frozenset({"md", "motherduck"})


def find_profiles(profiles_dir: Path | None, project_dir: Path, environ: Mapping[str, str]) -> Path:
    """profiles.yml, absolute; searched as dbt searches it.

    ``--profiles-dir``, else ``DBT_PROFILES_DIR``, else the working folder when it holds the
    file, else ``~/.dbt``. Where dbt would give up, the project folder is tried too.

    Raises:
        SettingsError: with every place that was looked in.
    """
    variable = env_option(environ, "PROFILES_DIR")
    home = Path(environ.get("HOME") or Path.home())
    if profiles_dir is not None:
        places = [profiles_dir]
    elif variable:
        places = [Path(variable)]
    else:
        places = [Path.cwd(), home / ".dbt", project_dir]
    for place in places:
        if (place / PROFILES_FILE).exists():
            return place.resolve() / PROFILES_FILE
    looked = ", ".join(dict.fromkeys(str(place) for place in places))
    raise SettingsError(
        f"There is no profiles.yml (looked in {looked}).",
        "Without it the warehouse is not known, so nothing was run.",
        "Give its folder with --profiles-dir DIR or DBT_PROFILES_DIR, or create it "
        f"as {project_dir / PROFILES_FILE}.",
    )


class Output:
    """The chosen profile and target, rendered.

    Attributes:
        target: name of the target.
        targets: names of all targets of the profile.
        profile: the output as the other rooms need it.
    """

    def __init__(
        self,
        document: Document,
        name: str,
        target: str | None,
        renderer: Renderer,
        project_dir: Path,
        threads: int | None,
    ) -> None:
        raw = _profile(document, name, project_dir)
        outputs = _mapping(document, (name, "outputs"), raw.get("outputs"))
        self.targets = tuple(str(key) for key in outputs)
        self.target = target or _default_target(document, name, raw, renderer)
        if self.target not in self.targets:
            raise _unknown_target(document, name, self.target, self.targets)
        keys = (name, "outputs", self.target)
        chosen = next(value for key, value in outputs.items() if str(key) == self.target)
        rendered = renderer.mapping(document, keys, _mapping(document, keys, chosen))
        self.profile = _to_profile(document, keys, rendered, project_dir, threads)


def targets_of(document: Document, name: str, project_dir: Path) -> dict[str, str]:
    """Each target of a profile with its adapter, without rendering anything.

    Raises:
        SettingsError: there is no such profile.
    """
    raw = _profile(document, name, project_dir)
    outputs = _mapping(document, (name, "outputs"), raw.get("outputs"))
    return {
        str(key): str(output.get("type", "")) if isinstance(output, dict) else ""
        for key, output in outputs.items()
    }


def database_name(path: str) -> str:
    """The name that dbt-duckdb gives the database at ``path``; empty when it has none."""
    if path == ":memory:":
        return "memory"
    from urllib.parse import urlparse

    parsed = urlparse(path)
    file = os.path.basename(parsed.path)
    if parsed.scheme in _MOTHERDUCK:
        return os.path.splitext(file)[0] or "my_db"
    if parsed.scheme.lower() == "ducklake":
        return urlparse(os.path.splitext(file)[0]).path
    return file.lstrip(".").split(".")[0]


def _profile(document: Document, name: str, project_dir: Path) -> dict[Any, Any]:
    profiles = document.mapping()
    if name not in profiles:
        known = [str(key) for key in profiles if key != "config"]
        beside = project_dir / PROFILES_FILE
        hint = nearest(name, known)
        if beside.is_file() and beside != document.path:
            hint = f"The project has a profiles.yml too: --profiles-dir {shown_path(project_dir)}"
        raise SettingsError(
            f"{document.shown} has no profile {name!r}; it has "
            + (", ".join(sorted(known)) or "none")
            + ".",
            "Without it the warehouse is not known, so nothing was run.",
            hint or f"Add {name!r} to it, or name another one as `profile` in dbt_project.yml.",
        )
    return _mapping(document, (name,), profiles[name])


def _default_target(
    document: Document, name: str, raw: Mapping[Any, Any], renderer: Renderer
) -> str:
    if "target" not in raw:
        return "default"
    return str(renderer.tree(document, (name, "target"), raw["target"]))


def _unknown_target(
    document: Document, name: str, target: str, targets: tuple[str, ...]
) -> SettingsError:
    return document.error(
        (name, "outputs"),
        f"has no target {target!r}; it has {', '.join(targets) or 'none'}.",
        next_step=nearest(target, targets) or "Choose one with --target, or set DBT_TARGET.",
    )


def _mapping(document: Document, keys: Keys, value: object) -> dict[Any, Any]:
    if not isinstance(value, dict):
        raise document.error(keys, f"must be a mapping, not {kind_of(value)}.")
    return value


def _to_profile(
    document: Document,
    keys: Keys,
    raw: dict[Any, Any],
    project_dir: Path,
    threads: int | None,
) -> Profile:
    adapter = raw.get("type")
    if not isinstance(adapter, str) or not adapter:
        raise document.error(keys, "has no `type` (the adapter's name).")
    used_threads = threads if threads is not None else raw.get("threads", 1)
    if not isinstance(used_threads, int) or isinstance(used_threads, bool) or used_threads < 1:
        raise document.error(
            (*keys, "threads"),
            f"must be a whole number above 0, not {used_threads!r}.",
            next_step="Write a number, or for a variable: \"{{ env_var('N', '4') | int }}\".",
        )
    if adapter == "duckdb":
        return _duckdb(document, keys, raw, project_dir, used_threads)
    database = _first(document, keys, raw, _DATABASE_KEYS) or _DEFAULT_DATABASE.get(adapter)
    return Profile(
        type=adapter,
        database=None if adapter in _WITHOUT_DATABASE else database,
        schema=_first(document, keys, raw, _SCHEMA_KEYS),
        threads=used_threads,
        raw=raw,
    )


def _duckdb(
    document: Document, keys: Keys, raw: dict[Any, Any], project_dir: Path, threads: int
) -> Profile:
    path = _first(document, keys, raw, ("path",)) or ":memory:"
    name = database_name(path)
    if not name:
        raise document.error((*keys, "path"), f"{path!r} names no database file.")
    settings = dict(_optional_mapping(document, (*keys, "settings"), raw.get("settings")))
    if raw.get("motherduck_token"):
        settings["motherduck_token"] = raw["motherduck_token"]
    return Profile(
        type="duckdb",
        database=_first(document, keys, raw, ("database",)) or name,
        schema=_first(document, keys, raw, ("schema",)) or "main",
        threads=threads,
        path=_absolute(path, project_dir),
        config_options=_optional_mapping(
            document, (*keys, "config_options"), raw.get("config_options")
        ),
        settings=settings,
        raw=raw,
    )


def _absolute(path: str, project_dir: Path) -> str:
    """A DuckDB path as DuckDB sees it from a dbt that is run in the project folder.

    dbt does not go there by itself: run from elsewhere, it builds elsewhere. We always run it in
    the project folder, so that one project has one file.
    """
    if path == ":memory:" or (_URL.match(path) and not Path(path).is_absolute()):
        return path
    return os.path.normpath(project_dir / Path(path).expanduser())


def _optional_mapping(document: Document, keys: Keys, value: object) -> dict[Any, Any]:
    return {} if value is None else _mapping(document, keys, value)


def _first(
    document: Document, keys: Keys, raw: Mapping[Any, Any], names: tuple[str, ...]
) -> str | None:
    """The first of ``names`` that has a value, as text."""
    for name in names:
        value = raw.get(name)
        if value is None or value == "":
            continue
        if isinstance(value, str | int | float) and not isinstance(value, bool):
            return str(value)
        raise document.error((*keys, name), f"must be text, not {kind_of(value)}.")
    return None
