import importlib.util
import sys
from pathlib import Path

import pytest

# Test folders are no packages here, so what they share is loaded by its path.
_SPEC = importlib.util.spec_from_file_location(
    "airbyte_harness", Path(__file__).with_name("harness.py")
)
assert _SPEC is not None
assert _SPEC.loader is not None
if "airbyte_harness" not in sys.modules:
    sys.modules["airbyte_harness"] = importlib.util.module_from_spec(_SPEC)
    _SPEC.loader.exec_module(sys.modules["airbyte_harness"])


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No test uses the user's own connectors."""
    monkeypatch.setenv("TOOLKIT_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"
