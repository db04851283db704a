"""Which checks the rules of toolkit.yml give, and what those make of a profile."""

from pathlib import Path

import msgspec
import pytest

from toolkit.graph import Asset, Relation
from toolkit.graph.profile import ColumnProfile, TableProfile
from toolkit.integrations.anomalies import AnomalyIntegration
from toolkit.integrations.anomalies.metrics import look
from toolkit.ledger import ProfileRow
from toolkit.settings import AnomalyRule, Settings

RULE = AnomalyRule(where="toolkit.yml:3", least=2)


def asset(name: str, **more: object) -> Asset:
    fields: dict[str, object] = {"kind": "model", "integration": "dbt", "materialized": "table"}
    key = f"{more.get('kind', 'model')}.p.{name}"
    relation = Relation("x", "main", name)
    return Asset(key=key, name=name, relation=relation, **(fields | more))  # type: ignore[arg-type]


ASSETS = [
    asset("table"),
    asset("view", materialized="view"),
    asset("source", kind="source", materialized=None),
    asset("stream", kind="stream", integration="airbyte", tags=("nightly",)),
]


def settings(*rules: AnomalyRule, adapter: str = "duckdb") -> Settings:
    return Settings(
        project_name="p", project_dir=Path("/p"), target="dev", target_path=Path("/p/target"),
        state_dir=Path("/p/.toolkit"), adapter=adapter, anomalies=rules,
    )  # fmt: skip


def test_a_check_for_each_table_and_rule() -> None:
    more = msgspec.structs.replace(RULE, select=("tag:nightly",), severity="error")
    loaded = AnomalyIntegration().load(settings(RULE, more), {a.key: a for a in ASSETS})
    assert {check.key: (check.severity, check.kind) for check in loaded.checks} == {
        "check.model.p.table.anomaly": ("warn", "anomaly"),
        "check.stream.p.stream.anomaly": ("warn", "anomaly"),
        "check.stream.p.stream.anomaly_2": ("error", "anomaly"),
    }
    assert not loaded.problems


@pytest.mark.parametrize(
    ("rules", "adapter", "code"),
    [
        ([], "postgres", None),
        ([RULE], "postgres", "anomalies-not-checked"),
        ([msgspec.structs.replace(RULE, select=("view",))], "duckdb",
         "anomaly-rule-without-assets"),
    ],
)  # fmt: skip
def test_rules_that_check_nothing(rules: list[AnomalyRule], adapter: str, code: str | None) -> None:
    loaded = AnomalyIntegration().load(
        settings(*rules, adapter=adapter), {a.key: a for a in ASSETS}
    )
    assert [problem.code for problem in loaded.problems] == ([code] if code else [])
    assert not loaded.checks


def row(
    rows: int, *columns: ColumnProfile, sampled: int | None = None, **more: object
) -> ProfileRow:
    profile = TableProfile(rows, columns, sampled)
    return ProfileRow(asset="a", run_id="r", target="dev", at=1.0, profile=profile, **more)  # type: ignore[arg-type]


def test_an_unusual_build_is_no_history() -> None:
    before = [row(5, unusual=("row_count",)), row(100), row(101), row(99)]
    looked = look(RULE, row(5), before)
    assert (set(looked.unusual), looked.builds) == ({"row_count"}, 3)
    accepted = [row(5, unusual=("row_count",), accepted=True), *before[1:]]
    assert not look(RULE, row(6), accepted).unusual


def test_columns() -> None:
    rule = msgspec.structs.replace(RULE, metrics=("null_share", "mean"), columns=("EMAIL",))
    known = [
        row(100, ColumnProfile("email", "VARCHAR", 0), ColumnProfile("n", "INT", 0, 1, 1.0))
    ] * 3
    now = row(100, ColumnProfile("email", "VARCHAR", 40), ColumnProfile("n", "INT", 100, 1, 9.0))
    looked = look(rule, now, known)
    assert looked.names == {"null_share:email", "mean:email"}
    assert looked.unusual == {
        "null_share:email":
            "share of nulls of email 40.0% is 40.0 MADs above the median 0.0% of 3 builds"
    }  # fmt: skip


def test_a_sample_is_not_compared_with_a_table() -> None:
    rule = msgspec.structs.replace(RULE, metrics=("distinct",))
    known = [row(900_000, ColumnProfile("id", "INT", 0, 900_000))] * 3
    now = row(1_100_000, ColumnProfile("id", "INT", 0, 100_000), sampled=100_000)
    assert not look(rule, now, known).unusual
    assert look(rule, row(10, ColumnProfile("id", "INT", 0, 10)), known).unusual


def test_only_the_last_builds_count() -> None:
    rule = msgspec.structs.replace(RULE, last=2)
    assert look(rule, row(100), [row(5), row(5), row(100), row(100)]).unusual
