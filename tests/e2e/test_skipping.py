"""What a build leaves out, with real dbt and DuckDB: one project, and what happens to it."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import pytest

from toolkit.ledger import Ledger

pytestmark = [pytest.mark.slow, pytest.mark.e2e, pytest.mark.timeout(900)]

CONFIG = {
    "dbt_project.yml": "name: shop\nprofile: shop\nmodels: {+materialized: table}\n",
    "profiles.yml": "shop: {target: dev, outputs: {dev: {type: duckdb, path: shop.duckdb, "
    "threads: 2}}}\n",
}
# raw.orders -> orders -> totals, names, log; -> recent -> top (views) -> report; -> priced
SHOP = CONFIG | {
    "models/sources.yml": "sources: [{name: raw, tables: [{name: orders}]}]\n",
    "models/orders.sql": "select id, customer, amount from {{ source('raw', 'orders') }}\n",
    "models/totals.sql": "select customer, sum(amount) as total from {{ ref('orders') }} "
    "group by customer\n",
    "models/totals.yml": "models: [{name: totals, columns: [{name: customer, data_tests: "
    "[{unique: {name: once}}]}]}]\n",
    "models/names.sql": "select distinct customer from {{ ref('orders') }}\n",
    "models/recent.sql": "{{ config(materialized='view') }}\n"
    "select id, amount * {{ var('rate', 1) }} as amount from {{ ref('orders') }}\n",
    "models/top.sql": "{{ config(materialized='view') }}\n"
    "select * from {{ ref('recent') }} where amount > 10\n",
    "models/report.sql": "select count(*) as many, sum(amount) as amount from {{ ref('top') }}\n",
    "models/part.sql": "{{ config(materialized='ephemeral') }}\n"
    "select id, {{ cents(2) }} as cents from {{ ref('orders') }}\n",
    "models/priced.sql": "select * from {{ ref('part') }} join {{ ref('prices') }} using (id)\n",
    "models/log.sql": "{{ config(materialized='incremental') }}\n"
    "select id from {{ ref('orders') }}\n"
    "{% if is_incremental() %} where id > (select max(id) from {{ this }}) {% endif %}\n",
    "models/place.sql": "select '{{ env_var('SHOP_PLACE', 'Lisbon') }}' as place\n",
    "macros/cents.sql": "{% macro cents(n) %}{{ n * 100 }}{% endmacro %}\n",
    "seeds/prices.csv": "id,price\n1,10\n2,20\n",
}  # fmt: skip
EVERYTHING = "log names once orders place priced prices recent report top totals"


class Shop:
    """One project folder; ``build`` says what ran."""

    def __init__(self, folder: Path, files: Mapping[str, str]) -> None:
        self.folder = folder / "shop"
        self.environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("DBT_", "SHOP_"))},
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        }
        for name, text in files.items():
            self.write(name, text)
        self.sql("create schema raw", "create table raw.orders (id int, customer int, amount int)",
                 "insert into raw.orders values (1, 1, 5), (2, 1, 15), (3, 2, 25)")  # fmt: skip

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def edit(self, name: str, old: str, new: str) -> None:
        text = (self.folder / name).read_text()
        assert old in text
        self.write(name, text.replace(old, new))

    def sql(self, *statements: str) -> list[tuple[Any, ...]]:
        """As another program does it while no build runs."""
        rows: list[tuple[Any, ...]] = []
        with duckdb.connect(str(self.folder / "shop.duckdb")) as connection:
            for statement in statements:
                rows = connection.execute(statement).fetchall()
        return rows

    def call(self, *words: str) -> subprocess.CompletedProcess[str]:
        done: subprocess.CompletedProcess[str] = sys.modules["mixed_project"].call(
            words, self.folder, self.environment
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done

    def newest(self) -> str | None:
        path = self.folder / ".toolkit" / "ledger.db"
        if not path.exists():
            return None
        with Ledger(path) as ledger:
            return ledger.runs(1)[0].id

    def build(self, *words: str, fails: bool = False) -> str:
        """Build; the names of the steps that ran, in alphabetical order."""
        before = self.newest()
        done = self.call("build", *words)
        assert done.returncode == int(fails), done.stderr
        if self.newest() == before:
            assert "Nothing to do" in done.stderr, done.stderr
            return ""
        with Ledger(self.folder / ".toolkit" / "ledger.db") as ledger:
            steps = ledger.steps(ledger.runs(1)[0].id)
        ran = [step for step in steps if step.started_at is not None]
        asleep = [step for step in steps if step.started_at is None]
        assert {step.status for step in asleep} <= {"no-op"}, asleep
        assert all(step.message.startswith("up to date: ") for step in asleep)
        return " ".join(sorted(step.name for step in ran))

    def planned(self, *words: str) -> dict[str, tuple[str, str]]:
        steps = json.loads(self.call("plan", "--json", *words).stdout)["steps"]
        return {step["name"]: (step["action"], step["reason"]) for step in steps}


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path, SHOP)


def test_code_that_changes(shop: Shop) -> None:
    assert shop.build() == EVERYTHING
    assert shop.build() == ""
    assert {action for action, _ in shop.planned().values()} == {"skip"}

    shop.edit("models/totals.sql", "select customer", "-- one row each\nSELECT  customer")
    assert shop.build() == "", "comments and formatting are no change"
    assert {action for action, _ in shop.planned().values()} == {"skip"}

    shop.edit("models/report.sql", "count(*)", "count(*) + 1")
    assert shop.planned()["report"] == ("run", "its code changed")
    assert shop.build() == "report", "a leaf"

    shop.edit("models/orders.sql", "\n", " where true\n")
    assert shop.planned()["totals"] == ("if changed", "if orders changes")
    assert shop.build() == "orders", "it came out the same"
    assert shop.build() == ""

    shop.edit("models/orders.sql", "customer, amount from", "customer, amount + 1 as amount from")
    ran = "once orders recent report top totals"
    assert shop.build() == ran, "neither names, log nor priced read what changed"
    assert shop.build() == "", "what slept agrees with its inputs now"

    shop.edit("macros/cents.sql", "* 100", "* 1000")
    assert shop.build() == "priced", "through an ephemeral model"

    assert shop.build("--vars", "{rate: 2}") == "recent report top", "views over views"
    assert shop.build("--vars", "{rate: 2, other: 1}") == "", "nobody names it"
    assert shop.build() == "recent report top"

    shop.environment["SHOP_PLACE"] = "Porto"
    assert shop.build() == "place"
    assert shop.sql("select place from place") == [("Porto",)]
    shop.environment["SHOP_OTHER"] = "1"
    assert shop.build() == ""

    (shop.folder / "models" / "report.sql").unlink()
    assert shop.build() == "", "what is gone is not built"
    shop.write("models/report.sql", SHOP["models/report.sql"])
    assert shop.build() == "report", "it is not the one that was built last"


def test_data_that_changes(shop: Shop) -> None:
    assert shop.build() == EVERYTHING

    shop.sql("drop table totals")
    assert shop.planned()["totals"][1] == "shop.main.totals is not there any more"
    assert shop.build() == "totals", "its test passed on just these rows"

    shop.sql("update names set customer = 7 where customer = 1")
    assert shop.planned()["names"] == ("run", "shop.main.names was changed by others")
    assert shop.build() == "names"
    assert shop.sql("select count(*) from names where customer = 7") == [(0,)]

    shop.sql("create or replace view top as select * from recent")
    assert shop.build() == "top", "report was made of the view as it is again"

    shop.sql("create table others as select 1 as a")
    assert shop.build() == "", "nobody's table"

    shop.sql("insert into raw.orders values (4, 2, 35)")
    assert shop.planned()["orders"] == ("run", "orders changed since")
    assert shop.build() == "log names once orders priced recent report top totals"
    assert shop.sql("select id from log order by id") == [(1,), (2,), (3,), (4,)]
    assert shop.build() == ""

    shop.write("seeds/prices.csv", "id,price\n1,11\n2,20\n")
    assert shop.build() == "priced prices"

    shop.edit("models/orders.sql", "select id", "select id + 0 as id")
    assert shop.build("-s", "totals") == "", "only what is selected, of what is there"
    assert shop.build("-s", "+totals") == "orders"
    assert shop.build() == ""

    (shop.folder / "shop.duckdb").unlink()
    shop.sql("create schema raw", "create table raw.orders (id int, customer int, amount int)")
    assert shop.build() == EVERYTHING, "another file, without what was built"


def test_tests_and_words(shop: Shop) -> None:
    assert shop.build() == EVERYTHING

    shop.write("models/names.yml", "models: [{name: names, columns: [{name: customer, "
               "data_tests: [{not_null: {name: known}}]}]}]\n")  # fmt: skip
    assert shop.build() == "known", "a new test runs alone"

    shop.edit("models/totals.sql", "group by customer", "group by customer, id")
    assert shop.build(fails=True) == "once totals"
    assert shop.planned()["totals"] == ("run", "check once failed")
    assert shop.build(fails=True) == "once totals", "until it is mended"
    shop.write("models/totals.sql", SHOP["models/totals.sql"])
    assert shop.build() == "once totals"
    assert shop.build() == ""

    shop.write("tests/positive.sql", "select * from {{ ref('orders') }} where amount < 0\n")
    shop.write(
        "models/unit.yml",
        """\
unit_tests:
  - name: adds_up
    model: totals
    given:
      - input: ref('orders')
        rows: [{customer: 1, amount: 2}, {customer: 1, amount: 3}]
    expect: {rows: [{customer: 1, total: 5}]}
""",
    )
    assert shop.build() == "adds_up positive totals", "dbt runs a unit test with its model"
    assert shop.build() == ""
    shop.edit("models/unit.yml", "amount: 3", "amount: 4")
    shop.edit("models/unit.yml", "total: 5", "total: 6")
    assert shop.build() == "adds_up totals"

    everything = " ".join(sorted([*EVERYTHING.split(), "adds_up", "known", "positive"]))
    assert shop.build("--force") == everything
    assert shop.sql("select count(*) from log") == [(3,)]
    assert shop.build("--full-refresh") == everything
    assert shop.build("--force", "-s", "names") == "known names"
    assert shop.build() == ""


ALWAYS = CONFIG | {
    "models/sources.yml": SHOP["models/sources.yml"],
    "models/orders.sql": SHOP["models/orders.sql"],
    "models/today.sql": "select current_date as day, * from {{ ref('orders') }}\n",
    "models/lucky.sql": "select random() as number\n",
    "models/clock.sql": "{{ config(materialized='view') }} select now() as moment\n",
    "models/over.sql": "select moment is not null as there from {{ ref('clock') }}\n",
    "models/looked.sql": "select {{ run_query('select 7').rows[0][0] if execute else 0 }} as a\n",
    "models/hooked.sql": "{{ config(post_hook='drop table if exists nobody') "
    "}} select 1 as one\n",
    "models/py.py": "def model(dbt, session):\n    dbt.config(materialized='table')\n"
    "    return session.sql('select 1 as one')\n",
    "models/below.sql": "select one from {{ ref('py') }}\n",
    "models/still.sql": "select 1 as one from {{ ref('orders') }}\n",
}  # fmt: skip


def test_what_always_runs(tmp_path: Path) -> None:
    shop = Shop(tmp_path, ALWAYS)
    assert shop.build() == "below clock hooked looked lucky orders over py still today"
    plan = shop.planned()
    assert {name: reason for name, (action, reason) in plan.items() if action == "run"} == {
        "today": "volatile: it calls current_date",
        "lucky": "volatile: it calls random()",
        "clock": "volatile: it calls now()",
        "over": "it reads the view clock: it calls now()",
        "looked": "volatile: its Jinja asks for run_query",
        "hooked": "volatile: its post-hook may do anything (drop table if exists nobody)",
        "py": "volatile: a dbt Python model may read anything",
    }
    assert plan["below"] == ("if changed", "if py changes")
    assert shop.build() == "clock hooked looked lucky over py today"


HISTORY = CONFIG | {
    "models/sources.yml": SHOP["models/sources.yml"],
    "snapshots/history.yml": "snapshots: [{name: history, relation: \"source('raw', 'orders')\", "
    "config: {unique_key: id, strategy: check, check_cols: all}}]\n",
    "models/changes.sql": "select id, count(*) as many from {{ ref('history') }} group by id\n",
}


def test_a_snapshot(tmp_path: Path) -> None:
    shop = Shop(tmp_path, HISTORY)
    assert shop.build() == "changes history"
    assert "changes" not in shop.build(), "no row of the snapshot is new"
    shop.sql("update raw.orders set amount = 6 where id = 1")
    assert shop.build() == "changes history"
    assert shop.sql("select many from changes order by id") == [(2,), (1,), (1,)]


@pytest.mark.parametrize("engine", ["runner", pytest.param("cli", marks=pytest.mark.soak)])
def test_other_engines(shop: Shop, engine: str) -> None:
    words = ("--engine", engine)
    assert shop.build(*words) == EVERYTHING
    assert shop.build(*words) == ""
    shop.edit("models/report.sql", "count(*)", "count(*) + 1")
    assert shop.build(*words) == "report"
    shop.edit("models/orders.sql", "\n", " where true\n")
    # only the gated engine can leave out a model when dbt has begun with those above it
    assert shop.build(*words) == "log names once orders priced recent report top totals"
    assert shop.build(*words) == ""
    assert shop.sql("select count(*) from log") == [(3,)]
