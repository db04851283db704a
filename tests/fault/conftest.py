import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

# Test folders are no packages here, so what they share is loaded by its path.
for _NAME in ("pipeline", "harness", "twins"):
    _SPEC = importlib.util.spec_from_file_location(
        f"fault_{_NAME}", Path(__file__).with_name(f"{_NAME}.py")
    )
    assert _SPEC is not None
    assert _SPEC.loader is not None
    if _SPEC.name not in sys.modules:
        sys.modules[_SPEC.name] = importlib.util.module_from_spec(_SPEC)
        _SPEC.loader.exec_module(sys.modules[_SPEC.name])


@pytest.fixture(scope="session")
def warm() -> Iterator[Any]:
    """A process that has imported what a build imports, and forks one for each build."""
    server = sys.modules["fault_harness"].Warm()
    yield server
    server.close()


@pytest.fixture
def make_twins() -> Iterator[Any]:
    """``Twins``, whose processes end with the test."""
    made: list[Any] = []

    def make(*arguments: Any, **more: Any) -> Any:
        made.append(sys.modules["fault_twins"].Twins(*arguments, **more))
        return made[-1]

    yield make
    for twins in made:
        twins.close()
