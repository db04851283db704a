"""Mappers in the graph: which columns land, where each comes from, what is left out and said."""

from pathlib import Path
from typing import Any

import pytest
from airbyte_harness import Project

from toolkit.graph import Asset, Column, Relation
from toolkit.graph.matching import link
from toolkit.integrations.airbyte import AirbyteIntegration
from toolkit.integrations.airbyte.mappers import read_mapper
from toolkit.integrations.airbyte.mapping import map_fields
from toolkit.integrations.base import Loaded
from toolkit.lineage import trace

FIELDS = {"id": "integer", "email": "string", "ssn": "string", "age": "integer"}
AES = {
    "algorithm": "AES",
    "targetField": "ssn",
    "fieldNameSuffix": "_enc",
    "key": "00112233445566778899aabbccddeeff",
    "mode": "CBC",
    "padding": "PKCS5Padding",
}


def mapper(kind: str, **configuration: Any) -> dict[str, Any]:
    return {"type": kind, "mapperConfiguration": configuration}


def hashing(field: str, suffix: str = "_hashed", method: str = "SHA-256") -> dict[str, Any]:
    return mapper("hashing", targetField=field, method=method, fieldNameSuffix=suffix)


def rename(old: str, new: str) -> dict[str, Any]:
    return mapper("field-renaming", originalFieldName=old, newFieldName=new)


def drop(field: str) -> dict[str, Any]:
    return mapper("field-filtering", targetField=field)


def only(field: str, value: str) -> dict[str, Any]:
    conditions = {"type": "EQUAL", "fieldName": field, "comparisonValue": value}
    return mapper("row-filtering", conditions=conditions)


# mappers -> {column: type}, reasons of those left out
COLUMNS: dict[str, tuple[list[dict[str, Any]], dict[str, str], list[str]]] = {
    "hashing becomes text under another name, in the same place": (
        [hashing("age")],
        {"id": "BIGINT", "email": "VARCHAR", "ssn": "VARCHAR", "age_hashed": "VARCHAR"},
        [],
    ),
    "encryption too": (
        [mapper("encryption", **AES)],
        {"id": "BIGINT", "email": "VARCHAR", "ssn_enc": "VARCHAR", "age": "BIGINT"},
        [],
    ),
    "renaming keeps the type; the destination spells the name": (
        [rename("age", "Age in Years")],
        {"id": "BIGINT", "email": "VARCHAR", "ssn": "VARCHAR", "age_in_years": "BIGINT"},
        [],
    ),
    "in their order: a renamed field is hashed by its new name": (
        [rename("email", "mail"), hashing("mail"), drop("ssn"), drop("age")],
        {"id": "BIGINT", "mail_hashed": "VARCHAR"},
        [],
    ),
    "a name that has become free can be taken": (
        [drop("email"), rename("ssn", "email"), drop("age")],
        {"id": "BIGINT", "email": "VARCHAR"},
        [],
    ),
    "what does not fit is left out and the others go on": (
        [hashing("emial"), rename("ssn", "age"), hashing("email", ""), drop("age"), drop("age")],
        {"id": "BIGINT", "email": "VARCHAR", "ssn": "VARCHAR"},
        [
            "there is no field 'emial' at that place",
            "there is a field 'age' already",
            "its `fieldNameSuffix` is empty",
            "there is no field 'age' at that place",
        ],
    ),
    "of a type or with a configuration that nobody knows": (
        [
            mapper("uppercase", field="id"),
            mapper("hashing", targetField="id"),
            hashing("id", "_", "X"),
        ],
        {"id": "BIGINT", "email": "VARCHAR", "ssn": "VARCHAR", "age": "BIGINT"},
        [
            "its type is not known",
            "Object missing required field `method`",
            "Invalid enum value 'X' - at `$.method`",
        ],
    ),
    "a row filter changes no column; one on a field that is gone is left out": (
        [only("email", "a"), drop("email"), only("email", "a")],
        {"id": "BIGINT", "ssn": "VARCHAR", "age": "BIGINT"},
        ["there is no field 'email' at that place"],
    ),
}


@pytest.mark.parametrize("case", COLUMNS)
def test_columns_after_mappers(case: str) -> None:
    mappers, columns, faults = COLUMNS[case]
    properties = {name: {"type": kind} for name, kind in FIELDS.items()}
    mapped = map_fields(properties, [read_mapper(raw) for raw in mappers])
    assert {field.column: field.type for field in mapped.fields} == columns
    assert list(columns) == [field.column for field in mapped.fields]
    assert [fault.reason for fault in mapped.faults] == faults


def load(tmp_path: Path, **stream: Any) -> tuple[Loaded, Asset]:
    project = Project(tmp_path)
    schema = {"properties": {name: {"type": kind} for name, kind in FIELDS.items()}}
    project.fake([], streams=[{"name": "users", "json_schema": schema, **stream}])
    loaded = AirbyteIntegration().load(project.settings, {})
    return loaded, loaded.assets[0]


def test_a_column_says_where_it_comes_from_and_what_was_done(tmp_path: Path) -> None:
    mappers = [hashing("email"), rename("email_hashed", "mail"), rename("age", "years")]
    mappers += [drop("ssn"), only("years", "42")]
    loaded, asset = load(tmp_path, mappers=mappers)
    assert loaded.problems == []
    assert {name: column.meta["airbyte"] for name, column in asset.columns.items()} == {
        "id": {"property": "id"},
        "mail": {
            "property": "email",
            "transformation": "HASH",
            "method": "SHA-256",
            "masked": True,
        },
        "years": {"property": "age", "transformation": "RENAME"},
    }
    assert asset.meta["airbyte"] == {
        "columns_from": "json_schema",
        "row_filters": ["years = '42'"],
        "row_filter_properties": ["age"],
        "removed": ["ssn"],
    }


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        ({"selected_fields": ["email"]}, ["email"]),
        ({"selected_fields": [["email", "domain"], "age"]}, ["email", "age"]),
        ({"selected_fields": []}, ["id", "email", "ssn", "age"]),
        (
            {
                "selected_fields": ["email"],
                "sync_mode": "incremental_deduped_history",
                "primary_key": [["id"]],
                "cursor_field": ["age"],
            },
            ["id", "email", "age"],
        ),
        (
            {
                "selected_fields": ["email"],
                "sync_mode": "incremental_append",
                "cursor_field": ["age"],
            },
            ["email", "age"],
        ),
    ],
)
def test_selection_keeps_what_the_mode_needs(
    tmp_path: Path, stream: dict[str, Any], expected: list[str]
) -> None:
    assert list(load(tmp_path, **stream)[1].columns) == expected


def test_what_is_left_out_is_a_problem_at_its_line(tmp_path: Path) -> None:
    loaded, asset = load(tmp_path, mappers=[rename("nothing", "x"), hashing("emial")])
    assert list(asset.columns) == list(FIELDS)
    file = (tmp_path / "connectors" / "fake.yml").read_text().splitlines()
    found = [(p.asset, p.code, p.severity, p.path) for p in loaded.problems]
    assert found == [
        (asset.key, "mapper-invalid", "warning", "connectors/fake.yml"),
        (asset.key, "mapper-invalid", "error", "connectors/fake.yml"),
    ]
    for problem, kind in zip(loaded.problems, ("field-renaming", "hashing"), strict=True):
        assert problem.line is not None
        assert file[problem.line - 1].strip() == f"- type: {kind}"
    assert "shown as landing in clear" in loaded.problems[1].message


def test_an_encryption_key_is_read_over(tmp_path: Path) -> None:
    loaded, asset = load(tmp_path, mappers=[mapper("encryption", **AES)])
    assert asset.columns["ssn_enc"].meta["airbyte"]["transformation"] == "ENCRYPT"
    assert [problem.code for problem in loaded.problems] == ["mapper-not-local"]
    assert AES["key"] not in repr(loaded)
    assert AES["key"] not in repr(read_mapper(mapper("encryption", **AES)))


def test_fields_that_would_share_a_column_are_named(tmp_path: Path) -> None:
    loaded, asset = load(tmp_path, mappers=[rename("ssn", "E-Mail"), rename("age", "e_mail")])
    columns = list(asset.columns)
    assert columns[3] == "e_mail"
    assert columns[2].startswith("e_mail_")
    (problem,) = loaded.problems
    assert problem.code == "column-collision"
    assert f"Field 'E-Mail' of {asset.key} lands in column '{columns[2]}'" in problem.message


def test_a_mapper_changes_the_code_version(tmp_path: Path) -> None:
    versions = {
        load(tmp_path, mappers=mappers)[1].code_version
        for mappers in ([], [hashing("email")], [hashing("email", method="MD5")], [drop("email")])
    }
    assert len(versions) == 4


def test_a_source_that_declares_what_mappers_took_away(tmp_path: Path) -> None:
    source = Asset(
        key="source.shop.raw.users",
        kind="source",
        name="users",
        integration="dbt",
        relation=Relation("shop", "RAW", "users"),
        columns={name: Column(name=name) for name in ("id", "EMAIL", "ssn", "mail", "elsewhere")},
        path="models/sources.yml",
    )
    load(tmp_path, mappers=[hashing("email"), drop("ssn"), rename("age", "mail")])
    project = Project(tmp_path)
    loaded = AirbyteIntegration().load(project.settings, {source.key: source})
    assert {problem.code for problem in loaded.problems} == {"column-not-landed"}
    assert [
        problem.message.partition("which does not land: ")[2] for problem in loaded.problems
    ] == [
        "a mapper of stream.fake.users makes it 'email_hashed'. Declare what lands.",
        "a mapper of stream.fake.users removes it. Declare what lands.",
    ]
    # Lineage goes by what lands: a column that is gone has no origin.
    lineage = trace(link([*loaded.assets, source], [], []), dialect="duckdb")
    edges = {(edge.source[1], edge.target[1]) for edge in lineage.column_edges}
    assert edges == {("id", "id"), ("mail", "mail"), ("email_hashed", "email_hashed")}
