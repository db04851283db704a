"""The variables that dbt_project.yml files give, by name."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from toolkit.settings import Settings


def project_variables(settings: Settings) -> Mapping[str, list[Any]]:
    """All values that each name has anywhere below ``vars:``, of the project and its packages.

    A name may have another value in each package; whoever uses it is taken to depend on all.
    What cannot be read here dbt refuses itself.
    """
    found: dict[str, list[Any]] = {}
    packages = settings.packages_path
    folders = [settings.project_dir]
    if packages is not None and packages.is_dir():
        folders += sorted(path for path in packages.iterdir() if path.is_dir())
    for folder in folders:
        for name in ("dbt_project.yml", "vars.yml"):
            for key, value in _pairs(_variables(folder / name)):
                found.setdefault(key, []).append(value)
    return found


def _variables(path: Path) -> object:
    try:
        text = path.read_text()
        data = yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return None
    return data.get("vars") if isinstance(data, dict) else None


def _pairs(value: object) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield str(key), inner
            yield from _pairs(inner)
