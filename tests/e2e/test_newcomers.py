"""What newcomers do with a repository of their own, unlike the example.

A wholesaler's dbt project in a folder of its repository: other names for the folders, schemas
of its own rule, a vendored package, model versions, two source systems that something else
loads, profiles elsewhere. First as it is; then with Terraform's Airbyte connections and one ML
function; then a pull request.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest

MIXED: Any = sys.modules["mixed_project"]  # see conftest.py

pytestmark = [pytest.mark.slow, pytest.mark.e2e, pytest.mark.timeout(600)]

PROJECTS = Path(__file__).with_name("projects")
ORDERS = "transform/sql/erp/erp_orders.sql"


class Wholesaler:
    """The repository, with a warehouse that the loaders have filled."""

    def __init__(self, root: Path) -> None:
        self.root = root
        shutil.copytree(PROJECTS / "wholesale", root)
        self.database = root.parent / "warehouse.duckdb"
        self.query((root / "load.sql").read_text())
        (root / ".gitignore").write_text("build/\n.toolkit/\nlogs/\n.user.yml\n")

    def query(self, sql: str) -> list[Any]:
        with duckdb.connect(str(self.database)) as connection:
            return connection.execute(sql).fetchall()

    def toolkit(self, *words: str, code: int = 0) -> str:
        """Its standard output, run where the dbt project lies."""
        environment = {
            **os.environ,
            "WHOLESALE_DB": str(self.database),
            "DBT_PROFILES_DIR": str(self.root / "config"),
        }
        done = MIXED.call(words, self.root / "transform", environment)
        assert done.returncode == code, done.stdout + done.stderr
        return str(done.stdout + (done.stderr if words[0] == "build" else ""))

    def git(self, *words: str) -> None:
        identity = ["-c", "user.name=t", "-c", "user.email=t@example.com"]
        subprocess.run(["git", *identity, *words], cwd=self.root, check=True, capture_output=True)

    def commit(self, message: str) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)


@pytest.fixture
def repository(tmp_path: Path) -> Wholesaler:
    return Wholesaler(tmp_path / "repository")


def test_dbt_alone(repository: Wholesaler) -> None:
    """No toolkit.yml, no Airbyte, no Python."""
    said = repository.toolkit("debug")
    assert "All is in place." in said
    assert "none: a plain dbt project is fine" in said
    assert "5 dbt sources; no connection is configured, so something else loads them" in said
    assert "unmatched-source" not in said

    built = repository.toolkit("build")
    assert "23 steps done" in built
    schema = "me__reporting"  # as generate_schema_name makes it
    [(weeks,)] = repository.query(f"SELECT count(DISTINCT week) FROM {schema}.weekly_revenue")
    assert weeks > 5
    assert "Nothing to do: 23 steps up to date." in repository.toolkit("build")

    traced = repository.toolkit("lineage", "weekly_revenue.revenue", "--upstream")
    assert "source.wholesale.erp.artikel.vk_cent" in traced
    assert "source.wholesale.erp.auftrag.menge" in traced
    figures = json.loads(repository.toolkit("lineage", "--format", "json"))
    assert figures["coverage"]["opaque"] == 0

    page = Path(repository.toolkit("report").strip().splitlines()[-1])
    assert page == repository.root / "build" / "dbt" / "toolkit" / "report.html"
    assert page.stat().st_size > 50_000

    found = repository.toolkit("lint", code=3)
    assert "web_visits.visitor holds values of source.wholesale.web.page_views.visitor" in found


def test_with_terraform_and_one_model(repository: Wholesaler) -> None:
    """Its connections are an Airbyte server's: in the graph, and not synced here."""
    for folder in ("infrastructure", "science"):
        shutil.copytree(PROJECTS / "wholesale_ml" / folder, repository.root / folder)
    repository.git("init", "--quiet")
    repository.toolkit("init")  # finds both, as they are in the repository
    written = (repository.root / "transform" / "toolkit.yml").read_text()
    assert "\nconnections:\n  - ../infrastructure\n" in written
    assert "\nassets:\n  - ../science\n" in written

    assert "2 of 5 dbt sources loaded by an asset" in repository.toolkit("debug")
    planned = repository.toolkit("plan")
    assert "a stream that no connector here syncs" in planned
    assert "24 steps done" in repository.toolkit("build")
    traced = repository.toolkit("lineage", "web_visits.visitor", "--upstream")
    assert "stream.Web events.page_views.visitor" in traced
    outside = next(x for x in repository.toolkit("status").splitlines() if "signups" in x)
    assert outside.split()[0] == "outside"
    assert "no connector here syncs it" in outside

    infrastructure = repository.root / "infrastructure" / "web.tf"
    infrastructure.write_text(infrastructure.read_text().replace('"web_events"', '"tracker"'))
    assert "Nothing in the graph loads" in repository.toolkit("debug")


def test_a_pull_request(repository: Wholesaler) -> None:
    """``diff`` against the branch that it goes to, with lineage and the report beside it."""
    repository.git("init", "--quiet", "--initial-branch", "main")
    repository.commit("as it is")
    repository.git("switch", "--quiet", "--create", "amounts")
    orders = repository.root / ORDERS
    orders.write_text(orders.read_text().replace("menge as quantity", "menge as amount"))
    repository.commit("Call it an amount")

    comment = repository.toolkit(
        "diff", "--base", "main", "--format", "markdown", "--fail-on", "breaking", code=3
    )
    assert "sales reads erp\\_orders.quantity, which is gone" in comment
    assert "board_report" in comment
    assert len(comment) < 65_536
    said = repository.toolkit("diff", "--base", "main")
    assert said.count("sales reads erp_orders.quantity, which is gone") == 1
    assert "partial: model.wholesale.sales" in repository.toolkit("lineage")
    assert "amount" in repository.toolkit("lineage", "erp_orders.amount")
    assert repository.toolkit("report").strip().endswith("report.html")

    sales = repository.root / "transform/sql/core/sales.sql"
    sales.write_text(sales.read_text().replace("o.quantity", "o.amount"))
    unit_tests = repository.root / "transform/sql/core/_core.yml"
    unit_tests.write_text(unit_tests.read_text().replace("quantity: 3", "amount: 3"))
    repository.commit("And read it so")
    mended = repository.toolkit("diff", "--base", "main", "--fail-on", "breaking")
    assert "breaking" not in mended
