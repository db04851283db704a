"""Python assets: what is wrong where they are declared, described, made and tested."""

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from toolkit.errors import AssetError, AssetFailedError
from toolkit.integrations.python.declared.modules import find_again
from toolkit.integrations.python.models.formats import _dump_pickle, _dump_skops
from toolkit.integrations.python.models.info import Storing
from toolkit.integrations.python.registry import Origin
from toolkit.testing import build

if "python_harness" not in sys.modules:  # test folders are no packages: loaded by its path
    _FILE = Path(__file__).parents[1] / "python" / "harness.py"
    _SPEC = importlib.util.spec_from_file_location("python_harness", _FILE)
    assert _SPEC is not None
    assert _SPEC.loader is not None
    sys.modules["python_harness"] = importlib.util.module_from_spec(_SPEC)
    _SPEC.loader.exec_module(sys.modules["python_harness"])

HEAD = "from toolkit import MLModel, asset, check\nimport pyarrow as pa\n"
NOTHING = "The graph would be wrong, so nothing was done."
WHO = "python.a (ml/assets.py:3): "
PLACE = "ml/properties.yml:"
FUNCTION = "@asset\ndef a(orders, schema=1): ...\n"

# source after HEAD; fact, next step
DECLARED: dict[str, tuple[str, str, str]] = {
    "event_time": (
        "@asset(event_time=5)\ndef a(orders): ...",
        WHO + "event_time=5 names no column.", "Name a column.",
    ),
    "tests that are no list": (
        "@asset(columns={'id': {'tests': 'unique'}})\ndef a(orders): ...",
        WHO + "columns['id']['tests']='unique' is not a list.", "Write ['unique'].",
    ),
    "a test that has no name": (
        "@asset(columns={'id': {'tests': [7]}})\ndef a(orders): ...",
        WHO + "the column 'id' has a test 7, which names none.",
        "Write its name, or {'accepted_values': {'values': [...]}}.",
    ),
    "a test that is told a text": (
        "@asset(columns={'id': {'tests': [{'unique': 'yes'}]}})\ndef a(orders): ...",
        WHO + "the test 'unique' of the column 'id' is told 'yes', which is no dict.",
        "Write its arguments by name.",
    ),
    "a condition that is no text": (
        "@asset(columns={'id': {'tests': [{'unique': {'where': 1}}]}})\ndef a(orders): ...",
        WHO + "the test 'unique' of the column 'id': where=1 is no text.", "Write it in quotes.",
    ),
    "a column without a name": (
        "@asset(columns={'': 'BIGINT'})\ndef a(orders): ...",
        WHO + "a declared column is called '', which is no name.", "Use a text.",
    ),
    "a column that is a number": (
        "@asset(columns={'id': 7})\ndef a(orders): ...",
        WHO + "columns['id'] is 7, neither a type nor a dict.",
        "Write the type, or a dict with 'type'.",
    ),
    "a type that is a number": (
        "@asset(columns={'id': {'type': 7}})\ndef a(orders): ...",
        WHO + "columns['id']['type'] is not a text.", "Write it in quotes.",
    ),
    "an async function": (
        "@asset\nasync def a(orders): ...", WHO + "it is an async function.",
        "Make it a plain `def`.",
    ),
    "tags that are numbers": (
        "@asset(tags=[1])\ndef a(orders): ...", WHO + "tags=[1] holds more than texts.",
        "Use texts only.",
    ),
    "volatile": (
        "@asset(volatile='no')\ndef a(orders): ...",
        WHO + "volatile='no' says neither yes nor no.", "Use True or False, or leave it out.",
    ),
    "SQL and an ML model": (
        "@asset(sql='select 1 as id', kind='ml_model')\ndef a(): ...",
        WHO + "it has `sql`, and a kind of its own: only tables are made by SQL.",
        "Remove one of the two.",
    ),
    "an ML model where toolkit is not": (
        "@asset(requirements=['polars'])\ndef a(m: MLModel): ...\n"
        "@asset(kind='ml_model')\ndef m(): ...",
        WHO + "its parameter 'm' is an ML model, which is loaded with toolkit's own libraries; "
        "its environment has not these.",
        "Remove its requirements (isolate=True alone is fine), or take a table.",
    ),
}  # fmt: skip

# ml/properties.yml; fact, next step
DESCRIBED: dict[str, tuple[str, str, str]] = {
    "a key of dbt's": (
        "version: 2\nassets: []\nmodels: []\n",
        PLACE + "3: 'models' is no key of a file that describes assets.",
        "The keys are version and assets.",
    ),
    "an option that is a parameter": (
        "assets:\n- name: a\n  config: {schema: ml}\n",
        PLACE + "3: 'schema' is an option, and a parameter of a too.", "Rename the parameter.",
    ),
    "said twice": (
        "assets:\n- name: a\n  tags: [x]\n  config: {tags: [y]}\n",
        PLACE + "3 and ml/properties.yml:4 say different things of `tags`.", "Say it once.",
    ),
    "columns by name": (
        "assets:\n- name: a\n  columns: {id: BIGINT}\n",
        PLACE + "3: `columns` is no list.", "Write `- name: <name>`.",
    ),
    "a column without a name": (
        "assets:\n- name: a\n  columns: [{data_type: BIGINT}]\n",
        PLACE + "3: a column has no `name`.", "Write `- name: <column>`.",
    ),
    "a column twice": (
        "assets:\n- name: a\n  columns:\n  - name: id\n  - name: id\n",
        PLACE + "5: the column 'id' is described twice.", "Put it all into one entry.",
    ),
    "a text for a mapping": (
        "assets:\n- name: a\n  config: daily\n",
        PLACE + "3: `config` is no mapping.", "Write keys and values.",
    ),
}  # fmt: skip


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Any]:
    """Three orders in a table, beside an empty folder ``ml``."""
    made = sys.modules["python_harness"].PythonProject(tmp_path)
    made.table("orders", "SELECT range AS id FROM range(3)")
    yield made
    made.warehouse.close()


@pytest.mark.parametrize("case", DECLARED)
def test_what_is_declared(case: str, project: Any, refused: Any) -> None:
    source, fact, next_step = DECLARED[case]
    project.write(f"{HEAD}{source}\n")
    with refused(AssetError, fact, NOTHING, next_step):
        project.load()


@pytest.mark.parametrize("case", DESCRIBED)
def test_what_is_described(case: str, project: Any, refused: Any) -> None:
    text, fact, next_step = DESCRIBED[case]
    project.write(HEAD + FUNCTION)
    project.write(text, "ml/properties.yml")
    with refused(AssetError, fact, NOTHING, next_step):
        project.load()


def test_what_is_decorated_and_is_no_function(project: Any, refused: Any) -> None:
    project.write(
        f"{HEAD}import functools as f\na = asset(name='a')(f.lru_cache(f.partial(print, 1)))\n"
    )
    with refused(
        AssetError,
        "ml/assets.py decorates a partial of print(), which is not a function.",
        "It cannot be an asset, a check or a resource, so nothing was done.",
        "Decorate the function itself, and give values by config={'<parameter>': <value>}.",
    ):
        project.load()


UNWRITTEN = "Nothing was written; the table is as it was."
# what the function returns; a part of the message
RETURNED: dict[str, tuple[str, str]] = {
    "an index with a name": (
        "import pandas as pd\n    return pd.DataFrame({'x': [1]}, index=pd.Index([1], name='id'))",
        "The frame has its index in ['id'], which is no column and would be lost.\n"
        f"{UNWRITTEN}\nReturn frame.reset_index().",
    ),
    "a file that is gone": (
        "import pathlib\n    return pathlib.Path('gone.parquet')",
        "It returned the path gone.parquet, which cannot be read",
    ),
    "a column whose name is a number": (
        "import pandas as pd\n    return pd.DataFrame({0: [1]})",
        f"A column is called 0.\n{UNWRITTEN}\nGive every column a text for a name.",
    ),
    "a frame of sets": (
        "import pandas as pd\n    return pd.DataFrame({'x': [1, 'a']})",
        "The frame cannot be a table",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", RETURNED)
def test_what_is_returned(case: str, project: Any) -> None:
    returns, said = RETURNED[case]
    ended = project.run(f"{HEAD}@asset\ndef a(orders):\n    {returns}\n")
    assert ended["python.a"].status == "error"
    assert said in ended["python.a"].message


# columns that are declared; message
PROMISED = {
    "a column that is missing": (
        "{'id': 'BIGINT', 'b': 'DATE'}",
        f"Declared columns are missing from what it returned: b. It has id.\n{UNWRITTEN}\n"
        "Return them, or correct `columns`.",
    ),
    "another type": (
        "{'id': 'DATE'}",
        f"The column id is declared as DATE but is BIGINT.\n{UNWRITTEN}\n"
        "Cast it, or correct `columns`.",
    ),
}


@pytest.mark.parametrize("case", PROMISED)
def test_what_was_promised(case: str, project: Any) -> None:
    columns, said = PROMISED[case]
    source = f"@asset(columns={columns})\ndef a(orders: pa.Table):\n    return orders\n"
    ended = project.run(HEAD + source)
    assert ended["python.a"].message == WHO + said


def test_a_view_in_the_way_and_an_input_that_is_gone(project: Any) -> None:
    with project.cursor() as cursor:
        cursor.execute("CREATE VIEW a AS SELECT 1 AS id")
    source = f"{HEAD}@asset\ndef a(orders: pa.Table):\n    return orders\n"
    message = project.run(source)["python.a"].message
    assert message == (
        f"{WHO}There is a view shop.main.a where the table should go.\n"
        "Nothing was written, and the view is as it was.\n"
        'If nobody needs it: DROP VIEW "shop"."main"."a"'
    )

    with project.cursor() as cursor:
        cursor.execute("DROP VIEW a; DROP TABLE orders")
    message = project.run(source)["python.a"].message
    assert message.removesuffix("\nLog: logs/a.log") == (
        f"{WHO}Its input model.shop.orders is not in the warehouse: there is no shop.main.orders.\n"
        "It was not run.\n"
        "Make the input first: toolkit build --select orders"
    )


def test_an_input_that_fails_when_it_is_read(project: Any) -> None:
    project.table("base", "SELECT 1 AS id")
    project.table("broken", "SELECT id FROM base", create="VIEW")
    with project.cursor() as cursor:
        cursor.execute("ALTER TABLE base RENAME id TO other")
    source = "@asset\ndef a(broken: pa.Table):\n    return broken\n"
    message = project.run(HEAD + source)["python.a"].message
    assert message.startswith(f"{WHO}Its input model.shop.broken (shop.main.broken) cannot be read")
    assert "\nMake the input anew: toolkit build --select broken" in message


def test_a_run_that_is_stopped_between_batches(
    project: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "stopper", SimpleNamespace(stop=project.cancel.set))
    project.table("events", "SELECT TIMESTAMP '2026-01-01' AS at", config={"event_time": "at"})
    ended = project.run(
        "import stopper\nfrom toolkit import asset\n"
        "@asset(event_time='at', batch_size='day', begin='2026-01-01')\n"
        "def a(events):\n    stopper.stop()\n    return events\n"
    )
    assert ended["python.a"].status == "skipped"
    assert ended["python.a"].message == "The run was stopped while it ran."


def test_a_process_of_its_own_that_dies(project: Any) -> None:
    source = "import os\n@asset(isolate=True)\ndef a(orders: pa.Table):\n    os.abort()\n"
    message = project.run(HEAD + source)["python.a"].message
    assert "SIGABRT" in message
    assert "\nWhat it makes is as it was before.\nMend it, then `toolkit build` again." in message


def test_a_function_that_is_not_declared_any_more(tmp_path: Path, refused: Any) -> None:
    file = tmp_path / "ml" / "a.py"
    file.parent.mkdir()
    file.write_text(HEAD + "@asset\ndef b(): ...\n")
    origin = Origin(
        folder=str(file.parent), module=str(file), file=str(file), line=3, name="a"
    )  # fmt: skip
    with refused(
        AssetError,
        "ml/a.py:3 does not declare 'a' any more.",
        "It was not run.",
        "Run the same command again: it starts from what the files declare now.",
    ):
        find_again([origin], tmp_path)


def test_models_that_cannot_be_stored() -> None:
    unstored = "Nothing was stored; the model is as it was."
    with pytest.raises(AssetFailedError) as caught:
        _dump_pickle(lambda: 0, Storing(pickle_allowed=True))
    assert caught.value.fact.startswith("pickle cannot store a function: ")
    assert caught.value.consequence == unstored
    assert caught.value.next_step == "Mend what the function returns."
    with pytest.raises(AssetFailedError) as caught:
        _dump_skops((part for part in ()), ())
    assert caught.value.fact.startswith("skops cannot store a generator: ")
    assert caught.value.consequence == unstored
    assert caught.value.next_step.startswith("Mend what the function returns, or choose another")


def test_what_a_test_gives_and_asks_for(refused: Any) -> None:
    from toolkit import MLModel, asset

    @asset
    def doubled(orders: Any) -> Any:
        return orders

    @asset(kind="ml_model")
    def model(orders: Any) -> MLModel:
        return MLModel(b"1")

    rows = [{"id": 1}]
    with refused(
        AssetError,
        "inputs['orders'] has no column day, which is declared; it has id.",
        "Nothing was built.",
        "Add it, with None where it does not matter.",
    ):
        build(doubled, inputs={"orders": rows}, types={"orders": {"day": "DATE"}})
    built = build(model, inputs={"orders": rows})
    with refused(
        AssetError,
        "model is an ML model, so it has no rows.",
        "Nothing was read.",
        "Use model().",
    ):
        built.table("model")
    with refused(
        AssetError,
        "There is no 'gone' among what was built and given.",
        "Nothing was read.",
        "There is: model, orders.",
    ):
        built.table("gone")
