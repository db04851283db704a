"""Airbyte's public API v1, as JSON files: connections with sources and destinations beside.

Read tolerantly: unknown fields, unknown enum values and missing tags are what real servers
send and what the official SDK refuses.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from toolkit.errors import ArtifactError, Problem
from toolkit.integrations.airbyte.mappers import read_mapper
from toolkit.integrations.airbyte.model import (
    Connection,
    Destination,
    NamespaceDefinition,
    Source,
    StreamConfiguration,
)
from toolkit.integrations.airbyte.readers.base import Read, SourceFile
from toolkit.integrations.airbyte.yamltext import Json


class _SelectedField(msgspec.Struct, rename="camel"):
    field_path: list[str] = []


class _Stream(msgspec.Struct, rename="camel"):
    name: str
    namespace: str | None = None
    sync_mode: str | None = None
    cursor_field: list[str] | None = None
    primary_key: list[list[str]] | None = None
    selected_fields: list[_SelectedField] | None = None
    mappers: list[Any] | None = None


class _Streams(msgspec.Struct):
    streams: list[_Stream] | None = None


class _Connection(msgspec.Struct, rename="camel"):
    connection_id: str
    name: str
    source_id: str | None = None
    destination_id: str | None = None
    status: str = "active"
    schedule: dict[str, Any] | None = None
    namespace_definition: str | None = None
    namespace_format: str | None = None
    prefix: str | None = None
    configurations: _Streams | None = None
    tags: list[Any] | None = None


class _Source(msgspec.Struct, rename="camel"):
    source_id: str
    name: str | None = None
    source_type: str | None = None


class _Destination(msgspec.Struct, rename="camel"):
    destination_id: str
    name: str | None = None
    destination_type: str | None = None
    configuration: dict[str, Any] | None = None


_T = TypeVar("_T")

_DEFINITIONS: dict[str, NamespaceDefinition] = {
    "destination": "destination",
    "source": "source",
    "custom_format": "custom_format",
    "customformat": "custom_format",
}

# The keys that hold the default database and schema, in the destinations' own words.
_DATABASE_KEYS = ("database", "project_id", "catalog")
_SCHEMA_KEYS = ("schema", "dataset_id", "default_schema")


class ApiReader:
    """Reads replies of ``GET /connections``, ``/sources`` and ``/destinations``."""

    name = "Airbyte public API JSON"
    suffixes = frozenset({".json"})

    def recognises(self, file: SourceFile) -> bool:
        """Objects with the ids that the public API gives."""
        items = _items(file.document)
        return bool(items) and all(
            isinstance(item, dict) and ({"connectionId", "sourceId", "destinationId"} & item.keys())
            for item in items
        )

    def read(self, files: Sequence[SourceFile]) -> Read:
        """Join connections to the sources and destinations that stand in the same folder.

        Raises:
            ArtifactError: an object that lacks what it cannot do without.
        """
        sources: dict[str, _Source] = {}
        destinations: dict[str, _Destination] = {}
        connections: list[tuple[SourceFile, _Connection]] = []
        for file in files:
            for index, item in enumerate(_items(file.document)):
                if "connectionId" in item:
                    connections.append((file, _convert(item, _Connection, file, index)))
                elif "destinationId" in item:
                    destination = _convert(item, _Destination, file, index)
                    destinations[destination.destination_id] = destination
                else:
                    source = _convert(item, _Source, file, index)
                    sources[source.source_id] = source
        read = Read()
        for file, parsed in connections:
            if parsed.status == "deprecated":
                continue
            target = destinations.get(parsed.destination_id or "")
            if target is None:
                read.problems.append(_no_destination(parsed, file))
            origin = sources.get(parsed.source_id or "")
            read.connections.append(_connection(parsed, origin, target, file))
        return read


def _items(document: Json) -> list[Any]:
    if isinstance(document, dict) and isinstance(document.get("data"), list):
        return list(document["data"])
    return document if isinstance(document, list) else [document]


def _convert(item: object, type_: type[_T], file: SourceFile, index: int) -> _T:
    try:
        return msgspec.convert(item, type_)
    except msgspec.ValidationError as error:
        raise ArtifactError(
            f"{file.path}: object {index + 1} is not what Airbyte's API gives: {error}.",
            "The connections in this file are not known, so nothing was done.",
            "Export it again with GET /v1/connections.",
        ) from error


def _connection(
    parsed: _Connection,
    source: _Source | None,
    destination: _Destination | None,
    file: SourceFile,
) -> Connection:
    definition = _DEFINITIONS.get(parsed.namespace_definition or "destination", "destination")
    streams = (parsed.configurations.streams if parsed.configurations else None) or []
    tags = [tag.get("name") if isinstance(tag, dict) else tag for tag in parsed.tags or []]
    return Connection(
        name=parsed.name,
        connection_id=parsed.connection_id,
        source=Source(
            source_id=parsed.source_id,
            name=source.name if source else None,
            type=source.source_type if source else None,
        ),
        destination=_destination(parsed.destination_id, destination),
        streams=tuple(_stream(stream) for stream in streams),
        path=file.path,
        format=ApiReader.name,
        enabled=parsed.status == "active",
        namespace_definition=definition,
        namespace_format=parsed.namespace_format,
        prefix=parsed.prefix or "",
        tags=tuple(str(tag) for tag in tags if tag),
        schedule=parsed.schedule or {},
    )


def _stream(stream: _Stream) -> StreamConfiguration:
    selected = (field.field_path for field in stream.selected_fields or [])
    return StreamConfiguration(
        name=stream.name,
        namespace=stream.namespace or None,
        sync_mode=stream.sync_mode or "full_refresh_overwrite",
        primary_key=tuple(tuple(part) for part in stream.primary_key or []),
        cursor_field=tuple(stream.cursor_field or []),
        selected_fields=tuple(dict.fromkeys(path[0] for path in selected if path)),
        mappers=tuple(read_mapper(mapper) for mapper in stream.mappers or []),
    )


def _destination(destination_id: str | None, destination: _Destination | None) -> Destination:
    if destination is None:
        return Destination(destination_id=destination_id)
    config: Mapping[str, Any] = destination.configuration or {}
    kind = destination.destination_type or config.get("destinationType")
    database = next((config[key] for key in _DATABASE_KEYS if config.get(key)), None)
    schema = next((config[key] for key in _SCHEMA_KEYS if config.get(key)), None)
    if kind == "mysql":
        # What MySQL calls a database is where others have a schema.
        database, schema = None, database
    if schema and ":" in str(schema):
        # BigQuery: "project:dataset".
        database, _, schema = str(schema).partition(":")
    return Destination(
        type=str(kind) if kind else None,
        name=destination.name,
        database=str(database) if database else None,
        schema=str(schema) if schema else None,
        destination_id=destination_id,
    )


def _no_destination(connection: _Connection, file: SourceFile) -> Problem:
    return Problem(
        asset=None,
        code="unknown-destination",
        message=f"Connection {connection.name!r} goes to destination "
        f"{connection.destination_id}, which no file beside {file.path.name} describes: the "
        "schema of its tables is not known. Save GET /v1/destinations beside it.",
        path=str(file.path),
    )
