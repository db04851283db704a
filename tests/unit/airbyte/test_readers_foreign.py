"""Other tools' formats: what is missing, stands twice or hides in them, and what is said of it."""

import gc
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from airbyte_harness import DestinationMap, Project

from toolkit.errors import ArtifactError
from toolkit.integrations.airbyte import AirbyteIntegration
from toolkit.integrations.airbyte.readers import read_connections
from toolkit.integrations.airbyte.readers.api import read_objects

GOLDEN = Path(__file__).parents[2] / "golden" / "airbyte"


def connection(number: int = 1, **changes: Any) -> dict[str, Any]:
    streams = [{"name": "users", "namespace": "public"}, {"name": "orders", "namespace": "public"}]
    return {
        "connectionId": f"c{number}",
        "name": f"connection {number}",
        "sourceId": "s1",
        "destinationId": "d1",
        "status": "active",
        "configurations": {"streams": streams},
        **changes,
    }


def offered(*names: str, fields: tuple[str, ...] = ("id", "name")) -> list[dict[str, Any]]:
    paths = [[field] for field in fields]
    return [
        {"streamName": name, "streamnamespace": "public", "propertyFields": paths} for name in names
    ]


DESTINATION = {
    "destinationId": "d1",
    "name": "lake",
    "destinationType": "postgres",
    "configuration": {"database": "lake", "schema": "raw"},
}


def write(folder: Path, **documents: Any) -> Path:
    for name, document in documents.items():
        (folder / f"{name}.json").write_text(json.dumps(document))
    return folder


# what stands in the folder, what the error says
WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "a connection without a name": (
        {"a": {"data": [connection(), {"connectionId": "c2", "sourceId": "s"}]}},
        "a.json: data[1] is not a connection as Airbyte's API gives it: Object missing required "
        "field `name`",
    ),
    "a broken stream deep within": (
        {"a": [connection(configurations={"streams": [{"name": "a"}, {"name": 7}]})]},
        "a.json: [0].configurations.streams[1].name is not a connection",
    ),
    "a source without an id among pages of a list": (
        {"a": [{"data": [connection()]}, {"data": [{"sourceId": None}]}]},
        "a.json: [1].data[0].sourceId is not a source",
    ),
    "one connection twice, not alike": (
        {"a": connection(), "b": [connection(prefix="x")]},
        "The connection c1 stands twice and not alike: ",
    ),
    "one destination twice, not alike": (
        {"a": DESTINATION, "b": {**DESTINATION, "configuration": {"schema": "other"}}},
        "The destination d1 stands twice and not alike: ",
    ),
    "something else among connections": (
        {"a": [connection(), {"jobId": 1, "status": "running"}]},
        "a.json: [1] is no connection, source, destination, workspace or stream",
    ),
    "two connections of one name": (
        {"a": connection(), "b": connection(2, name="connection 1")},
        "Two connections are called 'connection 1': one in ",
    ),
    "a stream of a catalog without a name": (
        {"a": {"streams": [{"stream": {"json_schema": {}}, "sync_mode": "full_refresh"}]}},
        "a.json: streams[0].stream is not a stream of a catalog: Object missing required field",
    ),
    "one key in two spellings": (
        {
            "a": {
                "streams": [
                    {
                        "stream": {"name": "a"},
                        "sync_mode": "full_refresh",
                        "syncMode": "incremental",
                    }
                ]
            }
        },
        "a.json: streams[0].syncMode stands there a second time as `sync_mode`",
    ),
    "one stream twice": (
        {"a": connection(configurations={"streams": [{"name": "a"}, {"name": "a"}]})},
        "a.json: connection 'connection 1' has the stream 'a' twice (the second one is number 2)",
    ),
    "an API reply that is a catalog, too": (
        {"a": {"connectionId": "c", "streams": [{"stream": {"name": "a"}}]}},
        "a.json is of two formats at once: Airbyte API JSON and ConfiguredAirbyteCatalog",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_read_is_named(tmp_path: Path, case: str) -> None:
    documents, says = WRONG[case]
    with pytest.raises(ArtifactError) as caught:
        read_connections([write(tmp_path, **documents)])
    assert says in str(caught.value)
    assert str(tmp_path) in str(caught.value)


def test_the_same_object_twice_is_one(tmp_path: Path) -> None:
    write(tmp_path, a=connection(), b=[connection(), DESTINATION], c={"data": [DESTINATION]})
    read = read_connections([tmp_path])
    assert [c.connection_id for c in read.connections] == ["c1"]
    assert read.problems == []


@pytest.mark.parametrize(
    ("pages", "missing"),
    [
        ([{"data": [connection()], "next": "https://x"}], True),
        ([{"data": [connection()], "next": "https://x"}, {"data": [connection(2)]}], False),
        ([{"data": [connection()], "next": "https://x"}, {"data": [], "next": ""}], False),
        ([{"data": [connection()], "next": "x"}, {"data": [DESTINATION], "next": ""}], True),
    ],
)
def test_a_last_page_that_is_not_there(tmp_path: Path, pages: list[Any], missing: bool) -> None:
    documents = {f"page{number}": page for number, page in enumerate(pages)}
    read = read_connections([write(tmp_path, destination=DESTINATION, **documents)])
    assert [problem.code for problem in read.problems] == ["page-missing"] * missing


def test_lines_of_pages_and_lists(tmp_path: Path) -> None:
    lines = [{"data": [connection()]}, [connection(2)], connection(3), DESTINATION]
    (tmp_path / "all.jsonl").write_text("\n".join(json.dumps(line) for line in lines) + "\n\n")
    read = read_connections([tmp_path])
    assert [c.connection_id for c in read.connections] == ["c1", "c2", "c3"]
    assert {c.destination.schema for c in read.connections} == {"raw"}


def test_which_reply_of_streams_is_whose(tmp_path: Path) -> None:
    fitting, other = offered("users", "orders", "more"), offered("users", fields=("x",))
    write(tmp_path, a=connection(), d=DESTINATION, fitting=fitting, other=other)
    read = read_connections([tmp_path])
    fields = [stream.offered.fields for stream in read.connections[0].streams if stream.offered]
    assert fields == [("id", "name"), ("id", "name")]
    assert [(p.code, Path(p.path or "").name) for p in read.problems] == [
        ("streams-reply-unused", "other.json")
    ]
    write(tmp_path, other=offered("users", "orders", fields=("x",)))
    read = read_connections([tmp_path])
    assert [stream.offered for stream in read.connections[0].streams] == [None, None]
    assert [p.code for p in read.problems] == ["streams-reply-unused"]
    assert "fit connection 'connection 1' and differ" in read.problems[0].message


def test_replies_that_come_over_the_network() -> None:
    path = Path("/nowhere/server.json")
    objects: list[Any] = [
        {"data": [connection()], "next": "https://x"},
        {"data": [connection(2, sourceId="s2"), connection(3, destinationId="d9")]},
        [DESTINATION, {"sourceId": "s1", "sourceType": "postgres", "configuration": {"p": "w"}}],
        {"workspaceId": "w", "name": "Acme"},
    ]
    before = json.dumps(objects)
    streams = {"s1": [offered("users", "orders")], "s2": [offered("users", fields=("a",))]}
    read = read_objects(objects, path, streams=streams)
    assert json.dumps(objects) == before
    found = {
        c.connection_id: [stream.offered.fields if stream.offered else None for stream in c.streams]
        for c in read.connections
    }
    assert found == {"c1": [("id", "name")] * 2, "c2": [("a",), None], "c3": [("id", "name")] * 2}
    assert [c.source.type for c in read.connections] == ["postgres", None, "postgres"]
    assert [problem.code for problem in read.problems] == ["unknown-destination"]
    with pytest.raises(ArtifactError, match=r"server\.json: \[0\]\.data\[0\]\.name is not"):
        read_objects([{"data": [connection(name=[])]}], path)


def test_names_of_fields_are_columns_without_types(tmp_path: Path) -> None:
    project = Project(tmp_path)
    mappers = [{"type": "field-filtering", "mapperConfiguration": {"targetField": "name"}}]
    streams = [{"name": "users", "namespace": "public", "mappers": mappers}]
    raw = connection(configurations={"streams": streams})
    write(project.connections, a=raw, d=DESTINATION, streams=offered("users"))
    (asset,) = AirbyteIntegration().load(project.settings, {}).assets
    assert {name: column.type for name, column in asset.columns.items()} == {"id": None}


def test_a_manifest_describes_columns_until_the_source_is_asked(tmp_path: Path) -> None:
    project = Project(tmp_path)
    for file in (GOLDEN / "manifest" / "input").rglob("*.y*ml"):
        copy = project.connections / file.relative_to(GOLDEN / "manifest" / "input")
        copy.parent.mkdir(exist_ok=True)
        copy.write_text(file.read_text())
    loaded = AirbyteIntegration().load(project.settings, {})
    columns = {
        asset.name: {name: column.type for name, column in asset.columns.items()}
        for asset in loaded.assets
    }
    assert columns["tickets"] == {
        "id": "BIGINT",
        "subject": "VARCHAR",
        "updated_at": "TIMESTAMP WITH TIME ZONE",
    }
    assert columns["exports"] == columns["tickts"] == {}
    said = [problem.message for problem in loaded.problems if problem.code == "manifest-incomplete"]
    assert "has no schema of it inline" in said[0]
    assert "has no such stream; did you mean 'tickets'?" in said[1]


@pytest.mark.parametrize(
    ("schema", "says"),
    [
        ({"$ref": "#/definitions/a"}, "refers to itself in a circle"),
        ({"$ref": "#/definitions/none"}, "refers to '#/definitions/none', which is not there"),
        ({"properties": {"x": {"$ref": "#/definitions/wide9"}}}, "refers to itself in a circle"),
    ],
)
def test_references_that_lead_nowhere(tmp_path: Path, schema: Any, says: str) -> None:
    wide: dict[str, Any] = {"wide0": "x"}
    for n in range(1, 10):
        wide[f"wide{n}"] = {"a": [{"$ref": f"#/definitions/wide{n - 1}"}] * 9}
    manifest = {
        "type": "DeclarativeSource",
        "definitions": {"a": {"$ref": "#/definitions/b"}, "b": {"$ref": "#/definitions/a"}, **wide},
        "streams": [{"name": "users", "schema_loader": {"schema": schema}}],
    }
    (tmp_path / "manifest.yaml").write_text(yaml.safe_dump(manifest))
    ours = {"name": "shop", "source": {"manifest": "manifest.yaml"}, "streams": [{"name": "users"}]}
    (tmp_path / "shop.yml").write_text(yaml.safe_dump(ours))
    (problem,) = read_connections([tmp_path]).problems
    assert problem.code == "manifest-incomplete"
    assert says in problem.message


def test_a_catalog_lands_where_toolkit_yml_says(tmp_path: Path) -> None:
    project = Project(tmp_path)
    catalog = (GOLDEN / "catalog" / "input" / "pokeapi.json").read_text()
    (project.connections / "pokeapi.json").write_text(catalog)
    loaded = AirbyteIntegration().load(project.settings, {})
    assert "unknown-destination" in [problem.code for problem in loaded.problems]
    assert {asset.relation.schema for asset in loaded.assets if asset.relation} == {None}
    project.settings = msgspec.structs.replace(
        project.settings, destinations={"pokeapi": DestinationMap(schema="raw_poke")}
    )
    loaded = AirbyteIntegration().load(project.settings, {})
    assert "unknown-destination" not in [problem.code for problem in loaded.problems]
    assert {asset.relation.schema for asset in loaded.assets if asset.relation} == {"raw_poke"}


def test_octavia_finds_its_workspace_from_one_file() -> None:
    file = GOLDEN / "octavia/input/connections/shop_to_lake/configuration.yaml"
    (found,) = read_connections([file]).connections
    assert (found.source.type, found.destination.schema) == ("postgres", "landing")
    assert found.connection_id is None  # its state file was not named


def test_octavia_does_not_leave_its_workspace(tmp_path: Path) -> None:
    outside = tmp_path / "outside.yaml"
    outside.write_text("definition_type: destination\nresource_name: x\n")
    folder = tmp_path / "workspace" / "connections" / "a"
    folder.mkdir(parents=True)
    for path in ("../../../outside.yaml", str(outside)):
        document = {
            "definition_type": "connection",
            "resource_name": "a",
            "destination_configuration_path": path,
            "configuration": {"status": "active", "prefix": "${TEAM}_", "sync_catalog": {}},
        }
        (folder / "configuration.yaml").write_text(yaml.safe_dump(document))
        (found,) = read_connections([tmp_path / "workspace"]).connections
        assert found.destination.type is None
        assert found.unknown == {"prefix": "${TEAM}_"}


SECRET_KEYS = ("password", "credentials_json", "client_secret", "api_key")


def plant(secret: str) -> dict[str, str]:
    """Files of every format with configurations full of a secret."""
    config: dict[str, Any] = dict.fromkeys(SECRET_KEYS, secret)
    config["tunnel"] = {"ssh_key": [secret], "schema_of": secret}
    target = {**config, "schema": "raw"}
    source = {"sourceId": "s1", "name": "s", "sourceType": "postgres", "configuration": config}
    catalog = {"streams": [{"stream": {"name": "a"}, "config": {"selected": True}}]}
    api: list[Any] = [connection(), source, {**DESTINATION, "configuration": target}]
    nested = connection(
        2,
        syncCatalog=catalog,
        source={"sourceId": "s2", "connectionConfiguration": config},
        destination={"destinationId": "d2", "connectionConfiguration": target},
        destinationId="d2",
    )
    octavia = {
        "definition_type": "connection",
        "resource_name": "oc",
        "source_configuration_path": "sources/s/configuration.yaml",
        "destination_configuration_path": "destinations/d/configuration.yaml",
        "configuration": {"status": "active", "sync_catalog": catalog},
    }
    resource = {"resource_name": "x", "configuration": target}
    return {
        "api/all.json": json.dumps(api),
        "config/one.json": json.dumps(nested),
        "o/connections/c/configuration.yaml": yaml.safe_dump(octavia),
        "o/sources/s/configuration.yaml": yaml.safe_dump({**resource, "definition_type": "source"}),
        "o/destinations/d/configuration.yaml": yaml.safe_dump(
            {**resource, "definition_type": "destination"}
        ),
    }


def alive(secret: str) -> list[str]:
    """Containers and objects that hold the secret now."""
    gc.collect()
    found = []
    for item in gc.get_objects():
        inner = item.values() if isinstance(item, dict) else item
        if isinstance(item, dict | list | tuple | set) and any(
            type(value) is str and secret in value for value in list(inner)
        ):
            found.append(type(item).__name__)
    return found


def test_no_secret_is_kept_written_or_printed(tmp_path: Path) -> None:
    project = Project(tmp_path)
    # Made here, so that no constant of this module holds it.
    secret = "-".join(["hunter", str(2**31)])
    for name, text in plant(secret).items():
        path = project.connections / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    read = read_connections([project.connections])
    assert {c.name for c in read.connections} == {"connection 1", "connection 2", "oc"}
    assert {c.destination.schema for c in read.connections} == {"raw"}
    loaded = AirbyteIntegration().load(project.settings, {})
    assert secret not in repr(read) + repr(loaded)
    assert alive(secret) == []
    kept = [secret]
    assert alive(secret) == ["list"], kept  # the search finds what is there
    written = [file for file in tmp_path.rglob("*") if file.is_file()]
    planted = {project.connections / name for name, text in plant(secret).items() if secret in text}
    assert {file for file in written if secret in file.read_text(errors="replace")} == planted


@pytest.mark.parametrize("broken", ["cut", "type", "tag"])
def test_no_error_repeats_a_secret(tmp_path: Path, broken: str) -> None:
    secret = "-".join(["hunter", str(2**31)])
    messages = []
    for number, (name, text) in enumerate(plant(secret).items()):
        folder = tmp_path / str(number)
        for other, whole in plant(secret).items():
            path = folder / other
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(whole)
        if secret not in text:
            continue
        if broken == "cut":
            text = text[: text.rindex(secret) + len(secret)] + '": {["'
        elif broken == "type":
            text = text.replace('"name"', f'"name": ["{secret}"], "other"')
            text = text.replace("resource_name: x", f"resource_name: [{secret}]")
        else:
            text = text.replace(f": {secret}", f": !!int {secret}").replace(f'"{secret}"', secret)
        (folder / name).write_text(text)
        with pytest.raises(ArtifactError) as caught:
            read_connections([folder])
        messages.append(f"{caught.value} {caught.value.__cause__}")
    assert len(messages) == 4
    assert secret not in "".join(messages)


@pytest.mark.parametrize(
    ("text", "line", "key"),
    [
        ('{"connectionId": "a",\n "name": "x",\n "name": "y"}', 3, "name"),
        ('{"name": {"name": "name: {"}, "data": [{\n"a": 1,\n\n"\\u0061" : 2}]}', 4, "a"),
        ('{"a": 1}\n{"b": 1, "b": "}"}', 2, "b"),
    ],
)
def test_a_key_that_stands_twice_is_named_with_its_line(
    text: str, line: int, key: str, tmp_path: Path
) -> None:
    path = tmp_path / "connections.json"
    path.write_text(text)
    with pytest.raises(ArtifactError) as caught:
        read_connections([path])
    assert f"{path}:{line} has the key {key!r} twice in one object" in caught.value.fact
