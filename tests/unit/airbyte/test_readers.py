"""Configuration files -> connections: what is read, and what is said of what cannot be."""

import json
import textwrap
from pathlib import Path
from typing import Any

import pytest
from airbyte_harness import Project

from toolkit.errors import ArtifactError, SettingsError
from toolkit.integrations.airbyte import AirbyteIntegration
from toolkit.integrations.airbyte.readers import read_connections

GOOD = """\
name: shop
source: {package: airbyte-source-faker, version: 7.2.1}
destination: {schema: raw}
streams:
  - {name: users}
"""

# file, line that the message names, what it says
BROKEN: dict[str, tuple[str, int, str]] = {
    "unknown key": (GOOD + "prefx: a_\n", 6, "unknown key `prefx`.|Did you mean `prefix`?"),
    "unknown key in a stream": (
        GOOD + "  - {name: a,\n     sync_mod: x}\n",
        7,
        "unknown key `streams.1.sync_mod`.|Did you mean `sync_mode`?",
    ),
    "unknown mode": (
        GOOD + "  - {name: a, sync_mode: merge}\n",
        6,
        "Invalid enum value 'merge'|Known values here: full_refresh_|, incremental_append,",
    ),
    "unknown version": (GOOD + "version: 2\n", 6, "Invalid enum value 2|Known values here: 1."),
    "wrong type": (GOOD.replace("raw", "[1]"), 3, "Expected `str | null`, got `array`"),
    "twice the same key": (GOOD + "name: other\n", 6, "has the key 'name' twice"),
    "twice the same stream": (GOOD + "  - {name: users}\n", 6, "'users' is configured twice"),
    "no source": (GOOD.replace("package: airbyte-source-faker, ", ""), 2, "needs either `package`"),
    "missing manifest": (
        GOOD.replace("package: airbyte-source-faker", "manifest: x.yaml"),
        2,
        "the manifest x.yaml does not exist",
    ),
    "unknown mapper type": (
        GOOD + "  - name: a\n    mappers: [{type: hashin, mapperConfiguration: {}}]\n",
        7,
        "unknown mapper type 'hashin'|Did you mean `hashing`?",
    ),
    "unknown key in a mapper": (
        GOOD + "  - name: a\n    mappers: [{type: hashing, mapperConfig: {}}]\n",
        7,
        "unknown key (`streams.1.mappers.0.mapperConfig`)|Did you mean `mapperConfiguration`?",
    ),
    "unknown key in a mapper's configuration": (
        GOOD + "  - name: a\n    mappers: [{type: hashing, mapperConfiguration: {field: a}}]\n",
        7,
        "unknown key (`streams.1.mappers.0.mapperConfiguration.field`)|targetField",
    ),
    "a mapper without configuration": (
        GOOD + "  - name: a\n    mappers: [{type: field-filtering}]\n",
        7,
        "has no `mapperConfiguration`|targetField",
    ),
    "a mapper that lacks a key": (
        GOOD + "  - name: a\n    mappers: [{type: field-filtering, mapperConfiguration: {}}]\n",
        7,
        "missing required field `targetField`",
    ),
    "unknown hash method": (
        GOOD + "  - name: a\n    mappers: [{type: hashing, mapperConfiguration: "
        "{targetField: a, fieldNameSuffix: _h, method: CRC}}]\n",
        7,
        "Invalid enum value 'CRC' (`streams.1.mappers.0.mapperConfiguration.method`)",
    ),
    "unknown key in a condition": (
        GOOD + "  - name: a\n    mappers: [{type: row-filtering, mapperConfiguration: {conditions: "
        "{type: NOT, conditions: [{type: EQUAL, field: a, comparisonValue: x}]}}}]\n",
        7,
        "unknown key (`streams.1.mappers.0.mapperConfiguration.conditions.conditions.0.field`)"
        "|fieldName",
    ),
    "unknown operation": (
        GOOD + "  - name: a\n    mappers: [{type: row-filtering, mapperConfiguration: "
        "{conditions: {type: LIKE}}}]\n",
        7,
        "Invalid value 'LIKE'",
    ),
    "mappers that are no list of mappings": (
        GOOD + "  - name: a\n    mappers: [hashing]\n",
        7,
        "Expected `object`, got `str`",
    ),
    "bad YAML": ("name: [\n", 2, "is not valid YAML"),
    "no streams": (GOOD.replace("\n  - {name: users}", " []"), 4, "`streams` is empty"),
    "a name that is a path": (GOOD.replace("shop", "../x"), 1, "'../x' must begin with"),
    "a template outside of config": (
        GOOD + 'prefix: "{{ env_var(1) }}"\n',
        6,
        "`prefix` may not use env_var",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_file_is_named_with_its_line(tmp_path: Path, case: str) -> None:
    text, line, says = BROKEN[case]
    path = tmp_path / "shop.yml"
    path.write_text(text)
    with pytest.raises(ArtifactError) as caught:
        read_connections([path])
    message = str(caught.value)
    assert f"{path}:{line}" in message
    for part in says.split("|") if "Expected" not in says else [says]:
        assert part in message


def test_billion_laughs_are_read_in_no_time(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    (tmp_path / "x.yml").write_text("\n".join(lines) + "\n")
    with pytest.raises(ArtifactError, match=r"x\.yml becomes unreasonably large"):
        read_connections([tmp_path])


def test_two_connections_of_one_name(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.yml").write_text(GOOD)
    with pytest.raises(ArtifactError, match=r"called 'shop': one in .*a\.yml:1, one in .*b\.yml:1"):
        read_connections([tmp_path])


def test_a_path_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="nowhere, which does not exist"):
        read_connections([tmp_path / "nowhere"])


def test_what_is_no_connection_is_left_out_of_a_folder_and_said(tmp_path: Path) -> None:
    (tmp_path / "other.yml").write_text("a: 1\n")
    (tmp_path / "manifest.yaml").write_text("type: DeclarativeSource\n")
    read = read_connections([tmp_path])
    assert read.connections == []
    assert [(p.code, Path(p.path or "").name) for p in read.problems] == [
        ("unknown-connection-format", "other.yml"),
        ("manifest-unused", "manifest.yaml"),
    ]
    with pytest.raises(ArtifactError, match="in no format that we know"):
        read_connections([tmp_path / "other.yml"])


HASH_ID = {"targetField": "id", "method": "SHA-256", "fieldNameSuffix": "_hashed", "new": 1}


def api(**changes: Any) -> dict[str, Any]:
    return {
        "connectionId": "c1",
        "name": "Postgres to BigQuery",
        "sourceId": "s1",
        "destinationId": "d1",
        "status": "paused-by-a-newer-server",
        "namespaceDefinition": "custom_format",
        "namespaceFormat": "${SOURCE_NAMESPACE}_raw",
        "prefix": "pg_",
        "somethingNew": {"a": 1},
        "configurations": {
            "streams": [
                {
                    "name": "Users",
                    "namespace": "public",
                    "syncMode": "a_newer_mode",
                    "primaryKey": [["id"]],
                    "selectedFields": [{"fieldPath": ["id"]}, {"fieldPath": ["address", "city"]}],
                    "mappers": [
                        {"id": "m1", "type": "hashing", "mapperConfiguration": HASH_ID},
                        {"type": "something-new", "mapperConfiguration": {"a": 1}},
                    ],
                }
            ]
        },
        **changes,
    }


DESTINATION = {
    "destinationId": "d1",
    "name": "bq",
    "destinationType": "bigquery",
    "configuration": {"project_id": "acme", "dataset_id": "lake", "credentials_json": "******"},
}


@pytest.mark.parametrize("shape", ["one", "list", "page"])
def test_api_json_in_all_its_shapes(tmp_path: Path, shape: str) -> None:
    document: Any = {"one": api(), "list": [api()], "page": {"data": [api()], "next": ""}}[shape]
    (tmp_path / "anything.json").write_text(json.dumps(document))
    (tmp_path / "more.json").write_text(json.dumps({"data": [DESTINATION]}))
    read = read_connections([tmp_path])
    assert [problem.code for problem in read.problems] == ["unknown-value"]
    (connection,) = read.connections
    (stream,) = connection.streams
    assert (connection.destination.database, connection.destination.schema) == ("acme", "lake")
    assert stream.selected_fields == ("id", "address")
    assert stream.sync_mode == "a_newer_mode"
    assert not connection.enabled


def test_api_connection_as_assets(tmp_path: Path) -> None:
    project = Project(tmp_path)
    (project.connections / "airbyte.json").write_text(json.dumps(api(status="active")))
    loaded = AirbyteIntegration().load(project.settings, {})
    assert [(a.key, str(a.relation)) for a in loaded.assets] == [
        ("stream.Postgres to BigQuery.Users", "shop.public_raw.pg_Users")
    ]
    codes = [problem.code for problem in loaded.problems]
    assert codes == ["unknown-destination", "remote-connection", "mapper-unknown"]
    # No schema, but a selection: its names are all that lands.
    assert {name: column.meta["airbyte"] for name, column in loaded.assets[0].columns.items()} == {
        "id_hashed": {
            "property": "id",
            "transformation": "HASH",
            "method": "SHA-256",
            "masked": True,
        },
        "address": {"property": "address"},
    }


def test_our_yaml_as_assets(tmp_path: Path) -> None:
    project = Project(tmp_path)
    text = """\
        name: shop
        enabled: false
        owner: data@example.com
        tags: [pii]
        source: {package: airbyte-source-faker, version: 7.2.1}
        destination: {name: warehouse, schema: Raw Data}
        namespace_definition: custom_format
        namespace_format: "lake_${SOURCE_NAMESPACE}"
        prefix: "shop-"
        streams:
          - name: Users
            namespace: eu
            json_schema:
              properties:
                Id: {type: integer, description: Number.}
                tags: {type: [array, "null"]}
                when: {type: string, format: date-time, airbyte_type: timestamp_without_timezone}
          - {name: Users, namespace: us}
    """
    (project.connections / "shop.yml").write_text(textwrap.dedent(text))
    integration = AirbyteIntegration()
    loaded = integration.load(project.settings, {})
    first, second = loaded.assets
    assert (first.key, second.key) == ("stream.shop.eu.Users", "stream.shop.us.Users")
    assert str(first.relation) == "shop.lake_eu.shop_users"
    assert str(second.relation) == "shop.lake_us.shop_users"
    assert {c.name: c.type for c in first.columns.values()} == {
        "id": "BIGINT",
        "tags": "JSON",
        "when": "TIMESTAMP",
    }
    assert (first.owner, first.tags, first.path, first.line) == (
        "data@example.com",
        ("pii",),
        "connectors/shop.yml",
        11,
    )
    assert first.meta == {"enabled": False, "airbyte": {"columns_from": "json_schema"}}
    assert loaded.problems == []
