"""A profiles.yml that sends dbt to the staging copy, and is the user's in all else."""

from pathlib import Path
from typing import Any

import msgspec
import yaml

from toolkit.files import write_whole
from toolkit.settings import Settings
from toolkit.settings.document import Document


def staged_settings(settings: Settings, file: Path) -> Settings:
    """``settings`` whose DuckDB file is ``file``, for us and for dbt.

    Of the user's profiles.yml the one output is taken that is used, as it is written: dbt
    renders it as ever, so a value of the environment never gets into the copy. Only the path
    is another one.
    """
    assert settings.profile is not None
    folder = settings.state_dir / "publish" / "profiles"
    if settings.profiles_dir is not None:
        _write(folder, _rewritten(settings, file))
    raw = {**settings.profile.raw, "path": str(file)}
    profile = msgspec.structs.replace(settings.profile, path=str(file), raw=raw)
    return msgspec.structs.replace(settings, profile=profile, staged_profiles_dir=folder)


def _rewritten(settings: Settings, file: Path) -> dict[str, Any]:
    assert settings.profiles_dir is not None
    name, target = settings.profile_name, settings.target
    profiles = Document(settings.profiles_dir / "profiles.yml").mapping()
    [output] = [value for key, value in profiles[name]["outputs"].items() if str(key) == target]
    one = {"target": target, "outputs": {target: {**output, "path": _literal(str(file))}}}
    return {key: value for key, value in profiles.items() if key == "config"} | {str(name): one}


def _literal(path: str) -> str:
    """For dbt, which renders it once more."""
    return f"{{% raw %}}{path}{{% endraw %}}" if "{" in path else path


def _write(folder: Path, content: dict[str, Any]) -> None:
    """Only where it is another one: dbt's readers look at the time of the file."""
    text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=1000)
    path = folder / "profiles.yml"
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return
    # what the user wrote in plain text is nobody else's to read here either
    write_whole(path, text.encode(), mode=0o600)
