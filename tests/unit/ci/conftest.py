import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

Script = Callable[..., "subprocess.CompletedProcess[str]"]

CI = Path(__file__).parents[3] / "ci"


def _host() -> ModuleType:
    spec = importlib.util.spec_from_file_location("ci_host", Path(__file__).with_name("host.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def hosts() -> ModuleType:
    """The module with the code host; test folders are no packages here."""
    return _host()


@pytest.fixture(params=["github", "gitlab"])
def host(request: pytest.FixtureRequest, hosts: ModuleType) -> Iterator[Any]:
    """A code host, of each kind."""
    with hosts.serve(request.param) as server:
        yield server


@pytest.fixture
def script(tmp_path: Path) -> Script:
    """``script("fetch_base.sh", "word", cwd=..., NAME="value")``: run with this environment only.

    ``toolkit`` and ``python3`` are those of the tests.
    """
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "python3").symlink_to(sys.executable)
    launcher = programs / "toolkit"
    launcher.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m toolkit.cli "$@"\n')
    launcher.chmod(0o755)

    def run(
        name: str, *words: str, cwd: Path | None = None, **env: str
    ) -> "subprocess.CompletedProcess[str]":
        base: Mapping[str, str] = {
            "PATH": f"{programs}:{os.environ['PATH']}", "HOME": str(tmp_path),
            "GIT_CONFIG_NOSYSTEM": "1", "no_proxy": "127.0.0.1", "LC_ALL": "C.UTF-8",
        }  # fmt: skip
        first = [sys.executable] if name.endswith(".py") else ["bash"]
        return subprocess.run(
            [*first, str(CI / name), *words], cwd=cwd or tmp_path, env={**base, **env},
            capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip

    return run
