"""toolkit.yml: strict, every message with the line and the nearest valid key."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from toolkit.errors import SettingsError
from toolkit.settings.assets import asset_entries
from toolkit.settings.document import Document, Keys, kind_of, nearest
from toolkit.settings.profiling import anomaly_rules, profile_settings
from toolkit.settings.render import Renderer
from toolkit.settings.rules import rules_settings
from toolkit.settings.running import run_settings
from toolkit.settings.shape import check_keys, mapping_at
from toolkit.settings.types import (
    AirbyteTarget,
    AnomalyRule,
    AssetFile,
    DestinationMap,
    ProfileSettings,
    PythonSettings,
    RulesSettings,
    RunSettings,
)

CONFIG_FILE = "toolkit.yml"
VERSION = 1

_KEYS = (
    "version", "connections", "assets", "airbyte", "destinations", "run", "rules", "profile",
    "anomalies", "python", "dbt_executable",
)  # fmt: skip
_AIRBYTE_KEYS = AirbyteTarget.__struct_fields__
_DESTINATION_KEYS = DestinationMap.__struct_fields__
_RUN = ("local", "remote")
_SECRET_KEYS = ("client_secret", "token", "password")
_CONNECTIONS = ("files", "server")
# The ways to sign in, each by the keys that it needs.
_SIGN_IN = (("client_id", "client_secret"), ("token",), ("username", "password"))


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """What toolkit.yml says for one target; the defaults are those of no file at all.

    Attributes:
        path: of the file.
        connections: Airbyte configuration files, and folders of them.
        assets: Python files, and folders of them, with ``@asset`` functions and the YAML that
            describes them.
        asset_files: notebooks and scripts that are assets themselves.
        airbyte: how each target reaches Airbyte.
        destinations: where a configured destination really lands.
        run: how many steps run at once, how long, how often they are tried again.
        rules: governance rules, for ``toolkit lint``.
        python: what Python assets may do.
        profiling: how tables are counted when they are made.
        anomalies: what counts as unusual of them.
        dbt_executable: dbt of another environment, which then parses, compiles and builds;
            without it, the dbt of toolkit's own environment. A path is relative to toolkit.yml.
    """

    path: Path | None = None
    connections: tuple[Path, ...] = ()
    assets: tuple[Path, ...] = ()
    asset_files: tuple[AssetFile, ...] = ()
    airbyte: AirbyteTarget = AirbyteTarget()
    destinations: Mapping[str, DestinationMap] = {}
    run: RunSettings = RunSettings()
    rules: RulesSettings = RulesSettings()
    python: PythonSettings = PythonSettings()
    profiling: ProfileSettings = ProfileSettings()
    anomalies: tuple[AnomalyRule, ...] = ()
    dbt_executable: str | None = None


def find_config(project_dir: Path) -> Path | None:
    """toolkit.yml beside dbt_project.yml, where there is one.

    Raises:
        SettingsError: it has the ending .yaml, and would be overlooked.
    """
    path = project_dir / CONFIG_FILE
    if path.exists():
        return path
    if (project_dir / "toolkit.yaml").exists():
        raise SettingsError(
            f"{project_dir / 'toolkit.yaml'} has the ending .yaml.",
            "Only toolkit.yml is read, so nothing was run.",
            "Rename it to toolkit.yml.",
        )
    return None


def read_config(path: Path | None, target: str, renderer: Renderer) -> Config:
    """Read toolkit.yml for one target.

    Other targets are checked for their keys, but not rendered: an environment variable that
    only production needs may be missing here.

    Raises:
        SettingsError: with file:line and key.
    """
    if path is None:
        return Config()
    document = Document(path, refuse_duplicates=True)
    data = document.mapping()
    check_keys(document, (), data, _KEYS)
    version = data.get("version")
    if version is None:
        raise document.error((), "has no `version`.", next_step="Add `version: 1` as first line.")
    if version != VERSION or isinstance(version, bool):
        raise document.error(
            ("version",),
            f"is {version!r}; this release reads version {VERSION}.",
            next_step=f"Write `version: {VERSION}`, or install a newer toolkit.",
        )
    assets, files = asset_entries(document, data.get("assets"), renderer)
    return Config(
        path=path,
        connections=_paths(document, "connections", data.get("connections"), renderer),
        assets=assets,
        asset_files=files,
        airbyte=_airbyte(document, data.get("airbyte"), target, renderer),
        destinations=_destinations(document, data.get("destinations"), renderer),
        run=run_settings(document, data.get("run"), renderer),
        rules=rules_settings(document, data.get("rules"), renderer),
        python=_python(document, data.get("python")),
        profiling=profile_settings(document, data.get("profile"), renderer),
        anomalies=anomaly_rules(document, data.get("anomalies"), renderer),
        dbt_executable=_executable(document, data.get("dbt_executable"), renderer),
    )


def _paths(document: Document, key: str, value: object, renderer: Renderer) -> tuple[Path, ...]:
    """A list of files and folders, relative to toolkit.yml."""
    if value is None:
        return ()
    if not isinstance(value, list):
        raise document.error(
            (key,),
            f"must be a list of files and folders, not {kind_of(value)}.",
            next_step=f"Write `{key}: [{value if isinstance(value, str) else 'path'}]`.",
        )
    found = []
    for index, entry in enumerate(value):
        place: Keys = (key, index)
        rendered = renderer.tree(document, place, entry)
        if not isinstance(rendered, str) or not rendered:
            found_kind = "empty" if rendered == "" else kind_of(rendered)
            raise document.error(place, f"must be a path, not {found_kind}.")
        path = document.path.parent / rendered
        if not _exists(path):
            raise document.error(
                place,
                f"is {rendered!r}, which is not there (paths are relative to toolkit.yml).",
                next_step=f"Correct the path, or remove it from `{key}`.",
            )
        found.append(path.resolve())
    return tuple(dict.fromkeys(found))


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # too long a name, a NUL in it
        return False


def _python(document: Document, value: object) -> PythonSettings:
    fields = mapping_at(document, ("python",), value)
    check_keys(document, ("python",), fields, PythonSettings.__struct_fields__)
    allowed = fields.get("allow_pickle", False)
    if not isinstance(allowed, bool):
        raise document.error(
            ("python", "allow_pickle"), f"must be true or false, not {kind_of(allowed)}."
        )
    return PythonSettings(allow_pickle=allowed)


def _executable(document: Document, value: object, renderer: Renderer) -> str | None:
    """A name on PATH as it is; a path, relative to toolkit.yml, absolute."""
    if value is None:
        return None
    rendered = renderer.tree(document, ("dbt_executable",), value)
    if not isinstance(rendered, str) or not rendered:
        raise document.error(("dbt_executable",), f"must be a path, not {kind_of(rendered)}.")
    if "/" not in rendered:
        return rendered
    return str(document.path.parent / Path(rendered).expanduser())


def _airbyte(document: Document, value: object, target: str, renderer: Renderer) -> AirbyteTarget:
    chosen = AirbyteTarget()
    for name, raw in mapping_at(document, ("airbyte",), value).items():
        keys: Keys = ("airbyte", str(name))
        fields = mapping_at(document, keys, raw)
        check_keys(document, keys, fields, _AIRBYTE_KEYS)
        for key in _SECRET_KEYS:
            if fields.get(key) is not None and "{{" not in str(fields[key]):
                raise document.error(
                    (*keys, key),
                    "is written out in toolkit.yml.",
                    "Secrets come from the environment only, so that none is ever committed.",
                    f"Write: {key}: \"{{{{ env_var('DBT_ENV_SECRET_AIRBYTE') }}}}\".",
                )
        active = str(name) == target
        rendered = renderer.mapping(document, keys, fields) if active else fields
        made: dict[str, Any] = dict(_texts(document, keys, _plain(rendered)))
        run = made.get("run", "local")
        if run not in _RUN and (active or "{{" not in run):
            raise document.error(
                (*keys, "run"),
                f"is {run!r}; it must be local or remote. {nearest(run, _RUN)}".rstrip(),
            )
        read = made.get("connections", "files")
        if read not in _CONNECTIONS and (active or "{{" not in read):
            raise document.error(
                (*keys, "connections"),
                f"is {read!r}; it must be files or server. {nearest(read, _CONNECTIONS)}".rstrip(),
            )
        made |= _workspaces(document, keys, rendered) | _timeout(document, keys, rendered)
        if active:
            _check_sign_in(document, keys, made)
            chosen = msgspec.convert(made, AirbyteTarget)
    return chosen


def _plain(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a target that are text."""
    return {key: value for key, value in fields.items() if key not in ("workspaces", "timeout")}


def _workspaces(document: Document, keys: Keys, fields: Mapping[str, Any]) -> dict[str, Any]:
    value = fields.get("workspaces")
    if value is None:
        return {}
    entries = [value] if isinstance(value, str) else value
    if not isinstance(entries, list) or not all(isinstance(e, str) and e for e in entries):
        raise document.error((*keys, "workspaces"), "must be a list of workspace ids.")
    return {"workspaces": tuple(entries)}


def _timeout(document: Document, keys: Keys, fields: Mapping[str, Any]) -> dict[str, Any]:
    value = fields.get("timeout")
    if value is None or (isinstance(value, str) and "{{" in value):
        return {}
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e9:
        raise document.error((*keys, "timeout"), "must be a number of seconds, above 0.")
    return {"timeout": float(value)}


def _check_sign_in(document: Document, keys: Keys, made: Mapping[str, Any]) -> None:
    """One way to sign in, and all of it."""
    begun = [way for way in _SIGN_IN if any(made.get(key) for key in way)]
    if len(begun) > 1:
        raise document.error(
            keys,
            f"signs in in more than one way: {' and '.join(', '.join(way) for way in begun)}.",
            next_step="Keep one of them.",
        )
    for key in begun[0] if begun else ():
        if not made.get(key):
            has = next(other for other in begun[0] if made.get(other))
            raise document.error(keys, f"has `{has}` but no `{key}`.", next_step=f"Add `{key}`.")


def _destinations(
    document: Document, value: object, renderer: Renderer
) -> dict[str, DestinationMap]:
    found = {}
    for name, raw in mapping_at(document, ("destinations",), value).items():
        keys: Keys = ("destinations", str(name))
        fields = mapping_at(document, keys, raw)
        check_keys(document, keys, fields, _DESTINATION_KEYS)
        rendered = _texts(document, keys, renderer.mapping(document, keys, fields))
        found[str(name)] = DestinationMap(**rendered)
    return found


def _texts(document: Document, keys: Keys, fields: Mapping[str, Any]) -> dict[str, str]:
    """Fields that must be text; those without a value are left out."""
    for key, value in fields.items():
        if value is not None and not isinstance(value, str):
            raise document.error((*keys, key), f"must be text, not {kind_of(value)}.")
    return {key: value for key, value in fields.items() if value is not None}
