"""Tables in, tables out: every form, and everything that may not be written."""

import decimal
from collections.abc import Iterable

import pytest
from python_harness import PythonProject

from toolkit.graph import Relation

HEAD = """
import pathlib
import sys
import duckdb, numpy as np, pandas as pd, pyarrow as pa, pyarrow.parquet
from toolkit import asset, check, resource, MLModel
"""

# What a parameter may be annotated with, and a body that returns its rows with id > 1.
FORMS = {
    "nothing": ("orders", "return orders.filter(pa.compute.field('id') > 1)"),
    "pyarrow.Table": ("orders: pa.Table", "return orders.slice(1)"),
    "DuckDBPyRelation": ("orders: duckdb.DuckDBPyRelation", "return orders.filter('id > 1')"),
    "RecordBatchReader": (
        "orders: pa.RecordBatchReader",
        "return pa.RecordBatchReader.from_batches(orders.schema, (b.slice(1) for b in orders))",
    ),
    "pandas": ("orders: pd.DataFrame", "return orders[orders.id > 1]"),
    "Path": (
        "orders: pathlib.Path",
        "out = orders.parent / 'out.parquet'\n"
        "    pa.parquet.write_table(pa.parquet.read_table(orders).slice(1), out)\n"
        "    return out",
    ),
    "relation -> arrow": ("orders: duckdb.DuckDBPyRelation", "return orders.to_arrow_table()[1:]"),
    "relation -> reader": (
        "orders: duckdb.DuckDBPyRelation",
        "return orders.filter('id > 1').to_arrow_reader()",
    ),
    "relation of a query": (
        "orders: duckdb.DuckDBPyRelation",
        "return orders.query('o', 'SELECT * FROM o WHERE id > 1')",
    ),
    "relation of another connection": (
        "orders: pd.DataFrame",
        "return duckdb.connect().sql('SELECT * FROM orders WHERE id > 1')",
    ),
    "relation of the default connection": (
        "orders: pa.Table",
        "return duckdb.sql('SELECT * FROM orders WHERE id > 1')",
    ),
}


WHERE = pytest.mark.parametrize("isolated", [False, True], ids=["here", "isolated"])


def everywhere(cases: Iterable[str], isolated: Iterable[str]) -> list[tuple[str, bool]]:
    """Each case in our process, and those that are hard for another one there as well."""
    return [*((case, False) for case in cases), *((case, True) for case in isolated)]


@WHERE
@pytest.mark.usefixtures("orders")
@pytest.mark.parametrize("form", FORMS)
def test_form(project: PythonProject, form: str, isolated: bool) -> None:
    parameter, body = FORMS[form]
    head = f"{HEAD}\n@asset(schema='ml', isolate={isolated})\n"
    ended = project.run(f"{head}def out({parameter}):\n    {body}\n")
    step = ended["python.out"]
    assert (step.status, step.message, step.relation) == ("success", "2 rows", "shop.ml.out")
    assert project.rows("SELECT id, amount::DOUBLE, customer FROM ml.out ORDER BY id") == [
        (2, 20.0, "b"),
        (3, 7.25, "a"),
    ]
    (made,) = step.made
    assert (made.asset, made.rows) == ("python.out", 2)
    assert project.warehouse is not None
    assert made.data_version == project.warehouse.content_hash(Relation(None, "ml", "out")).version


@WHERE
@pytest.mark.usefixtures("orders")
@pytest.mark.parametrize("wanted", ["pl.DataFrame", "pl.LazyFrame", "pa.Table"])
@pytest.mark.parametrize("given", ["orders", "pl.from_arrow(orders)", "orders.lazy()"])
def test_polars(project: PythonProject, wanted: str, given: str, isolated: bool) -> None:
    pytest.importorskip("polars", reason="polars is not installed; it is an optional form")
    if (wanted == "pa.Table") != ("from_arrow" in given):
        return  # a table has no lazy(), and a frame needs no from_arrow()
    step = project.run(
        "import polars as pl, pyarrow as pa\nfrom toolkit import asset\n"
        f"@asset(isolate={isolated})\ndef out(orders: {wanted}):\n"
        f"    return ({given}).filter(pl.col('id') > 1)\n"
    )["python.out"]
    assert step.message == "2 rows"


def test_a_lazy_frame_that_cannot_be_computed(project: PythonProject, orders: None) -> None:
    pytest.importorskip("polars", reason="polars is not installed; it is an optional form")
    step = project.run(
        "import polars as pl\nfrom toolkit import asset\n@asset\n"
        "def out(orders: pl.LazyFrame) -> pl.LazyFrame:\n"
        "    return orders.select(pl.col('customer').cast(pl.Int64))\n"
    )["python.out"]
    assert "It raised InvalidOperationError" in step.message


# What pandas and polars can hold, and the type and values that the warehouse then has.
FRAMES = {
    "nullable": ("pd.DataFrame({'a': pd.array([1, None], dtype='Int64')})", "BIGINT", [1, None]),
    "nullable booleans": (
        "pd.DataFrame({'a': pd.array([True, None], dtype='boolean')})", "BOOLEAN", [True, None]
    ),
    "arrow": (
        "pd.DataFrame({'a': pd.array(['x', None], dtype=pd.ArrowDtype(pa.string()))})",
        "VARCHAR", ["x", None],
    ),
    "arrow lists": (
        "pd.DataFrame({'a': pd.array([[1], []], dtype=pd.ArrowDtype(pa.list_(pa.int8())))})",
        "TINYINT[]", [[1], []],
    ),
    "categorical": (
        "pd.DataFrame({'a': pd.Categorical(['x', None, 'x'])}).astype({'a': 'category'})",
        "VARCHAR", ["x", None, "x"],
    ),
    "missing numbers": ("pd.DataFrame({'a': [1.5, float('nan')]})", "DOUBLE", [1.5, None]),
    "missing texts": ("pd.DataFrame({'a': ['x', None]})", "VARCHAR", ["x", None]),
    "a time zone": (  # microseconds: pandas 2 makes nanoseconds, which is another type
        "pd.DataFrame({'a': pd.Series([pd.Timestamp('2026-01-01', tz='Europe/Berlin'), pd.NaT])"
        ".dt.as_unit('us')})",
        "TIMESTAMP WITH TIME ZONE", None,
    ),
    "decimals": (
        "pd.DataFrame({'a': [decimal.Decimal('1.50'), None]})",
        "DECIMAL(3,2)", [decimal.Decimal("1.50"), None],
    ),
    "dicts": ("pd.DataFrame({'a': [{'b': 1}, None]})", "STRUCT(b BIGINT)", [{"b": 1}, None]),
    "durations": ("pd.DataFrame({'a': [pd.Timedelta(days=1)]})", "INTERVAL", None),
    "no rows": ("pd.DataFrame({'a': pd.array([], dtype='string')})", "VARCHAR", []),
    "only None": ("pd.DataFrame({'a': [None, None]})", '"NULL"', [None, None]),
    "polars categorical": (
        "pl.DataFrame({'a': pl.Series(['x', None], dtype=pl.Categorical)})", None, ["x", None]
    ),
    "polars enum": (
        "pl.DataFrame({'a': pl.Series(['x'], dtype=pl.Enum(['x', 'y']))})", None, ["x"]
    ),
    "polars structs": (
        "pl.DataFrame({'a': [{'b': 1}]})", "STRUCT(b BIGINT)", [{"b": 1}]
    ),
    "polars no rows": ("pl.DataFrame(schema={'a': pl.Int8})", "TINYINT", []),
    "polars decimals": (
        "pl.DataFrame({'a': [decimal.Decimal('1.50')]})", None, [decimal.Decimal("1.50")]
    ),
    "polars nulls": ("pl.DataFrame({'a': [None]})", '"NULL"', [None]),
}  # fmt: skip


@pytest.mark.parametrize("case", FRAMES)
def test_frames(project: PythonProject, case: str) -> None:
    body, kind, values = FRAMES[case]
    step = project.run(
        f"{HEAD}import decimal\nimport polars as pl\n@asset\ndef out():\n    return {body}\n"
    )["python.out"]
    assert step.status == "success", step.message
    [(found,)] = project.rows("SELECT data_type FROM duckdb_columns() WHERE table_name = 'out'")
    if kind is not None:
        assert found == kind
    if values is not None:
        assert [row[0] for row in project.rows("SELECT a FROM out")] == values


@WHERE
@pytest.mark.parametrize(
    ("frame", "part"),
    [
        ("pl.DataFrame({'a': [1], 'A': [2]})", "columns of one name"),
        ("pl.DataFrame()", "without columns"),
        ("pl.Series([1])", "polars.series.series.Series, which is no table"),
        ("pl.DataFrame({'a': [object()]})", "The column a holds Python objects"),
    ],
)
def test_bad_polars(project: PythonProject, frame: str, part: str, isolated: bool) -> None:
    pytest.importorskip("polars", reason="polars is not installed; it is an optional form")
    step = project.run(
        f"import polars as pl\nfrom toolkit import asset\n@asset(isolate={isolated})\n"
        f"def out():\n    return {frame}\n"
    )["python.out"]
    assert step.status == "error"
    assert part in step.message, step.message
    assert project.rows("SELECT count(*) FROM duckdb_tables()") == [(0,)]


# A value of each type that is hard to bring from one place to another.
WIDE = """
    170141183460469231731687303715884105727::HUGEINT h, -1::HUGEINT hn, 2::UHUGEINT uh, uuid() u,
    'a'::ENUM('a', 'b') e, [1] l, {'x': 1} s, MAP {'k': 1} m, TIMESTAMPTZ '2026-01-01 00:00+01' t,
    INTERVAL '1 month 2 days' i, 'x'::BLOB b, '101'::BIT bits, '10:00:00.5+01:30'::TIMETZ tz,
    TIMESTAMP_NS '2026-01-01 00:00:00.123456789' ns, TIMESTAMP_S '2026-01-01' ts, '{}'::JSON j,
    [{'a "b"': 3::HUGEINT, 'HUGEINT': 'BIT', 'u': uuid()}] AS "BIT", [1, 2]::HUGEINT[2] AS arr,
    1234567::BIGNUM big, 1.5::DECIMAL(38, 10) d,
    union_value(k := 4::HUGEINT) un, NULL::UUID nothing, DATE '1500-02-28' AS day, 'x' AS "a ""q"
"""


@WHERE
def test_types_survive(project: PythonProject, isolated: bool) -> None:
    """A relation is written by DuckDB itself, so nothing is lost on the way."""
    project.table("wide", f"SELECT {WIDE}")
    ended = project.run(
        f"{HEAD}\n@asset(isolate={isolated})\n"
        "def out(wide: duckdb.DuckDBPyRelation):\n    return wide\n"
    )
    assert ended["python.out"].status == "success", ended["python.out"].message
    assert project.rows("DESCRIBE out") == project.rows("DESCRIBE wide")
    assert project.rows("FROM out EXCEPT ALL FROM wide") == []


# Types that DuckDB does not hand to pandas.
NOT_FOR_PANDAS = ["2::UHUGEINT uh, ", "'10:00:00.5+01:30'::TIMETZ tz,", "1234567::BIGNUM big, "]


@pytest.mark.parametrize("form", ["pa.Table", "pa.RecordBatchReader", "pd.DataFrame"])
def test_an_isolated_function_sees_the_same_types(project: PythonProject, form: str) -> None:
    types = "value.dtypes.to_dict().items()" if form == "pd.DataFrame" else "iter(value.schema)"
    columns = f"{WIDE}, 1.5::FLOAT f, true AS t"
    for column in NOT_FOR_PANDAS if form == "pd.DataFrame" else ():
        assert column in columns
        columns = columns.replace(column, "")
    project.table("wide", f"SELECT {columns}")
    functions = "".join(
        f"@asset(deps={{'value': 'wide'}}, isolate={isolated})\ndef {name}(value: {form}):\n"
        f"    return pa.table({{'t': [str(t) for t in {types}]}})\n"
        for name, isolated in (("here", False), ("there", True))
    )
    ended = project.run(HEAD + functions)
    assert {step.status for step in ended.values()} == {"success"}, ended
    assert project.rows("FROM here") == project.rows("FROM there")
    assert len(project.rows("FROM here")) > 20


@pytest.mark.usefixtures("orders")
def test_assets_read_each_other(project: PythonProject) -> None:
    ended = project.run(
        HEAD
        + "@asset\ndef last(doubled: pd.DataFrame, orders: duckdb.DuckDBPyRelation):\n"
        + "    assert orders.count('*').fetchall() == [(3,)]\n"
        + "    return doubled.assign(amount=doubled.amount + 1)\n"
        + "@asset(schema='ml')\ndef doubled(orders: duckdb.DuckDBPyRelation):\n"
        + "    return orders.project('id, amount * 2 AS amount')\n"
    )
    assert [step.status for step in ended.values()] == ["success", "success"]
    assert project.rows("SELECT sum(amount)::DOUBLE FROM last") == [(78.5,)]


# What works though it looks as if it might not.
FINE = {
    "no rows": "pa.table({'id': pa.array([], pa.int64())})",
    "no rows in pandas": "pd.DataFrame({'id': pd.Series([], dtype='int64')})",
    "2,000 columns": "pa.table({f'c{i}': [i] for i in range(2000)})",
    "hostile names": "pa.table({'a\"b; DROP TABLE orders; --': [1], 'é ü': [2], 'x' * 3000: [3]})",
    "names of SQL": "pd.DataFrame({'select': [1], 'rowid': [2], 'row0': [3], 'out': [4]})",
    "only nulls": "pa.table({'a': pa.nulls(3)})",
    "nested": "pa.table({'a': [[{'b': 1}]]})",
    "bytes and dates": "pd.DataFrame({'b': [b'x'], 'd': [pd.Timestamp('2026-01-01', tz='UTC')]})",
    "a numbered index": "pd.DataFrame({'a': [1, 2, 3]})[1:]",
    "no rows from a reader": (
        "pa.RecordBatchReader.from_batches(pa.schema({'a': pa.int64()}), iter([]))"
    ),
}


HARD = ["no rows in pandas", "2,000 columns", "hostile names", "only nulls", "nested"]


@pytest.mark.parametrize(("case", "isolated"), everywhere(FINE, [*HARD, "no rows from a reader"]))
def test_fine(project: PythonProject, case: str, isolated: bool) -> None:
    head = f"{HEAD}\n@asset(isolate={isolated})\n"
    step = project.run(f"{head}def out():\n    return {FINE[case]}\n")["python.out"]
    assert step.status == "success", step.message
    assert step.made[0].rows == project.rows("SELECT count(*) FROM out")[0][0]


# What the function does -> parts of the message. The old table stays, whatever it is.
BAD = {
    "raises": (
        "x = 1\n    raise KeyError('customer_id')",
        ["It raised KeyError: 'customer_id' at ml/assets.py:10", "Log: logs/out.log"],
    ),
    "raises in a library": (
        "return pd.DataFrame({'a': [1]})['b']",
        ["It raised KeyError: 'b' at ml/assets.py:9"],
    ),
    "sys.exit": ("sys.exit(7)", ["It called sys.exit(7) at ml/assets.py:9"]),
    "None": ("pass", ["It returned None, which is no table", "Return one of"]),
    "list of dicts": ("return [{'a': 1}]", ["It returned a list"]),
    "a number": ("return 1", ["It returned an int"]),
    "an array": ("return np.array([1])", ["It returned a numpy.ndarray"]),
    "a Series": ("return pd.Series([1])", ["It returned a pandas.", "Series, which is no table"]),
    "a model": ("return MLModel(1)", ["MLModel, which is no table"]),
    "duplicate columns": (
        "return pa.table([[1], [2]], names=['a', 'a'])",
        ["columns of one name", "'a' and 'a'"],
    ),
    "columns that differ by case": (
        "return pd.DataFrame({'Id': [1], 'id': [2]})",
        ["'Id' and 'id'", "Rename or drop"],
    ),
    "duplicate columns of a relation": (
        "return duckdb.sql('SELECT 1 AS a, 2 AS a')",
        ["'a' and 'a'"],
    ),
    "no columns": ("return pa.table({})", ["without columns"]),
    "no columns in pandas": ("return pd.DataFrame()", ["without columns"]),
    "numbers for names": ("return pd.DataFrame([[1, 2]])", ["A column is called 0"]),
    "an empty name": ("return pa.table({'': [1]})", ["A column is called ''"]),
    "a name with NUL": ("return pa.table({'a\\0b': [1]})", ["A column is called 'a\\x00b'"]),
    "a named index": (
        "return pd.DataFrame({'k': [1], 'v': [2]}).groupby('k').sum()",
        ["its index in ['k']", "reset_index()"],
    ),
    "a path that is not there": ("return pathlib.Path('no.parquet')", ["no.parquet", "parquet"]),
    "a path of something else": (
        "path = pathlib.Path(__file__)\n    return path",
        ["cannot be read as parquet"],
    ),
    "objects that are no values": (
        "return pd.DataFrame({'a': [object()]})",
        ["python.out (ml/assets.py:7)", "Could not convert <object object", "column a"],
    ),
    "a column of numbers and texts": (
        "return pd.DataFrame({'a': [1, 'x']})",
        ["column a", "Mend what the function returns"],
    ),
    "a reader that raises": (
        "def rows():\n        yield pa.record_batch({'a': [1]})\n        raise ValueError('boom')\n"
        "    return pa.RecordBatchReader.from_batches(pa.schema({'a': pa.int64()}), rows())",
        ["boom"],
    ),
    "a relation that cannot be computed": (
        "return duckdb.sql(\"SELECT error('boom') AS a\")",
        ["boom"],
    ),
}


HARD_ERRORS = [
    "raises in a library", "sys.exit", "None", "duplicate columns of a relation", "a named index",
    "a path that is not there", "objects that are no values", "a reader that raises",
    "a relation that cannot be computed",
]  # fmt: skip


@pytest.mark.parametrize(("case", "isolated"), everywhere(BAD, HARD_ERRORS))
def test_bad(project: PythonProject, case: str, isolated: bool) -> None:
    body, parts = BAD[case]
    project.run(f"{HEAD}\n@asset\ndef out():\n    return pa.table({{'kept': [1]}})\n")
    head = f"{HEAD}\n@asset(isolate={isolated})\n"
    step = project.run(f"{head}def out():\n    {body}\n")["python.out"]
    assert step.status == "error"
    for part in ["python.out (ml/assets.py:7)", *parts]:
        assert part in step.message, f"{part!r} not in:\n{step.message}"
    assert step.made == ()
    assert project.rows("SELECT * FROM out") == [(1,)]
    assert project.rows("SELECT table_name FROM duckdb_tables()") == [("out",)]


@pytest.mark.usefixtures("orders")
def test_a_relation_of_ours_that_cannot_be_computed(project: PythonProject) -> None:
    step = project.run(
        f"{HEAD}\n@asset\ndef out(orders: duckdb.DuckDBPyRelation):\n"
        "    return orders.project(\"error('boom') AS a\")\n"
    )["python.out"]
    assert step.status == "error"
    assert "DuckDB cannot write shop.main.out" in step.message
    assert project.rows("SELECT table_name FROM duckdb_tables()") == [("orders",)]


# Declared columns -> what is returned -> parts of the message (none: it is fine).
DECLARED = {
    "missing": (
        {"a": "INT", "b": "INT", "c": "INT"},
        "pa.table({'a': [1]})",
        ["Declared columns are missing from what it returned: b, c. It has a."],
    ),
    "wrong type": ({"a": "BIGINT"}, "pa.table({'a': ['x']})", ["a is declared as BIGINT but is"]),
    "size does not count": ({"a": "decimal(18, 2)"}, "pa.table({'a': [1]})", []),
    "case does not count": ({"ID": "text"}, "pa.table({'id': ['x']})", []),
    "more columns": ({"a": "INT"}, "pa.table({'a': [1], 'b': [2]})", []),
    "only nulls": ({"a": "DATE"}, "pa.table({'a': pa.nulls(2)})", []),
    "lists": ({"a": "INTEGER[]"}, "pa.table({'a': [[1]]})", []),
    "a list is no number": ({"a": "INTEGER"}, "pa.table({'a': [[1]]})", ["but is BIGINT[]"]),
    "no type": ({"a": {"description": "A."}}, "pa.table({'a': ['x']})", []),
}


@pytest.mark.parametrize("case", DECLARED)
def test_declared(project: PythonProject, case: str) -> None:
    columns, value, parts = DECLARED[case]
    step = project.run(f"{HEAD}\n@asset(columns={columns!r})\ndef out():\n    return {value}\n")[
        "python.out"
    ]
    assert step.status == ("error" if parts else "success"), step.message
    for part in parts:
        assert part in step.message
    assert bool(project.rows("SELECT * FROM duckdb_tables()")) == (not parts)


def test_only_nulls_get_the_declared_type(project: PythonProject) -> None:
    project.run(
        f"{HEAD}\n@asset(columns={{'a': 'DATE'}})\n"
        "def out():\n    return pa.table({'a': pa.nulls(2)})\n"
    )
    assert project.rows("SELECT column_type FROM (DESCRIBE out)") == [("DATE",)]


def test_a_view_in_the_way_stays(project: PythonProject) -> None:
    with project.cursor() as cursor:
        cursor.execute("CREATE VIEW out AS SELECT 1 AS a")
    ended = project.run(f"{HEAD}\n@asset\ndef out():\n    return pa.table({{'a': [2]}})\n")
    message = ended["python.out"].message
    assert "There is a view shop.main.out where the table should go" in message
    assert project.rows("SELECT * FROM out") == [(1,)]


def test_an_input_that_is_not_there(project: PythonProject) -> None:
    project.add("model.shop.orders", "orders", "model")
    step = project.run(f"{HEAD}\n@asset\ndef out(orders): ...\n")["python.out"]
    assert step.status == "error"
    assert "Its input model.shop.orders is not in the warehouse" in step.message
    assert "toolkit build --select orders" in step.message


def test_no_warehouse(project: PythonProject) -> None:
    assert project.warehouse is not None
    project.warehouse.close()
    project.warehouse = None
    step = project.run(f"{HEAD}\n@asset\ndef out():\n    return 1\n")["python.out"]
    assert step.status == "error"
    assert "no DuckDB warehouse" in step.message


def test_temporary_files_are_gone(project: PythonProject, orders: None) -> None:
    project.run(
        f"{HEAD}\n@asset\ndef out(orders: pathlib.Path):\n"
        "    return pa.table({'path': [str(orders)], 'rows': [len(pa.parquet.read_table(orders))]})"
    )
    [(path, rows)] = project.rows("SELECT path, rows FROM out")
    assert rows == 3
    assert project.rows(f"SELECT * FROM glob('{path}')") == []


def test_the_same_content_has_the_same_version(project: PythonProject) -> None:
    source = f"{HEAD}\n@asset\ndef out():\n    return pa.table({{'a': [1, 2]}})\n"
    first = project.run(source)["python.out"].made[0].data_version
    again = project.run(source.replace("[1, 2]", "[2, 1]"))["python.out"].made[0].data_version
    other = project.run(source.replace("[1, 2]", "[1, 3]"))["python.out"].made[0].data_version
    assert first == again != other
