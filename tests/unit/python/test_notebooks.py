"""Notebooks and plain scripts that are assets."""

import importlib.util
import json
import os
from pathlib import Path
from typing import Any

import pytest
from python_harness import PythonProject

from toolkit.errors import AssetError
from toolkit.settings.types import AssetFile

needs_papermill = pytest.mark.skipif(
    not all(map(importlib.util.find_spec, ("papermill", "ipykernel"))) and "CI" not in os.environ,
    reason="needs the extra notebooks",
)


def notebook(*cells: str, outputs: bool = False, **metadata: Any) -> str:
    """A notebook's JSON; with ``outputs`` as if it had been run by hand."""
    made = [
        {
            "cell_type": "code", "id": f"cell{number}", "source": cell.splitlines(keepends=True),
            "metadata": {"collapsed": True} if outputs else {}, "execution_count": None,
            "outputs": [{"output_type": "stream", "name": "stdout", "text": "1"}] * outputs,
        }
        for number, cell in enumerate(cells)
    ]  # fmt: skip
    title = {"cell_type": "markdown", "id": "title", "metadata": {}, "source": "# Churn"}
    return json.dumps(
        {"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": [title, *made]}
    )


def declare(project: PythonProject, path: str, text: str, **options: Any) -> Path:
    file = project.write("", path)
    file.write_text(text, encoding="utf-8")
    project.entries = []
    project.files = [AssetFile(where="toolkit.yml:3", path=file, options=options)]
    return file


SCRIPT = """
from toolkit import notebook

orders = notebook.load("orders")
print("rows:", len(orders))
notebook.save(orders[orders["amount"] > notebook.parameters().get("least", 0)])
"""


@pytest.mark.usefixtures("orders")
def test_a_script(project: PythonProject) -> None:
    declare(project, "jobs/large.py", SCRIPT, deps=["orders"], config={"least": 8}, tags=["x"])
    (step,) = project.run().values()
    assert (step.step, step.status) == ("python.large", "success"), step.message
    assert project.rows("SELECT id FROM large ORDER BY id") == [(1,), (2,)]
    assert project.log("large") == "rows: 3\n"
    (asset,) = project.load().assets
    assert asset.depends_on == ("model.shop.orders",)
    assert (asset.path, asset.tags, asset.volatile) == ("jobs/large.py", ("x",), "")
    assert asset.columns == {}


# What a script does -> parts of the message.
BAD = {
    "raise ValueError('no')": ["It raised ValueError: no at jobs/out.py:1"],
    "import sys; sys.exit(3)": ["It called sys.exit(3) at jobs/out.py:1."],
    "x = 1": ["it never called toolkit.notebook.save()"],
    "from toolkit import notebook; notebook.load('order')": [
        "KeyError", "'order' is not among its inputs (orders)", "jobs/out.py:1",
    ],
    "from toolkit import notebook; notebook.save(3)": ["builtins.int is no table"],
    "from toolkit import notebook; notebook.load('orders', as_='list')": ["as_='list' is none of"],
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.usefixtures("orders")
@pytest.mark.parametrize("code", BAD)
def test_a_script_that_fails(project: PythonProject, code: str) -> None:
    declare(project, "jobs/out.py", code, deps=["orders"])
    (step,) = project.run().values()
    assert step.status == "error"
    for part in ["python.out (jobs/out.py:1)", *BAD[code]]:
        assert part in step.message


@needs_papermill
@pytest.mark.slow
@pytest.mark.usefixtures("orders")
def test_a_notebook(project: PythonProject) -> None:
    project.secrets = frozenset({"canary-secret"})
    code = (
        "from toolkit import notebook\norders = notebook.load('customers', as_='arrow')",
        "print('canary-secret')\n%precision 3\nnotebook.save(orders.slice(0, 2))",
    )
    declare(
        project, "notebooks/churn.ipynb", notebook(*code, kernelspec={"name": "nowhere"}),
        deps={"customers": "orders"}, schema="ml", columns={"id": "INTEGER"},
    )  # fmt: skip
    (step,) = project.run().values()
    assert (step.step, step.status) == ("python.churn", "success"), step.message
    assert project.rows("SELECT count(*) FROM ml.churn") == [(2,)]
    kept = (project.folder / "logs" / "churn.ipynb").read_text()
    assert '"output_type"' in kept
    assert "canary-secret" not in kept
    assert "The notebook with its outputs: logs/churn.ipynb\n" in project.log("churn")
    # %precision may be anything, so it is run by each build.
    (asset,) = project.load().assets
    assert "eval" in asset.volatile


@needs_papermill
@pytest.mark.slow
@pytest.mark.usefixtures("orders")
def test_a_cell_that_raises(project: PythonProject) -> None:
    code = ("x = 1", "y = 2\nz = {}['missing']")
    declare(project, "notebooks/churn.ipynb", notebook(*code), deps=["orders"])
    (step,) = project.run().values()
    assert step.status == "error"
    said = "It raised KeyError: 'missing' at notebooks/churn.ipynb, cell [2], line 2"
    assert said in step.message
    assert "KeyError" in (project.folder / "logs" / "churn.ipynb").read_text()


@needs_papermill
@pytest.mark.slow
@pytest.mark.usefixtures("orders")
def test_a_kernel_that_dies_or_eats_memory(project: PythonProject) -> None:
    declare(project, "a.ipynb", notebook("import os\nos._exit(3)"), deps=["orders"])
    (step,) = project.run().values()
    assert step.status == "error"
    assert "kernel" in step.message.lower()
    code = "import numpy\nx = [numpy.ones(10_000_000) for _ in range(100)]"
    declare(project, "b.ipynb", notebook(code), deps=["orders"], isolate={"memory": "600MB"})
    (step,) = project.run().values()
    assert "It used more than 600 MB of memory" in step.message


def test_what_of_a_notebook_is_its_code(project: PythonProject) -> None:
    def version(*cells: str, **more: Any) -> str:
        declare(project, "a.ipynb", notebook(*cells, **more), deps=["orders"])
        (asset,) = project.load().assets
        return str(asset.code_version)

    project.table("orders", "SELECT 1 AS id")
    first = version("x = 1", "y = x")
    assert version("x = 1", "y = x", outputs=True, kernelspec={"name": "x"}) == first
    assert version("x = 1  # one", "y = x") == first
    assert version("x = 1", "y = 2") != first
    assert version("!ls", "?x", "x = %timeit y", "%%bash\nls") != first


# The notebook's text -> the message.
UNREADABLE = {
    "no JSON": ("{", "notebooks/a.ipynb cannot be read as a notebook of version 4"),
    "no cells": ("{}", "notebooks/a.ipynb cannot be read as a notebook of version 4"),
    "a list": ("[]", "notebooks/a.ipynb cannot be read as a notebook of version 4"),
    "no Python": (notebook("x <- 1", kernelspec={"language": "R"}), "is a notebook in R."),
    "a mistake": (notebook("x = 1", "y = = 2"), "notebooks/a.ipynb, cell 2: invalid syntax"),
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_a_notebook_that_cannot_be_read(project: PythonProject, case: str) -> None:
    text, message = UNREADABLE[case]
    declare(project, "notebooks/a.ipynb", text)
    with pytest.raises(AssetError) as error:
        project.load()
    assert message in str(error.value)


OPTIONS: dict[str, tuple[dict[str, Any], str]] = {
    "deps": ({"deps": "orders"}, "deps='orders' is no list of assets."),
    "twins": ({"deps": ["a.x", "b.x"]}, "two of its deps have the same name."),
    "no name": ({"deps": {"a b": "orders"}}, "'a b' cannot be a name."),
    "nothing": ({"deps": ["order"]}, "Nearest: orders"),
    "not isolated": ({"isolate": False}, "isolate: false is not possible"),
    "a limit": ({"isolate": {"memory": "x"}}, "memory='x' is no size."),
}


@pytest.mark.usefixtures("orders")
@pytest.mark.parametrize("case", OPTIONS)
def test_an_option_that_makes_no_sense(project: PythonProject, case: str) -> None:
    options, message = OPTIONS[case]
    declare(project, "jobs/a.py", "x = 1\n", **options)
    with pytest.raises(AssetError) as error:
        project.load()
    assert message in str(error.value)
    assert "jobs/a.py" in str(error.value)


def test_a_notebook_that_is_changed_while_the_build_runs(project: PythonProject) -> None:
    file = declare(project, "a.ipynb", notebook("x = 1"), deps=["first"])
    project.write(
        f"""
        import pathlib
        import pyarrow as pa
        from toolkit import asset

        @asset
        def first():
            with pathlib.Path({str(file)!r}).open("a") as notebook:
                notebook.write(" ")
            return pa.table({{"a": [1]}})
        """,
        "ml/first.py",
    )
    project.entries = ["ml"]
    ended = project.run()
    assert ended["python.first"].status == "success"
    assert "a.ipynb was changed while the build ran" in ended["python.a"].message
