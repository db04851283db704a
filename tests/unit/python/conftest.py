import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest


def _load(name: str, file: str) -> None:
    """Test folders are no packages here, so what they share is loaded by its path."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(file))
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])


_load("python_harness", "harness.py")
_load("model_builds", "model_builds.py")

from model_builds import Builds  # noqa: E402  # loaded just above
from python_harness import PythonProject  # noqa: E402


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


@pytest.fixture
def builds(project: PythonProject) -> Builds:
    """Builds of models that are trained on ``orders``."""
    project.table("orders", "SELECT 1 AS id", "source", source_name="shop")
    return Builds(project)
