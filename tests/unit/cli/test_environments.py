"""``toolkit environments``, on environments that are folders with a marker."""

import json
import os
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from toolkit.cli import cli
from toolkit.integrations.python.isolation.environments import MARKER, root


def make(name: str, days: float, *requirements: str) -> Path:
    folder = root() / name
    folder.mkdir(parents=True)
    (folder / "big").write_bytes(b"x" * 2_000_000)
    marker = folder / MARKER
    said = {"requirements": requirements, "python": "3.11.7", "packages": [], "built_at": ""}
    marker.write_text(json.dumps(said))
    then = time.time() - days * 86_400
    os.utime(marker, (then, then))
    return folder


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOOLKIT_CACHE_DIR", str(tmp_path))


def test_list_and_prune() -> None:
    runner = CliRunner()
    assert "There is none" in runner.invoke(cli, ["environments", "list"]).output
    old, new = make("py311-old", 40, "a==1", "b"), make("py311-new", 0.5, "c")
    (root() / "py311-half").mkdir()  # being built: not ours to touch
    shown = runner.invoke(cli, ["environments", "list"]).output.splitlines()
    assert shown == [
        f"{new}  Python 3.11.7  2 MB  used today  c",
        f"{old}  Python 3.11.7  2 MB  used 40 days ago  a==1, b",
    ]
    found = json.loads(runner.invoke(cli, ["environments", "list", "--json"]).output)
    assert [item["requirements"] for item in found] == [["c"], ["a==1", "b"]]
    done = runner.invoke(cli, ["environments", "prune"])
    assert done.exit_code == 0
    assert "Removed 1 environment, 2 MB." in done.output
    assert not old.exists()
    assert sorted(path.name for path in root().iterdir()) == ["py311-half", "py311-new"]
    runner.invoke(cli, ["environments", "prune", "--days", "0"])
    assert not new.exists()
