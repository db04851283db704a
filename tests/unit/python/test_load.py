"""What decorated functions become: assets with keys, relations, columns, inputs, versions."""

import sys

import pytest
from python_harness import PythonProject

from toolkit.graph import Asset, Relation

HEAD = "from toolkit import asset, check, resource, MLModel\n"


def assets(project: PythonProject, source: str) -> dict[str, Asset]:
    project.write(HEAD + source)
    return {asset.name: asset for asset in project.load().assets}


def test_no_entries_import_nothing(project: PythonProject) -> None:
    project.write("raise SystemExit('imported')")
    project.entries = []
    before = set(sys.modules)
    assert project.load().assets == []
    assert set(sys.modules) == before


@pytest.mark.usefixtures("orders")
def test_everything_that_is_declared(project: PythonProject) -> None:
    found = assets(
        project,
        """
@asset(
    name="scores", schema="ml", owner="me@example.com", tags=["ml", "daily"], group="growth",
    access="public", meta={"pii": True},
    columns={
        "id": {"type": "BIGINT", "description": "The order.", "inputs": ["o.id"], "tags": ["k"]},
        "score": "DOUBLE",
    },
    deps={"o": "orders"},
)
def make_scores(o, rounds=3):
    '''Scores of orders.'''
""",
    )["scores"]
    assert found.key == "python.scores"
    assert found.kind == "python"
    assert found.integration == "python"
    assert found.relation == Relation("shop", "ml", "scores")
    assert found.depends_on == ("model.shop.orders",)
    assert found.description == "Scores of orders."
    assert (found.owner, found.tags, found.group) == ("me@example.com", ("ml", "daily"), "growth")
    assert (found.access, found.meta, found.materialized) == ("public", {"pii": True}, "table")
    assert (found.path, found.line) == ("ml/assets.py", 3)
    assert found.fqn == ("python", "ml.assets", "scores")
    assert list(found.columns) == ["id", "score"]
    assert found.columns["id"].inputs == (("model.shop.orders", "id"),)
    assert found.columns["id"].description == "The order."
    assert found.columns["score"].type == "DOUBLE"
    assert found.code_version == found.fingerprints["body"] != ""


def test_an_ml_model_has_no_relation(project: PythonProject) -> None:
    model = assets(project, "@asset(kind='ml_model')\ndef churn(): ...")["churn"]
    assert (model.kind, model.relation, model.materialized) == ("ml_model", None, "ml_model")


# What a parameter's name means, where several assets are near it.
MEANINGS = {
    "its own table": ("orders", "model.shop.orders"),
    "latest version": ("people", "model.shop.people.v2"),
    "version by dbt's alias": ("people_v1", "model.shop.people.v1"),
    "another Python asset before a source over its table": ("landed", "python.landed"),
    "a source before the stream that feeds it": ("users", "source.shop.raw.users"),
    "a stream that no source describes": ("events", "stream.app.events"),
}


@pytest.mark.usefixtures("orders")
@pytest.mark.parametrize("case", MEANINGS)
def test_what_a_name_means(project: PythonProject, case: str) -> None:
    raw = {"relation": Relation("shop", "raw", "users")}
    project.add("model.shop.people.v1", "people", "model", version="1", latest_version="2")
    project.add("model.shop.people.v2", "people", "model", version="2", latest_version="2")
    project.add("source.shop.raw.users", "users", "source", source_name="raw", **raw)
    project.add("stream.app.users", "users", "stream", source_name="app", **raw)
    project.add("stream.app.events", "events", "stream", source_name="app")
    project.add(
        "source.shop.py.landed", "landed", "source", relation=Relation("shop", "main", "landed")
    )
    parameter, key = MEANINGS[case]
    found = assets(project, f"@asset\ndef landed(): ...\n@asset\ndef reader({parameter}): ...")
    assert found["reader"].depends_on == (key,)


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("raw.users", "source.shop.raw.users"),
        ("source.shop.raw.users", "source.shop.raw.users"),
        ("stream.app.users", "stream.app.users"),
        ("people.v1", "model.shop.people.v1"),
    ],
)
def test_what_deps_may_say(project: PythonProject, name: str, key: str) -> None:
    raw = Relation("shop", "raw", "users")
    project.add("model.shop.people.v1", "people", "model", version="1", latest_version="2")
    project.add("model.shop.people.v2", "people", "model", version="2", latest_version="2")
    project.add("source.shop.raw.users", "users", "source", source_name="raw", relation=raw)
    project.add("stream.app.users", "users", "stream", source_name="app", relation=raw)
    found = assets(project, f"@asset(deps={{'x': {name!r}}})\ndef f(x): ...")
    assert found["f"].depends_on == (key,)
    found = assets(project, f"@asset(deps=[{name!r}])\ndef f(): ...")
    assert found["f"].depends_on == (key,)


@pytest.mark.usefixtures("orders")
@pytest.mark.parametrize(
    "head",
    [
        "import pandas as pd",
        "from __future__ import annotations\nimport pandas as pd",
        "from __future__ import annotations\nfrom typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n    import pandas as pd",
    ],
    ids=["real", "text", "text without the import"],
)
def test_annotations_as_text(project: PythonProject, head: str) -> None:
    project.write(
        f"{head}\nfrom toolkit import asset\n"
        "@asset\ndef out(orders: pd.DataFrame):\n    return orders.head(2)\n"
    )
    assert project.run()["python.out"].message == "2 rows"


def test_files_import_each_other(project: PythonProject) -> None:
    """By plain name and by relative name; two folders may have files of one name."""
    project.entries = ["ml", "more", "single.py"]
    project.write("VALUE = 1\n", "ml/helper.py")
    project.write("VALUE = 2\n", "more/deep/helper.py")
    project.write(HEAD + "import helper\n@asset\ndef a():\n    return helper.VALUE\n", "ml/x.py")
    project.write(
        HEAD + "from .helper import VALUE\n@asset\ndef b():\n    return VALUE\n", "more/deep/x.py"
    )
    project.write(HEAD + "@asset\ndef c():\n    return 3\n", "single.py")
    project.write("raise SystemExit('imported')", "ml/test_x.py")
    project.write("raise SystemExit('imported')", "ml/.hidden/x.py")
    before = set(sys.modules), list(sys.path)
    loaded = project.load()
    registry = project.integration._registry
    values = {key: item.callee.function() for key, item in registry.assets.items()}
    assert values == {"python.a": 1, "python.b": 2, "python.c": 3}
    assert [asset.path for asset in loaded.assets] == ["ml/x.py", "more/deep/x.py", "single.py"]
    assert "helper" not in sys.modules
    assert sys.path == before[1]


def test_an_asset_imported_by_another_file_is_one(project: PythonProject) -> None:
    project.write(HEAD + "@asset\ndef a(): ...\n", "ml/first.py")
    project.write(HEAD + "from first import a\n@check(a)\ndef c(a): ...\n", "ml/second.py")
    loaded = project.load()
    assert [asset.key for asset in loaded.assets] == ["python.a"]
    assert [check.key for check in loaded.checks] == ["check.a.c"]


def test_a_file_shadows_no_library(project: PythonProject) -> None:
    project.write("raise SystemExit('shadowed')", "ml/colorsys.py")
    project.entries = ["ml/x.py"]
    project.write(
        HEAD + "import colorsys\n@asset\ndef a():\n    return colorsys.__file__", "ml/x.py"
    )
    project.load()
    assert (
        str(project.folder)
        not in project.integration._registry.assets["python.a"].callee.function()
    )


def test_a_changed_file_is_read_again(project: PythonProject) -> None:
    assert list(assets(project, "@asset\ndef a(): ...")) == ["a"]
    assert list(assets(project, "@asset\ndef b(): ...")) == ["b"]


def test_the_functions_stay_callable() -> None:
    from toolkit import asset, check, resource

    @asset
    def double(values: list[int]) -> list[int]:
        return [2 * value for value in values]

    @check(asset="double")
    def positive(double: list[int]) -> bool:
        return all(value > 0 for value in double)

    @resource(target="dev")
    def client() -> str:
        return "client"

    assert positive(double([1, 2]))
    assert client() == "client"


@pytest.mark.usefixtures("orders")
def test_steps(project: PythonProject) -> None:
    project.write(
        HEAD + "@asset(columns={'id': {'tests': ['unique']}})\ndef b(a): ...\n"
        "@asset\ndef a(orders): ...\n"
        "@check('b', severity='warn')\ndef fine(b): ...\n@check('orders')\ndef c(orders, a): ...\n"
    )
    _, steps = project.steps(project.load())
    shown = [(s.key, s.kind, s.makes, s.reads, s.name, s.blocking) for s in steps]
    assert shown == [
        ("python.a", "python", ("python.a",), ("model.shop.orders",), "a", True),
        ("python.b", "python", ("python.b",), ("python.a",), "b", True),
        ("check.b.id_unique", "check", (), ("python.b",), "b.id_unique", True),
        ("check.b.fine", "check", (), ("python.b",), "b.fine", False),
        ("check.orders.c", "check", (), ("model.shop.orders", "python.a"), "orders.c", True),
    ]
