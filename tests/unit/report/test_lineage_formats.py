"""lineage.json as promised, and lineage as text, CSV, Mermaid and Graphviz."""

import csv
import io
import json
from pathlib import Path
from types import ModuleType

import pytest

from toolkit.graph import Asset, AssetGraph
from toolkit.lineage import Lineage
from toolkit.report.files import json_text, write_json
from toolkit.report.graph_json import graph_document
from toolkit.report.lineage.formats import dot, lineage_csv, lineage_document, mermaid
from toolkit.report.lineage.text import asset_tree, column_tree, lineage_summary


def test_lineage_document(shop: ModuleType) -> None:
    data = shop.data()
    document = json.loads(
        json_text(lineage_document("shop", "dev", "duckdb", data.graph, data.lineage))
    )
    assert list(document) == [
        "schema_version", "project", "target", "dialect", "assets", "column_edges",
        "asset_edges", "problems", "coverage",
    ]  # fmt: skip
    assert document["schema_version"] == 1
    assert document["assets"]["model.shop.customers"] == {
        "kind": "model",
        "name": "customers",
        "relation": {"database": "shop", "schema": "main", "identifier": "customers"},
        "depends_on": ["model.shop.stg_users", "model.shop.stg_purchases", "seed.shop.countries"],
        "columns": {
            "id": {"type": "BIGINT"},
            "email": {"type": "VARCHAR"},
            "country": {"type": "VARCHAR"},
            "revenue": {"type": "VARCHAR"},
            "segment": {"type": "VARCHAR"},
        },
        "lineage": "full",
        "owner": "Growth team",
        "tags": ["nightly", "core"],
        "group": "growth",
        "path": "models/marts/customers.sql",
    }
    assert {
        "from": ["model.shop.stg_users", "user_id"],
        "to": ["model.shop.customers", "id"],
        "type": "DIRECT",
        "subtype": "IDENTITY",
    } in document["column_edges"]
    assert document["asset_edges"][0] == {
        "from": ["source.shop.raw.users", "deleted_at"],
        "to": "model.shop.stg_users",
        "type": "INDIRECT",
        "subtype": "FILTER",
    }
    assert document["problems"] == [
        {
            "asset": "model.shop.audit",
            "code": "opaque-sql",
            "message": "A pivot over unknown columns cannot be read; its columns are not traced.",
            "severity": "warning",
            "path": "models/marts/audit.sql",
            "line": 4,
        }
    ]
    assert document["coverage"] == {
        "assets": 9, "full": 7, "partial": 1, "opaque": 1, "columns": 33,
    }  # fmt: skip


def test_graph_document(shop: ModuleType) -> None:
    document = json.loads(json_text(graph_document("shop", "dev", shop.graph())))
    keys = [asset["key"] for asset in document["assets"]]
    assert len(keys) == 12
    assert all(keys.index(a) < keys.index(b) for a, b in document["edges"])
    assert [check["name"] for check in document["checks"]] == [
        "unique_customers_id", "positive_price", "known_country",
    ]  # fmt: skip


def test_secrets_do_not_reach_a_file(shop: ModuleType, tmp_path: Path) -> None:
    write_json(tmp_path / "x.json", {"message": 'said "s3cr3t-value"'}, {"s3cr3t-value"})
    assert json.loads((tmp_path / "x.json").read_text()) == {"message": 'said "*****"'}


def test_summary(shop: ModuleType) -> None:
    data = shop.data()
    assert lineage_summary(data.graph, data.lineage) == (
        "12 assets (4 model, 2 source, 2 stream, 1 exposure, 1 ml_model, 1 python, 1 seed), "
        "11 dependencies, 33 columns\n"
        "23 column edges, 3 asset edges\n"
        "column lineage of 9 assets: 7 full, 1 partial, 1 opaque\n"
        "  opaque: model.shop.audit: A pivot over unknown columns cannot be read; "
        "its columns are not traced.\n"
        "  partial: model.shop.stg_users\n"
    )


def test_asset_tree(shop: ModuleType) -> None:
    data = shop.data()
    tree = asset_tree(data.graph, data.lineage, "model.shop.customers", ["upstream", "downstream"])
    assert tree == """\
model.shop.customers  model, lineage full
upstream
├── model.shop.stg_purchases  model
│   └── source.shop.raw.purchases  source
│       └── stream.faker.purchases  stream
├── model.shop.stg_users  model
│   └── source.shop.raw.users  source
│       └── stream.faker.users  stream
└── seed.shop.countries  seed
downstream
├── exposure.shop.revenue  exposure
└── python.features  python
    └── python.churn_model  ml_model
"""  # fmt: skip


def test_column_tree(shop: ModuleType) -> None:
    data = shop.data()
    tree = column_tree(
        data.graph, data.lineage, "model.shop.stg_purchases", "PRICE", ["upstream", "downstream"]
    )
    assert tree == """\
model.shop.stg_purchases.price  VARCHAR
upstream
└── source.shop.raw.purchases.price  IDENTITY
    └── stream.faker.purchases.price  IDENTITY
downstream
├── model.shop.customers.revenue  AGGREGATION  coalesce(sum(price) over (partition by user_id), 0)
│   ├── python.features.revenue  IDENTITY
│   │   └── python.churn_model  ml_model: reads the whole asset
│   └── exposure.shop.revenue  exposure: reads the whole asset
├── model.shop.customers.segment  CONDITIONAL  case when price > 100 then 'big' else 'small' end
│   ├── python.features.segment_code  TRANSFORMATION
│   │   └── python.churn_model  ml_model: reads the whole asset
│   └── exposure.shop.revenue  exposure: reads the whole asset
└── model.shop.audit  opaque: not known
"""  # fmt: skip


def test_what_was_drawn_is_named_and_not_drawn_again() -> None:
    """A diamond of diamonds has 2^n paths and must not have 2^n lines."""
    assets = [Asset(key="m.0", kind="model", name="0", integration="dbt")]
    for n in range(1, 31):
        for side in "ab":
            above = ("m.0",) if n == 1 else (f"m.{n - 1}a", f"m.{n - 1}b")
            assets.append(
                Asset(
                    key=f"m.{n}{side}", kind="model", name="x", integration="dbt", depends_on=above
                )
            )
    tree = asset_tree(AssetGraph(assets), Lineage({}, [], [], {}, []), "m.0", ["downstream"])
    assert len(tree.splitlines()) < 200
    assert "(see above)" in tree


def test_csv(shop: ModuleType) -> None:
    rows = list(csv.DictReader(io.StringIO(lineage_csv(shop.data().lineage))))
    assert len(rows) == 26
    assert rows[-1] == {
        "from_asset": "model.shop.stg_purchases",
        "from_column": "user_id",
        "to_asset": "model.shop.customers",
        "to_column": "",
        "type": "INDIRECT",
        "subtype": "JOIN",
    }
    chosen = lineage_csv(shop.data().lineage, {"model.shop.stg_users", "source.shop.raw.users"})
    assert len(chosen.splitlines()) == 4


HOSTILE = 'a"];\nclick n0 "javascript:x" %%{init}%% <b>&'


@pytest.mark.parametrize("draw", [mermaid, dot])
def test_drawings(draw: object, shop: ModuleType) -> None:
    assert callable(draw)
    text = draw(shop.graph(), {"model.shop.customers", "model.shop.stg_users"})
    assert "customers" in text
    assert text.count("->") == 1


def test_names_cannot_break_out_of_a_drawing() -> None:
    graph = AssetGraph([Asset(key="k", kind="model", name=HOSTILE, integration="dbt")])
    assert len(mermaid(graph).splitlines()) == 2
    label = mermaid(graph).splitlines()[1].removeprefix('  n0["').removesuffix('"]')
    assert not set(label) & set('"<>&%:{}[]')
    assert len(dot(graph).splitlines()) == 5
