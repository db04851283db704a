"""Names: namespaces, prefixes, destinations' spelling, columns."""

from pathlib import Path

import pytest

from toolkit.integrations.airbyte.columns import duckdb_type
from toolkit.integrations.airbyte.model import (
    Connection,
    Destination,
    NamespaceDefinition,
    Source,
    StreamConfiguration,
)
from toolkit.integrations.airbyte.naming import column_names, normalise, place_of
from toolkit.settings import DestinationMap


@pytest.mark.parametrize(
    ("definition", "template", "namespace", "expected"),
    [
        ("destination", None, "public", "raw.p_users"),
        ("destination", None, None, "raw.p_users"),
        ("source", None, "public", "public.p_users"),
        ("source", None, None, "raw.p_users"),
        ("custom_format", "lake", "public", "lake.p_users"),
        ("custom_format", "${SOURCE_NAMESPACE}", "public", "public.p_users"),
        ("custom_format", "my_${SOURCE_NAMESPACE}_schema", "public", "my_public_schema.p_users"),
        ("custom_format", "${SOURCE_NAMESPACE}", None, "raw.p_users"),
        ("custom_format", " ", "public", "raw.p_users"),
    ],
)
def test_namespaces(
    definition: NamespaceDefinition, template: str | None, namespace: str | None, expected: str
) -> None:
    connection = Connection(
        name="c",
        source=Source(package="airbyte-source-x", version="1"),
        destination=Destination(type="duckdb", name="w", schema="raw"),
        streams=(),
        path=Path("c.yml"),
        format="",
        namespace_definition=definition,
        namespace_format=template,
        prefix="p_",
    )
    stream = StreamConfiguration(name="Users", namespace=namespace)
    place = place_of(connection, stream, destinations={}, database=None)
    assert str(place.relation) == expected
    mapped = {"w": DestinationMap(database="db", schema="Landing")}
    relation = place_of(connection, stream, destinations=mapped, database="x").relation
    assert relation is not None
    assert relation.database == "db"
    assert relation.schema == (expected.split(".")[0].replace("raw", "Landing"))


@pytest.mark.parametrize(
    ("destination", "name", "expected"),
    [
        ("duckdb", "My Table-1", "my_table_1"),
        ("duckdb", "2024", "_2024"),
        ("snowflake", "My table", "MY TABLE"),
        ("bigquery", "My-table", "My_table"),
        (None, "As It Is", "As It Is"),
    ],
)
def test_spelling(destination: str | None, name: str, expected: str) -> None:
    assert normalise(name, destination) == expected


def test_columns_are_unique_and_do_not_depend_on_the_order() -> None:
    fields = ["Is Default", "is_default", "IS-DEFAULT", "_airbyte_meta", "x"]
    names = column_names(fields)
    assert names["is_default"] == "is_default"
    assert names["x"] == "x"
    assert len({name.casefold() for name in names.values()}) == len(fields)
    assert names["_airbyte_meta"] != "_airbyte_meta"
    assert column_names(reversed(fields)) == names


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "integer"}, "BIGINT"),
        ({"type": ["null", "number"]}, "DOUBLE"),
        ({"type": "number", "airbyte_type": "integer"}, "BIGINT"),
        ({"type": ["integer", "number"]}, "DOUBLE"),
        ({"type": ["string", "integer"]}, "JSON"),
        ({"type": "string", "format": "date"}, "DATE"),
        ({"type": "string", "format": "date-time"}, "TIMESTAMP WITH TIME ZONE"),
        ({"type": "string", "format": "email"}, "VARCHAR"),
        ({"type": "object"}, "JSON"),
        ({"oneOf": [{"type": "null"}, {"type": "boolean"}]}, "BOOLEAN"),
        ({"oneOf": [{"type": "string"}, {"type": "boolean"}]}, "JSON"),
        ({}, "JSON"),
        (True, "JSON"),
    ],
)
def test_types(schema: object, expected: str) -> None:
    assert duckdb_type(schema) == expected
