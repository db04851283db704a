"""Functions in environments of their own, built from wheels in a folder: no network."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from python_harness import PythonProject

from toolkit.errors import AssetError
from toolkit.integrations.base import StepProgress
from toolkit.integrations.python.isolation import environments
from toolkit.integrations.python.isolation.requirements import environment_of
from toolkit.integrations.python.registry import Environment
from toolkit.settings.cache import cache_dir
from toolkit.settings.types import AssetFile


def wheel(folder: Path, name: str, version: str, files: dict[str, str]) -> None:
    info = f"{name}-{version}.dist-info"
    said = {
        **files,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{path},,\n" for path in [*said, f"{info}/RECORD"])
    folder.mkdir(exist_ok=True)
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as archive:
        for path, text in {**said, f"{info}/RECORD": record}.items():
            archive.writestr(path, text)


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An index of two packages: one of the test's own, and pyarrow, which leads to ours."""
    folder, real = tmp_path / "wheels", tmp_path / "real"
    real.mkdir()
    (real / "pyarrow").symlink_to(Path(pa.__file__).parent)
    wheel(folder, "shout", "1.5", {"shout.py": "def loud(text): return text.upper() + '!'\n"})
    wheel(folder, "pyarrow", "99.0", {"pyarrow_here.pth": f"{real}\n"})
    for key in [key for key in os.environ if key.startswith(("PIP_", "UV_"))]:
        monkeypatch.delenv(key)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    for tool in ("PIP", "UV"):
        monkeypatch.setenv(f"{tool}_NO_INDEX", "1")
        monkeypatch.setenv(f"{tool}_FIND_LINKS", str(folder))
    monkeypatch.setenv("TOOLKIT_CACHE_DIR", str(tmp_path / "cache"))
    return folder


ASSET = """
import sys
import pyarrow as pa
from toolkit import asset, check, resource, CheckResult

@resource
def greeting():
    yield "hello"

@asset(requirements=["shout==1.*"])
def out(orders: pa.Table, greeting, minimum: int = 2) -> pa.Table:
    import shout
    print("made by", sys.prefix)
    try:
        import duckdb
    except ImportError:
        print("no duckdb")
    said = [shout.loud(greeting + str(n)) for n in orders["id"].to_pylist() if n >= minimum]
    return pa.table({"said": said, "prefix": [sys.prefix] * len(said)})

@check("out", requirements=["shout==1.*"], isolate={"memory": "1GB"})
def loud(out) -> CheckResult:
    return CheckResult(passed=all("!" in text for text in out["said"].to_pylist()), message="heard")

@asset(requirements=["shout==1.*"])
def fails(orders):
    raise ValueError("no")
"""


@pytest.mark.slow
@pytest.mark.usefixtures("orders", "wheels")
def test_an_environment_of_its_own(project: PythonProject) -> None:
    ended = project.run(ASSET)
    assert {key: step.status for key, step in ended.items()} == {
        "python.out": "success", "check.out.loud": "pass", "python.fails": "error",
    }, [step.message for step in ended.values()]  # fmt: skip
    (prefix,) = {row[0] for row in project.rows("SELECT prefix FROM out")}
    assert Path(prefix).parent == cache_dir() / "environments"
    assert prefix != sys.prefix
    assert project.rows("SELECT said FROM out ORDER BY said") == [("HELLO2!",), ("HELLO3!",)]
    assert project.log("out") == f"made by {prefix}\nno duckdb\n"
    assert "It raised ValueError: no at ml/assets.py:27" in ended["python.fails"].message
    assert "raise ValueError" in project.log("fails")
    # It was built once, for all three.
    said = [e.message for e in project.events if isinstance(e, StepProgress)]
    assert said == ["building its environment: shout==1.*"]
    (kept,) = environments.kept()
    assert kept.requirements == ["shout==1.*", "pyarrow"]
    assert {"pyarrow==99.0", "shout==1.5"} <= set(kept.packages)
    assert kept.size > 1000
    assert environments.prune(unused_since=kept.used - 1) == []
    assert [item.folder for item in environments.prune(unused_since=kept.used + 1)] == [kept.folder]
    assert not Path(kept.folder).exists()


SCRIPT = """# /// script
# requires-python = ">=3.11"
# dependencies = ["shout"]
# ///
from toolkit import asset

@asset
def out(orders):
    import shout
    return orders.append_column("said", [[shout.loud(c) for c in orders["customer"].to_pylist()]])
"""


@pytest.mark.slow
@pytest.mark.usefixtures("orders", "wheels")
def test_metadata_of_the_file(project: PythonProject) -> None:
    (step,) = project.run(SCRIPT).values()
    assert step.status == "success", step.message
    assert project.rows("SELECT said FROM out WHERE id = 2") == [("B!",)]


@pytest.mark.slow
@pytest.mark.usefixtures("orders", "wheels")
def test_what_cannot_be_installed_fails_its_step_only(project: PythonProject) -> None:
    ended = project.run(
        "from toolkit import asset\n@asset(requirements=['nowhere==3'])\ndef out(orders):\n"
        "    return orders\n@asset\ndef other(orders):\n    return orders\n"
    )
    message = ended["python.out"].message
    assert "Its environment (nowhere==3) cannot be built:\n" in message
    assert "nowhere==3" in message.partition("built:")[2]
    assert "package index" in message
    assert ended["python.other"].status == "success"
    assert list(environments.kept()) == []
    assert not [path for path in environments.root().iterdir() if path.is_dir()]


@pytest.mark.slow
@pytest.mark.usefixtures("orders")
def test_kill_9_while_it_is_built_leaves_nothing_that_counts(
    project: PythonProject, wheels: Path
) -> None:
    """Whoever comes next waits for the orphaned pip, then builds anew."""
    code = """
import os, sys, threading, time
from toolkit.integrations.python.isolation import environments
from toolkit.integrations.python.registry import Environment
environment = Environment(requirements=("shout",))
folder = environments.folder_of(environment)
def kill():
    while not (folder / "bin").exists():
        time.sleep(0.01)
    os.kill(os.getpid(), 9)
threading.Thread(target=kill).start()
environments.ready(environment, say=print, stopped=lambda: False)
"""
    done = subprocess.run([sys.executable, "-c", code], check=False)
    assert done.returncode == -9
    environment = Environment(requirements=("shout",))
    assert not environments.is_built(environment)
    python = environments.ready(environment, say=lambda _: None, stopped=lambda: False)
    assert environments.is_built(environment)
    subprocess.run([python, "-c", "import shout, pyarrow"], check=True)


WRONG = {
    "no requirement": ("@asset(requirements=['a b'])", "'a b' is no requirement: "),
    "no list": ("@asset(requirements='shout')", "requirements='shout' is not a list."),
    "a relation": (
        "import duckdb\n@asset(requirements=['shout'], deps={'x': 'orders'})",
        "its parameter 'x' is annotated as of duckdb, which is not among its requirements.",
    ),
    "a model": (
        "@asset(kind='ml_model', requirements=['skops'])",
        "an ml_model is stored with toolkit's own libraries",
    ),
    "a later Python": (
        "# /// script\n# dependencies = []\n# requires-python = '>=4'\n# ///\n@asset",
        "its file asks for Python >=4, but toolkit runs on Python 3.",
    ),
    "no version": (
        "# /// script\n# dependencies = []\n# requires-python = 'new'\n# ///\n@asset",
        "requires-python = 'new' is no version.",
    ),
    "no TOML": (
        "# /// script\n# dependencies = [\n# ///\n@asset",
        "its file's `# /// script` metadata: it is no TOML",
    ),
    "no memory": ("@asset(isolate={'memory': 'much'})", "memory='much' is no size."),
    "too little": ("@asset(isolate={'memory': 1000})", "less than Python takes to start."),
    "no time": ("@asset(isolate={'cpu_seconds': 0})", "cpu_seconds=0 is no time."),
    "no number": ("@asset(isolate={'processes': 1.5})", "processes=1.5 is no number."),
    "wall": ("@asset(isolate={'wall': 3})", "'wall' is no limit of the process."),
    "no limit": ("@asset(isolate={'disk': 3})", "isolate: there is no limit 'disk'."),
    "no way": ("@asset(isolate='yes')", "isolate='yes' is no way to isolate it."),
}


@pytest.mark.usefixtures("orders")
@pytest.mark.parametrize("case", WRONG)
def test_what_makes_no_sense_is_said_at_load_time(project: PythonProject, case: str) -> None:
    head, message = WRONG[case]
    parameter = "x: duckdb.DuckDBPyRelation" if "duckdb" in head else "orders"
    # The metadata of PEP 723 is a block of its own, before anything else.
    start = "" if head.startswith("#") else "from toolkit import asset\n"
    head = head.replace("# ///\n@asset", "# ///\nfrom toolkit import asset\n@asset")
    project.write(f"{start}{head}\ndef out({parameter}): ...\n")
    with pytest.raises(AssetError) as error:
        project.load()
    assert message in str(error.value)
    assert "ml/assets.py:" in str(error.value)


@pytest.mark.usefixtures("orders")
def test_requirements_are_a_part_of_the_code_version(project: PythonProject) -> None:
    def version(options: str) -> str:
        project.write(f"from toolkit import asset\n@asset({options})\ndef out(orders): ...\n")
        (asset,) = project.load().assets
        return str(asset.code_version)

    found = [
        version(options)
        for options in ("", "requirements=['a==1']", "requirements=['a==2']", "isolate=True")
    ]
    assert len(set(found)) == 3
    assert found[0] == found[3]  # how it is held in says nothing of what it makes
    assert version("requirements=['b', 'a == 1']") == version("requirements=['a==1','b']")


def test_metadata_is_read_as_pep_723_says(tmp_path: Path) -> None:
    file = tmp_path / "a.py"

    def found(text: str) -> Any:
        file.write_text(text)
        environment = environment_of(None, file, "x")
        return environment.requirements if environment else None

    block = '# /// script\n# dependencies = [\n#   "b>1",\n#\n#   "a",\n# ]\n# ///\n'
    assert found("import os\n") is None
    assert found(block) == ("a", "b>1")
    assert found("#!/usr/bin/env python\n" + block + "x = 1\n") == ("a", "b>1")
    assert found("# /// other\n# x = 1\n# ///\n\n" + block) == ("a", "b>1")
    assert found(block.replace("\n", "\r\n")) == ("a", "b>1")
    assert json.loads(json.dumps(found("# /// script\n# x = 1\n# ///\n"))) == []


FILE = """
import sys
from toolkit import notebook
import shout

orders = notebook.load("orders", as_="arrow")
print(notebook.parameters(), sys.prefix)
said = [shout.loud(customer) for customer in orders["customer"].to_pylist()]
notebook.save(orders.append_column("said", [said]))
"""


@pytest.mark.slow
@pytest.mark.usefixtures("orders")
@pytest.mark.parametrize("kind", ["script", pytest.param("notebook", marks=pytest.mark.soak)])
def test_files_in_an_environment(project: PythonProject, wheels: Path, kind: str) -> None:
    if kind == "notebook":
        pytest.importorskip("papermill")
        kernel = pytest.importorskip("ipykernel")
        ours = Path(kernel.__file__).parents[1]  # its packages, but not toolkit
        wheel(wheels, "ipykernel", "99.0", {"ipykernel_here.pth": f"{ours}\n"})
    path = project.folder / ("a.py" if kind == "script" else "a.ipynb")
    cell = {"cell_type": "code", "id": "a", "source": FILE, "metadata": {}, "outputs": [],
            "execution_count": None}  # fmt: skip
    document = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [cell]}
    path.write_text(FILE if kind == "script" else json.dumps(document))
    options = {"deps": ["orders"], "config": {"x": 1}, "requirements": ["shout"]}
    project.entries = []
    project.files = [AssetFile(where="toolkit.yml:3", path=path, options=options)]
    _, (planned,) = project.steps(project.load())
    assert planned.needs == "builds an environment: shout"
    (step,) = project.run().values()
    assert step.status == "success", step.message + project.log("a")
    assert project.rows("SELECT said FROM a ORDER BY said") == [("A!",), ("A!",), ("B!",)]
    (kept,) = environments.kept()
    assert f"{{'x': 1}} {kept.folder}" in project.log("a")
    _, (planned,) = project.steps(project.load())
    assert planned.needs == ""


MODEL = """
from toolkit import MLModel, asset, check

@asset(kind="ml_model")
def model(orders):
    from sklearn.linear_model import LinearRegression
    frame = orders.select(["id", "amount"]).to_pandas().astype(float)
    return MLModel(LinearRegression().fit(frame[["id"]], frame["amount"]), metrics={"score": 0.5})

@check("model", requirements=["shout"])
def good(metrics):
    import shout
    return metrics["score"] > 0.9
"""


@pytest.mark.slow
@pytest.mark.usefixtures("orders", "wheels")
def test_metrics_are_judged_in_an_environment(project: PythonProject) -> None:
    ended = project.run(MODEL)
    assert ended["python.model"].status == "success", ended["python.model"].message
    assert ended["check.model.good"].status == "fail", ended["check.model.good"].message
