"""The example shop, from a copy of its files to its scores: what a stranger runs first."""

import http.server
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import parse_qs, urlsplit

import duckdb
import pandas as pd
import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

OUTPUTS = shutil.ignore_patterns("target", "logs", ".toolkit", "*.duckdb*", ".user.yml", "__py*")
ENVIRONMENT = {k: v for k, v in os.environ.items() if not k.startswith(("DBT_", "SHOP_"))}


def toolkit(
    *words: str, cwd: Path, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "toolkit.cli", *words],
        cwd=cwd,
        env={**ENVIRONMENT, **(env or {})},
        capture_output=True,
        text=True,
        check=False,
    )


def succeeded(run: subprocess.CompletedProcess[str]) -> str:
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


def copy(repository: Path, to: Path) -> Path:
    for name in ("dbt_project", "connectors"):
        shutil.copytree(repository / name, to / name, ignore=OUTPUTS)
    return to


def rows(root: Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(root / "dbt_project" / "shop.duckdb"), read_only=True) as connection:
        return connection.execute(sql).fetchall()


@pytest.fixture(scope="module")
def root(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the example in a folder of its own."""
    return copy(repository, tmp_path_factory.mktemp("example"))


@pytest.fixture(scope="module")
def built(root: Path) -> Path:
    """The same, built once from the folder above the project."""
    succeeded(toolkit("connectors", "install", "--project-dir", "dbt_project", cwd=root))
    succeeded(toolkit("build", "--project-dir", "dbt_project", cwd=root))
    return root


@pytest.mark.slow
def test_dbt_reads_it_without_a_warning(root: Path, tmp_path: Path) -> None:
    words = ["--warn-error", "--show-all-deprecations", "parse", "--target-path", str(tmp_path)]
    command = [sys.executable, "-m", "dbt.cli.main", *words, "--log-path", str(tmp_path)]
    run = subprocess.run(
        command,
        cwd=root / "dbt_project",
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    succeeded(run)
    assert "Deprecat" not in run.stdout


@pytest.mark.slow
def test_all_three_tools_are_in_one_graph(root: Path) -> None:
    listed = succeeded(
        toolkit("ls", "--output", "json", "--project-dir", "dbt_project", cwd=root)
    ).splitlines()
    assets = {asset["key"]: asset for asset in map(json.loads, listed)}
    path = (  # from the API to the application that reads the scores
        "stream.shop.purchases",
        "source.shop.raw.purchases",
        "model.shop.stg_purchases",
        "model.shop.int_cart_items",
        "model.shop.customers",
        "python.customer_features",
        "python.conversion_model",
        "python.predictions",
        "source.shop.ml.predictions",
        "model.shop.customer_scores",
        "exposure.shop.cart_reminders",
    )
    assert [key for key in path if key not in assets] == []
    broken = [(up, down) for up, down in pairwise(path) if up not in assets[down]["depends_on"]]
    assert broken == []


def test_everything_is_built(built: Path) -> None:
    [counts] = rows(
        built,
        """
        select
            (select count(*) from raw.users),
            (select count(*) from main.customers),
            (select count(*) from main.orders)
                = (select count(*) from raw.purchases where purchased_at is not null),
            (select count(*) from main.customer_scores)
                = (select count(distinct user_id) from raw.purchases),
            (select sum(net_revenue) from main.monthly_sales)
                = (select sum(net_revenue) from main.orders),
            (select sum(lifetime_value) from main.customers)
                = (select sum(net_revenue) from main.orders)
        """,
    )
    assert counts == (1000, 1000, True, True, True, True)


def test_the_model_has_learned_something(built: Path) -> None:
    scores = dict(
        rows(
            built,
            "select cart_status, avg(conversion_probability) from main.customer_scores group by 1",
        )
    )
    assert scores["converted"] > scores["expired"]


def test_the_connection_that_is_off_stays_off(built: Path) -> None:
    assert rows(built, "select 1 from duckdb_tables() where schema_name = 'raw_weather'") == []


@pytest.mark.slow
def test_a_second_build_from_inside_the_project(built: Path) -> None:
    before = rows(built, "select order_id from main.orders order by 1")
    succeeded(toolkit("build", cwd=built / "dbt_project"))
    assert rows(built, "select order_id from main.orders order by 1") == before
    assert rows(built, "select count(*) from main_snapshots.product_prices") == [(100,)]
    assert [path.parent.name for path in built.rglob("*.duckdb")] == ["dbt_project"]


def test_columns_are_traced_across_the_tools(built: Path) -> None:
    lineage = json.loads(
        succeeded(toolkit("lineage", "--format", "json", "--project-dir", "dbt_project", cwd=built))
    )
    edges = {(tuple(e["from"]), tuple(e["to"]), e["subtype"]) for e in lineage["column_edges"]}
    expected = {
        (
            ("stream.shop.users", "email"),
            ("source.shop.raw.users", "email"),
            "IDENTITY",
        ),
        (
            ("source.shop.raw.users", "email"),
            ("model.shop.stg_users", "email"),
            "TRANSFORMATION",
        ),
        (
            ("model.shop.stg_users", "email"),
            ("model.shop.customers", "email"),
            "IDENTITY",
        ),
        (
            ("model.shop.int_cart_items", "price"),
            ("model.shop.customers", "lifetime_value"),
            "AGGREGATION",
        ),
        (
            ("source.shop.ml.predictions", "conversion_probability"),
            ("model.shop.customer_scores", "conversion_probability"),
            "IDENTITY",
        ),
    }
    assert expected - edges == set()
    pairs = {edge[:2] for edge in edges}
    assert (
        ("model.shop.customers", "first_cart_at"),
        ("python.customer_features", "cart_day"),
    ) in pairs
    made_by_sql = {
        k: a for k, a in lineage["assets"].items() if k.startswith(("model", "snapshot"))
    }
    assert {key for key, asset in made_by_sql.items() if asset["lineage"] != "full"} == set()


def test_the_report_is_one_file(built: Path) -> None:
    succeeded(toolkit("report", "--project-dir", "dbt_project", cwd=built))
    written = built / "dbt_project" / "target" / "toolkit"
    page = (written / "report.html").read_text(encoding="utf-8")
    assert re.findall(r"""(?:src|href|url)\s*[=(]\s*["']?(?:https?:)?//[^\s"')>]+""", page) == []
    graph = json.loads((written / "graph.json").read_text(encoding="utf-8"))
    assert "model.shop.customer_scores" in json.dumps(graph)


def _module(repository: Path, name: str) -> ModuleType:
    path = repository / "dbt_project" / "ml" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"example_{name}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_model_says_when_there_is_too_little_to_learn_from(repository: Path) -> None:
    conversion = _module(repository, "conversion")
    few = pd.DataFrame(
        {
            "customer_id": range(10),
            "cart_day": range(10),
            "cart_price": 1.0,
            "customer_age": 30,
            "converted": [True, None] * 5,
        }
    )
    with pytest.raises(ValueError, match="5 of 5 first carts"):
        conversion.conversion_model(few)


def test_the_floor_is_a_floor(repository: Path) -> None:
    conversion = _module(repository, "conversion")
    cases = {(0.59, 900.0): False, (0.6, 900.0): True, (0.4, 100.0): True}
    for (auc, customers), passed in cases.items():
        result = conversion.ranks_better_than_chance({"roc_auc": auc, "customers": customers})
        assert result.passed is passed, (auc, customers)


class Weather(http.server.BaseHTTPRequestHandler):
    """The API that connectors/weather/manifest.yaml describes, with 1,200 hours of weather."""

    asked: list[dict[str, str]]

    def do_GET(self) -> None:
        asked = {key: value[0] for key, value in parse_qs(urlsplit(self.path).query).items()}
        self.asked.append(asked)
        found = [row for row in self.observations() if row["observed_at"] >= asked["since"]]
        page, size = int(asked["page"]), int(asked["per_page"])
        answer = {"observations": found[(page - 1) * size : page * size], "page": page}
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    @staticmethod
    def observations() -> Iterator[dict[str, Any]]:
        for hour in range(1200):
            at = datetime(2026, 1, 1) + timedelta(hours=hour)
            yield {
                "id": hour,
                "station": f"station {hour % 3}",
                "country_code": "PT",
                "observed_at": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
                "temperature_celsius": hour / 100,
                "precipitation_mm": None,
            }

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.mark.soak
@pytest.mark.slow
def test_the_weather_can_be_turned_on(repository: Path, tmp_path: Path) -> None:
    root = copy(repository, tmp_path)
    connection = root / "connectors" / "weather.yml"
    off = connection.read_text(encoding="utf-8")
    connection.write_text(off.replace("enabled: false", "enabled: true"), encoding="utf-8")

    handler = type("Handler", (Weather,), {"asked": []})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        env = {"WEATHER_URL": f"http://127.0.0.1:{server.server_port}"}
        where = ("--project-dir", "dbt_project")
        succeeded(toolkit("connectors", "install", *where, cwd=root, env=env))
        select = ("--select", "stream:weather.observations")
        succeeded(toolkit("build", *where, *select, cwd=root, env=env))
        first = rows(root, "select count(*), max(observed_at) from raw_weather.observations")
        assert first[0][0] == 1200
        assert {asked["page"] for asked in handler.asked} == {"1", "2", "3"}
        handler.asked.clear()
        succeeded(toolkit("build", *where, *select, cwd=root, env=env))
        assert (
            rows(root, "select count(*), max(observed_at) from raw_weather.observations") == first
        )
        resumed = {asked["since"] for asked in handler.asked}
        assert resumed == {"2026-02-19T23:00:00Z"}  # where the first sync has stopped
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
