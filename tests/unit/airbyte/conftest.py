import importlib.util
import sys
from pathlib import Path

import pytest

# Test folders are no packages here, so what they share is loaded by its path.
for _name, _file in {
    "airbyte_harness": "harness.py",
    "airbyte_server": "airbyte_server.py",
}.items():
    if _name not in sys.modules:
        _spec = importlib.util.spec_from_file_location(_name, Path(__file__).with_name(_file))
        assert _spec is not None
        assert _spec.loader is not None
        sys.modules[_name] = importlib.util.module_from_spec(_spec)
        _spec.loader.exec_module(sys.modules[_name])


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No test uses the user's own connectors."""
    monkeypatch.setenv("TOOLKIT_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"
