"""A source at a stream's raw table: the whole record in one column."""

from typing import Any

from toolkit.graph import Alias, Asset, Column, Relation
from toolkit.graph.matching import link
from toolkit.lineage import trace

RAW = Relation("db", "raw", "_airbyte_raw_users")


def edges(**declared: Any) -> list[tuple[Any, Any, str]]:
    stream = Asset(
        key="stream.c.users", kind="stream", name="users", integration="airbyte",
        relation=Relation("db", "raw", "users"), source_name="c", aliases=(Alias(RAW, "raw"),),
        columns={name: Column(name=name) for name in ("id", "email")},
    )  # fmt: skip
    source = Asset(
        key="source.p.users", kind="source", name="users", integration="dbt", relation=RAW,
        columns={name: Column(name=name) for name in declared["columns"]},
    )  # fmt: skip
    model = Asset(
        key="model.p.m", kind="model", name="m", integration="dbt", materialized="table",
        relation=Relation("db", "main", "m"), depends_on=("source.p.users",), language="sql",
        sql="select _airbyte_data as record, _airbyte_emitted_at from db.raw._airbyte_raw_users",
    )  # fmt: skip
    graph = link([stream, source, model], (), (), adapter="duckdb")
    assert dict(graph["source.p.users"].matched) == {"stream.c.users": "relation-raw"}
    found = trace(graph, dialect="duckdb").column_edges
    return sorted((e.source, e.target, e.subtype) for e in found)


def test_all_columns_go_into_the_record_and_none_into_the_others() -> None:
    expected = [
        (("source.p.users", "_airbyte_data"), ("model.p.m", "record"), "IDENTITY"),
        (("source.p.users", "_airbyte_emitted_at"), ("model.p.m", "_airbyte_emitted_at"),
         "IDENTITY"),
        (("stream.c.users", "email"), ("source.p.users", "_airbyte_data"), "TRANSFORMATION"),
        (("stream.c.users", "id"), ("source.p.users", "_airbyte_data"), "TRANSFORMATION"),
    ]  # fmt: skip
    assert edges(columns=("_airbyte_ab_id", "_airbyte_data", "_airbyte_emitted_at")) == expected


def test_also_where_nobody_declares_columns() -> None:
    found = edges(columns=())
    assert (
        ("stream.c.users", "id"),
        ("source.p.users", "_airbyte_data"),
        "TRANSFORMATION",
    ) in found
    assert not [edge for edge in found if edge[1] == ("source.p.users", "id")]
