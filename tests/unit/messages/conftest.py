"""What the tables of this folder share: an error's three parts, and a project to break."""

from collections.abc import Callable, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from toolkit.errors import ToolkitError

PROJECT = {
    "dbt_project.yml": "name: shop\nprofile: shop\n",
    "profiles.yml": "shop: {target: dev, outputs: {dev: {type: duckdb, path: shop.duckdb}}}\n",
}
Write = Callable[[Mapping[str, str | bytes]], Path]


class Said:
    """The three parts of an error, with the folder of the test written as ``HERE``."""

    def __init__(self, here: Path) -> None:
        self._here = here

    @contextmanager
    def __call__(self, kind: type[ToolkitError], *parts: str) -> Any:
        with pytest.raises(kind) as caught:
            yield
        error = caught.value
        found = (error.fact, error.consequence, error.next_step)
        assert type(error) is kind
        assert tuple(text.replace(str(self._here), "HERE") for text in found) == parts


@pytest.fixture
def refused(tmp_path: Path) -> Said:
    """``with refused(SettingsError, fact, consequence, next step): ...``."""
    return Said(tmp_path)


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Writes files into a dbt project, the working folder, and gives that folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TOOLKIT_CACHE_DIR", str(tmp_path / "cache"))

    def files(texts: Mapping[str, str | bytes]) -> Path:
        for name, text in {**PROJECT, **texts}.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return tmp_path

    return files
