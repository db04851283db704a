"""Every example in docs/selection.md, against the small shop that it describes."""

import re
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import pytest

from toolkit.graph import Asset, AssetGraph, Check, Kind
from toolkit.graph.selection import Indirect, SelectionContext, SourceStatus, select
from toolkit.graph.selection.methods import METHODS

PAGE = (Path(__file__).parents[3] / "docs" / "selection.md").read_text()


def _examples(language: str) -> list[tuple[str, str]]:
    lines = "".join(re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)).splitlines()
    return [(left.strip(), right.strip()) for left, _, right in (s.partition("=>") for s in lines)]


def _asset(key: str, kind: Kind, *reads: str, **more: Any) -> Asset:
    integration = {"stream": "airbyte", "python": "python"}.get(kind, "dbt")
    name = more.pop("name", key.split(".")[-1])
    package = "shop" if integration == "dbt" else None
    return Asset(
        key=key, kind=kind, name=name, integration=integration, package=package,
        depends_on=reads, **more,
    )  # fmt: skip


def _model(last: str, folder: str, *reads: str, **more: Any) -> Asset:
    more = {
        "path": f"models/{folder}/{last}.sql",
        "config": {"materialized": "view"},
        "fqn": ("shop", folder, last),
        **more,
    }
    return _asset(f"model.shop.{last}", "model", *reads, **more)


def _orders(version: str) -> Asset:
    return _model(
        f"orders.v{version}", "marts", "model.shop.customers", name="orders",
        path=f"models/marts/orders_v{version}.sql", yaml_path="models/marts.yml",
        fqn=("shop", "marts", "orders", f"v{version}"), version=version, latest_version="2",
    )  # fmt: skip


def _check(name: str, *reads: str, **more: Any) -> Check:
    more = {"kind": "data_test", "integration": "dbt", **more}
    return Check(key=f"test.shop.{name}", name=name, assets=reads, **more)


def shop() -> AssetGraph:
    assets = [
        _asset("stream.shop.users", "stream", source_name="shop"),
        _asset("stream.shop.orders", "stream", source_name="shop", tags=("nightly",)),
        *(
            _asset(
                f"source.shop.raw.{table}", "source", f"stream.shop.{table}", source_name="raw",
                path="models/staging/sources.yml",
            )
            for table in ("users", "orders")
        ),
        _asset("seed.shop.countries", "seed", path="seeds/countries.csv",
               fqn=("shop", "countries"), fingerprints={"body": "1"}),
        _model("stg_users", "staging", "source.shop.raw.users", fingerprints={"body": "new"}),
        _model("stg_orders", "staging", "source.shop.raw.orders", tags=("nightly",)),
        _model(
            "customers", "marts", "model.shop.stg_users", "model.shop.stg_orders",
            "seed.shop.countries", tags=("nightly",), group="finance", access="public",
            owner="Ana <ana@example.com>", yaml_path="models/marts.yml",
            config={"materialized": "table", "meta": {"tier": "gold"}},
        ),
        _orders("1"),
        _orders("2"),
        _asset("python.churn_model", "python", "model.shop.customers", path="ml/churn.py",
               fqn=("python", "ml", "churn_model")),
        _asset("exposure.shop.sales", "exposure", "python.churn_model", owner="ana@example.com",
               path="models/exposures.yml", fqn=("shop", "sales")),
    ]  # fmt: skip
    users, orders = "model.shop.stg_users", "model.shop.stg_orders"
    checks = [
        _check("unique_stg_users_id", users, test_name="unique"),
        _check("unique_customers_id", "model.shop.customers", test_name="unique"),
        _check("orders_have_users", orders, users),
        _check("churn_model_scores", "python.churn_model", kind="python", integration="python"),
    ]
    return AssetGraph(assets, checks)


def _context(graph: AssetGraph) -> SelectionContext:
    then = [a for a in graph if a.kind in ("stream", "source")]
    then.append(_model("stg_users", "staging", fingerprints={"body": "old"}))
    then += [_model(n, "marts") for n in ("stg_orders", "customers", "orders.v1", "orders.v2")]
    then += [
        _asset("python.churn_model", "python"),
        _asset("exposure.shop.sales", "exposure"),
    ]
    users, orders = "source.shop.raw.users", "source.shop.raw.orders"
    monday, tuesday = datetime(2026, 1, 5), datetime(2026, 1, 6)
    return SelectionContext(
        state=AssetGraph([*then], graph.checks.values()),
        results={"python.churn_model": "error", "model.shop.customers": "success"},
        source_status=SourceStatus(
            before={users: monday, orders: monday}, now={users: monday, orders: tuesday}
        ),
        project="shop",
    )


def _shown(asset: Asset) -> str:
    if asset.kind in ("stream", "source"):
        return f"{asset.source_name}.{asset.name}"
    return f"{asset.name}_v{asset.version}" if asset.version else asset.name


def _run(example: str) -> tuple[list[str], list[str]]:
    selector, *options = re.split(r" --(?=exclude|indirect)", example)
    given = dict(option.split(" ", 1) for option in options)
    graph = shop()
    found = select(
        graph,
        [selector],
        [given["exclude"]] if "exclude" in given else [],
        indirect=cast(Indirect, given.get("indirect", "eager")),
        context=_context(graph),
    )
    assert not found.problems
    assets = sorted(_shown(graph[key]) for key in found.assets)
    return assets, sorted(graph.checks[key].name for key in found.checks)


@pytest.mark.parametrize(("example", "expected"), _examples("select"))
def test_select(example: str, expected: str) -> None:
    assets, checks = _run(example)
    # where only checks are asked for, the checks are what is shown
    assert " ".join(assets or checks) == expected


@pytest.mark.parametrize(("example", "expected"), _examples("checks"))
def test_checks_that_come_along(example: str, expected: str) -> None:
    assert " ".join(_run(example)[1]) == expected


def test_page_lists_every_method_and_shows_most() -> None:
    table = PAGE.split("## Methods")[1].split("```")[0]
    assert set(re.findall(r"`([a-z_]+)(?:\.<name>)?:`", table)) == set(METHODS)
    assert len(_examples("select")) > 40
