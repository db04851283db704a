"""The examples of the pages on Python assets, run as they stand, in one project."""

import re
import sys
from pathlib import Path

import pytest
from python_harness import PythonProject

from toolkit.graph import Relation

DOCS = Path(__file__).parents[3] / "docs"
PAGES = (
    "python-assets.md", "python-running.md", "resources.md", "batches.md",
    "from-dagster.md", "from-airflow.md", "from-sqlmesh.md",
)  # fmt: skip
TEXT = "".join((DOCS / page).read_text(encoding="utf-8") for page in PAGES)
BLOCKS = re.findall(r"```python\n# (\S+)\n(.*?)```", TEXT, re.DOTALL)
DESCRIBED = re.findall(r"```yaml\n# (ml/\S+)\n(.*?)```", TEXT, re.DOTALL)


@pytest.fixture
def shop(project: PythonProject) -> PythonProject:
    project.table(
        "orders",
        "SELECT range AS order_id, range % 4 AS customer_id, (range * 3)::DECIMAL(9, 2) AS amount, "
        "range > 6 AS returned FROM range(10)",
    )
    with project.cursor() as cursor:
        cursor.execute("CREATE SCHEMA raw")
        cursor.execute(
            "CREATE TABLE raw.customers AS SELECT range AS customer_id, 16 + range AS age "
            "FROM range(4)"
        )
    project.add(
        "source.shop.raw.customers",
        "customers",
        "source",
        source_name="raw",
        relation=Relation("shop", "raw", "customers"),
    )
    for path, source in (*BLOCKS, *DESCRIBED):
        if path != "test":
            project.write(source, path)
    return project


def test_every_python_block_is_run() -> None:
    assert len(BLOCKS) == TEXT.count("```python")


@pytest.mark.slow
def test_the_examples(shop: PythonProject) -> None:
    ended = shop.run()
    assert {key: step.status for key, step in ended.items() if step.message == ""} == {
        "check.order_features.order_id_unique": "pass",
        "check.order_features.order_id_not_null": "pass",
        "check.customer_spend.customer_id_unique": "pass",
        "check.customer_spend.customer_id_not_null": "pass",
        "check.customer_spend.orders_accepted_values": "pass",
        "check.orders.no_refunds": "pass",
        "check.order_totals.no_negative_total": "pass",
        "check.return_scores.probabilities": "pass",
    }
    version = ended["python.return_model"].made[0].metadata["version"]
    assert {key: step.message for key, step in ended.items() if step.message} == {
        "python.adults": "2 rows",
        "python.amounts": "10 rows",
        "python.calendar": "3 rows",
        "python.customer_clusters": "4 rows",
        "python.customer_spend": "4 rows",
        "python.places": "1 row",
        "python.large_orders": "4 rows",
        "python.order_totals": "4 rows",
        "python.returned_share": "4 rows",
        "python.months": ended["python.months"].message,
        "python.regulars": "4 rows",
        "python.order_features": "10 rows",
        "python.orders_in_euro": "10 rows",
        "python.return_model": "accuracy 0.7; a candidate: a check decides",
        "python.return_forest": ended["python.return_forest"].made[0].metadata["version"],
        "python.return_scores": "10 rows",
        "python.returned_orders": "3 rows",
        "python.spent_by_age": "4 rows",
        "check.return_model.good_enough": f"accuracy 0.70; return_model {version} is promoted",
    }


def test_what_the_page_says_of_volatile(shop: PythonProject) -> None:
    reasons = {asset.name: asset.volatile for asset in shop.load().assets if asset.volatile}
    assert reasons == {
        "calendar": "it has no inputs, so nothing says when its content changes",
        "orders_in_euro": "it takes the resource 'rates'",
        "places": "it takes the resource 'service'",
        "months": "it is made in batches, and the newest one is not over",
    }


def test_the_other_target(shop: PythonProject) -> None:
    shop.target = "prod"
    shop.run(only=["python.orders_in_euro"])
    assert shop.rows("SELECT round(sum(amount), 2) FROM orders_in_euro") == [(122.73,)]


def test_the_unit_test(shop: PythonProject, monkeypatch: pytest.MonkeyPatch) -> None:
    (source,) = [source for path, source in BLOCKS if path == "test"]
    monkeypatch.syspath_prepend(shop.folder)
    try:
        exec(compile(source, "python-assets.md", "exec"), {})
    finally:
        for name in [name for name in sys.modules if name.partition(".")[0] == "ml"]:
            del sys.modules[name]
