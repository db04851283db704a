import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

# Test folders are no packages here, so what they share is loaded by its path.
_SPEC = importlib.util.spec_from_file_location(
    "mixed_project", Path(__file__).with_name("mixed.py")
)
assert _SPEC is not None
assert _SPEC.loader is not None
if "mixed_project" not in sys.modules:
    sys.modules["mixed_project"] = importlib.util.module_from_spec(_SPEC)
    _SPEC.loader.exec_module(sys.modules["mixed_project"])


@pytest.fixture
def mixed(tmp_path: Path) -> Any:
    """A project with all three tools in a folder of its own."""
    return sys.modules["mixed_project"].Mixed(tmp_path)
