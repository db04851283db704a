"""Everything that is wrong at load time: one clear message with file:line and what to do."""

import textwrap

import pytest
from python_harness import PythonProject

from toolkit.errors import AssetError, CycleError
from toolkit.graph import Relation

# name -> (source of ml/assets.py, parts that the message must hold)
WRONG: dict[str, tuple[str, list[str]]] = {
    "missing input": (
        "@asset\ndef scores(order): ...",
        ["python.scores (ml/assets.py:2)", "'order'", "no asset", "Nearest: orders"],
    ),
    "missing input, nothing near": (
        "@asset\ndef scores(zzzzqqq): ...",
        ["'zzzzqqq'", "deps={'zzzzqqq': '<asset name or key>'}"],
    ),
    "ambiguous input": (
        "@asset\ndef scores(customers): ...",
        ["could mean any of model.shop.customers, source.shop.raw.customers", "deps={'customers'"],
    ),
    "deps names nothing": (
        "@asset(deps={'o': 'ordres'})\ndef scores(o): ...",
        ["parameter 'o' (deps says 'ordres')", "Nearest: orders"],
    ),
    "deps names no parameter": (
        "@asset(deps={'o': 'orders'})\ndef scores(orders): ...",
        ["deps names a parameter 'o'", "the parameters are orders"],
    ),
    "ordering names nothing": (
        "@asset(deps=['ordres'])\ndef scores(orders): ...",
        ["deps entry 'ordres'", "Nearest: orders"],
    ),
    "deps is a text": (
        "@asset(deps='orders')\ndef scores(orders): ...",
        ["deps='orders' is not a list", "deps=['orders']"],
    ),
    "unknown annotation": (
        "@asset\ndef scores(orders: dict): ...",
        ["orders: dict", "cannot hand over", "pandas.DataFrame"],
    ),
    "unknown annotation as text": (
        "@asset\ndef scores(orders: 'np.ndarray'): ...",
        ["orders: 'np.ndarray'", "cannot hand over"],
    ),
    "pandas Series": (
        "import pandas as pd\n@asset\ndef scores(orders: pd.Series): ...",
        ["cannot hand over", "ml/assets.py:3"],
    ),
    "table wanted of a model": (
        "import pandas as pd\n@asset(kind='ml_model')\ndef m(): ...\n"
        "@asset\ndef scores(m: pd.DataFrame): ...",
        ["reads python.m, which is an ML model, not a table"],
    ),
    "model wanted of a table": (
        "from toolkit import MLModel\n@asset\ndef scores(orders: MLModel): ...",
        ["reads model.shop.orders, which is a table, not an ML model"],
    ),
    "ephemeral input": (
        "@asset\ndef scores(helper): ...",
        ["model.shop.helper, which is ephemeral and has no table"],
    ),
    "*args": ("@asset\ndef scores(*orders): ...", ["'*orders' names no input"]),
    "**kwargs": ("@asset\ndef scores(**orders): ...", ["'**orders' names no input"]),
    "positional-only": ("@asset\ndef scores(orders, /): ...", ["positional-only"]),
    "async": ("@asset\nasync def scores(orders): ...", ["async function"]),
    "generator": ("@asset\ndef scores(orders):\n    yield orders", ["it yields"]),
    "class": (
        "@asset\nclass scores: ...",
        ["ml/assets.py:2 cannot be imported", "@asset is given the class scores, which is not"],
    ),
    "name with a dot": ("@asset(name='a.b')\ndef f(): ...", ["'a.b' cannot be a name"]),
    "name that leaves its folder": (
        "@asset(name='../../etc')\ndef f(): ...",
        ["'../../etc' cannot be a name", "ml/assets.py:2"],
    ),
    "name with a quote": ("@asset(name='a\"b')\ndef f(): ...", ["cannot be a name"]),
    "name of umlauts": ("@asset\ndef größe(): ...", ["'größe' cannot be a name"]),
    "lambda": ("asset(lambda orders: orders)", ["'<lambda>' cannot be a name"]),
    "kind": ("@asset(kind='modell')\ndef f(): ...", ["kind='modell' is none of"]),
    "access": ("@asset(access='secret')\ndef f(): ...", ["access='secret' is none of"]),
    "tags as one text": ("@asset(tags='ml')\ndef f(): ...", ["tags='ml' is not a list"]),
    "owner": ("@asset(owner=['me'])\ndef f(): ...", ["owner=['me'] is not a text"]),
    "other database": (
        "@asset(database='lake')\ndef f(): ...",
        ["database='lake' is not this target's database ('shop')"],
    ),
    "columns of a model": (
        "@asset(kind='ml_model', columns={'a': 'INT'})\ndef f(): ...",
        ["takes neither `schema` nor `columns`"],
    ),
    "trusted on a table": ("@asset(trusted=['x'])\ndef f(): ...", ["`trusted` is for ml_model"]),
    "columns no dict": ("@asset(columns=['a'])\ndef f(): ...", ["columns=['a'] is not a dict"]),
    "column option": (
        "@asset(columns={'a': {'typ': 'INT'}})\ndef f(): ...",
        ["unknown option 'typ'", "The options are type"],
    ),
    "column test": (
        "@asset(columns={'a': {'tests': ['positive']}})\ndef f(): ...",
        ["a test 'positive'", "write a @check"],
    ),
    "column inputs": (
        "@asset(columns={'a': {'inputs': ['ordres.id']}})\ndef f(orders): ...",
        ["'ordres.id'", "inputs of this asset are: orders"],
    ),
    "columns that differ by case": (
        "@asset(columns={'a': 'INT', 'A': 'INT'})\ndef f(): ...",
        ["'a' and 'A', which are one for the warehouse"],
    ),
    "two of one name": (
        "@asset\ndef f(): ...\n@asset(name='F')\ndef g(): ...",
        ["ml/assets.py:4", "ml/assets.py:2", "both declare the asset"],
    ),
    "table of a dbt model": (
        "@asset(name='orders')\ndef f(): ...",
        ["it would write shop.main.orders, which is the table of model.shop.orders"],
    ),
    "check of nothing": (
        "@check(asset='ordres')\ndef c(): ...",
        ["check c (ml/assets.py:2)", "its asset 'ordres'", "Nearest: orders"],
    ),
    "check without parentheses": (
        "def g(): ...\n@check\ndef c(orders): ...",
        ["ml/assets.py:3 cannot be imported: TypeError: @check needs to be told its asset"],
    ),
    "check of a resource": (
        "@resource\ndef r(): ...\n@check(asset=r)\ndef c(orders): ...",
        ["is not an asset"],
    ),
    "check severity": (
        "@check(asset='orders', severity='fatal')\ndef c(orders): ...",
        ["severity='fatal' is none of 'error', 'warn'"],
    ),
    "two checks of one name": (
        "@check('orders')\ndef c(orders): ...\n@check('orders', name='c')\ndef d(orders): ...",
        ["ml/assets.py:4", "ml/assets.py:2", "both declare check.orders.c"],
    ),
    "resource with a parameter": (
        "@resource\ndef client(url): ...",
        ["resource client (ml/assets.py:2)", "its parameter 'url' is no resource of this target"],
    ),
    "two resources": (
        "@resource\ndef client(): ...\n@resource('client')\ndef other(): ...",
        ["ml/assets.py:2 has a resource of this name for the same target"],
    ),
    "resource of another target": (
        "@resource(target='prod')\ndef client(): ...\n@asset\ndef f(client): ...",
        ["'client' is a resource that this target does not have"],
    ),
    "resource or asset": (
        "@resource\ndef orders(): ...\n@asset\ndef f(orders): ...",
        ["could mean the resource or the asset model.shop.orders"],
    ),
    "partial": (
        "import functools\ndef f(orders, n): ...\nasset(functools.partial(f, n=1))",
        ["ml/assets.py:4", "@asset is given a partial of f()", "values by config="],
    ),
    "object that is called": (
        "class A:\n    def __call__(self): ...\nasset(name='x')(A())",
        ["ml/assets.py:4", "@asset is given a A, which is not a function"],
    ),
    "method": (
        "class A:\n    @asset\n    def f(self, orders): ...",
        ["python.f (ml/assets.py:3)", "it is a method of a class"],
    ),
    "name that is no text": ("@asset(3)\ndef f(): ...", ["takes a name as a text, not 3"]),
    "asset and check": (
        "@asset\n@check('orders')\ndef f(orders): ...",
        ["ml/assets.py:2: f is decorated as @check and as @asset", "Write two functions"],
    ),
    "resource and asset": (
        "@resource\n@asset\ndef f(): ...",
        ["ml/assets.py:2: f is decorated as @asset and as @resource"],
    ),
    "decorator above": (
        "def twice(f):\n    def inner(*a, **k): return f(*a, **k)\n    return inner\n"
        "@twice\n@asset\ndef f(orders): ...",
        ["python.f (ml/assets.py:5)", "another decorator stands above @asset", "Put @asset on top"],
    ),
    "decorator above that wraps": (
        "import functools\ndef twice(f):\n    @functools.wraps(f)\n"
        "    def inner(*a, **k): return f(*a, **k)\n    return inner\n"
        "@twice\n@check('orders')\ndef f(orders): ...",
        ["check f (ml/assets.py:7)", "another decorator stands above @check"],
    ),
    "decorator below that wraps nothing": (
        "def twice(f):\n    def inner(*a, **k): return f(*a, **k)\n    return inner\n"
        "@asset\n@twice\ndef f(orders): ...",
        ["'*a' names no input", "functools.wraps"],
    ),
    "returns a number": (
        "@asset\ndef f(orders) -> int: ...",
        ["said to return int, which is no table", "Return one of duckdb.DuckDBPyRelation"],
    ),
    "returns None": ("@asset\ndef f(orders) -> None: ...", ["said to return None, which is no"]),
    "returns a list": ("@asset\ndef f() -> list[dict]: ...", ["return list[dict], which is no"]),
    "returns one of two": (
        "import numpy as np\n@asset\ndef f() -> np.ndarray | None: ...",
        ["numpy.ndarray | None, which is no table"],
    ),
    "table that is a model": (
        "from toolkit import MLModel\n@asset\ndef f() -> MLModel: ...",
        ["said to return toolkit", "Say kind='ml_model'"],
    ),
    "model that is a table": (
        "import pandas as pd\n@asset(kind='ml_model')\ndef f() -> pd.DataFrame: ...",
        ["it is an ml_model and said to return", "a table"],
    ),
    "check that returns a number": (
        "@check('orders')\ndef c(orders) -> float: ...",
        ["check c (ml/assets.py:2)", "said to return float", "Return a bool"],
    ),
    "syntax error": ("x = 1\ndef f(:\n    ...", ["ml/assets.py:3 cannot be imported: SyntaxError"]),
    "import error": (
        "import nothing_of_this_name",
        ["ml/assets.py:2 cannot be imported: ModuleNotFoundError", "nothing_of_this_name"],
    ),
    "raises at import": (
        "def g():\n    raise ValueError('boom')\ng()",
        ["ml/assets.py:3 cannot be imported: ValueError: boom"],
    ),
    "sys.exit at import": (
        "import sys\nsys.exit(3)",
        ["ml/assets.py:3 cannot be imported: SystemExit: 3"],
    ),
}


@pytest.mark.usefixtures("orders")
@pytest.mark.parametrize("case", WRONG)
def test_wrong(project: PythonProject, case: str) -> None:
    project.add("model.shop.customers", "customers", "model")
    project.add(
        "source.shop.raw.customers",
        "customers",
        "source",
        relation=Relation("shop", "raw", "customers"),
        source_name="raw",
    )
    project.add("model.shop.helper", "helper", "model", materialized="ephemeral")
    source, parts = WRONG[case]
    project.write(f"from toolkit import asset, check, resource\n{source}\n")
    with pytest.raises(AssetError) as raised:
        project.load()
    message = str(raised.value)
    for part in parts:
        assert part in message, f"{part!r} not in:\n{message}"
    assert len(message.splitlines()) == 3, message
    assert str(project.folder) not in message


def test_names_in_two_files(project: PythonProject) -> None:
    for name in ("a", "b"):
        project.write("from toolkit import asset\n@asset\ndef scores(): ...\n", f"ml/{name}.py")
    with pytest.raises(AssetError, match=r"ml/b\.py:2 and ml/a\.py:2 both declare the asset"):
        project.load()


def test_an_entry_that_is_not_there(project: PythonProject) -> None:
    project.entries = ["nowhere"]
    with pytest.raises(AssetError, match=r"toolkit\.yml names nowhere under `assets`"):
        project.load()


def test_the_line_of_a_helper_module(project: PythonProject) -> None:
    project.write("def f():\n    return 1 / 0\nf()\n", "ml/helper.py")
    project.write("import helper\n", "ml/assets.py")
    with pytest.raises(AssetError, match=r"ml/helper\.py:2 cannot be imported: ZeroDivisionError"):
        project.load()


def test_a_file_name_with_a_dot(project: PythonProject) -> None:
    project.write("x = 1", "ml/a.b.py")
    with pytest.raises(AssetError, match=r"ml/a\.b\.py has a dot in its name"):
        project.load()


def test_wrong_cases_are_code(project: PythonProject) -> None:
    """Every source but the syntax error compiles: no case passes for a reason of its own."""
    for case, (source, _) in WRONG.items():
        if case != "syntax error":
            compile(textwrap.dedent(source), case, "exec")


FINE = [
    "import pyarrow as pa\n@asset\ndef f() -> pa.Table | None: ...",
    "import pandas as pd\nclass Frame(pd.DataFrame): ...\n@asset\ndef f() -> Frame: ...",
    "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import geopandas\n"
    "@asset\ndef f() -> 'geopandas.GeoDataFrame': ...",
    "from typing import Any\n@asset\ndef f() -> Any: ...",
    "import numpy as np\n@check('orders')\ndef f(orders) -> np.bool_: ...",
    "from sklearn.linear_model import Ridge\n@asset(kind='ml_model')\ndef f() -> Ridge: ...",
    "import functools\ndef twice(f):\n    @functools.wraps(f)\n"
    "    def inner(*a, **k): return f(*a, **k)\n    return inner\n"
    "@asset\n@twice\ndef f(orders): ...",
    "class A:\n    @asset\n    @staticmethod\n    def f(orders): ...",
    "@asset\n@asset(name='g')\ndef f(orders): ...",
]


@pytest.mark.usefixtures("orders")
@pytest.mark.parametrize("source", FINE)
def test_fine(project: PythonProject, source: str) -> None:
    project.write(f"from toolkit import asset, check, resource\n{source}\n")
    loaded = project.load()
    assert loaded.assets or loaded.checks


CIRCLES = {
    "of two": (
        "@asset\ndef a(b): ...\n@asset\ndef b(a): ...",
        "python.a (ml/assets.py:2) -> python.b (ml/assets.py:4) -> python.a (ml/assets.py:2)",
    ),
    "of one": (
        "@asset\ndef a(a): ...",
        "python.a (ml/assets.py:2) -> python.a (ml/assets.py:2)",
    ),
    "by order only": (
        "@asset(deps=['b'])\ndef a(): ...\n@asset\ndef b(a): ...",
        "python.a (ml/assets.py:2) -> python.b (ml/assets.py:4) -> python.a (ml/assets.py:2)",
    ),
    "through dbt": (
        "@asset\ndef scores(marts): ...\n@asset\ndef other(orders): ...",
        "python.scores (ml/assets.py:2) -> source.shop.py.scores -> "
        "model.shop.marts (models/marts.sql) -> python.scores (ml/assets.py:2)",
    ),
}


@pytest.mark.usefixtures("orders")
@pytest.mark.parametrize("case", CIRCLES)
def test_circles(project: PythonProject, case: str) -> None:
    relation = Relation("shop", "MAIN", "scores")
    project.add("source.shop.py.scores", "scores_again", "source", relation=relation)
    project.add(
        "model.shop.marts", "marts", "model",
        depends_on=("source.shop.py.scores",), path="models/marts.sql",
    )  # fmt: skip
    source, path = CIRCLES[case]
    project.write(f"from toolkit import asset\n{source}\n")
    with pytest.raises(CycleError) as raised:
        project.load()
    assert str(raised.value) == (
        f"The assets depend on each other in a circle: {path}.\n"
        "No order exists in which they could be built, so nothing was run.\n"
        "Remove one of these dependencies."
    )
