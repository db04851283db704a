"""A small manifest that has one of everything, as dbt 1.11 writes it."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from toolkit.integrations.base import Loaded
from toolkit.integrations.dbt.assets import assets_of
from toolkit.integrations.dbt.manifest import read_manifest

Document = dict[str, Any]


def node(key: str, **more: Any) -> Document:
    kind, package, *rest = key.split(".")
    return {
        "unique_id": key,
        "name": rest[-1],
        "resource_type": kind,
        "package_name": package,
        "original_file_path": f"models/{rest[-1]}.sql",
        "fqn": [package, *rest],
        "database": "db",
        "schema": "main",
        "alias": rest[-1],
        "depends_on": {"nodes": [], "macros": []},
        "config": {"enabled": True, "materialized": "table"},
        "unrendered_config": {"materialized": "table"},
        "raw_code": f"select 1 as {rest[-1]}",
        "language": "sql",
        "checksum": {"name": "sha256", "checksum": "00"},
        **more,
    }


def _document() -> Document:
    customers = node(
        "model.shop.customers",
        depends_on={"nodes": ["source.shop.raw.users"], "macros": ["macro.shop.cents"]},
        columns={
            "id": {"name": "id", "description": "The id.", "data_type": "int", "tags": ["pii"]}
        },
        description="All customers.",
        tags=["nightly", "nightly"],
        group="finance",
        access="public",
        contract={"enforced": True, "checksum": "c0"},
        patch_path="shop://models/models.yml",
        compiled_code="select 1 as customers",
    )
    orders = node(
        "model.shop.orders.v2",
        name="orders",
        version=2,
        latest_version=2,
        meta={"owner": "Old"},
        config={
            "materialized": "view",
            "meta": {"owner": "Ada"},
            "group": "finance",
            "access": "private",
            "contract": {"enforced": False},
            "persist_docs": {"relation": True, "columns": True},
        },
    )
    source = {
        "unique_id": "source.shop.raw.users",
        "name": "users",
        "resource_type": "source",
        "package_name": "shop",
        "fqn": ["shop", "raw", "users"],
        "source_name": "raw",
        "identifier": "USERS_V1",
        "database": "db",
        "schema": "landing",
        "config": {"enabled": True},
        "columns": {},
    }
    test = node(
        "test.shop.unique_customers_id.abc",
        name="unique_customers_id",
        depends_on={"nodes": ["model.shop.customers"], "macros": ["macro.shop.cents"]},
        attached_node="model.shop.customers",
        column_name="id",
        test_metadata={"name": "unique", "kwargs": {}, "namespace": None},
        config={"enabled": True, "severity": "WARN"},
    )
    unit_test = {
        "unique_id": "unit_test.shop.customers.counts",
        "name": "counts",
        "resource_type": "unit_test",
        "package_name": "shop",
        "fqn": ["shop", "customers", "counts"],
        "depends_on": {"nodes": ["model.shop.customers"], "macros": []},
        "config": {"tags": "quick", "meta": {}, "enabled": True},
    }
    exposure = {
        "unique_id": "exposure.shop.sales",
        "name": "sales",
        "resource_type": "exposure",
        "package_name": "shop",
        "fqn": ["shop", "sales"],
        "type": "dashboard",
        "owner": {"email": ["a@example.com", "b@example.com"], "name": None},
        "url": "https://example.com",
        "depends_on": {"nodes": ["model.shop.customers", "model.shop.gone"], "macros": []},
        "config": {"enabled": True},
    }
    return {
        "metadata": {
            "dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v12.json",
            "dbt_version": "1.11.16",
            "project_name": "shop",
            "adapter_type": "duckdb",
        },
        "nodes": {n["unique_id"]: n for n in (customers, orders, test)},
        "sources": {source["unique_id"]: source},
        "macros": {
            "macro.shop.cents": {
                "unique_id": "macro.shop.cents",
                "name": "cents",
                "macro_sql": "{% macro cents() %}{{ hundred() }}{% endmacro %}",
                "depends_on": {"macros": ["macro.shop.hundred"]},
            },
            "macro.shop.hundred": {
                "unique_id": "macro.shop.hundred",
                "name": "hundred",
                "macro_sql": "{% macro hundred() %}100{% endmacro %}",
                "depends_on": {"macros": []},
            },
        },
        "exposures": {exposure["unique_id"]: exposure},
        "groups": {
            "group.shop.finance": {
                "unique_id": "group.shop.finance",
                "name": "finance",
                "resource_type": "group",
                "owner": {"name": "Finance team", "email": None},
            }
        },
        "functions": {
            "function.shop.is_big": node("function.shop.is_big", resource_type="function")
        },
        "unit_tests": {unit_test["unique_id"]: unit_test},
        "metrics": {},
        "semantic_models": {},
        "saved_queries": {},
    }


@pytest.fixture
def document() -> Document:
    """The small manifest as parsed JSON; change it at will."""
    return copy.deepcopy(_document())


@pytest.fixture
def make_node() -> Callable[..., Document]:
    """``make_node("model.shop.x", field=...)``: a node as dbt writes it."""
    return node


@pytest.fixture
def load(tmp_path: Path) -> Callable[[Document], Loaded]:
    """Write a document as manifest.json and read its assets."""

    def loaded(content: Document) -> Loaded:
        path = tmp_path / "manifest.json"
        path.write_text(json.dumps(content))
        return assets_of(read_manifest(path))

    return loaded
