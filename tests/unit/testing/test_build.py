"""``toolkit.testing.build`` with bare functions: inputs, checks, resources, models, errors."""

import json
import os
import subprocess
import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet
import pytest

from toolkit import CheckResult, MLModel, asset, check, resource
from toolkit.testing import AssetError, AssetFailedError, build

ROWS = [{"id": 1, "amount": 2.5}, {"id": 2, "amount": 4.0}]


@asset
def doubled(orders: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation:
    """Each amount twice."""
    print("doubling")
    return orders.project("id, amount * 2 AS twice")


@asset(columns={"id": {"type": "BIGINT", "tests": ["unique"]}, "when": "TIMESTAMP"})
def dated(doubled: pa.Table, day: str = "2026-01-01") -> pa.Table:
    """With a day."""
    when = pa.array([datetime.fromisoformat(day)] * doubled.num_rows)
    return doubled.select(["id"]).append_column("when", when)


@check("doubled")
def small(doubled: pd.DataFrame) -> CheckResult:
    """Not too large."""
    return CheckResult(bool(doubled["twice"].max() < 6), "the largest is too large")


@check("doubled", severity="warn")
def even(doubled: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation:
    """Rows that are odd."""
    return doubled.filter("twice % 2 = 1")


@check("doubled")
def like_reference(doubled: pa.Table, reference: pa.Table) -> bool:
    """As many rows as a table of somebody else's."""
    return bool(doubled.num_rows == reference.num_rows)


@asset(kind="ml_model")
def mean_model(doubled: pd.DataFrame) -> MLModel:
    """The mean."""
    from sklearn.dummy import DummyRegressor

    fitted = DummyRegressor().fit(doubled[["id"]], doubled["twice"])
    return MLModel(fitted, metrics={"rows": float(len(doubled))})


@asset
def guessed(doubled: pd.DataFrame, mean_model: Any) -> pd.DataFrame:
    """What the model says."""
    return doubled.assign(guess=mean_model.predict(doubled[["id"]]))


@check("mean_model")
def enough(metrics: dict[str, float]) -> bool:
    """Trained with some rows."""
    return metrics["rows"] > 1


def test_three_lines() -> None:
    result = build(doubled, inputs={"orders": ROWS})
    assert result.rows("doubled") == [{"id": 1, "twice": 5.0}, {"id": 2, "twice": 8.0}]
    assert result.built == ("doubled",)
    assert result.log("doubled") == "doubling\n"


def a_file(folder: Path, suffix: str) -> Path:
    path = folder / f"it's orders{suffix}"
    if suffix == ".csv":
        path.write_text("id,amount\n1,2.5\n2,4.0\n")
    elif suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    else:
        pyarrow.parquet.write_table(pa.Table.from_pylist(ROWS), path)
    return path


GIVEN = {
    "rows": lambda _: ROWS,
    "columns": lambda _: {"id": [1, 2], "amount": [2.5, 4.0]},
    "pandas": lambda _: pd.DataFrame(ROWS),
    "polars": lambda _: pl.DataFrame(ROWS),
    "arrow": lambda _: pa.Table.from_pylist(ROWS),
    "reader": lambda _: pa.Table.from_pylist(ROWS).to_reader(),
    "relation": lambda _: duckdb.sql("SELECT * FROM (VALUES (1, 2.5), (2, 4.0)) t(id, amount)"),
    "sql": lambda _: "SELECT * FROM (VALUES (1, 2.5), (2, 4.0)) t(id, amount);",
    "csv": lambda folder: a_file(folder, ".csv"),
    "jsonl": lambda folder: a_file(folder, ".jsonl"),
    "parquet": lambda folder: a_file(folder, ".parquet"),
}


@pytest.mark.parametrize("form", GIVEN)
def test_what_may_be_given(form: str, tmp_path: Path) -> None:
    result = build(doubled, inputs={"orders": GIVEN[form](tmp_path)})
    assert [float(row["twice"]) for row in result.rows(doubled)] == [5.0, 8.0]


def test_rows_with_other_keys_and_types_of_python() -> None:
    @asset
    def same(rows: pa.Table) -> pa.Table:
        """As it came."""
        return rows

    given = [
        {"day": date(2026, 1, 1), "price": Decimal("1.50")},
        {"at": datetime(2026, 1, 1, tzinfo=UTC), "tags": ["a"], "more": {"x": 1}},
    ]
    empty = dict.fromkeys(["day", "price", "at", "tags", "more"])
    assert build(same, inputs={"rows": given}).rows("same") == [
        {**empty, **given[0]},
        {**empty, **given[1]},
    ]


def test_types() -> None:
    @asset
    def shape(orders: duckdb.DuckDBPyRelation) -> pa.Table:
        """The types of its columns."""
        return pa.table({"type": [str(kind) for kind in orders.types]})

    types = {"orders": {"ID": "SMALLINT", "amount": "DECIMAL(9,2)"}}
    for rows in (ROWS, [{"id": 1, "amount": None}]):
        result = build(shape, inputs={"orders": rows}, types=types)
        assert result.rows("shape") == [{"type": "SMALLINT"}, {"type": "DECIMAL(9,2)"}]
    result = build(shape, inputs={"orders": []}, types=types)
    assert result.table("orders").num_rows == 0
    # What a Python asset declares of its columns counts without being said.
    reader = asset(name="reader", deps={"orders": "dated"})(shape)
    given = [{"id": "7", "when": "2026-01-01"}]
    assert build([reader, dated], inputs={"dated": given}).rows("reader") == [
        {"type": "BIGINT"},
        {"type": "TIMESTAMP"},
    ]


def test_several_with_their_checks() -> None:
    result = build([dated, doubled, small, even, like_reference], inputs={"orders": ROWS})
    assert result.built == ("doubled", "dated")
    assert {name: (c.status, c.failures, c.asset) for name, c in result.checks.items()} == {
        "id_unique": ("pass", 0, "dated"),
        "small": ("fail", 1, "doubled"),
        "even": ("warn", 1, "doubled"),
        "like_reference": ("skipped", 0, "doubled"),
    }
    assert result.checks["small"].message.startswith("the largest is too large")
    assert "reads reference" in result.checks["like_reference"].message
    assert not result.passed
    assert result.sql("SELECT count(*) AS n FROM doubled JOIN orders USING (id)") == [{"n": 2}]
    without = build([doubled, small], inputs={"orders": ROWS}, checks=False)
    assert without.checks == {}


def test_a_check_alone() -> None:
    result = build(small, inputs={"doubled": [{"twice": 1}]})
    assert result.checks["small"].passed
    assert build(enough, inputs={"mean_model": MLModel(None, metrics={"rows": 1})}).passed is False


def test_values() -> None:
    given = {"doubled": [{"id": 1}]}
    when = build(dated, inputs=given, config={"day": "2026-02-03"}).rows("dated")[0]["when"]
    assert when == datetime(2026, 2, 3)


def test_a_model_is_given_or_made() -> None:
    class Seven:
        def predict(self, features: pd.DataFrame) -> list[int]:
            return [7] * len(features)

    for given in (Seven(), MLModel(Seven())):
        rows = build(guessed, inputs={"doubled": [{"id": 1}], "mean_model": given}).rows("guessed")
        assert rows == [{"id": 1, "guess": 7}]
    result = build([guessed, mean_model, doubled, enough], inputs={"orders": ROWS})
    assert [row["guess"] for row in result.rows("guessed")] == [6.5, 6.5]
    assert result.model(mean_model).metrics == {"rows": 2.0}
    assert result.checks["enough"].passed


def test_resources_are_replaced() -> None:
    @resource
    def rates() -> float:
        raise AssertionError("the real one must not be opened")

    @asset(name="priced")
    def in_euro(orders: pd.DataFrame, rates: float) -> pd.DataFrame:
        return orders.assign(euro=orders["amount"] * rates)

    result = build(in_euro, inputs={"orders": ROWS}, resources={"rates": 2.0})
    assert [row["euro"] for row in result.rows(in_euro.__name__.replace("in_euro", "priced"))] == [
        5.0,
        8.0,
    ]


def test_what_a_function_raises_is_the_cause(capsys: pytest.CaptureFixture[str]) -> None:
    @asset
    def broken(orders: pa.Table) -> pa.Table:
        print("so far")
        raise KeyError("gone")

    with pytest.raises(
        AssetFailedError, match=r"It raised KeyError: 'gone' at .*test_build\.py:"
    ) as e:
        build(broken, inputs={"orders": ROWS})
    assert isinstance(e.value.__cause__, KeyError)
    assert "so far" in capsys.readouterr().out


@pytest.mark.slow
def test_a_process_of_its_own_where_that_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "dbt_project.yml").write_text("name: shop\nprofile: shop\n")
    (tmp_path / "profiles.yml").write_text(
        "shop: {target: dev, outputs: {dev: {type: duckdb, path: x.duckdb}}}"
    )
    (tmp_path / "toolkit.yml").write_text("version: 1\nassets: [ml.py]\n")
    (tmp_path / "ml.py").write_text(
        "import os\nimport pyarrow as pa\nfrom toolkit import asset\n"
        "@asset(isolate=True)\ndef process(orders):\n    return pa.table({'pid': [os.getpid()]})\n"
    )
    for isolate in (False, True):
        result = build("process", inputs={"orders": ROWS}, project=tmp_path, isolate=isolate)
        assert (result.rows("process")[0]["pid"] == os.getpid()) is not isolate


def test_what_is_no_table_is_refused() -> None:
    @asset
    def nothing(orders: pa.Table) -> Any:
        """It forgets to return."""

    with pytest.raises(AssetFailedError, match="It returned None, which is no table"):
        build(nothing, inputs={"orders": ROWS})


# name -> (what, other arguments, message)
WRONG: dict[str, tuple[Any, dict[str, Any], str]] = {
    "missing": (
        doubled,
        {},
        "python.doubled (tests/unit/testing/test_build.py:{line}) reads orders, which the test "
        "does not give.\nNothing was built.\nGive what it reads: inputs={{'orders': [{{...}}]}}.",
    ),
    "missing model and asset": (
        [guessed, doubled, mean_model],
        {"inputs": {"mean_model": MLModel(None)}},
        "python.doubled (tests/unit/testing/test_build.py:{line}) reads orders, which the test "
        "does not give.\nNothing was built.\nGive what it reads: inputs={{'orders': [{{...}}]}}.",
    ),
    "unknown input": (
        doubled,
        {"inputs": {"ordres": ROWS}},
        "inputs names 'ordres', which nothing here reads.\nNothing was built.\n"
        "Did you mean 'orders'? It reads doubled, orders.",
    ),
    "no rows": (
        doubled,
        {"inputs": {"orders": []}},
        "inputs['orders'] has no rows, so that its columns are not known.\nNothing was built.\n"
        "Say them: types={{'orders': {{'<column>': '<type>'}}}}.",
    ),
    "no dicts": (
        doubled,
        {"inputs": {"orders": [1]}},
        "inputs['orders'] holds 1, which is no dict.\nNothing was built.\nGive a list of dicts, a "
        "dict of lists, a pandas or polars frame, a pyarrow table, a DuckDB relation, the "
        "pathlib.Path of a CSV, parquet or JSON file, or SQL as a text.",
    ),
    "a path as a text": (
        doubled,
        {"inputs": {"orders": "orders.csv"}},
        "inputs['orders'] looks like a path.\nNothing was built.\n"
        "Write pathlib.Path('orders.csv').",
    ),
    "types of nothing": (
        doubled,
        {"inputs": {"orders": ROWS}, "types": {"order": {}}},
        "types names 'order', which is not among the inputs.\nNothing was built.\n"
        "The inputs are orders.",
    ),
    "values of nothing": (
        doubled,
        {"inputs": {"orders": ROWS}, "config": {"factor": 3}},
        "config names 'factor', which no function here takes.\nNothing was built.\n"
        "Correct the name of the parameter.",
    ),
    "names and functions": (
        ["dated", doubled],
        {},
        "build() was given names and functions.\nNothing was built.\n"
        "Give names of a project's assets, or functions: not both.",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong(case: str) -> None:
    what, more, message = WRONG[case]
    with pytest.raises(AssetError) as raised:
        build(what, project=None, **more)
    line = doubled.__code__.co_firstlineno
    shown = str(raised.value).replace("(test_build.py", "(tests/unit/testing/test_build.py")
    assert shown == message.format(line=line)


@pytest.mark.parametrize(
    ("rows", "part"),
    [
        ([{"id": 1}, {"id": "one"}], "cannot be a table: column id"),
        ("SELECT nothing", 'cannot be a table: Binder Error: Referenced column "nothing"'),
        (Path("there/is/none.csv"), "none.csv, which is no file"),
        (Path("notes.txt"), "The file's name must end with .csv"),
        (MLModel(None), "is a MLModel, but dated is a table"),
    ],
)
def test_bad_rows(rows: object, part: str) -> None:
    reader = asset(name="reader")(lambda dated: dated)
    with pytest.raises(AssetError) as raised:
        build([reader, dated, doubled], inputs={"dated": rows, "orders": ROWS})
    assert part in str(raised.value)


def test_an_undecorated_function_is_refused() -> None:
    with pytest.raises(AssetError, match=r"which is no @asset and no @check"):
        build(a_file)


def test_dbt_and_sqlglot_are_not_imported() -> None:
    code = (
        "import sys; from toolkit import asset; from toolkit.testing import build\n"
        f"sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "from test_build import doubled, ROWS\n"
        "assert build(doubled, inputs={'orders': ROWS}).built\n"
        "print(sorted({'dbt', 'sqlglot', 'sklearn'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == "doubling\n[]\n"
