import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest


def _load(name: str, file: str) -> ModuleType:
    """Test folders are no packages here, so what they share is loaded by its path."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(file))
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


_mixed = _load("mixed_project", "mixed.py")
_plain = _load("plain_project", "plain.py")
_page = _load("report_page", "report_page.py")
browser, reader = _page.browser, _page.reader
shop_report, open_report = _page.shop_report, _page.open_report


@pytest.fixture
def mixed(tmp_path: Path) -> Any:
    """A project with all three tools in a folder of its own."""
    return _mixed.Mixed(tmp_path)


@pytest.fixture
def fresh(tmp_path: Path) -> Path:
    """The plain project, not built, in a folder of its own."""
    project: Path = _plain.plain(tmp_path / "plain")
    return project
