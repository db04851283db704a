"""Where streams land in each destination: spelling, default schemas, raw tables, no tables."""

from pathlib import Path
from typing import Any

import pytest

from toolkit.integrations.airbyte.model import Connection, Destination, Source, StreamConfiguration
from toolkit.integrations.airbyte.naming import Place, column_names, is_metadata, place_of
from toolkit.integrations.airbyte.naming.places import raw_options
from toolkit.integrations.airbyte.naming.rules import SPELLINGS, java_hash, spelling_of
from toolkit.settings import DestinationMap

LONG = "A" * 40 + "b" * 40  # 80 characters
VERY = "X" * 300


def place(
    kind: str | None,
    name: str = "Users",
    *,
    namespace: str | None = None,
    local: bool = False,
    mapped: DestinationMap | None = None,
    **destination: Any,
) -> Place:
    more = {key: destination.pop(key) for key in ("prefix", "unknown") if key in destination}
    connection = Connection(
        name="c",
        source=Source(),
        destination=Destination(type=kind, name="wh", **destination),
        streams=(),
        path=Path("c.json"),
        format="",
        namespace_definition="source",
        **more,
    )
    stream = StreamConfiguration(name=name, namespace=namespace)
    maps = {"wh": mapped} if mapped else {}
    return place_of(connection, stream, destinations=maps, database="own", local=local)


def shown(kind: str, name: str, **more: Any) -> tuple[str, list[str]]:
    found = place(kind, name, **more)
    assert found.relation is not None
    older = [str(alias.relation) for alias in found.aliases if alias.how == "older"]
    return str(found.relation), older


def raw(kind: str, name: str = "Users", **more: Any) -> list[str]:
    return [str(a.relation) for a in place(kind, name, **more).aliases if a.how == "raw"]


@pytest.mark.parametrize(
    ("kind", "schema", "name", "current", "older"),
    [
        ("snowflake", "raw", "Mý a-b", "own.RAW.MÝ A-B", ["own.RAW.MY_A_B"]),
        ("snowflake", "raw", "${x}y}", "own.RAW.__X_Y_", []),
        ("snowflake", "raw", "2024", "own.RAW.2024", ["own.RAW._2024"]),
        ("snowflake", "raw", 'say "hi"', 'own.RAW.SAY "HI"', ["own.RAW.SAY__HI_"]),
        ("bigquery", "raw", "Mý order-lines", "own.raw.My_order_lines", []),
        ("bigquery", "raw", "2024", "own.raw._2024", []),
        ("bigquery", "_raw", "users", "own.n_raw.users", []),
        ("bigquery", "2024", "users", "own.2024.users", []),
        ("bigquery", "proj:raw", "users", "proj.raw.users", []),
        ("postgres", "Raw", "Order Lines", "own.Raw.Order_Lines",
         ["own.raw.order_lines"]),
        ("postgres", None, "users", "own.public.users", []),
        ("redshift", None, "Order  Lines", "own.public.order_lines", []),
        ("redshift", "Raw", "2024", "own.raw._2024", ["own.raw.2024"]),
        ("databricks", None, "Order-Lines", "own.default.order_lines", []),
        ("databricks", "Raw", "2024", "own.raw._2024", ["own.raw.2024"]),
        ("clickhouse", None, "Order Lines", "default.Order_Lines", []),
        ("motherduck", "Raw", "Order  Lines", "own.raw.order__lines", []),
        ("duckdb", None, "Users", "own.main.users", ["own.main._airbyte_raw_Users"]),
    ],
)  # fmt: skip
def test_spelling(kind: str, schema: str | None, name: str, current: str, older: list[str]) -> None:
    assert shown(kind, name, schema=schema) == (current, older)


def test_what_others_call_a_database_is_the_schema_in_mysql_and_clickhouse() -> None:
    assert shown("mysql", "Order Lines", schema="Shop")[0] == "shop.order_lines"
    assert shown("mysql", "users", database="Shop")[0] == "shop.users"
    assert shown("clickhouse", "Users", database="Shop")[0] == "Shop.Users"


def test_too_long_names() -> None:
    cut = LONG[:54] + "_" + str(java_hash(LONG))[-8:]
    assert shown("postgres", LONG, schema="s") == (
        f"own.s.{cut}",
        [f"own.s.{LONG.lower()[:63]}", f"own.s.{'a' * 20}__{'b' * 21}"],
    )
    assert len(cut) == 63
    name = shown("redshift", VERY, schema="s")[0].removeprefix("own.s.")
    assert name[:119] == "x" * 118 + "_"
    assert len(name) <= 127
    assert int(name[119:], 16) == java_hash(VERY.lower()) & 0xFFFFFFFF
    name = shown("databricks", VERY, schema="s")[0].removeprefix("own.s.")
    assert (len(name), name[:247]) == (255, "x" * 246 + "_")
    assert shown("mysql", LONG, schema="s")[0] == f"s.{'a' * 21}__{'b' * 21}"
    assert shown("bigquery", VERY, schema="s")[0] == f"own.s.{VERY}"


@pytest.mark.parametrize(
    ("text", "code"),
    [("", 0), ("hello", 99162322), ("polygenelubricants", -(2**31)), ("\U0001f600", 1772899)],
)
def test_java_hash(text: str, code: int) -> None:
    assert java_hash(text) == code


def test_duckdb_ignores_namespaces_unless_we_land_it() -> None:
    for kind in ("duckdb", "motherduck"):
        assert str(place(kind, namespace="public", schema="raw").relation) == "own.raw.users"
        here = place(kind, namespace="public", schema="raw", local=True)
        assert str(here.relation) == "own.public.users"
        assert here.aliases == ()


@pytest.mark.parametrize(
    ("kind", "more", "expected"),
    [
        ("postgres", {"schema": "shop"},
         ["own.airbyte_internal.shop_raw__stream_Users",
          "own.airbyte_internal.shop_raw__stream_users",
          "own.shop._airbyte_raw_Users", "own.shop._airbyte_raw_users"]),
        ("postgres", {"schema": "my__shop", "raw_schema": "Raws"},
         ["own.Raws.my__shop_raw___stream_Users",
          "own.Raws.my__shop_raw___stream_users",
          "own.raws.my__shop_raw___stream_users",
          "own.my__shop._airbyte_raw_Users", "own.my__shop._airbyte_raw_users"]),
        ("snowflake", {"schema": "shop"},  # not in upper case: as the connector writes it
         ["own.airbyte_internal.shop_raw__stream_Users",
          "own.SHOP._AIRBYTE_RAW_USERS"]),
        ("bigquery", {"schema": "shop"},
         ["own.airbyte_internal.shop_raw__stream_Users",
          "own.airbyte_internal.shop_raw__stream_users",
          "own.shop._airbyte_raw_Users"]),
        ("clickhouse", {"database": "shop"},
         ["airbyte_internal.shop_raw__stream_Users",
          "airbyte_internal.shop_raw__stream_users",
          "shop._airbyte_raw_Users"]),
        ("motherduck", {"schema": "shop"}, []),
        (None, {"schema": "shop"},
         ["own.shop._airbyte_raw_Users", "own.shop._airbyte_raw_users"]),
    ],
)  # fmt: skip
def test_raw_tables(kind: str, more: dict[str, Any], expected: list[str]) -> None:
    assert raw(kind, **more) == expected


def test_only_raw_tables() -> None:
    found = place("snowflake", schema="shop", raw_only=True, raw_schema="raws")
    assert str(found.relation) == "own.raws.shop_raw__stream_Users"
    assert [alias.how for alias in found.aliases] == ["raw", "raw"]
    assert found.aliases[0].relation == found.relation


@pytest.mark.parametrize(
    ("configuration", "expected"),
    [
        ({}, (False, None)),
        ({"disable_type_dedupe": True, "raw_data_schema": "x"}, (True, "x")),
        ({"disable_type_dedupe": "true", "raw_data_dataset": "y"}, (False, "y")),
        ({"raw_schema_override": "z", "raw_data_schema": ""}, (False, "z")),
        ({"raw_data_schema": 3}, (False, None)),
    ],
)
def test_raw_options(configuration: dict[str, Any], expected: tuple[bool, str | None]) -> None:
    assert raw_options(configuration) == expected


def test_destinations_without_tables() -> None:
    for kind in ("s3", "gcs", "azure-blob-storage", "kafka", "pinecone"):
        found = place(kind, schema="x")
        assert found.no_table
        assert found.relation is None
    assert not place("s3-data-lake", schema="x").no_table  # Iceberg tables


def test_a_map_of_the_user_is_meant_as_it_stands() -> None:
    mapped = DestinationMap(database="Db", schema="My Schema")
    assert str(place("postgres", mapped=mapped, schema="x").relation) == "Db.My Schema.Users"
    found = place("postgres", mapped=mapped, schema="x", namespace="Other One").relation
    assert str(found) == "Db.Other_One.Users"


def test_what_the_configuration_leaves_open_has_no_default() -> None:
    found = place("postgres", unknown={"destination.schema": "var.schema"}).relation
    assert found is not None
    assert found.schema is None
    assert place("postgres", unknown={"prefix": "var.prefix"}).relation is None


@pytest.mark.parametrize(
    ("column", "made"),
    [
        ("_airbyte_raw_id", True), ("_AIRBYTE_META", True), ("_airbyte_data", True),
        ("_airbyte_ab_id", True), ("_airbyte_normalized_at", True),
        ("_airbyte_users_hashid", True), ("_airbyte_hashid", False),
        ("airbyte_raw_id", False), ("_ab_cdc_deleted_at", False), ("id", False),
    ],
)  # fmt: skip
def test_metadata(column: str, made: bool) -> None:
    assert is_metadata(column) is made


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("postgres", {"Id": "Id", "ID": "ID_1", "id": "id_2", "a b": "a_b", "a-b": "a_b_1"}),
        ("snowflake", {"Id": "ID", "ID": "ID_1", "id": "ID_2", "a b": "A B", "a-b": "A-B"}),
        # Databricks keeps the case of columns.
        ("databricks", {"Id": "Id", "ID": "ID", "id": "id", "a b": "a_b", "a-b": "a_b_1"}),
    ],
)
def test_columns_that_collide_are_numbered_as_the_destination_does(
    kind: str, expected: dict[str, str]
) -> None:
    assert column_names(expected, kind) == expected


def test_every_destination_is_documented(repository: Path) -> None:
    page = (repository / "docs" / "matching.md").read_text(encoding="utf-8")
    assert [kind for kind in SPELLINGS if f"| `{kind}`" not in page] == []
    assert spelling_of("never heard of").current.table("As It Is") == "As It Is"
