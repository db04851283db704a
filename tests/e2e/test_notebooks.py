"""Notebooks and scripts beside dbt models, and reading assets: the real CLI, dbt and DuckDB."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from toolkit import Project
from toolkit.errors import AssetError

MIXED: Any = sys.modules["mixed_project"]  # see conftest.py

pytestmark = [
    pytest.mark.slow,
    pytest.mark.e2e,
    pytest.mark.timeout(600),
    pytest.mark.skipif(
        importlib.util.find_spec("papermill") is None and "CI" not in os.environ,
        reason="needs the extra notebooks",
    ),
]

CELL = """
from toolkit import notebook
orders = notebook.load("orders")
notebook.save(orders.groupby("customer", as_index=False)["amount"].sum())
"""
SCRIPT = """
from toolkit import notebook

spent = notebook.load("spent", as_="arrow")
notebook.save(spent.slice(0, notebook.parameters()["rows"]))
"""
TOOLKIT = """
version: 1
assets:
  - ml
  - path: notebooks/spent.ipynb
    deps: [orders]
    columns: {amount: {type: BIGINT, inputs: [orders.amount]}}
  - path: jobs/first.py
    deps: [spent]
    config: {rows: 2}
    timeout: 5 min
"""
MODEL = """
from toolkit import asset

@asset(kind="ml_model")
def guess(spent):
    from sklearn.linear_model import LinearRegression
    return LinearRegression().fit(spent.select(["customer"]).to_pandas(), spent["amount"])

@asset(requirements=["nowhere==1"], enabled=False)
def never(spent): ...
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    cells = [
        {"cell_type": "code", "id": "a", "source": CELL, "metadata": {}, "outputs": [],
         "execution_count": None}
    ]  # fmt: skip
    files = {
        "dbt_project.yml": "name: shop\nprofile: shop\nmodel-paths: [models]\n",
        "profiles.yml": "shop:\n  target: dev\n  outputs:\n    dev:\n      type: duckdb\n"
        "      path: shop.duckdb\n      threads: 2\n",
        "toolkit.yml": TOOLKIT,
        "models/orders.sql": "select range as id, range % 3 as customer, range as amount "
        "from range(30)",
        "notebooks/spent.ipynb": json.dumps(
            {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}
        ),
        "jobs/first.py": SCRIPT,
        "ml/guess.py": MODEL,
    }
    for path, text in files.items():
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return tmp_path


def toolkit(folder: Path, *words: str) -> str:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("DBT_")}
    run = MIXED.call(words, folder, environment)
    assert run.returncode == 0, run.stdout + run.stderr
    return str(run.stdout)


def reasons(folder: Path) -> dict[str, tuple[str, str]]:
    steps = json.loads(toolkit(folder, "plan", "--json"))["steps"]
    return {step["step"]: (step["action"], step["reason"]) for step in steps}


def test_built_skipped_changed_and_read(folder: Path) -> None:
    listed = [json.loads(x) for x in toolkit(folder, "ls", "--output", "json").splitlines()]
    paths = {asset["key"]: asset["path"] for asset in listed}
    assert paths["python.spent"] == "notebooks/spent.ipynb"
    assert paths["python.first"] == "jobs/first.py"
    toolkit(folder, "build")
    assert {action for action, _ in reasons(folder).values()} == {"skip"}

    # Jupyter has run the notebook: outputs are no code. A changed cell is.
    notebook = folder / "notebooks" / "spent.ipynb"
    document = json.loads(notebook.read_text())
    document["cells"][0]["execution_count"] = 7
    document["metadata"] = {"kernelspec": {"name": "python3", "language": "python"}}
    notebook.write_text(json.dumps(document))
    assert reasons(folder)["python.spent"][0] == "skip"
    document["cells"][0]["source"] += "\nx = 1"
    notebook.write_text(json.dumps(document))
    assert reasons(folder)["python.spent"][0] == "run"
    config = folder / "toolkit.yml"
    config.write_text(config.read_text().replace("rows: 2", "rows: 1"))
    assert reasons(folder)["python.first"][0] == "run"
    toolkit(folder, "build")

    project = Project.load(folder)
    frame = project.read("spent")
    assert sorted(frame["amount"]) == [135, 145, 155]
    assert project.read("first", as_="arrow").num_rows == 1
    assert project.read("orders", as_="polars").shape == (30, 3)
    assert project.read("guess").predict(frame[["customer"]]).shape == (3,)
    with project.connect() as connection:
        assert connection.sql("SELECT count(*) FROM spent").fetchall() == [(3,)]
    with pytest.raises(AssetError, match=r"Nearest: .*spent"):
        project.read("spend")
    edges = json.loads(toolkit(folder, "lineage", "--format", "json"))["column_edges"]
    assert {"from": ["model.shop.orders", "amount"], "to": ["python.spent", "amount"]}.items() <= (
        next(edge for edge in edges if edge["to"][0] == "python.spent").items()
    )


@pytest.mark.soak
def test_the_same_code_runs_outside_of_a_build(folder: Path) -> None:
    toolkit(folder, "build", "--select", "orders")
    done = subprocess.run(
        [sys.executable, "-c", CELL + "\nprint(len(orders), notebook.parameters())"],
        cwd=folder, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == "30 {}\n"
