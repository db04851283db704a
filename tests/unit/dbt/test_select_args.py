"""The options that we give dbt select exactly the wanted nodes: asked of dbt itself."""

import json
import random
import shutil
from pathlib import Path
from typing import Any

import pytest

from toolkit.graph import AssetGraph
from toolkit.integrations.dbt import DbtIntegration
from toolkit.integrations.dbt.assets import assets_of
from toolkit.integrations.dbt.manifest import read_manifest
from toolkit.integrations.dbt.select_args import select_args

pytestmark = [pytest.mark.slow, pytest.mark.e2e]

PROJECT = Path(__file__).parents[2] / "property" / "selection_project"

# names that are easily mistaken for one another
MORE = {
    "models/customers/below.sql": "select 1 as id",  # a folder named like a model
    "models/marts/customers/deeper.sql": "select 1 as id",
    "models/shop/staging/stg_users2.sql": "select 1 as id",  # a folder named like the project
    "models/staging/stg_users2/x.sql": "select 1 as id",
    "models/marts/orders/v1/y.sql": "select 1 as id",  # like a version of orders
    # named like models of another package
    "helpers/models/orders.sql": "{{ config(schema='other') }} select 1 as id",
    "helpers/models/time_spine.sql": "{{ config(schema='other') }} select 1 as day",
    "models/odd.yml": """
models:
  - name: stg_users2
    columns:
      - name: id
        data_tests:
          - unique: {name: "ids,all_of_them"}
          - not_null: {name: "ids+1"}
          - accepted_values: {name: stg_users, arguments: {values: [1]}}
unit_tests:
  - name: of_an_ephemeral_model
    model: revenue
    given: []
    expect: {rows: []}
""",
}


class Dbt:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.invoke(None, "deps")
        self.manifest = self.invoke(None, "parse", "--no-partial-parse")
        loaded = assets_of(read_manifest(root / "target" / "manifest.json"))
        self.graph = AssetGraph(loaded.assets, loaded.checks)

    def invoke(self, manifest: Any, *arguments: str) -> Any:
        from dbt.cli.main import dbtRunner

        where = ["--project-dir", str(self.root), "--profiles-dir", str(self.root)]
        result = dbtRunner(manifest).invoke([*arguments, "--quiet", *where])
        assert result.success, result.exception
        return result.result

    def selected(self, arguments: list[str]) -> set[str]:
        lines = self.invoke(
            self.manifest, "ls", "--output", "json", "--output-keys", "unique_id", *arguments
        )
        return {json.loads(line)["unique_id"] for line in lines}


@pytest.fixture(scope="module")
def dbt(tmp_path_factory: pytest.TempPathFactory) -> Dbt:
    root = tmp_path_factory.mktemp("select") / "project"
    shutil.copytree(PROJECT, root)
    for name, text in MORE.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return Dbt(root)


def check(dbt: Dbt, keys: frozenset[str]) -> None:
    steps = DbtIntegration().steps(dbt.graph, keys)
    everything = frozenset((*dbt.graph.assets, *dbt.graph.checks))
    buildable = frozenset(s.key for s in DbtIntegration().steps(dbt.graph, everything))
    arguments = select_args(dbt.graph, steps, buildable)
    selected = dbt.selected(arguments)
    unit_tests = {k: c for k, c in dbt.graph.checks.items() if c.kind == "unit_test"}
    # `dbt ls` names unit tests that `dbt build` does not run: those without their model
    idle = {k for k, c in unit_tests.items() if not selected.issuperset(c.assets)}
    ephemeral = {a.key for a in dbt.graph if a.materialized == "ephemeral"}
    wanted = {step.key for step in steps}
    # the unit tests of the versions of one model have one name: dbt cannot tell them apart
    named_alike = {
        k
        for k, c in unit_tests.items()
        if any(c.fqn == unit_tests[w].fqn for w in wanted & unit_tests.keys())
    }
    run = (selected & buildable) - idle
    assert wanted <= run <= wanted | named_alike, arguments
    if keys < everything:
        assert selected - buildable <= ephemeral


def test_all_of_them_are_said_shortly(dbt: Dbt) -> None:
    everything = frozenset((*dbt.graph.assets, *dbt.graph.checks))
    check(dbt, everything)
    buildable = frozenset(s.key for s in DbtIntegration().steps(dbt.graph, everything))
    assert len(select_args(dbt.graph, DbtIntegration().steps(dbt.graph, everything), buildable)) < 4


@pytest.mark.soak
def test_each_one_alone(dbt: Dbt) -> None:
    everything = frozenset((*dbt.graph.assets, *dbt.graph.checks))
    for step in DbtIntegration().steps(dbt.graph, everything):
        if step.key.startswith("unit_test."):
            check(dbt, frozenset((step.key, *step.reads)))  # dbt runs it with its model only
        else:
            check(dbt, frozenset((step.key,)))


def test_some_of_them(dbt: Dbt) -> None:
    everything = sorted((*dbt.graph.assets, *dbt.graph.checks))
    rng = random.Random(1)
    for _ in range(30):
        check(dbt, frozenset(rng.sample(everything, rng.randint(1, len(everything) - 1))))
