"""Connection files that cannot be read: each mistake with its three parts."""

import json
import os
from typing import Any

import pytest

from toolkit.errors import ArtifactError
from toolkit.integrations.airbyte.readers import read_connections

LOST = "The connections in this file are not known, so nothing was done."
REFUSED = "The connection cannot be read, so nothing was done."
MEND = "Correct the file."
EXPORT = "Export it again, or correct it."
OCTAVIA = "Correct it, or export it again with `octavia import`."
GOOD = """\
name: shop
source: {package: airbyte-source-faker, version: 7.2.1}
destination: {schema: raw}
streams: [{name: users}]
"""
RESOURCE = "resource_name: c\ndefinition_type: connection\n"
STREAM = {"stream": {"name": "users"}, "config": {}}


def deep(levels: int) -> str:
    return "[" * levels + "]" * levels


def offers(*parts: Any) -> str:
    """A connection of the configuration API with such a catalog."""
    catalog = {"streams": list(parts)} if parts else {"streams": {}}
    return json.dumps({"connectionId": "c", "name": "shop", "sourceId": "s",
                       "destinationId": "d", "syncCatalog": catalog})  # fmt: skip


# file, what is in it; fact, consequence, next step
MISTAKES: dict[str, tuple[str, str | bytes, str, str, str]] = {
    "not UTF-8": (
        "a.yml", b"name: \xff\n",
        "{} cannot be read: 'utf-8' codec can't decode byte 0xff in position 6: "
        "invalid start byte.",
        "The connections in it are not known, so nothing was done.",
        "Correct the file or its permissions.",
    ),
    "deep YAML": ("a.yml", "name: " + deep(400), "{}:1 is nested too deeply.", LOST, MEND),
    "deep JSON": ("a.json", deep(400), "{} is nested too deeply.", LOST, MEND),
    "aliases of aliases": (
        "a.yml",
        "a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n"
        + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 8)),
        "{} becomes unreasonably large where its aliases stand.", LOST, MEND,
    ),
    "an alias of itself": (
        "a.yml", "name: &a [*a]\n", "{}:1 has an alias that contains itself.", LOST, MEND,
    ),
    "a merge of a text": (
        "a.yml", GOOD + "<<: text\n", "{}:5 merges (<<) what is no mapping.", LOST, MEND,
    ),
    "a list for a key": (
        "a.yml", GOOD + "? [a]\n: b\n", "{}:5 has a key that is no plain text.", LOST, MEND,
    ),
    "half a character": (
        "a.json", '{"name": "\\ud800"}',
        "{} has text with half a character (a lone surrogate).", LOST, MEND,
    ),
    "a NUL in a package's name": (
        "a.yml", GOOD.replace("airbyte-source-faker", '"a\\0b"'),
        "{}:2: `source.package` has a NUL in it.", REFUSED, "Correct the name.",
    ),
    "no time at all": (
        "a.yml", GOOD + "timeout: 0\n",
        "{}:5: `timeout` must be more than 0 seconds.", REFUSED, "Correct the number.",
    ),
    "a namespace without its format": (
        "a.yml", GOOD + "namespace_definition: custom_format\n",
        "{}:5: `namespace_definition: custom_format` needs a `namespace_format`.", REFUSED,
        'Add one, such as namespace_format: "${SOURCE_NAMESPACE}".',
    ),
    "streams that are no list": (
        "a.json", offers(), "{}: syncCatalog.streams is no list of streams.", LOST, EXPORT,
    ),
    "a stream without its stream": (
        "a.json", offers({"config": {}}), "{}: syncCatalog.streams[0] has no `stream`.",
        LOST, EXPORT,
    ),
    "a stream whose configuration is a text": (
        "a.json", offers(STREAM, STREAM | {"config": {"selected": "yes"}}),
        "{}: syncCatalog.streams[1].config.selected is not the configuration of a stream: Expected "
        "`bool | null`, got `str`.", LOST, EXPORT,
    ),
    "Octavia without a configuration": (
        "configuration.yaml", RESOURCE,
        "{}: the connection 'c' has no `configuration`.",
        "Its streams are not known, so nothing was done.", OCTAVIA,
    ),
    "Octavia with a broken configuration": (
        "configuration.yaml", RESOURCE + "configuration: {prefix: [1]}\n",
        "{}: configuration.prefix is not the configuration of a connection: Expected `str | null`, "
        "got `array`.", LOST, OCTAVIA,
    ),
    "a reply of GET /streams": (
        "a.json", json.dumps([{"streamName": 7, "propertyFields": []}]),
        "{}: [0].streamName is not a stream as GET /streams gives it: Expected `str`, got `int`.",
        LOST, "Export it again with GET /v1/streams?sourceId=...",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", MISTAKES)
def test_a_connection_file(case: str, write: Any, refused: Any) -> None:
    name, text, fact, *rest = MISTAKES[case]
    folder = write({f"connections/{name}": text})
    with refused(ArtifactError, fact.format(f"HERE/connections/{name}"), *rest):
        read_connections([folder / "connections" / name])


def test_octavia_names_a_destination_as_its_source(write: Any, refused: Any) -> None:
    folder = write({
        "o/destinations/d/configuration.yaml": "resource_name: d\ndefinition_type: destination\n",
        "o/connections/c/configuration.yaml": RESOURCE
        + "source_configuration_path: destinations/d/configuration.yaml\n"
        + "configuration: {sync_catalog: {streams: []}}\n",
    })  # fmt: skip
    with refused(
        ArtifactError,
        "HERE/o/connections/c/configuration.yaml names destinations/d/configuration.yaml as its "
        "source, which is a destination.",
        "Where its streams come from and go to is not known, so nothing was done.",
        "Correct the path.",
    ):
        read_connections([folder / "o"])


def test_a_file_larger_than_any_connection(write: Any, refused: Any) -> None:
    path = write({"a.yml": ""}) / "a.yml"
    os.truncate(path, 2**26 + 1)
    with refused(
        ArtifactError,
        "HERE/a.yml is larger than 64 MB.",
        "That is no connection file, so nothing was read.",
        "Remove it from `connections:` in toolkit.yml.",
    ):
        read_connections([path])


def test_half_a_character_in_terraform(write: Any, refused: Any) -> None:
    folder = write({
        "tf/main.tf": 'resource "airbyte_connection" "a" {\n  name = "sh\\ud800op"\n'
        '  configurations = { streams = [{ name = "users" }] }\n}\n'
    })  # fmt: skip
    with refused(
        ArtifactError,
        "HERE/tf/main.tf: a name in connection 'sh\\ud800op' has half a character (a lone "
        "surrogate).",
        "It cannot be written down, so nothing was done.",
        "Correct the name.",
    ):
        read_connections([folder / "tf"])
