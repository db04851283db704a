"""Octavia's workspaces: a folder for each source, destination and connection, as YAML.

A connection names the other two by their paths from the workspace's folder. Of a source
nothing is read but its type; of a destination only what says where tables land.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from toolkit.errors import ArtifactError
from toolkit.integrations.airbyte.model import Connection, Destination, Source
from toolkit.integrations.airbyte.readers.api_connections import DEFINITIONS, schema_updates
from toolkit.integrations.airbyte.readers.base import Read, SourceFile
from toolkit.integrations.airbyte.readers.destinations import destination_of, source_type
from toolkit.integrations.airbyte.readers.messages import unknown_values
from toolkit.integrations.airbyte.readers.shape import Element, convert, snake_keys
from toolkit.integrations.airbyte.readers.synccatalog import read_catalog
from toolkit.integrations.airbyte.yamltext import is_file

_AGAIN = "Correct it, or export it again with `octavia import`."
_MARKS = {"definition_type", "source_configuration_path", "destination_configuration_path"}
_STATE = {"resource_id", "generation_timestamp"}

# Octavia puts the environment in here; the namespace's placeholder is Airbyte's own.
_VARIABLE = re.compile(r"\$\{(?!SOURCE_NAMESPACE\})[^}]*\}")


class _Resource(msgspec.Struct):
    definition_type: str
    resource_name: str
    definition_image: str | None = None
    source_configuration_path: str | None = None
    destination_configuration_path: str | None = None
    source_id: str | None = None
    destination_id: str | None = None
    configuration: Any = None


class _Configuration(msgspec.Struct):
    status: str | None = None
    namespace_definition: str | None = None
    namespace_format: str | None = None
    prefix: str | None = None
    schedule: dict[str, Any] | None = None
    schedule_type: str | None = None
    schedule_data: dict[str, Any] | None = None
    non_breaking_changes_preference: str | None = None


class OctaviaReader:
    """Reads ``connections/*/configuration.yaml`` and what they name."""

    name = "Octavia YAML"
    suffixes = frozenset({".yml", ".yaml"})

    def recognises(self, file: SourceFile) -> bool:
        """A resource, its state, or the headers that the tool sends."""
        document = file.document
        if not isinstance(document, dict):
            return False
        keys = document.keys()
        return bool(_MARKS & keys) or keys >= _STATE or keys == {"headers"}

    def read(self, files: Sequence[SourceFile]) -> Read:
        """Read the connections of one folder; other resources are read where they are named.

        Raises:
            ArtifactError: with the file and the path of keys.
        """
        read = Read()
        states = (file.document for file in files if file.document.keys() >= _STATE)
        ids = {str(state["resource_id"]) for state in states}
        for file in files:
            if not _MARKS & file.document.keys():
                continue
            resource = _resource(file)
            if resource.definition_type != "connection":
                continue
            known = next(iter(ids)) if len(ids) == 1 else None
            _connection(file, resource, known, read)
        return read


def _resource(file: SourceFile) -> _Resource:
    return convert(Element(file.document, file.path), _Resource, "a resource of Octavia", _AGAIN)


def _connection(
    file: SourceFile, resource: _Resource, connection_id: str | None, read: Read
) -> None:
    inner = Element(file.document, file.path).inner("configuration")
    if inner is None or not isinstance(inner.value, dict):
        raise ArtifactError(
            f"{file.path}: the connection {resource.resource_name!r} has no `configuration`.",
            "Its streams are not known, so nothing was done.",
            _AGAIN,
        )
    spelled = snake_keys(inner)
    parsed = convert(spelled, _Configuration, "the configuration of a connection", _AGAIN)
    if parsed.status == "deprecated":
        return
    catalog = spelled.inner("sync_catalog")
    lines = file.located.lines
    key = "sync_catalog" if "sync_catalog" in inner.value else "syncCatalog"
    source = _named(file.path, resource.source_configuration_path, "source")
    target = _named(file.path, resource.destination_configuration_path, "destination")
    destination, unknown = _destination(resource, target)
    if _VARIABLE.search(parsed.prefix or ""):
        unknown["prefix"] = str(parsed.prefix)
    if _VARIABLE.search(parsed.namespace_format or ""):
        unknown["namespace"] = str(parsed.namespace_format)
    schedule = {
        "scheduleType": parsed.schedule_type,
        "scheduleData": parsed.schedule_data or parsed.schedule,
    }
    connection = Connection(
        name=resource.resource_name.strip() or file.path.parent.name,
        connection_id=connection_id,
        source=Source(
            source_id=resource.source_id,
            name=source.resource_name if source else None,
            type=source_type(source.definition_image) if source else None,
        ),
        destination=destination,
        streams=read_catalog(
            catalog, lambda index: lines.get(("configuration", key, "streams", index))
        )
        if catalog is not None
        else (),
        path=file.path,
        format=OctaviaReader.name,
        enabled=(parsed.status or "active") == "active",
        namespace_definition=DEFINITIONS.get(parsed.namespace_definition or "", "destination"),
        namespace_format=parsed.namespace_format,
        prefix=parsed.prefix or "",
        schedule={name: value for name, value in schedule.items() if value},
        schema_updates=schema_updates(parsed.non_breaking_changes_preference),
        unknown=unknown,
        line=lines.get(("resource_name",)),
    )
    read.connections.append(connection)
    read.problems += unknown_values(
        file.path, resource.resource_name, parsed.status, parsed.namespace_definition
    )


def _destination(
    connection: _Resource, resource: _Resource | None
) -> tuple[Destination, dict[str, str]]:
    """The destination, and what of it only the environment says."""
    if resource is None:
        path = connection.destination_configuration_path
        name = Path(path).parent.name if path else connection.destination_id
        return Destination(name=name, destination_id=connection.destination_id), {}
    found = destination_of(
        resource.configuration,
        type=resource.definition_image,
        name=resource.resource_name,
        destination_id=connection.destination_id,
    )
    unknown = {
        f"destination.{key}": value
        for key, value in (("schema", found.schema), ("database", found.database))
        if value is not None and _VARIABLE.search(value)
    }
    changes: Mapping[str, None] = {key.partition(".")[2]: None for key in unknown}
    return msgspec.structs.replace(found, **changes), unknown


def _named(path: Path, named: str | None, kind: str) -> _Resource | None:
    """The resource that a connection names, relative to the workspace; ``None`` if not there.

    The workspace is the nearest folder above the connection from which the path leads
    somewhere; a path that leads out of it leads nowhere.
    """
    if not named or Path(named).is_absolute() or ".." in Path(named).parts or "\0" in named:
        return None
    for folder in list(path.resolve().parents)[:5]:
        file = SourceFile(folder / named)
        if not is_file(file.path):
            continue
        resource = _resource(file)
        if resource.definition_type != kind:
            raise ArtifactError(
                f"{path} names {named} as its {kind}, which is a {resource.definition_type}.",
                "Where its streams come from and go to is not known, so nothing was done.",
                "Correct the path.",
            )
        return resource
    return None
