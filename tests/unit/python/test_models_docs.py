"""The examples of docs/models.md, run as they stand."""

import re
from pathlib import Path

import pytest
from python_harness import PythonProject

PAGE = Path(__file__).parents[3] / "docs" / "models.md"
TEXT = PAGE.read_text(encoding="utf-8")
BLOCKS = dict(re.findall(r"```python\n# (\S+)\n(.*?)```", TEXT, re.DOTALL))


def run(project: PythonProject, *paths: str) -> dict[str, tuple[str, str]]:
    project.table(
        "orders",
        "SELECT range AS order_id, (range * 3)::DECIMAL(9, 2) AS amount, range > 6 AS returned "
        "FROM range(10)",
    )
    for path in paths:
        project.write(BLOCKS[path], path)
    return {key: (step.status, step.message) for key, step in project.run().items()}


def test_every_python_block_is_run() -> None:
    assert list(BLOCKS) == ["ml/returns.py", "ml/formats.py", "ml/tracked.py"]
    assert TEXT.count("```python") == len(BLOCKS)


def test_train_judge_use(project: PythonProject) -> None:
    ended = run(project, "ml/returns.py")
    assert ended["python.return_model"][1] == "accuracy 1; a candidate: 2 checks decide"
    passed = {key for key, (status, _) in ended.items() if status == "pass"}
    assert passed == {
        "check.return_model.gate_accuracy",
        "check.return_model.dearer_is_returned_more",
    }
    assert ended["python.return_scores"] == ("success", "10 rows")


def test_formats(project: PythonProject) -> None:
    pytest.importorskip("skl2onnx", reason="the extra onnx is not installed")
    ended = run(project, "ml/formats.py")
    assert {status for status, _ in ended.values()} == {"success"}, ended
    assert project.rows("SELECT word FROM word_list") == [("good",), ("bad",)]
    assert project.rows("SELECT count(*) FROM portable_scores WHERE probability > 0.5") == [(3,)]


@pytest.mark.slow
def test_mlflow(project: PythonProject, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("mlflow", reason="the extra mlflow is not installed")
    monkeypatch.chdir(project.folder)  # as a build does
    assert run(project, "ml/tracked.py")["python.tracked"][0] == "success"
    assert (project.folder / ".toolkit" / "mlflow.db").is_file()
