"""Put the settings together, from files and the environment."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from toolkit.errors import ArtifactError, SettingsError
from toolkit.settings.confidential import open_values, secret_environment, secret_values
from toolkit.settings.config import Config, find_config, read_config
from toolkit.settings.document import Document
from toolkit.settings.profiles import Output, find_profiles
from toolkit.settings.project import (
    PROJECT_FILE,
    env_option,
    find_project,
    missing_profile_name,
    profile_name_of,
    read_project,
)
from toolkit.settings.render import Renderer
from toolkit.settings.types import Engine, Settings


def load_settings(
    *,
    project_dir: Path | None = None,
    profiles_dir: Path | None = None,
    profile: str | None = None,
    target: str | None = None,
    vars: Mapping[str, Any] | None = None,
    target_path: Path | None = None,
    threads: int | None = None,
    engine: Engine = "auto",
    environ: Mapping[str, str] | None = None,
) -> Settings:
    """Settings of the dbt project that the caller stands in, for one target.

    Every argument is the option of the same name (``vars`` parsed). Where it is ``None``, dbt's
    environment variable, file or default counts, in dbt's order. ``environ`` is the process's
    by default.

    Raises:
        ProjectNotFoundError: no dbt_project.yml.
        SettingsError: a file or variable is wrong or missing; with file:line and key.
    """
    env = os.environ if environ is None else environ
    variables = dict(vars or {})
    renderer = Renderer(env, variables)
    folder = find_project(project_dir, env)
    project_file = Document(folder / PROJECT_FILE)
    name = profile or env_option(env, "PROFILE") or _profile_name(project_file, renderer)
    profiles = Document(find_profiles(profiles_dir, folder, env))
    wanted = target or env_option(env, "TARGET")
    output = Output(profiles, name, wanted, renderer, folder, threads)
    rendered = Renderer(env, variables, _target_variable(name, output), secrets=False)
    written = target_path or _path(env_option(env, "TARGET_PATH"))
    project = read_project(project_file, rendered, written)
    config = read_config(find_config(folder), output.target, renderer)
    _refuse_two_dbts(config, engine)
    return Settings(
        project_name=project.name,
        project_dir=folder,
        target=output.target,
        target_path=_below(folder, project.target_path),
        state_dir=folder / ".toolkit",
        profiles_dir=profiles.path.parent,
        profile_name=name,
        profile=output.profile,
        adapter=output.profile.type,
        targets=output.targets,
        threads=output.profile.threads,
        project_paths=project.folders,
        packages_path=_below(folder, project.packages_path),
        engine=engine,
        dbt_executable=config.dbt_executable,
        vars=variables,
        secrets=_secrets(env, config, output.profile.raw),
        **_of(config),
    )


def artifact_settings(
    *,
    manifest: Path,
    catalog: Path | None = None,
    connections: Sequence[Path] = (),
    target: str | None = None,
    vars: Mapping[str, Any] | None = None,
    target_path: Path | None = None,
    environ: Mapping[str, str] | None = None,
) -> Settings:
    """Settings for reading artifacts only: no dbt, no profile, no project folder needed.

    ``project_name`` and ``adapter`` are empty: the manifest's metadata says them. When the
    manifest lies in a dbt project, that project's toolkit.yml counts as well; ``connections``
    replaces what it says.

    Raises:
        ArtifactError: one of the files is not there.
        SettingsError: toolkit.yml is wrong.
    """
    env = os.environ if environ is None else environ
    for option, path in (
        ("--manifest", manifest),
        ("--catalog", catalog),
        *(("--connections", path) for path in connections),
    ):
        if path is not None and not path.exists():
            raise ArtifactError(
                f"{path} ({option}) is not there.",
                "Nothing was read.",
                "Run `dbt parse` or `dbt compile` to make the manifest."
                if option == "--manifest"
                else f"Correct the path, or leave {option} out.",
            )
    manifest = manifest.resolve()
    project = next((p for p in manifest.parents if (p / PROJECT_FILE).is_file()), None)
    output = target_path or _path(env_option(env, "TARGET_PATH"))
    written = _below(project or Path.cwd(), str(output)) if output else manifest.parent
    name = target or env_option(env, "TARGET") or ""
    variables = dict(vars or {})
    config = read_config(find_config(project) if project else None, name, Renderer(env, variables))
    return Settings(
        project_name="",
        project_dir=project or manifest.parent,
        target=name,
        target_path=written,
        state_dir=project / ".toolkit" if project else written / "toolkit",
        manifest=manifest,
        catalog=catalog.resolve() if catalog else None,
        vars=variables,
        secrets=_secrets(env, config, {}),
        **_of(config)
        | ({"connections": tuple(path.resolve() for path in connections)} if connections else {}),
    )


def _of(config: Config) -> dict[str, Any]:
    """What toolkit.yml says, by the names of :class:`Settings`."""
    return {
        "config_file": config.path,
        "connections": config.connections,
        "assets": config.assets,
        "asset_files": config.asset_files,
        "airbyte": config.airbyte,
        "destinations": config.destinations,
        "run": config.run,
        "rules": config.rules,
        "python": config.python,
        "profiling": config.profiling,
        "anomalies": config.anomalies,
    }


def _profile_name(project_file: Document, renderer: Renderer) -> str:
    name = profile_name_of(project_file, renderer)
    if not name:
        raise missing_profile_name(project_file)
    return name


def _refuse_two_dbts(config: Config, engine: Engine) -> None:
    if config.dbt_executable is not None and engine in ("gated", "runner"):
        raise SettingsError(
            f"--engine {engine} runs dbt inside the toolkit, and toolkit.yml names a "
            f"`dbt_executable` ({config.dbt_executable}).",
            "It is not clear which dbt is meant, so nothing was run.",
            "Leave out --engine, or remove `dbt_executable`.",
        )


def _secrets(
    environ: Mapping[str, str], config: Config, output: Mapping[str, Any]
) -> frozenset[str]:
    found = {*secret_values(output), *config.airbyte.secrets} | secret_environment(environ)
    return frozenset(value for value in found if value) - open_values(output)


def _target_variable(profile_name: str, output: Output) -> dict[str, Any]:
    """What ``target`` is in dbt_project.yml: the output, without its secrets."""
    profile = output.profile
    hidden = frozenset(secret_values(profile.raw))
    shown = {key: value for key, value in profile.raw.items() if str(value) not in hidden}
    return {
        **shown,
        "name": output.target,
        "target_name": output.target,
        "profile_name": profile_name,
        "type": profile.type,
        "threads": profile.threads,
        "database": profile.database,
        "schema": profile.schema,
    }


def _below(folder: Path, path: str) -> Path:
    """``path``, where relative to ``folder``; absolute, without ``..``."""
    if "\0" in path:
        raise SettingsError(
            f"{path!r} is no path: it has a NUL in it.",
            "Nothing was run.",
            "Correct it where it is set: --target-path, DBT_TARGET_PATH or dbt_project.yml.",
        )
    return Path(os.path.normpath(folder / path))


def _path(value: str | None) -> Path | None:
    return Path(value) if value else None
