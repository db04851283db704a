"""Which asset a name in a query means."""

import pytest

from toolkit.graph import Asset, AssetGraph, Relation
from toolkit.lineage.places import Places


def asset(key: str, schema: str = "main", materialized: str = "table") -> Asset:
    name = key.rpartition(".")[2]
    return Asset(
        key=key, kind="model", name=name, integration="dbt", materialized=materialized,
        relation=None if materialized == "ephemeral" else Relation("db", schema, name),
    )  # fmt: skip


PLACES = Places(
    AssetGraph(
        [
            asset("model.one.part", materialized="ephemeral"),
            asset("model.two.part", materialized="ephemeral"),
            asset("model.one.alone", materialized="ephemeral"),
            asset("model.one.orders"),
            asset("model.two.orders", schema="other"),
        ]
    )
)


@pytest.mark.parametrize(
    ("name", "parents", "found"),
    [
        ("__dbt__cte__alone", "", "model.one.alone"),
        ("__DBT__CTE__Alone", "", "model.one.alone"),
        ("__dbt__cte__part", "model.two.part", "model.two.part"),
        ("__dbt__cte__part", "model.one.part model.two.part", None),  # either could be meant
        ("__dbt__cte__part", "", None),
        ("__dbt__cte__gone", "", None),
        ("__dbt__cte__orders", "model.one.orders", None),  # no ephemeral model
        ("alone", "model.one.alone", None),
    ],
)
def test_ephemeral_models_that_dbt_injected(name: str, parents: str, found: str | None) -> None:
    assert PLACES.ephemeral(name, frozenset(parents.split())) == found
