"""What people call assets and columns."""

import re

import pytest

from toolkit.cli.names import resolve
from toolkit.errors import UsageError
from toolkit.graph import Asset, AssetGraph, Column, Relation
from toolkit.lineage import Lineage, trace


def asset(key: str, kind: str, name: str, columns: str = "", **more: object) -> Asset:
    return Asset(
        key=key, kind=kind, name=name, integration="dbt",  # type: ignore[arg-type]
        relation=Relation("db", "main", key), columns={c: Column(name=c) for c in columns.split()},
        **more,  # type: ignore[arg-type]
    )  # fmt: skip


@pytest.fixture(scope="module")
def graph() -> AssetGraph:
    return AssetGraph(
        [
            asset("stream.crm.users", "stream", "users", "id email", source_name="crm"),
            asset("source.shop.raw.users", "source", "users", "id", source_name="raw"),
            asset("model.shop.customers", "model", "customers", "id Name"),
            asset("model.other.twin", "model", "twin", "a b"),
            asset("model.shop.twin", "model", "twin", "a"),
            asset("model.shop.crm.contacts", "model", "crm.contacts", "id"),
            asset("model.shop.dim.v1", "model", "dim", "id", version="1", latest_version="2"),
            asset("model.shop.dim.v2", "model", "dim", "id more", version="2", latest_version="2"),
            asset("source.shop.raw.events", "source", "events", "id", source_name="raw"),
        ]
    )


@pytest.fixture(scope="module")
def lineage(graph: AssetGraph) -> Lineage:
    return trace(graph, dialect="duckdb")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("model.shop.customers", ("model.shop.customers", None)),
        ("customers", ("model.shop.customers", None)),
        ("customers.id", ("model.shop.customers", "id")),
        ("customers.name", ("model.shop.customers", "Name")),  # case is not kept
        ("model.shop.customers.NAME", ("model.shop.customers", "Name")),
        ("crm.contacts", ("model.shop.crm.contacts", None)),  # a dot in a model's name
        ("crm.contacts.id", ("model.shop.crm.contacts", "id")),
        ("raw.events", ("source.shop.raw.events", None)),
        ("raw.events.id", ("source.shop.raw.events", "id")),
        ("users", ("stream.crm.users", None)),  # what is made, not the source over it
        ("raw.users", ("source.shop.raw.users", None)),
        ("users.email", ("stream.crm.users", "email")),
        ("dim_v2", ("model.shop.dim.v2", None)),  # versions, as --select takes them
        ("dim.v2", ("model.shop.dim.v2", None)),
        ("dim_v1.id", ("model.shop.dim.v1", "id")),
        ("dim.v1.ID", ("model.shop.dim.v1", "id")),
        ("dim.more", ("model.shop.dim.v2", "more")),
        ("twin.b", ("model.other.twin", "b")),  # only one of them has it
    ],
)
def test_resolve(
    graph: AssetGraph, lineage: Lineage, text: str, expected: tuple[str, str | None]
) -> None:
    assert resolve(graph, lineage, text) == expected


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("twin", "could mean any of model.other.twin, model.shop.twin"),
        ("twin.a", "could mean any of model.other.twin.a, model.shop.twin.a"),
        ("customers.nam", "has no column 'nam'.\nIt has Name."),
        ("customers.zzz", "It has id, Name."),
        ("dim", "could mean any of model.shop.dim.v1, model.shop.dim.v2"),
        ("dim.id", "could mean any of model.shop.dim.v1.id, model.shop.dim.v2.id"),
        (
            "dim.mor",
            "None of model.shop.dim.v1, model.shop.dim.v2 has a column 'mor'.\nThey have more",
        ),
        ("dim_v1.more", "model.shop.dim.v1 has no column 'more'.\nIt has id."),
        ("dim_v3", "The nearest: model.shop.dim.v"),
        ("Custmers", "The nearest: model.shop.customers, "),
        ("zzz", "There is no asset 'zzz'."),
        ("", "There is no asset ''."),
        (".", "There is no asset '.'."),
    ],
)
def test_what_is_not_there(graph: AssetGraph, lineage: Lineage, text: str, says: str) -> None:
    with pytest.raises(UsageError, match=re.escape(says)):
        resolve(graph, lineage, text)
