"""Checks: what they may return, their statuses, and tests declared on columns."""

import pytest
from python_harness import PythonProject

HEAD = """
import duckdb, numpy as np, pandas as pd, polars as pl, pyarrow as pa
from toolkit import asset, check, CheckResult
"""

# What a check of orders returns -> (status, failures, message begins with)
ANSWERS = {
    "True": ("True", "pass", 0, ""),
    "False": ("False", "fail", 1, "The check returned False."),
    "numpy's True": ("np.bool_(True)", "pass", 0, ""),
    "numpy's False": ("(orders.to_df().id > 1).all()", "fail", 1, "The check returned False."),
    "passed": ("CheckResult(True, 'all good')", "pass", 0, "all good"),
    "failed": ("CheckResult(False, 'two bad', failures=2)", "fail", 2, "two bad"),
    "failed, with more": (
        "CheckResult(False, 'bad', metadata={'ids': [1]})",
        "fail",
        1,
        "bad Log: logs/check.orders.c.log",
    ),
    "no failing rows": ("orders.filter('id > 3')", "pass", 0, ""),
    "failing rows": ("orders.filter('id > 1')", "fail", 2, "2 failing rows Log: logs/"),
    "failing rows of Arrow": ("orders.to_arrow_table()", "fail", 3, "3 failing rows"),
    "failing rows of pandas": ("orders.to_df().query('id == 1')", "fail", 1, "1 failing rows"),
    "failing rows of a reader": ("orders.to_arrow_reader()", "fail", 3, "3 failing rows"),
    "Arrow's True": ("pa.scalar(True)", "pass", 0, ""),
    "Arrow's null": ("pa.scalar(None, pa.bool_())", "error", None, "check.orders.c (ml/assets"),
    "an empty frame": ("pd.DataFrame({'x': []})", "pass", 0, ""),
    "a frame without columns": ("pd.DataFrame()", "pass", 0, ""),
    "an empty polars frame": ("pl.DataFrame({'x': []})", "pass", 0, ""),
    "rows of polars": ("pl.DataFrame({'x': [1, 2]})", "fail", 2, "2 failing rows"),
    "pandas' NA": ("pd.NA", "error", None, "check.orders.c (ml/assets.py:5): It returned"),
    "metadata that is none": (
        "CheckResult(True, metadata=[1])",
        "error",
        None,
        "check.orders.c (ml/assets.py:5): It",
    ),
    "None": ("None", "error", None, "check.orders.c (ml/assets.py:5): It returned None"),
    "a number": ("1", "error", None, "check.orders.c (ml/assets.py:5): It returned an int"),
    "passed='yes'": ("CheckResult('yes')", "error", None, "check.orders.c (ml/assets.py:5): It"),
    "raises": ("1 / 0", "error", None, "check.orders.c (ml/assets.py:5): It raised ZeroDivision"),
}


@pytest.mark.usefixtures("orders")
@pytest.mark.parametrize("case", ANSWERS)
def test_answer(project: PythonProject, case: str) -> None:
    value, status, failures, message = ANSWERS[case]
    step = project.run(
        f"{HEAD}\n@check('orders')\ndef c(orders: duckdb.DuckDBPyRelation):\n    return {value}\n"
    )["check.orders.c"]
    assert (step.status, step.failures) == (status, failures), step.message
    assert step.message.startswith(message)
    assert step.made == ()


@pytest.mark.usefixtures("orders")
def test_the_first_failing_rows_are_in_the_log(project: PythonProject) -> None:
    project.run(f"{HEAD}\n@check('orders')\ndef c(orders):\n    return orders\n")
    lines = project.log("check.orders.c").splitlines()
    assert lines[0] == "3 failing rows, of which the first:"
    assert lines[1].startswith("{'id': 1, 'amount': Decimal('10.50')")


@pytest.mark.usefixtures("orders")
def test_severity_warn(project: PythonProject) -> None:
    ended = project.run(
        f"{HEAD}\n@check('model.shop.orders', severity='warn', name='d')\n"
        "def c(orders):\n    '''Never.'''\n    return orders\n"
    )
    assert (ended["check.orders.d"].status, ended["check.orders.d"].failures) == ("warn", 3)
    (check,) = project.load().checks
    assert (check.severity, check.attached, check.assets) == (
        "warn",
        "model.shop.orders",
        ("model.shop.orders",),
    )
    assert check.meta == {"description": "Never."}


@pytest.mark.usefixtures("orders")
def test_a_check_may_compare_assets(project: PythonProject) -> None:
    ended = project.run(
        f"{HEAD}\n@asset\ndef copy(orders):\n    return orders.slice(1)\n"
        "@check(asset=copy)\ndef complete(copy: pd.DataFrame, orders: pd.DataFrame):\n"
        "    return orders[~orders.id.isin(copy.id)]\n"
    )
    assert ended["check.copy.complete"].failures == 1


# tests on a column -> the values -> (test, status, failures)
COLUMNS = {
    "unique": ("[1, 2, 2, 3, 3, 3]", "unique", "fail", 2, "k: 2 values more than once"),
    "unique, fine": ("[1, 2, None, None]", "unique", "pass", 0, ""),
    "not_null": ("[1, None, None]", "not_null", "fail", 2, "k: 2 null values"),
    "not_null, fine": ("[1]", "not_null", "pass", 0, ""),
    "no rows": ("pa.array([], pa.int64())", "unique", "pass", 0, ""),
}


@pytest.mark.parametrize("case", COLUMNS)
def test_column(project: PythonProject, case: str) -> None:
    values, test, status, failures, message = COLUMNS[case]
    ended = project.run(
        f"{HEAD}\n@asset(columns={{'k': {{'tests': [{test!r}]}}}})\n"
        f"def out():\n    return pa.table({{'k': {values}}})\n"
    )
    step = ended[f"check.out.k_{test}"]
    assert (step.status, step.failures, step.message) == (status, failures, message)
    (check,) = project.load().checks
    assert (check.test_name, check.column, check.attached) == (test, "k", "python.out")


def test_a_column_test_before_the_table_is_there(project: PythonProject) -> None:
    step = project.run(
        f"{HEAD}\n@asset(columns={{'k': {{'tests': ['unique']}}}})\ndef out(): ...\n",
        only=["check.out.k_unique"],
    )["check.out.k_unique"]
    assert step.status == "error"
    assert "Make the asset first: toolkit build --select out" in step.message


@pytest.mark.usefixtures("orders")
@pytest.mark.parametrize("isolate", [False, True])
def test_metadata_is_kept(project: PythonProject, isolate: bool) -> None:
    step = project.run(
        f"{HEAD}\nimport datetime\n@check('orders', isolate={isolate})\ndef c(orders):\n"
        "    return CheckResult(True, metadata={'share': np.float32(0.5), 'n': np.int64(3),\n"
        "        'day': datetime.date(2026, 1, 2), 'ids': [1, 2], 3: None, 'odd': {1, }})\n"
    )["check.orders.c"]
    assert step.adapter_response == {
        "metadata": {
            "share": 0.5,
            "n": 3,
            "day": "2026-01-02",
            "ids": [1, 2],
            "3": None,
            "odd": [1],
        }
    }


@pytest.mark.usefixtures("orders")
def test_too_much_metadata_is_left_out(project: PythonProject) -> None:
    step = project.run(
        f"{HEAD}\n@check('orders')\ndef c(orders):\n"
        "    return CheckResult(True, metadata={'rows': list(range(100_000))})\n"
    )["check.orders.c"]
    assert "bytes of metadata" in step.adapter_response["metadata"]["left_out"]
