"""Optional packages that are not installed, programs that are not there, dbt that stops."""

import sys
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import duckdb
import pytest

from toolkit.errors import (
    AssetFailedError,
    RunLockedError,
    SettingsError,
    ToolkitError,
    WarehouseError,
)
from toolkit.integrations.dbt.executable import find_executable
from toolkit.integrations.dbt.session import Outcome
from toolkit.integrations.installed import _made
from toolkit.integrations.python.files.run_notebook import run_notebook
from toolkit.ledger import Ledger, Run
from toolkit.mlflow import tracking
from toolkit.plan import Plan
from toolkit.run.build import _refuse_old
from toolkit.settings import load_settings
from toolkit.warehouse.rows_diff import TwoFiles


def test_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: Any) -> None:
    for name in ("mlflow", "papermill"):
        monkeypatch.setitem(sys.modules, name, None)  # Python's own way to say: not there
    halted = "import of {} halted; None in sys.modules"
    with refused(
        SettingsError,
        f"MLflow cannot be imported: {halted.format('mlflow')}.",
        "Nothing can be tracked with it.",
        "Install it: pip install 'toolkit[mlflow]'.",
    ):
        tracking("x", path=tmp_path / "mlflow.db")
    with refused(
        AssetFailedError,
        f"Notebooks need papermill, which is not installed ({halted.format('papermill')}).",
        "It was not run.",
        "Install it: pip install 'toolkit[notebooks]'",
    ):
        run_notebook(tmp_path / "a.ipynb", tmp_path, sys.executable, "", tmp_path)


def test_a_dbt_that_is_not_there(write: Any, refused: Any) -> None:
    write({"toolkit.yml": "version: 1\ndbt_executable: no-such-dbt\n"})
    with refused(
        SettingsError,
        "The dbt executable no-such-dbt is not there or cannot be run.",
        "dbt's part could not be built, so nothing was done.",
        "Correct `dbt_executable` in toolkit.yml.",
    ):
        find_executable(load_settings())


def test_a_run_that_ended_meanwhile(tmp_path: Path, refused: Any) -> None:
    with Ledger(tmp_path / "ledger.db") as ledger:
        ledger.start_run(Run(id="1", command="build", target="dev", started_at=1.0))
        _refuse_old(Plan(steps=(), newest_run="1"), ledger)
        with refused(
            RunLockedError,
            "Another run of this project ended while this one was planned.",
            "What is up to date may differ from the plan, so nothing was run.",
            "Run the same command again.",
        ):
            _refuse_old(Plan(steps=()), ledger)


def test_a_dbt_that_stops_before_its_work() -> None:
    locked = "IO Error: Could not set lock on file"
    error = Outcome(success=False, error=locked).failure()
    assert type(error) is WarehouseError
    assert str(error).splitlines() == [
        f"dbt could not open the warehouse: {locked}",
        "DuckDB lets one process write a file, so this part was not run.",
        "Close the program that holds the file, then try again.",
    ]
    error = Outcome(success=False, error="Env var required but not provided").failure()
    assert type(error) is ToolkitError
    assert str(error).splitlines() == [
        "dbt stopped before it built anything: Env var required but not provided",
        "This part of the run was not done.",
        "Mend what dbt names, then run `toolkit build` again.",
    ]


def test_a_view_of_a_table_that_is_gone(tmp_path: Path) -> None:
    for name in ("base", "head"):
        with duckdb.connect(str(tmp_path / name)) as connection:
            connection.execute("create table t as select 1 as id; create view v as from t")
            connection.execute("drop table t")
    files = TwoFiles(tmp_path / "base", tmp_path / "head")
    try:
        with pytest.raises(WarehouseError) as caught:
            files._one("select count(*) from base.v")
    finally:
        files.close()
    assert caught.value.fact.startswith("Rows cannot be compared: Catalog Error: ")
    assert caught.value.consequence == "The comparison of the rows was given up."
    assert caught.value.next_step == (
        "Leave out --data, or rebuild both files with the same version of DuckDB."
    )


def test_an_integration_that_is_not_there(refused: Any) -> None:
    point = EntryPoint(name="gone", value="no_such_module:Gone", group="toolkit.integrations")
    with refused(
        SettingsError,
        "The integration 'gone' of an unknown package cannot be loaded: ModuleNotFoundError: No "
        "module named 'no_such_module'.",
        "Its assets would be missing from the graph, so nothing was done.",
        "Mend or uninstall an unknown package.",
    ):
        _made(point)
