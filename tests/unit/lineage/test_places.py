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
            asset("model.two.single", schema="other"),
        ]
    )
)


@pytest.mark.parametrize(
    ("name", "parents", "found"),
    [
        ("orders", "model.one.orders", "model.one.orders"),
        ("ORDERS", "model.two.orders", "model.two.orders"),
        ("orders", "", None),  # either of the two could be meant
        ("orders", "model.one.orders model.two.orders", None),
        ("main.orders", "", "model.one.orders"),
        ("other.orders", "model.one.orders", "model.two.orders"),
        ("db.other.orders", "", "model.two.orders"),
        ("elsewhere.other.orders", "", "model.two.orders"),  # catalogs have several names
        ("third.orders", "model.one.orders", None),
        ("single", "", "model.two.single"),
        ("gone", "", None),
    ],
)
def test_which_table_a_name_means(name: str, parents: str, found: str | None) -> None:
    parts = [None, None, *name.split(".")][-3:]
    where = (parts[0], parts[1], str(parts[2]))
    reader = asset("model.one.reader")
    assert PLACES.find(where, reader, frozenset(parents.split())) == found


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
