"""What the page is told of promises, of the past and of rules; read back as the page reads it."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from toolkit.graph import Asset, AssetGraph, Column
from toolkit.lineage import Lineage
from toolkit.report.page.columnar import pack
from toolkit.report.page.facts import facts_of, freshness
from toolkit.report.page.payload import build_payload

RunJs = Callable[[str, object], Any]

MODEL = "const model = R.data.build(await R.data.unpack(input)); "


def told(data: Any, body: str, run_js: RunJs) -> Any:
    return run_js(MODEL + body, pack(build_payload(data)[0]))


def asset(kind: str = "model", **more: Any) -> Asset:
    return Asset(key=f"{kind}.p.x", name="x", kind=kind, integration="dbt", **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "facts"),
    [
        (asset(), {}),
        (asset(config={"incremental_strategy": "merge", "unique_key": ["a", "b"]}),
         {"Incremental": "merge", "Unique key": "a, b"}),
        (asset(contract=True, columns={"a": Column(name="a", type="int"), "b": Column(name="b")}),
         {"Contract": "enforced on 2 columns, 1 without a type"}),
        (asset(version="1", latest_version="2"), {"Version": "1, older"}),
        (asset(version="2", latest_version="2"), {"Version": "2, the latest"}),
        (asset(volatile="it reads the clock"), {"Volatile": "it reads the clock"}),
        (asset("stream", config={"connection": "crm", "sync_mode": "incremental_append",
                                 "primary_key": ["id"], "cursor_field": "", "destination": None,
                                 "schedule": {"basic": {"units": 24, "timeUnit": "hours"}}}),
         {"Connection": "crm", "Sync mode": "incremental_append", "Primary key": "id",
          "Schedule": "units: 24, timeUnit: hours"}),
        (asset("stream", config={"connection": "crm", "enabled": False}),
         {"Connection": "crm", "State": "disabled"}),
    ],
)  # fmt: skip
def test_facts(given: Asset, facts: dict[str, str]) -> None:
    assert dict(facts_of(given)) == facts


@pytest.mark.parametrize(
    ("promise", "said"),
    [
        (None, ""),
        ({"warn_after": {"count": None, "period": None}}, ""),
        ({"warn_after": {"count": 12, "period": "hour"},
          "error_after": {"count": 1, "period": "day"}}, "warn after 12 h, error after 1 d"),
        ({"error_after": {"count": 30, "period": "minute"}}, "error after 30 min"),
        ("nonsense", ""),
    ],
)  # fmt: skip
def test_freshness(promise: object, said: str) -> None:
    assert freshness(asset("source", config={"freshness": promise})) == said


def test_the_past_comes_back_run_by_run(shop: ModuleType, run_js: RunJs) -> None:
    body = (
        "return ['model.shop.customers', 'python.churn_model', 'model.shop.stg_users',"
        " 'exposure.shop.revenue'].map((key) => model.past(model.byKey.get(key))"
        ".map((p) => [p.run.id, p.rows, [...p.metrics]]));"
    )
    customers, churn, users, exposure = told(shop.data(), body, run_js)
    # run-3 skipped what is behind the failed check
    assert [(run, metrics) for run, _, metrics in customers] == [("run-2", []), ("run-1", [])]
    assert churn == [["run-2", None, [["auc", 0.8212345]]], ["run-1", None, [["auc", 0.8112345]]]]
    assert [run for run, *_ in users] == ["run-3", "run-2", "run-1"]
    assert [rows for _, rows, _ in users] == sorted((rows for _, rows, _ in users), reverse=True)
    assert exposure == []


def test_findings_stand_beside_their_assets(shop: ModuleType, run_js: RunJs) -> None:
    found = shop.findings()
    body = (
        "return [model.findings.map((f) => [f.rule, f.severity, f.asset < 0 ? null :"
        " model.assets[f.asset].key, f.column, f.message, f.mend, f.path, f.line, f.tool]),"
        " model.byKey.get('model.shop.customers').findings.map((f) => f.rule)];"
    )
    listed, beside = told(shop.data(findings=found), body, run_js)
    assert listed == [
        [
            f.rule,
            f.severity,
            f.asset,
            f.column,
            f.message,
            f.mend or None,
            f.path,
            f.line or 0,
            f.tool,
        ]
        for f in found
    ]
    assert beside == ["pii-spreads"]


def test_tags_of_columns(run_js: RunJs) -> None:
    columns = {"a": Column(name="a"), "b": Column(name="b", tags=("pii", "gdpr"))}
    one = asset(columns=columns)
    lineage = Lineage({one.key: {"a": None, "b": None}}, [], [], {one.key: "none"}, [])
    from toolkit.report.page.data import ReportData

    data = ReportData(
        project="p", target="t", dialect="duckdb", made_at=0.0, version="0",
        graph=AssetGraph([one]), lineage=lineage,
    )  # fmt: skip
    assert told(data, "return [0, 1].map((c) => model.columns.tags(c));", run_js) == [
        [], ["pii", "gdpr"],
    ]  # fmt: skip


LAYERS = [
    ("model", "models/staging/shop/stg_users.sql", "stg_users", "staging"),
    ("model", "models/marts/core/intermediate/int_x.sql", "int_x", "intermediate"),
    ("model", "models/marts/finance/orders.sql", "orders", "marts"),
    ("model", "models/stg_users.sql", "stg_users", "staging"),
    ("model", "models/dim_users.sql", "dim_users", "marts"),
    ("model", "models/users.sql", "users", "models"),
    ("source", "models/staging/sources.yml", "users", "sources"),
    ("ml_model", "ml/churn.py", "churn", "ML"),
    ("exposure", "models/marts/e.yml", "e", "exposures"),
]


def test_layers(run_js: RunJs) -> None:
    assets = [{"kind": kind, "path": path, "name": name} for kind, path, name, _ in LAYERS]
    found = run_js("return input.map(R.filters.layerOf);", assets)
    assert found == [layer for *_, layer in LAYERS]


@pytest.mark.parametrize(
    ("values", "said"),
    [([5], ""), ([5, 5], ""), ([100, 103], "+3 (+3.0%)"), ([200, 100], "−100 (−50.0%)"),
     ([0, 4], "+4"), ([1, None, 2], "+1 (+100.0%)"), ([1, 1000], "+999")],
)  # fmt: skip
def test_how_a_number_changed(values: list[float | None], said: str, run_js: RunJs) -> None:
    assert run_js("return R.spark.change(input, R.format.count);", values) == said


def test_a_line_stays_in_its_box_and_keeps_gaps(run_js: RunJs) -> None:
    places = run_js("return R.spark.places(input, 180, 30);", [3, None, 9, 6])
    assert places == [[4, 26], None, [pytest.approx(118.67, abs=0.01), 4], [176, 15]]
    assert run_js("return R.spark.places(input, 180, 30);", [7, 7]) == [[4, 15], [176, 15]]
