"""dbt's manifest.json, read as little as possible and as tolerantly as is honest.

Schema versions 10 to 12 (dbt 1.6 to 1.11, and dbt 2): fields that we do not read are
skipped by the decoder, fields that a version lacks have defaults. Typed msgspec is 3.4
to 3.9 times faster than parsing into dictionaries on manifests of 7 to 86 MB.
"""

import gzip
import re
import zlib
from pathlib import Path
from typing import Any

import msgspec

from toolkit.errors import ArtifactError

OLDEST, NEWEST = 10, 12

# what msgspec raises for bytes that are no JSON; ValidationError, JSON of another shape, is
# one of the first kind and must be caught before
NOT_JSON = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)


class DependsOn(msgspec.Struct):
    """What a node reads, and the macros that it calls."""

    nodes: list[str] = []
    macros: list[str] = []


class NodeColumn(msgspec.Struct):
    """A column as the yml files declare it."""

    name: str
    description: str | None = ""
    data_type: str | None = None
    tags: list[str] | str = []
    meta: dict[str, Any] = {}


class TestMetadata(msgspec.Struct):
    """Which generic test a data test is made of."""

    name: str
    namespace: str | None = None


class Owner(msgspec.Struct):
    """Owner of a group or exposure."""

    name: str | list[str] | None = None
    email: str | list[str] | None = None


class Node(msgspec.Struct):
    """Anything with a ``unique_id``: one shape for all, as most fields are shared."""

    unique_id: str
    name: str
    resource_type: str
    package_name: str = ""
    path: str | None = None
    original_file_path: str | None = None
    patch_path: str | None = None
    fqn: list[str] = []
    database: str | None = None
    schema: str | None = None
    alias: str | None = None
    identifier: str | None = None
    source_name: str | None = None
    relation_name: str | None = None
    depends_on: DependsOn | None = None
    description: str | None = ""
    columns: dict[str, NodeColumn] = {}
    tags: list[str] | str = []
    meta: dict[str, Any] | None = None
    config: dict[str, Any] = {}
    unrendered_config: dict[str, Any] = {}
    group: str | None = None
    access: str | None = None
    version: str | float | None = None
    latest_version: str | float | None = None
    deprecation_date: str | None = None
    language: str | None = None
    raw_code: str | None = None
    compiled_code: str | None = None
    checksum: dict[str, Any] | str | None = None
    contract: dict[str, Any] | None = None
    column_name: str | None = None
    attached_node: str | None = None
    test_metadata: TestMetadata | None = None
    type: Any = None
    owner: Owner | None = None
    url: str | None = None
    label: str | None = None
    maturity: str | None = None
    model: str | None = None
    freshness: Any = None
    loaded_at_field: str | None = None
    external: Any = None
    quoting: Any = None
    type_params: Any = None


class Macro(msgspec.Struct):
    """A macro's text, for noticing that it changed."""

    unique_id: str
    macro_sql: str = ""
    depends_on: DependsOn | None = None


class Group(msgspec.Struct):
    """A dbt group and who owns it."""

    name: str
    owner: Owner | None = None


class Metadata(msgspec.Struct):
    """Who wrote the manifest, for which project and adapter."""

    dbt_schema_version: str = ""
    dbt_version: str | None = None
    generated_at: str | None = None
    project_name: str | None = None
    adapter_type: str | None = None


class Manifest(msgspec.Struct):
    """The parts of manifest.json that we read."""

    metadata: Metadata
    nodes: dict[str, Node] = {}
    sources: dict[str, Node] = {}
    macros: dict[str, Macro] = {}
    exposures: dict[str, Node] = {}
    metrics: dict[str, Node] = {}
    groups: dict[str, Group] = {}
    semantic_models: dict[str, Node] = {}
    saved_queries: dict[str, Node] = {}
    unit_tests: dict[str, Node] = {}
    functions: dict[str, Node] = {}


class _Head(msgspec.Struct):
    metadata: Metadata


def read_manifest(path: Path) -> Manifest:
    """Read a manifest.json (or .json.gz).

    Raises:
        ArtifactError: it is missing, not JSON, cut short, of a version that we do not know, or
            has an element that is not what dbt writes; the element is named.
    """
    data = read_json_bytes(path, "manifest")
    try:
        head = msgspec.json.decode(data, type=_Head)
    except msgspec.ValidationError as error:
        raise ArtifactError(
            f"{path} is not a dbt manifest: {error}.",
            "Without a manifest there is no graph, so nothing was done.",
            "Give the manifest.json that dbt writes into its target folder.",
        ) from error
    except NOT_JSON as error:
        raise not_json(path, error) from error
    _check_version(path, head.metadata)
    try:
        return msgspec.json.decode(data, type=Manifest)
    except msgspec.ValidationError as error:
        raise ArtifactError(
            f"{path}: {_bad_element(data) or error}.",
            "The manifest cannot be trusted, so nothing was done.",
            "Run `dbt parse` to write it anew.",
        ) from error
    except NOT_JSON as error:  # the head's reader had skipped over it
        raise not_json(path, error) from error


def read_json_bytes(path: Path, what: str) -> bytes:
    """The bytes of a JSON artifact, unzipped where its name ends in ``.gz``.

    Raises:
        ArtifactError: it cannot be read.
    """
    try:
        data = path.read_bytes()
        return gzip.decompress(data) if path.suffix == ".gz" else data
    except (OSError, EOFError, zlib.error) as error:
        raise ArtifactError(
            f"The {what} {path} cannot be read: {error}.",
            "Nothing was done.",
            "Check the path, or run `dbt parse` to write the artifacts.",
        ) from error


def not_json(path: Path, error: Exception) -> ArtifactError:
    """The error for a file that is cut short or no JSON at all."""
    return ArtifactError(
        f"{path} is not complete JSON: {error}.",
        "It was cut short or is something else, so nothing was done.",
        "Run `dbt parse` to write it anew (a killed dbt can leave half a file).",
    )


def _check_version(path: Path, metadata: Metadata) -> None:
    found = re.search(r"/manifest/v(\d{1,9})", metadata.dbt_schema_version)
    if found is None:
        raise ArtifactError(
            f"{path} does not say that it is a dbt manifest "
            f"(metadata.dbt_schema_version is {metadata.dbt_schema_version!r}).",
            "Nothing was done.",
            "Give the manifest.json that dbt writes into its target folder.",
        )
    version = int(found[1])
    if not OLDEST <= version <= NEWEST:
        raise ArtifactError(
            f"{path} is a manifest of version {version} "
            f"(dbt {metadata.dbt_version or 'unknown'}); versions {OLDEST} to {NEWEST} are known.",
            "Reading it could silently miss things, so nothing was done.",
            "Upgrade the toolkit." if version > NEWEST else "Parse the project with dbt >= 1.6.",
        )


def _bad_element(data: bytes) -> str | None:
    """Find the first element that does not fit: msgspec names the place but not the key."""
    try:
        whole = msgspec.json.decode(data)
    except NOT_JSON:
        return None
    for field in msgspec.structs.fields(Manifest):
        section = whole.get(field.name)
        if not isinstance(section, dict) or field.name == "metadata":
            continue
        kind = {"macros": Macro, "groups": Group}.get(field.name, Node)
        for key, value in section.items():
            try:
                msgspec.convert(value, kind)
            except msgspec.ValidationError as error:
                return f"{field.name}.{key}: {error}"
    return None
