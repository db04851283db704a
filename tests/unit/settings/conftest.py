"""A dbt project in a temporary folder, to be changed by each test."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

PROJECT = "name: shop\nprofile: shop\n"
PROFILES = "shop:\n  target: dev\n  outputs:\n    dev: {type: duckdb, path: shop.duckdb}\n"

Write = Callable[[Mapping[str, str]], Path]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home folder of its own."""
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture
def env(home: Path) -> dict[str, str]:
    """An environment with nothing of this machine in it."""
    return {"HOME": str(home)}


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Writes files into the project folder (the working folder) and gives that folder."""
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)

    def files(texts: Mapping[str, str]) -> Path:
        for name, text in {
            "dbt_project.yml": PROJECT,
            "profiles.yml": PROFILES,
            **texts,
        }.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return folder

    return files
