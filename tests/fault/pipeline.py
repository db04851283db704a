"""A shop of 40 assets, ingest -> dbt -> Python and ML -> dbt, whose data change bit by bit.

All that it makes is a function of the source's data and of how often it was built: so two
copies that saw the same data and the same number of builds are equal, row by row, and a step
that ran twice or not at all shows. Two append-only models add rows whenever they run.

==================  ==========================================================================
8 streams           of two connections; deduplicated, appended, overwritten
2 seeds, 8 views    one staging view for each stream
11 tables           4 of them above Python assets
2 append-only       incremental without any filter: a second run would add the rows again
2 merging           incremental with delete+insert
2 snapshots         by time stamp, and by comparing columns
5 Python assets     three tables, an ML model, its scores
==================  ==========================================================================
"""

import json
import os
import random
import shutil
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

SOURCE = Path(__file__).with_name("shop_source.py")
PACKAGE = ("airbyte-source-shop-files", "1.0.0")
CONNECTIONS = {
    "app": {
        "users": "incremental_deduped_history", "orders": "incremental_deduped_history",
        "events": "incremental_append", "pages": "full_refresh_overwrite",
    },
    "pay": {
        "payments": "incremental_deduped_history", "refunds": "incremental_append",
        "plans": "full_refresh_overwrite", "rates": "incremental_deduped_history",
    },
}  # fmt: skip
STREAMS = [stream for streams in CONNECTIONS.values() for stream in streams]
APPENDED = ("main.batches", "main.user_totals_log")

PROJECT = """\
name: shop
version: "1.0"
profile: shop
flags: {send_anonymous_usage_stats: false}
models: {shop: {staging: {+materialized: view}, core: {+materialized: table}}}
"""
PROFILE = """\
shop:
  target: dev
  outputs: {dev: {type: duckdb, path: shop.duckdb, threads: 2}}
"""
SETTINGS = "version: 1\nconnections: [connectors]\nassets: [ml]\n"

AIRBYTE_COLUMNS = "_airbyte_raw_id, _airbyte_extracted_at, _airbyte_meta, _airbyte_generation_id"
BATCH = "(select max(seq) from {{ source('raw', 'orders') }})"
APPEND = "{{ config(materialized='incremental', incremental_strategy='append') }}"
MERGE = (
    "{{ config(materialized='incremental', incremental_strategy='delete+insert', unique_key=%r) }}"
)
MODELS = {
    "orders_paid": """
select o.id as order_id, o.user_id, o.day, o.cents, coalesce(sum(p.cents), 0)::bigint as paid
from {{ ref('stg_orders') }} o left join {{ ref('stg_payments') }} p on p.order_id = o.id
group by all""",
    "user_orders": """
select u.id as user_id, u.country, count(o.order_id) as orders,
       coalesce(sum(o.cents), 0)::bigint as cents
from {{ ref('stg_users') }} u left join {{ ref('orders_paid') }} o on o.user_id = u.id
group by all""",
    "sessions": """
select e.user_id, e.page_id, count(*) as visits, max(e.seq) as last_seq
from {{ ref('stg_events') }} e join {{ ref('stg_pages') }} p on p.id = e.page_id group by all""",
    "daily": """
select day, count(*) as orders, sum(cents)::bigint as cents
from {{ ref('stg_orders') }} group by day""",
    "revenue_by_country": """
select c.name as country, t.name as tier, sum(u.cents)::bigint as cents
from {{ ref('user_orders') }} u join {{ ref('countries') }} c on c.code = u.country
join {{ ref('tiers') }} t on u.orders >= t.least group by all""",
    "plan_prices": """
select p.id as plan_id, p.cents, r.id as currency, r.value as rate
from {{ ref('stg_plans') }} p join {{ ref('stg_rates') }} r on r.id <= 3""",
    "refunds_by_order": """
select order_id, count(*) as refunds, sum(cents)::bigint as cents
from {{ ref('stg_refunds') }} group by order_id""",
    "batches": f"""{APPEND}
select {BATCH} as batch, count(*) as orders, sum(cents)::bigint as cents
from {{{{ ref('orders_paid') }}}}""",
    "user_totals_log": f"""{APPEND}
select {BATCH} as batch, user_id, orders, cents from {{{{ ref('user_orders') }}}}""",
    "user_totals": MERGE % "user_id"
    + """
select user_id, orders, cents from {{ ref('user_orders') }}""",
    "daily_totals": MERGE % "day"
    + """
select day, orders, cents from {{ ref('daily') }}
{% if is_incremental() %}where day >= (select max(day) - 3 from {{ this }}){% endif %}""",
    "scored_users": """
select s.user_id, s.score, u.country
from {{ source('ml', 'scores') }} s join {{ ref('user_orders') }} u using (user_id)""",
    "mart_users": """
select user_id, s.score, s.country, f.visits
from {{ ref('scored_users') }} s left join {{ source('ml', 'features') }} f using (user_id)""",
    "mart_daily": """
select d.day, d.orders, d.cents, a.strange
from {{ ref('daily_totals') }} d left join {{ source('ml', 'anomalies') }} a using (day)""",
    "mart_overview": """
select (select count(*) from {{ ref('mart_users') }}) as users,
       (select sum(cents) from {{ ref('revenue_by_country') }})::bigint as revenue,
       (select sum(cents) from {{ ref('refunds_by_order') }})::bigint as refunds,
       (select count(*) from {{ ref('batches') }}) as batches,
       (select count(*) from {{ ref('users_history') }}) as versions,
       (select max(cents) from {{ source('ml', 'forecast') }}) as expected""",
}
TESTS = {
    "orders_paid": ("order_id", ["unique", "not_null"]), "user_orders": ("user_id", ["unique"]),
    "user_totals": ("user_id", ["unique"]), "daily_totals": ("day", ["unique", "not_null"]),
    "batches": ("batch", ["not_null"]), "mart_users": ("user_id", ["unique"]),
    "mart_daily": ("day", ["unique"]), "plan_prices": ("plan_id", ["not_null"]),
}  # fmt: skip
SNAPSHOTS = """\
snapshots:
  - name: users_history
    relation: ref('stg_users')
    config: {unique_key: id, strategy: timestamp, updated_at: updated_at}
  - name: plans_history
    relation: ref('stg_plans')
    config: {unique_key: id, strategy: check, check_cols: [cents]}
"""
SEEDS = {
    "countries": "code,name\nNZ,New Zealand\nPT,Portugal\nFI,Finland\n",
    "tiers": "name,least\nany,0\nregular,3\nbest,8\n",
}
ML = '''\
"""Features, a model and its scores."""

import duckdb
import pandas as pd

from toolkit import MLModel, asset

COLUMNS = ["orders", "visits"]


@asset
def features(user_orders: pd.DataFrame, sessions: pd.DataFrame) -> pd.DataFrame:
    visits = sessions.groupby("user_id")["visits"].sum().reset_index()
    joined = user_orders.merge(visits, on="user_id", how="left").fillna({"visits": 0})
    return joined[["user_id", "orders", "visits", "cents"]].astype("int64").sort_values("user_id")


@asset(kind="ml_model")
def spend_model(features: pd.DataFrame) -> MLModel:
    from sklearn.linear_model import LinearRegression

    rows = features.sort_values("user_id")
    fitted = LinearRegression().fit(rows[COLUMNS], rows["cents"])
    return MLModel(fitted, metrics={"r2": fitted.score(rows[COLUMNS], rows["cents"])})


@asset
def scores(features: pd.DataFrame, spend_model) -> pd.DataFrame:
    rows = features.sort_values("user_id")
    return pd.DataFrame(
        {"user_id": rows["user_id"], "score": spend_model.predict(rows[COLUMNS]).round(3)}
    )


@asset
def anomalies(daily_totals: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation:
    return daily_totals.project("day, cents > 100 * orders as strange")


@asset
def forecast(daily: pd.DataFrame) -> pd.DataFrame:
    rows = daily.sort_values("day")
    return pd.DataFrame({"day": [int(rows["day"].max()) + 1], "cents": [int(rows["cents"].mean())]})
'''


class Source:
    """The source's data: a folder with a file for each stream, which changes when told to."""

    def __init__(self, folder: Path, seed: int, rows: int = 60) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        self._random = random.Random(seed)
        self._seq = 0
        self._rows: dict[str, list[dict[str, Any]]] = {stream: [] for stream in STREAMS}
        self.change(rows)

    def change(self, rows: int = 5) -> None:
        """Something new in every stream, and changes of what is there in those with updates."""
        rng, places = self._random, ("NZ", "PT", "FI")
        for _ in range(rows):
            user, order, page = (len(self._rows[name]) + 1 for name in ("users", "orders", "pages"))
            self._add("users", id=user, country=rng.choice(places))
            self._add("orders", id=order, **self._order())
            self._add("pages", id=page, title=f"page {page}")
            self._add(
                "events", id=order, user_id=rng.randint(1, user), page_id=rng.randint(1, page)
            )
            self._add(
                "payments", id=order, order_id=rng.randint(1, order), cents=rng.randint(1, 999)
            )
            self._add("refunds", id=order, order_id=rng.randint(1, order), cents=rng.randint(1, 99))
            self._add("plans", id=page, cents=rng.randint(100, 999))
            self._add("rates", id=page, value=rng.randint(1, 50))
        for _ in range(3):
            rng.choice(self._rows["plans"])["cents"] = rng.randint(100, 999)
            self._update("users", country=rng.choice(places))
            self._update("orders", **self._order())
        for stream, found in self._rows.items():
            lines = [json.dumps(row) + "\n" for row in sorted(found, key=lambda row: row["seq"])]
            (self.folder / f"{stream}.jsonl").write_text("".join(lines))

    def _order(self) -> dict[str, int]:
        rng = self._random
        users = len(self._rows["users"])
        day = rng.randint(0, 6) + self._seq // 200
        return {"user_id": rng.randint(1, users), "day": day, "cents": rng.randint(50, 5000)}

    def _add(self, stream: str, **row: Any) -> None:
        self._rows[stream].append(self._stamped(row))

    def _update(self, stream: str, **row: Any) -> None:
        self._random.choice(self._rows[stream]).update(self._stamped(row))

    def _stamped(self, row: dict[str, Any]) -> dict[str, Any]:
        self._seq += 1
        day, seconds = divmod(self._seq, 86_400)
        time = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
        return {**row, "seq": self._seq, "updated_at": f"2026-01-{1 + day:02d}T{time}Z"}


def write_shop(folder: Path, source: Path, *, tools: bool = True) -> None:
    """Write the project.

    Args:
        source: folder of the source's files.
        tools: with the connections and Python assets; else dbt's part alone.
    """
    write(folder, "dbt_project.yml", PROJECT)
    write(folder, "profiles.yml", PROFILE)
    for name, text in SEEDS.items():
        write(folder, f"seeds/{name}.csv", text)
    for stream in STREAMS:
        _write_staging(folder, stream)
    for name, sql in MODELS.items():
        write(folder, f"models/core/{name}.sql", sql.strip() + "\n")
    _write_properties(folder, STREAMS, ("features", "scores", "anomalies", "forecast"), TESTS)
    write(folder, "snapshots/history.yml", SNAPSHOTS)
    if tools:
        write(folder, "toolkit.yml", SETTINGS)
        write(folder, "ml/shop.py", ML)
        for name in CONNECTIONS:
            connect(folder, source, name)


SMALL = {
    "daily": MODELS["daily"],
    "batches": f"""{APPEND}
select {BATCH} as batch, count(*) as orders, sum(cents)::bigint as cents
from {{{{ ref('stg_orders') }}}}""",
    "totals": MERGE % "user_id"
    + """
select user_id, sum(cents)::bigint as cents from {{ ref('stg_orders') }} group by 1""",
    "outlook": """
select f.day, f.cents, u.users
from {{ source('ml', 'forecast') }} f, (select count(*) as users from {{ ref('stg_users') }}) u""",
}
SMALL_ML = """\
import pyarrow as pa

from toolkit import asset


@asset
def forecast(daily: pa.Table) -> pa.Table:
    days, cents = daily["day"].to_pylist(), daily["cents"].to_pylist()
    return pa.table({"day": [max(days) + 1], "cents": [sum(cents) // len(cents)]})
"""


def write_small(folder: Path, source: Path) -> None:
    """Write a project of ten assets: two streams, two views, two tables, an append-only and a
    merging model, a snapshot, and a Python asset between two models; and three tests.
    """
    write(folder, "dbt_project.yml", PROJECT)
    write(folder, "profiles.yml", PROFILE)
    write(folder, "toolkit.yml", SETTINGS)
    write(folder, "ml/shop.py", SMALL_ML)
    for stream in ("users", "orders"):
        _write_staging(folder, stream)
    for name, sql in SMALL.items():
        write(folder, f"models/core/{name}.sql", sql.strip() + "\n")
    tests = {"daily": ("day", ["unique"]), "totals": ("user_id", ["unique", "not_null"])}
    _write_properties(folder, ("users", "orders"), ("forecast",), tests)
    write(folder, "snapshots/history.yml", SNAPSHOTS.partition("  - name: plans_history")[0])
    connect(folder, source, "app", streams=("users", "orders"))


def _write_staging(folder: Path, stream: str) -> None:
    sql = f"select * exclude ({AIRBYTE_COLUMNS}) from {{{{ source('raw', '{stream}') }}}}\n"
    write(folder, f"models/staging/stg_{stream}.sql", sql)


def _write_properties(
    folder: Path,
    streams: Iterable[str],
    made: Iterable[str],
    tests: Mapping[str, tuple[str, list[str]]],
) -> None:
    raw = {"name": "raw", "schema": "raw", "tables": [{"name": name} for name in streams]}
    ml = {"name": "ml", "schema": "main", "tables": [{"name": name} for name in made]}
    models = [
        {"name": name, "columns": [{"name": column, "data_tests": found}]}
        for name, (column, found) in tests.items()
    ]
    document = {"version": 2, "sources": [raw, ml], "models": models}
    write(folder, "models/shop.yml", json.dumps(document, indent=1))  # JSON is YAML


def connect(
    folder: Path, source: Path, name: str, streams: Iterable[str] = (), **config: Any
) -> None:
    """Write one connection of the shop; all of its streams, if none are named."""
    package, version = PACKAGE
    chosen = [
        {"name": stream, "sync_mode": mode, "primary_key": [["id"]], "cursor_field": ["seq"]}
        for stream, mode in CONNECTIONS[name].items()
        if stream in (tuple(streams) or STREAMS)
    ]
    document = {
        "version": 1,
        "name": name,
        "source": {
            "package": package, "version": version, "config": {"folder": str(source), **config},
        },
        "destination": {"type": "duckdb", "name": "warehouse", "schema": "raw"},
        "streams": chosen,
    }  # fmt: skip
    write(folder, f"connectors/{name}.yml", json.dumps(document, indent=1))


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def install_source(cache: Path) -> None:
    """Lay an environment as `connectors install` leaves it, with our program as the connector."""
    from toolkit.integrations.airbyte.source.environment import Package

    before = os.environ.get("TOOLKIT_CACHE_DIR")
    os.environ["TOOLKIT_CACHE_DIR"] = str(cache)
    try:
        folder = Package(*PACKAGE).folder
    finally:
        if before is None:
            del os.environ["TOOLKIT_CACHE_DIR"]
        else:
            os.environ["TOOLKIT_CACHE_DIR"] = before
    (folder / "bin").mkdir(parents=True, exist_ok=True)
    (folder / "bin" / "python").symlink_to(os.path.realpath(sys.executable))
    shutil.copy(SOURCE, folder / "bin" / "source-shop-files")
    (folder / "toolkit-connector.json").write_text(json.dumps({"script": "source-shop-files"}))
