import importlib.util
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def w() -> ModuleType:
    """The module that builds small worlds; test folders are no packages here."""
    spec = importlib.util.spec_from_file_location(
        "rules_world", Path(__file__).with_name("world.py")
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
