"""MLflow as a resource, in its own SQLite file."""

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from python_harness import PythonProject

pytest.importorskip("mlflow", reason="the extra mlflow is not installed")

SOURCE = """
import pandas as pd
from toolkit import MLModel, asset, resource
from toolkit.mlflow import Tracking, tracking

@resource
def experiments() -> Tracking:
    return tracking('churn', path={path!r})

@asset(kind='ml_model', volatile=False)
def churn(experiments: Tracking):
    from sklearn.linear_model import LogisticRegression
    model = LogisticRegression(C=2).fit([[0], [1]], [0, 1])
    with experiments.run('churn', tags={{'team': 'growth'}}) as run:
        run.log_params({{'C': 2}})
        run.log_metrics({{'auc': 0.7}})
        run.log_artifact(__file__)
    return MLModel(model, metrics={{'auc': 0.7}})

@asset
def broken(experiments):
    with experiments.run('broken'):
        raise ValueError('no')
"""


@pytest.mark.slow
def test_a_run_is_in_the_store(project: PythonProject) -> None:
    file = project.folder / "mlflow.db"
    ended = project.run(SOURCE.format(path=str(file)))
    assert {key: step.status for key, step in ended.items()} == {
        "python.churn": "success",
        "python.broken": "error",
    }
    with sqlite3.connect(file) as connection:
        runs = dict(connection.execute("SELECT name, status FROM runs").fetchall())
        params = connection.execute("SELECT key, value FROM params").fetchall()
        metrics = connection.execute("SELECT key, value FROM metrics").fetchall()
        tags = dict(connection.execute("SELECT key, value FROM tags").fetchall())
    assert runs == {"churn": "FINISHED", "broken": "FAILED"}
    assert params == [("C", "2")]
    assert metrics == [("auc", 0.7)]
    assert tags["team"] == "growth"
    logged = list((project.folder / "mlflow-artifacts").rglob("assets.py"))
    assert len(logged) == 1
    # what is there is used again
    assert project.run(only=["python.churn"])["python.churn"].status == "success"
    with sqlite3.connect(file) as connection:
        assert connection.execute("SELECT count(*) FROM runs").fetchone() == (3,)


def test_importing_it_imports_no_mlflow(tmp_path: Path) -> None:
    program = "import sys, toolkit.mlflow; assert 'mlflow' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True, cwd=tmp_path, env={**os.environ})
