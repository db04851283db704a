"""``toolkit connectors diff``: the example shop and a project with a source that changes."""

import copy
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.e2e, pytest.mark.timeout(300)]

OUTPUTS = shutil.ignore_patterns("target", "logs", ".toolkit", "*.duckdb*", ".user.yml", "__py*")
ENVIRONMENT = {k: v for k, v in os.environ.items() if not k.startswith(("DBT_", "SHOP_"))}

TIME = {"type": "string", "format": "date-time", "airbyte_type": "timestamp_with_timezone"}
TEXT, WHOLE, NUMBER = {"type": "string"}, {"type": "integer"}, {"type": "number"}
SHOP = {  # what airbyte-source-faker 7.2.1 offers, in short
    "users": {
        "id": WHOLE, "created_at": TIME, "updated_at": TIME, "name": TEXT, "title": TEXT,
        "age": WHOLE, "email": TEXT, "gender": TEXT, "occupation": TEXT,
        "address": {"type": "object", "properties": {"city": TEXT, "country_code": TEXT}},
    },
    "products": {
        "id": WHOLE, "make": TEXT, "model": TEXT, "year": WHOLE, "price": NUMBER,
        "created_at": TIME, "updated_at": TIME,
    },
    "purchases": {
        "id": WHOLE, "user_id": WHOLE, "product_id": WHOLE, "created_at": TIME,
        "updated_at": TIME, "added_to_cart_at": TIME, "purchased_at": TIME, "returned_at": TIME,
    },
}  # fmt: skip


def catalog(fields: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return {
        "shop": {
            "streams": [
                {
                    "name": name,
                    "json_schema": {"type": "object", "properties": properties},
                    "supported_sync_modes": ["full_refresh"],
                    "source_defined_primary_key": [["id"]],
                }
                for name, properties in fields.items()
            ]
        }
    }


Diff = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def shop(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the example shop, that is compiled once."""
    root = tmp_path_factory.mktemp("shop")
    for name in ("dbt_project", "connectors"):
        shutil.copytree(repository / name, root / name, ignore=OUTPUTS)
    return root


@pytest.fixture(scope="module")
def diff(shop: Path) -> Diff:
    """Compares two catalogs of the example shop."""
    root = shop

    def run(now: dict[str, Any], *words: str) -> subprocess.CompletedProcess[str]:
        (root / "base.json").write_text(json.dumps(catalog(SHOP)))
        (root / "now.json").write_text(json.dumps(catalog(now)))
        files = ("--base", "../base.json", "--against", "../now.json")
        return subprocess.run(
            [sys.executable, "-m", "toolkit.cli", "connectors", "diff", *files, *words],
            cwd=root / "dbt_project", env=ENVIRONMENT, capture_output=True, text=True,
            timeout=240, check=False,
        )  # fmt: skip

    return run


@pytest.fixture
def drifted() -> dict[str, Any]:
    """The shop without e-mail addresses, and with prices as text."""
    now = copy.deepcopy(SHOP)
    del now["users"]["email"]
    now["products"]["price"] = TEXT
    return now


def changes(run: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert run.stdout, run.stderr
    document = json.loads(run.stdout)
    assert document["schema_version"] == 1
    (connection,) = document["connections"]
    return {f"{c['stream']}.{c['field']}": c for c in connection["changes"]}


def keys(change: dict[str, Any], *kinds: str) -> set[str]:
    return {
        a["key"] for a in change["reach"]["assets"] if a["certain"] and (a["kind"] in kinds)
    }  # fmt: skip


def test_drift_beside_what_a_change_breaks(diff: Diff, drifted: dict[str, Any], shop: Path) -> None:
    diff(drifted)  # compiles the project, and writes the file
    run = subprocess.run(
        [sys.executable, "-m", "toolkit.cli", "diff", "--base", "target", "--drift", "--against",
         "../now.json", "--fail-on", "breaking", "--format", "json"],
        cwd=shop / "dbt_project", env=ENVIRONMENT, capture_output=True, text=True, timeout=240,
        check=False,
    )  # fmt: skip
    assert run.returncode == 3, run.stderr
    document = json.loads(run.stdout)
    assert document["verdict"] is None  # the project itself has not changed
    (change,) = document["drift"][0]["changes"]  # nothing is kept of what was offered before
    assert (change["stream"], change["column"], change["verdict"]) == ("users", "email", "breaking")
    assert change["fails"] == ["model.shop.stg_users"]


def test_exactly_what_reads_a_field_is_reached(diff: Diff, drifted: dict[str, Any]) -> None:
    run = diff(drifted, "--format", "json", "--fail-on", "breaking")
    assert run.returncode == 3, run.stderr
    found = changes(run)
    assert set(found) == {"users.email", "products.price"}

    email = found["users.email"]
    assert (email["verdict"], email["kind"]) == ("breaking", "field-removed")
    assert email["fails"] == ["model.shop.stg_users"]
    assert {a["key"]: a["columns"] for a in email["reach"]["assets"]} == {
        "model.shop.stg_users": ["email"],
        "model.shop.customers": ["email"],
        "exposure.shop.sales_overview": [],
    }
    assert [key.split(".")[2] for key in email["reach"]["checks"]] == ["unique_stg_users_email"]
    (board,) = [a for a in email["reach"]["assets"] if a["kind"] == "exposure"]
    assert [step[0] for step in board["path"]] == [
        "stream.shop.users",
        "source.shop.raw.users",
        "model.shop.stg_users",
        "model.shop.customers",
        "exposure.shop.sales_overview",
    ]

    price = found["products.price"]
    assert (price["verdict"], price["was"], price["now"]) == ("breaking", "DOUBLE", "VARCHAR")
    assert price["fails"] == ["model.shop.stg_products"]
    assert keys(price, "model", "snapshot") == {
        "model.shop.stg_products",
        "model.shop.int_cart_items",
        "model.shop.customers",
        "model.shop.orders",
        "model.shop.products",
        "model.shop.monthly_sales",
        "model.shop.sales_by_country",
        "model.shop.customer_scores",
        "snapshot.shop.product_prices",
    }
    assert keys(price, "python", "ml_model") == {
        "python.customer_features",
        "python.conversion_model",
        "python.predictions",
    }
    assert keys(price, "exposure") == {
        "exposure.shop.sales_overview",
        "exposure.shop.product_performance",
        "exposure.shop.cart_reminders",
    }
    assert price["reach"]["owners"] == [
        "Growth", "Sales analytics", "growth@example.com", "sales-analytics@example.com",
    ]  # fmt: skip
    assert price["reach"]["counts"]["exposure"] == 3


def test_the_text_is_a_tree(diff: Diff, drifted: dict[str, Any]) -> None:
    run = diff(drifted)
    assert run.returncode == 0, run.stderr  # no gate was asked for
    assert run.stdout.startswith("shop: 2 breaking\n")
    assert """
            stream.shop.users.email  [data-platform@example.com]
            └── source.shop.raw.users.email  [data-platform@example.com]
                └── model.shop.stg_users.email  <- reads it by name
                    └── model.shop.customers.email  [sales-analytics@example.com]
                        └── exposure.shop.sales_overview  [Sales analytics]
""" in run.stdout  # fmt: skip
    assert "\x1b" not in run.stdout


def test_markdown_for_a_pull_request(diff: Diff, drifted: dict[str, Any]) -> None:
    lines = diff(drifted, "--format", "markdown").stdout.splitlines()
    assert lines[0] == "## Source drift"
    rows = [line for line in lines if line.startswith("| **breaking** |")]
    assert ["users.email is gone" in rows[0], "exposure.shop.cart_reminders" in rows[1]] == [
        True
    ] * 2


def test_what_hurts_nobody_passes_the_gate(diff: Diff) -> None:
    now = copy.deepcopy(SHOP)
    del now["users"]["title"]
    now["users"]["shoe_size"] = NUMBER
    now["reviews"] = {"id": WHOLE}
    run = diff(now, "--format", "json", "--fail-on", "review")
    assert run.returncode == 0, run.stderr
    found = {name: (c["verdict"], c["kind"]) for name, c in changes(run).items()}
    assert found == {
        "users.title": ("safe", "field-removed"),
        "users.shoe_size": ("safe", "field-added"),
        "reviews.None": ("safe", "stream-added"),
    }


def test_a_type_that_can_be_cast_is_for_review(diff: Diff) -> None:
    now = copy.deepcopy(SHOP)
    now["products"]["price"] = WHOLE
    assert diff(now, "--fail-on", "breaking").returncode == 0
    run = diff(now, "--fail-on", "review")
    assert run.returncode == 3
    assert "review    products.price was DOUBLE, is BIGINT" in run.stdout


def test_a_stream_that_is_gone(diff: Diff) -> None:
    now = copy.deepcopy(SHOP)
    now["customers"] = now.pop("users")
    found = changes(diff(now, "--format", "json"))
    gone = found["users.None"]
    assert (gone["kind"], gone["verdict"]) == ("stream-removed", "breaking")
    assert gone["fails"] == ["model.shop.stg_users"]
    assert "exposure.shop.cart_reminders" in keys(gone, "exposure")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nothing"], "There is no connection 'nothing'."),
        (["--offline"], "--against and --offline do not go together."),
        (["--base", "missing.json"], "missing.json cannot be read as a catalog"),
    ],
)
def test_usage(diff: Diff, words: list[str], said: str) -> None:
    run = diff(SHOP, *words)
    assert run.returncode == 2
    assert said in run.stderr


def test_a_file_without_the_connection(diff: Diff) -> None:
    run = diff(SHOP, "shop", "weather")
    assert run.returncode == 1
    assert "now.json has no catalog of 'weather'." in run.stdout
    assert "not known: weather" in run.stderr


# ---- a source that changes between two runs ----

FIELDS = {"id": WHOLE, "name": TEXT}


def schemas(properties: dict[str, Any]) -> dict[str, Any]:
    return {"users": {"type": "object", "properties": properties}}


def offer(mixed: Any, properties: dict[str, Any]) -> None:
    """From now on the source offers these fields; its configuration stays the same."""
    path = mixed.folder / "offer.json"
    path.write_text(json.dumps(schemas(properties)))
    actions = [{"rows": ["users", 1, 3]}, {"status": ["users", "COMPLETE"]}]
    mixed.connect(actions, config={"actions": actions, "schemas_file": str(path)})


def test_a_source_that_changes_between_runs(mixed: Any) -> None:
    offer(mixed, FIELDS)
    first = mixed.run("connectors", "discover")
    assert first.returncode == 0, first.stderr
    same = mixed.run("connectors", "diff", "--fail-on", "review")
    assert (same.returncode, same.stdout.splitlines()[0]) == (0, "app: no drift"), same.stderr

    offer(mixed, {"id": WHOLE, "full_name": TEXT})
    run = mixed.run("connectors", "diff", "app", "--fail-on", "breaking", "--format", "json")
    assert run.returncode == 3, run.stderr
    name = changes(run)["users.name"]
    assert name["looks_renamed_to"] == "full_name"
    # Python code is not read: scores may read it, landed does
    assert {a["key"]: a["certain"] for a in name["reach"]["assets"]} == {
        "model.plain.landed": True,
        "python.scores": False,
    }

    # the comparison has not taken it over; asking without the source says so
    offline = mixed.run("connectors", "diff", "--offline", "--fail-on", "review")
    assert (offline.returncode, offline.stdout.splitlines()[0]) == (0, "app: no drift")

    # once it is taken over, what the model reads is still missing
    assert mixed.run("connectors", "discover").returncode == 0
    run = mixed.run("connectors", "diff", "--format", "json")
    assert changes(run)["users.None"]["kind"] == "column-missing"


def test_the_landed_table_is_looked_at(mixed: Any) -> None:
    offer(mixed, FIELDS)
    assert mixed.run("build", "--select", "stream:app.users").returncode == 0
    offer(mixed, {"id": TEXT, "name": TEXT, "more": NUMBER})
    run = mixed.run("connectors", "diff")
    assert run.returncode == 0, run.stderr
    lines = [line.strip() for line in run.stdout.splitlines() if "in the warehouse" in line]
    assert lines == [
        "in the warehouse: users.id is BIGINT, and VARCHAR would land",
        "in the warehouse: users.more is not there yet",
    ]


def test_what_a_sync_stopped_for_is_still_told(mixed: Any) -> None:
    """The sync that stops has asked the source, and the graph knows the new fields."""
    offer(mixed, FIELDS)
    path = mixed.folder / "connectors" / "app.yml"
    behaviour = '"non_breaking_schema_updates_behavior": "disable_connection", "streams"'
    path.write_text(path.read_text().replace('"streams"', behaviour))
    assert mixed.run("build", "--select", "stream:app.users").returncode == 0
    (mixed.folder / "offer.json").write_text(json.dumps(schemas({"id": WHOLE})))
    assert mixed.run("connectors", "discover").returncode == 0
    stopped = mixed.run("build", "--select", "stream:app.users")
    assert stopped.returncode == 1
    said = "Run `toolkit connectors diff app` to see what this breaks downstream."
    assert said in " ".join((stopped.stdout + stopped.stderr).split())
    run = mixed.run("connectors", "diff", "app", "--format", "json")
    name = changes(run)["users.name"]
    assert (name["kind"], name["verdict"]) == ("field-removed", "breaking")
    assert "model.plain.landed" in name["fails"]


def test_a_source_that_cannot_be_reached(mixed: Any) -> None:
    mixed.connect([], config={"actions": [], "schemas_file": "/nowhere/at/all.json"})
    run = mixed.run("connectors", "diff")
    assert run.returncode == 1, run.stdout
    assert run.stdout.startswith("app: not known\n")
    offline = mixed.run("connectors", "diff", "--offline")
    assert offline.returncode == 1
    assert "was not asked in the last 24 hours" in offline.stdout


def test_a_connection_without_a_local_source(mixed: Any, tmp_path: Path) -> None:
    reply = {
        "connectionId": "c1", "name": "crm", "sourceId": "s1", "destinationId": "d1",
        "configurations": {"streams": [{"name": "leads", "syncMode": "full_refresh_overwrite"}]},
    }  # fmt: skip
    (mixed.folder / "connectors" / "app.yml").unlink()
    mixed.write("connectors/crm.json", json.dumps(reply))
    run = mixed.run("connectors", "diff")
    assert run.returncode == 0, run.stderr
    assert "leads: what the source offers cannot be known here" in run.stdout
    saved = tmp_path / "leads.json"
    saved.write_text(json.dumps([{"streamName": "leads", "propertyFields": [["id"]]}]))
    run = mixed.run("connectors", "diff", "--against", str(saved))
    assert (run.returncode, run.stdout.splitlines()[0]) == (0, "crm: no drift"), run.stderr


def test_what_is_offered_can_be_saved_and_compared_later(mixed: Any, tmp_path: Path) -> None:
    offer(mixed, FIELDS)
    saved = tmp_path / "saved.json"
    assert mixed.run("connectors", "diff", "--save", str(saved)).returncode == 0
    assert [s["name"] for s in json.loads(saved.read_text())["app"]["streams"]] == ["users"]
    offer(mixed, {"id": WHOLE})
    run = mixed.run("connectors", "diff", "--base", str(saved), "--fail-on", "breaking")
    assert run.returncode == 3, run.stdout
