import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

# Test folders are no packages here, so what they share is loaded by its path.
_SPEC = importlib.util.spec_from_file_location(
    "python_harness", Path(__file__).with_name("harness.py")
)
assert _SPEC is not None
assert _SPEC.loader is not None
if "python_harness" not in sys.modules:
    sys.modules["python_harness"] = importlib.util.module_from_spec(_SPEC)
    _SPEC.loader.exec_module(sys.modules["python_harness"])

from python_harness import PythonProject  # noqa: E402  # loaded just above


@pytest.fixture
def project(tmp_path: Path) -> Iterator[PythonProject]:
    """An empty folder ``ml`` beside a DuckDB file."""
    made = PythonProject(tmp_path)
    (tmp_path / "ml").mkdir()
    yield made
    if made.warehouse is not None:
        made.warehouse.close()


@pytest.fixture
def orders(project: PythonProject) -> None:
    """Three orders in a table that dbt is said to have made."""
    project.table(
        "orders",
        "SELECT * FROM (VALUES (1, 10.5, 'a'), (2, 20.0, 'b'), (3, 7.25, 'a')) "
        "t(id, amount, customer)",
    )
