"""What tests ask of the machine: optional tools, and real data beside the repository."""

import importlib.util
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
SHARED_DATA = REPOSITORY.parent / "shared" / "data"


def pytest_configure() -> None:
    """Generated examples have no time limit of their own: on a busy machine any may be slow."""
    if importlib.util.find_spec("hypothesis") is None:  # where only the engines are tested
        return
    from hypothesis import settings

    settings.register_profile("without a deadline", settings.default, deadline=None)
    settings.load_profile("without a deadline")


RequireTool = Callable[..., str]


def _find(names: tuple[str, ...], where: str | None = None) -> str | None:
    return next((path for name in names if (path := shutil.which(name, path=where))), None)


@pytest.fixture(scope="session")
def require_tool() -> RequireTool:
    """``require_tool("chromium", "google-chrome")``: path of the first that is there.

    Without any, the test is skipped; where CI is set it fails, because what CI skips in silence
    is not tested at all.
    """

    def require(*names: str) -> str:
        found = _find(names)
        if found is None:
            reason = f"none of {', '.join(names)} is on PATH (make system installs what it can)"
            if os.environ.get("CI"):
                pytest.fail(reason, pytrace=False)
            pytest.skip(reason)
        return found

    return require


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Artifacts of real projects; they are not part of the repository, so absent is no failure."""
    if not SHARED_DATA.is_dir():
        pytest.skip("no real data at ../shared/data")
    return SHARED_DATA


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of this repository."""
    return REPOSITORY
