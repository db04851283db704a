"""From the property of a stream, through mappers, to the landed column: in every output."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from toolkit.cli import cli
from toolkit.graph import Asset, Column
from toolkit.lineage.walks.origin import origins, row_filter

CONNECTION = """\
version: 1
name: crm
source: {package: airbyte-source-faker, version: 7.2.1, config: {}}
destination: {type: duckdb, name: warehouse, schema: raw}
namespace_definition: destination
streams:
  - name: users
    sync_mode: full_refresh_overwrite
    selected_fields: [id, email, country, ssn]
    mappers:
      - {type: hashing, mapperConfiguration: {targetField: email, method: SHA-256, fieldNameSuffix: _hashed}}
      - {type: field-renaming, mapperConfiguration: {originalFieldName: country, newFieldName: land}}
      - type: row-filtering
        mapperConfiguration: {conditions: {type: EQUAL, fieldName: land, comparisonValue: CH}}
      - {type: field-filtering, mapperConfiguration: {targetField: ssn}}
"""  # noqa: E501
KEY = "stream.crm.users"


def node(key: str, **more: object) -> dict[str, object]:
    kind, package, *_, name = key.split(".")
    return {
        "unique_id": key, "resource_type": kind, "package_name": package, "name": name,
        "database": "shop", "fqn": key.split(".")[1:], "original_file_path": "models/x.sql",
        "config": {"materialized": "view"}, "columns": {}, "tags": [], "description": "",
        "path": "x.sql", "checksum": {"name": "sha256", "checksum": "0"}, **more,
    }  # fmt: skip


@pytest.fixture
def words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1767323045")
    source, model = "source.shop.raw.users", "model.shop.people"
    manifest = {
        "metadata": {
            "dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v12.json",
            "project_name": "shop", "adapter_type": "duckdb", "dbt_version": "1.11.0",
        },
        "sources": {
            source: node(source, schema="raw", identifier="users", source_name="raw",
                         relation_name='"shop"."raw"."users"')
        },
        "nodes": {
            model: node(model, schema="main", alias="people", language="sql", raw_code="x",
                        compiled_code="select id, email_hashed, land from shop.raw.users",
                        depends_on={"nodes": [source], "macros": []})
        },
    }  # fmt: skip
    empty = "macros exposures metrics semantic_models saved_queries groups unit_tests disabled"
    manifest |= {part: {} for part in empty.split()}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    (tmp_path / "crm.yml").write_text(CONNECTION)
    return [
        "lineage", "--manifest", str(tmp_path / "manifest.json"),
        "--connections", str(tmp_path / "crm.yml"), "--quiet",
    ]  # fmt: skip


def said(*words: str) -> str:
    done = CliRunner().invoke(cli, list(words))
    assert done.exit_code == 0, done.output
    return done.stdout


def test_the_tree_of_a_column_ends_at_the_property(words: list[str]) -> None:
    assert (
        said(*words, "people.email_hashed", "--upstream")
        == """\
model.shop.people.email_hashed
upstream
└── source.shop.raw.users.email_hashed  IDENTITY
    └── stream.crm.users.email_hashed  IDENTITY
        ├── property email  HASH SHA-256 (masked)
        └── property country  FILTER  land = 'CH' (all rows)
"""
    )


def test_the_tree_of_a_stream_says_what_mappers_do(words: list[str]) -> None:
    assert (
        said(*words, KEY, "--upstream")
        == """\
stream.crm.users  stream, lineage none
  email_hashed  <- email  HASH SHA-256 (masked)
  land  <- country  RENAME
  (rows)  <- country  FILTER  land = 'CH'
  (does not land)  ssn
upstream
  (nothing)
"""
    )


def test_lineage_json(words: list[str]) -> None:
    asset = json.loads(said(*words, "--format", "json"))["assets"][KEY]
    assert {name: column["origin"] for name, column in asset["columns"].items()} == {
        "id": {
            "property": "id", "type": "DIRECT", "subtype": "IDENTITY",
            "transformation": None, "masked": False,
        },
        "email_hashed": {
            "property": "email", "type": "DIRECT", "subtype": "TRANSFORMATION",
            "transformation": "HASH SHA-256", "masked": True,
        },
        "land": {
            "property": "country", "type": "DIRECT", "subtype": "IDENTITY",
            "transformation": "RENAME", "masked": False,
        },
    }  # fmt: skip
    assert asset["row_filter"] == {
        "properties": ["country"],
        "type": "INDIRECT",
        "subtype": "FILTER",
        "conditions": ["land = 'CH'"],
    }
    assert asset["removed"] == ["ssn"]


def test_openlineage_reads_what_the_stream_reads(words: list[str]) -> None:
    events = map(json.loads, said(*words, "--format", "openlineage").splitlines())
    event = next(e for e in events if e.get("job", {}).get("name") == KEY)
    outside = {"namespace": "airbyte://crm", "name": "users"}
    assert event["inputs"] == [outside]
    facet = event["outputs"][0]["facets"]["columnLineage"]
    assert {
        column: [
            (i["name"], i["field"], t["subtype"], t["description"], t["masking"])
            for i in field["inputFields"]
            for t in i["transformations"]
        ]
        for column, field in facet["fields"].items()
    } == {
        "id": [("users", "id", "IDENTITY", "", False)],
        "email_hashed": [("users", "email", "TRANSFORMATION", "HASH SHA-256", True)],
        "land": [("users", "country", "IDENTITY", "RENAME", False)],
    }
    how = {"type": "INDIRECT", "subtype": "FILTER", "description": "land = 'CH'", "masking": False}
    assert facet["dataset"] == [{**outside, "field": "country", "transformations": [how]}]


@pytest.mark.parametrize(
    ("meta", "shown"),
    [
        ({"property": "a"}, "a  IDENTITY"),
        ({"property": "a", "transformation": "RENAME"}, "a  RENAME"),
        ({"property": "a", "transformation": "ENCRYPT", "masked": True}, "a  ENCRYPT (masked)"),
        (
            {"property": "a", "transformation": "HASH + ENCRYPT", "method": "MD5", "masked": True},
            "a  HASH + ENCRYPT (MD5) (masked)",
        ),
    ],
)
def test_what_is_said_of_a_column(meta: dict[str, object], shown: str) -> None:
    column = Column(name="A", meta={"airbyte": meta})
    asset = Asset(key="s", kind="stream", name="s", integration="airbyte", columns={"A": column})
    assert str(origins(asset)["a"]) == shown
    assert row_filter(asset) is None


def test_free_meta_of_other_assets_is_no_origin() -> None:
    column = Column(name="a", meta={"dbt": "x", "airbyte": {"property": "b"}})
    asset = Asset(
        key="m", kind="model", name="m", integration="dbt", columns={"a": column},
        meta={"dbt": ["row_filters"]},
    )  # fmt: skip
    assert origins(asset) == {}
    assert row_filter(asset) is None
