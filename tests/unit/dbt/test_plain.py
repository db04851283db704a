"""SQL of snapshots, which dbt writes to no file."""

import pytest

from toolkit.graph import Asset, AssetGraph, Relation
from toolkit.integrations.dbt.plain import plain_sql

PRODUCTS = Asset(
    key="model.shop.products", kind="model", name="products", integration="dbt",
    relation=Relation("shop", "main", "products_v1"),
)  # fmt: skip
USERS = Asset(
    key="source.shop.raw.users", kind="source", name="users", integration="dbt",
    relation=Relation(None, "raw", "users"),
)  # fmt: skip


@pytest.mark.parametrize(
    ("raw", "sql"),
    [
        ("select * from {{ ref('products') }}", 'select * from "shop"."main"."products_v1"'),
        ('select * from {{ref("shop", "products")}}', 'select * from "shop"."main"."products_v1"'),
        ("select * from {{- source('raw', 'users') -}}", 'select * from "raw"."users"'),
        ("{{ config(strategy='check', check_cols=['a']) }}select 1 {# why #}", "select 1 "),
        ("select * from {{ ref('others') }}", None),
        ("select {{ var('x') }} from {{ ref('products') }}", None),
        ("{% if execute %}select 1{% endif %}", None),
        ("", None),
    ],
)
def test_only_names_are_rendered(raw: str, sql: str | None) -> None:
    snapshot = Asset(
        key="snapshot.shop.prices", kind="snapshot", name="prices", integration="dbt",
        depends_on=(PRODUCTS.key, USERS.key), raw_sql=raw,
    )  # fmt: skip
    assert plain_sql(snapshot, AssetGraph([PRODUCTS, USERS, snapshot])) == sql
