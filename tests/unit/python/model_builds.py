"""Builds of projects with a model: plan, run, ledger and store together, without dbt."""

import textwrap
from typing import Any

from python_harness import PythonProject

from toolkit.graph import AssetGraph
from toolkit.integrations.python import PythonIntegration
from toolkit.integrations.python.models.store import ModelStore
from toolkit.ledger import Ledger
from toolkit.plan import Plan, make_plan
from toolkit.recall import recall
from toolkit.run import BuildOptions, build

# What is learnt is the number in `quality`: one line decides how good a version is.
SOURCE = """
import pandas as pd
from sklearn.dummy import DummyClassifier
from toolkit import MLModel, asset, check

@asset(kind='ml_model', gates={gates})
def churn(orders: pd.DataFrame):
    quality = {quality}
    model = DummyClassifier(strategy='constant', constant=quality).fit([[0]], [quality])
    return MLModel(model, metrics={{'auc': quality / 100}})

@asset
def scores(churn):
    return pd.DataFrame({{'score': churn.predict([[1]])}})
"""
FLOOR = {"auc": {"at_least": 0.6}}


class Builds:
    """Builds of one project with nothing mocked, in this process and without dbt."""

    def __init__(self, project: PythonProject) -> None:
        self.project = project
        self.graph = AssetGraph([])
        if project.warehouse is not None:
            project.warehouse.close()
        project.warehouse = None

    def source(self, quality: int, given: Any = FLOOR, more: str = "") -> None:
        self.project.write(SOURCE.format(quality=quality, gates=given) + textwrap.dedent(more))

    def plan(self, only: frozenset[str] | None = None, force: bool = False) -> Plan:
        self.tool = PythonIntegration()
        settings = self.project.settings
        loaded = self.tool.load(settings, self.project.known)
        self.graph = AssetGraph([*self.project.known.values(), *loaded.assets], loaded.checks)
        keys = only or frozenset([*self.graph.assets, *self.graph.checks])
        with Ledger(settings.state_dir / "ledger.db") as ledger:
            self.history = recall(self.graph, settings, ledger, None, [self.tool])
        steps = self.tool.steps(self.graph, keys)
        everything = "--force" if force else None
        return make_plan(self.graph, steps, keys, self.history, everything=everything)

    def build(self, **more: Any) -> dict[str, tuple[str, str]]:
        """Status and message of each step."""
        publish = more.pop("publish", False)
        plan = self.plan(**more)
        result = build(
            plan, self.graph, self.project.settings, {"python": self.tool},
            BuildOptions(publish=publish), history=self.history,
        )  # fmt: skip
        return {row.step: (row.status, row.message) for row in result.steps}

    def statuses(self, **more: Any) -> dict[str, str]:
        return {key: status for key, (status, _) in self.build(**more).items()}

    def reasons(self) -> dict[str, str]:
        return {p.step.key: f"{p.action}: {p.reason}" for p in self.plan().steps}

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.project.settings.state_dir / "ledger.db")

    def store(self, ledger: Ledger | None = None, target: str = "dev") -> ModelStore:
        return ModelStore(self.project.settings.state_dir / "models", target, ledger)

    def score(self) -> int:
        import duckdb

        with duckdb.connect(str(self.project.folder / "shop.duckdb")) as connection:
            (row,) = connection.execute("SELECT score FROM scores").fetchall()
        return int(row[0])

    def quality(self, version: str | None) -> float:
        return self.store().info("churn", version).metrics["auc"]


GOOD = {
    "python.churn": "success",
    "check.churn.gate_auc": "pass",
    "python.scores": "success",
}


def orders_again(project: PythonProject) -> None:
    """The graph's `orders`, whose table is there."""
    project.add("source.shop.orders", "orders", "source", source_name="shop")
