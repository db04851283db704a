"""``toolkit init``: a commented toolkit.yml for the dbt repository that it stands in."""

import os
from pathlib import Path
from typing import NamedTuple

import click

from toolkit.cli.commands.init_discover import Found, find_in_repository
from toolkit.cli.options import project_options
from toolkit.errors import SettingsError, UsageError

_REMOTE = (
    '{{run: remote, url: "https://...", client_id: "{{{{ env_var(\'AIRBYTE_CLIENT_ID\') }}}}", '
    "client_secret: \"{{{{ env_var('DBT_ENV_SECRET_AIRBYTE') }}}}\"}}"
).format()


class Targets(NamedTuple):
    """The profile's targets with their adapters; ``problem`` when they could not be read."""

    adapters: dict[str, str]
    problem: str = ""


@click.command("init")
@project_options
@click.option("--force", is_flag=True, help="Overwrite an existing toolkit.yml.")
def init(
    project_dir: Path | None,
    profiles_dir: Path | None,
    profile: str | None,
    force: bool,
    **_: object,
) -> None:
    """Write a commented toolkit.yml for the dbt project that you stand in.

    Looks through the repository for Airbyte configurations and Python assets, and through the
    profile for targets. An existing file is kept unless you say --force.
    """
    from toolkit.settings.config import CONFIG_FILE
    from toolkit.settings.document import shown_path
    from toolkit.settings.project import find_project

    folder = find_project(project_dir, os.environ)
    path = folder / CONFIG_FILE
    if path.exists() and not force:
        raise UsageError(
            f"{shown_path(path)} is there already.",
            "It was left as it is.",
            "Edit it, or write a new one with: toolkit init --force",
        )
    found = find_in_repository(folder)
    targets = _targets(folder, profiles_dir, profile)
    path.write_text(compose(folder, found, targets.adapters), encoding="utf-8")
    for line in _summary(folder, found, targets):
        click.echo(line, err=True)
    click.echo(f"Wrote {shown_path(path)}. Next: toolkit debug", err=True)


def compose(folder: Path, found: Found, targets: dict[str, str]) -> str:
    """The text of toolkit.yml.

    Args:
        folder: of dbt_project.yml; paths are written relative to it.
        found: in the repository.
        targets: of the profile, with their adapters.
    """
    lines = [
        "# What toolkit adds to dbt: where the Airbyte connections and the Python assets are.",
        "# Every key but `version` is optional. Values may use {{ env_var('NAME', 'default') }};",
        "# secrets come from the environment only. Paths are relative to this file.",
        "version: 1",
        "",
        "# Airbyte configurations: files or folders.",
        *_list("connections", _relative(found.connections, folder), "../connectors"),
        "",
        "# Python files or folders with @asset functions.",
        *_list("assets", _relative(found.assets, folder), "ml"),
        "",
        "# How each target reaches Airbyte. local: connectors run here as processes and land in",
        "# the target's DuckDB. remote: syncs are started on an Airbyte server.",
        *_airbyte(targets, bool(found.connections)),
        "",
        "# Where a configured destination really lands, when its configuration does not say so.",
        "# destinations:",
        "#   warehouse: {database: shop, schema: raw}",
    ]
    return "\n".join(lines) + "\n"


def _list(key: str, values: list[str], example: str) -> list[str]:
    if not values:
        return [f"# {key}: [{example}]"]
    return [f"{key}:", *(f"  - {_quoted(value)}" for value in values)]


def _airbyte(targets: dict[str, str], needed: bool) -> list[str]:
    """One line a target; only what is sure to load stands without a ``#``."""
    lines = []
    for name, adapter in (targets or {"dev": "duckdb"}).items():
        if adapter == "duckdb":
            lines.append((not needed, f"  {_quoted(name)}: {{run: local}}"))
        else:
            lines.append((True, f"  {_quoted(name)}: {_REMOTE}"))
    head = "airbyte:" if any(not commented for commented, _ in lines) else "# airbyte:"
    return [head, *(f"# {line}" if commented else line for commented, line in lines)]


def _quoted(text: str) -> str:
    """``text`` as a YAML scalar: plain where that is surely read back as it is."""
    import re

    import yaml

    plain = re.fullmatch(r"[\w./][\w./ -]*", text) and yaml.safe_load(text) == text
    return text if plain else '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _relative(paths: tuple[Path, ...], folder: Path) -> list[str]:
    return [Path(os.path.relpath(path, folder)).as_posix() for path in paths]


def _targets(folder: Path, profiles_dir: Path | None, profile: str | None) -> Targets:
    from toolkit.settings.document import Document
    from toolkit.settings.profiles import find_profiles, targets_of
    from toolkit.settings.project import PROJECT_FILE, env_option, profile_name_of
    from toolkit.settings.render import Renderer

    document = Document(folder / PROJECT_FILE)
    renderer = Renderer(os.environ, {})
    try:
        name = profile or env_option(os.environ, "PROFILE") or profile_name_of(document, renderer)
        if not name:
            return Targets({}, f"{document.shown} names no profile")
        profiles = Document(find_profiles(profiles_dir, folder, os.environ))
        return Targets(targets_of(profiles, name, folder))
    except SettingsError as error:
        return Targets({}, error.fact)


def _summary(folder: Path, found: Found, targets: Targets) -> list[str]:
    """What was found, a line a kind."""

    def named(paths: tuple[Path, ...]) -> str:
        return ", ".join(_relative(paths, folder)) or "none found"

    adapters = ", ".join(f"{name} ({adapter})" for name, adapter in targets.adapters.items())
    lines = [
        f"Airbyte configurations: {named(found.connections)}",
        f"Python assets: {named(found.assets)}",
        f"Targets: {adapters or 'not known: ' + (targets.problem or 'the profile has none')}",
    ]
    if found.cut_off:
        lines.append("The repository is big; not all of its files were looked at.")
    return lines
