"""Files are imported when something that counts has changed, and not for a listing."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from toolkit.errors import AssetError
from toolkit.integrations.python import PythonIntegration

COUNTED = """
from pathlib import Path
from toolkit import asset

with Path(__file__).with_name("imports").open("a") as file:
    file.write("x")

@asset
def out(orders):
    return orders
"""


def imports(project: Any) -> int:
    path = project.folder / "ml" / "imports"
    return len(path.read_text()) if path.exists() else 0


def again(project: Any) -> None:
    """Load as the next command would, in a process of its own."""
    project.integration = PythonIntegration()
    project.load()


def test_an_unchanged_file_is_not_imported_again_and_says_the_same(project: Any) -> None:
    project.table("orders", "SELECT 1 AS id")
    project.write(COUNTED)
    first = project.load()
    project.integration = PythonIntegration()
    assert project.load() == first
    assert imports(project) == 1


@pytest.mark.parametrize("change", ["file", "neighbour", "known", "target"])
def test_whatever_counts_and_changed_is_seen(project: Any, change: str) -> None:
    project.table("orders", "SELECT 1 AS id")
    project.write(COUNTED)
    project.load()
    if change == "file":
        project.write(COUNTED + "\n# more\n")
    elif change == "neighbour":
        project.write("X = 1\n", "ml/helper.py")
    elif change == "known":
        project.table("customers", "SELECT 1 AS id")
    else:
        project.target = "prod"
    again(project)
    assert imports(project) == 2


def test_a_build_imports_what_was_only_remembered(project: Any) -> None:
    project.table("orders", "SELECT 1 AS id")
    project.write(COUNTED)
    project.load()
    project.integration = PythonIntegration()
    assert project.run()["python.out"].status == "success"
    assert imports(project) == 2


def test_a_file_that_declares_something_else_each_time_is_refused(project: Any) -> None:
    project.table("orders", "SELECT 1 AS id")
    text = COUNTED + "\n@asset(name=f'extra_{Path(__file__).with_name(\"n\").read_text()}')\n"
    (project.folder / "ml").mkdir(exist_ok=True)
    (project.folder / "ml" / "n").write_text("1")
    project.write(text + "def extra(orders):\n    return orders\n")
    project.load()
    (project.folder / "ml" / "n").write_text("2")
    project.integration = PythonIntegration()
    with pytest.raises(AssetError, match="something else"):
        project.run()
    project.integration = PythonIntegration()
    assert project.run()["python.extra_2"].status == "success"


def test_a_damaged_record_is_not_believed(project: Any) -> None:
    project.table("orders", "SELECT 1 AS id")
    project.write(COUNTED)
    first = project.load()
    (record,) = (project.folder / ".toolkit" / "python").iterdir()
    record.write_bytes(record.read_bytes()[:-7])
    project.integration = PythonIntegration()
    assert project.load() == first
    assert imports(project) == 2


def test_reading_artifacts_only_runs_no_code(project: Any, tmp_path: Path) -> None:
    project.write("raise SystemExit('imported')")
    settings = msgspec.structs.replace(project.settings, manifest=tmp_path / "manifest.json")
    loaded = PythonIntegration().load(settings, {})
    assert loaded.assets == []
    assert [problem.code for problem in loaded.problems] == ["python-assets-not-read"]
