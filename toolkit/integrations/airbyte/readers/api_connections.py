"""One connection of Airbyte's APIs -> the one connection model."""

from collections.abc import Mapping
from typing import Any, ClassVar, get_args

import msgspec

from toolkit.integrations.airbyte.mappers import read_mapper
from toolkit.integrations.airbyte.model import (
    Connection,
    Destination,
    NamespaceDefinition,
    SchemaUpdates,
    Source,
    StreamConfiguration,
)
from toolkit.integrations.airbyte.readers.destinations import destination_of, source_type
from toolkit.integrations.airbyte.readers.shape import Element
from toolkit.integrations.airbyte.readers.synccatalog import paths, read_catalog, top_level

PUBLIC = "Airbyte public API JSON"
CONFIG = "Airbyte configuration API JSON"

DEFINITIONS: Mapping[str, NamespaceDefinition] = {
    "destination": "destination",
    "source": "source",
    "custom_format": "custom_format",
    "customformat": "custom_format",
}


class SelectedField(msgspec.Struct, rename="camel"):
    """A field that is kept."""

    field_path: list[str] = []


class Stream(msgspec.Struct, rename="camel"):
    """One of the public API's ``configurations.streams``."""

    name: str
    namespace: str | None = None
    sync_mode: str | None = None
    cursor_field: list[str] | None = None
    primary_key: list[list[str]] | None = None
    selected_fields: list[SelectedField] | None = None
    mappers: list[Any] | None = None


class Streams(msgspec.Struct):
    """The public API's ``configurations``."""

    streams: list[Stream] | None = None


class ApiConnection(msgspec.Struct, rename="camel"):
    """A connection of the public or of the configuration API."""

    connection_id: str
    name: str
    source_id: str | None = None
    destination_id: str | None = None
    status: str | None = None
    schedule: dict[str, Any] | None = None
    schedule_type: str | None = None
    schedule_data: dict[str, Any] | None = None
    namespace_definition: str | None = None
    namespace_format: str | None = None
    prefix: str | None = None
    non_breaking_schema_updates_behavior: str | None = None
    non_breaking_changes_preference: str | None = None
    configurations: Streams | None = None
    sync_catalog: dict[str, Any] | None = None
    tags: list[Any] | None = None


class ApiSource(msgspec.Struct, rename="camel"):
    """What we read of a source. Its configuration is not even looked at."""

    kind: ClassVar[str] = "source"

    source_id: str
    name: str | None = None
    source_type: str | None = None
    source_name: str | None = None

    @property
    def id(self) -> str:
        """Its id."""
        return self.source_id


class ApiDestination(msgspec.Struct, rename="camel"):
    """What we read of a destination."""

    kind: ClassVar[str] = "destination"

    destination_id: str
    name: str | None = None
    destination_type: str | None = None
    destination_name: str | None = None
    configuration: Any = None
    connection_configuration: Any = None

    def __post_init__(self) -> None:
        """Keep of the configuration only what says where tables land."""
        configuration = self.configuration or self.connection_configuration
        self.configuration = destination_of(
            configuration,
            type=self.destination_type or self.destination_name,
            name=self.name,
            destination_id=self.destination_id,
        )
        self.connection_configuration = None

    @property
    def id(self) -> str:
        """Its id."""
        return self.destination_id


def read_connection(
    element: Element,
    parsed: ApiConnection,
    source: ApiSource | None,
    destination: ApiDestination | None,
) -> Connection:
    """A connection of either API; the configuration API's has a ``syncCatalog``.

    Raises:
        ArtifactError: a stream of the catalog is broken.
    """
    catalog = element.inner("syncCatalog")
    schedule = parsed.schedule or {}
    if catalog is not None:
        streams = read_catalog(catalog)
        pair = {"scheduleType": parsed.schedule_type, "scheduleData": parsed.schedule_data}
        schedule = {key: value for key, value in pair.items() if value} or schedule
    else:
        listed = (parsed.configurations.streams if parsed.configurations else None) or []
        streams = tuple(_stream(stream) for stream in listed)
    tags = [tag.get("name") if isinstance(tag, dict) else tag for tag in parsed.tags or []]
    return Connection(
        name=parsed.name if parsed.name.strip() else parsed.connection_id,
        connection_id=parsed.connection_id,
        source=Source(
            source_id=parsed.source_id,
            name=source.name if source else None,
            type=(source.source_type or source_type(source.source_name)) if source else None,
        ),
        destination=(
            destination.configuration
            if destination is not None
            # `destinations` in toolkit.yml can say by this name what no file says.
            else Destination(name=parsed.destination_id, destination_id=parsed.destination_id)
        ),
        streams=streams,
        path=element.path,
        format=PUBLIC if catalog is None else CONFIG,
        enabled=(parsed.status or "active") == "active",
        namespace_definition=DEFINITIONS.get(parsed.namespace_definition or "", "destination"),
        namespace_format=parsed.namespace_format,
        prefix=parsed.prefix or "",
        tags=tuple(str(tag) for tag in tags if tag),
        schedule=schedule,
        schema_updates=schema_updates(
            parsed.non_breaking_schema_updates_behavior or parsed.non_breaking_changes_preference
        ),
    )


def schema_updates(value: str | None) -> SchemaUpdates:
    """What becomes of schema changes; the API's default is to ignore them."""
    if value == "disable":
        # The configuration API's word.
        return "disable_connection"
    known: tuple[SchemaUpdates, ...] = get_args(SchemaUpdates)
    return next((word for word in known if word == value), "ignore")


def _stream(stream: Stream) -> StreamConfiguration:
    return StreamConfiguration(
        name=stream.name,
        namespace=stream.namespace or None,
        sync_mode=stream.sync_mode or "full_refresh_overwrite",
        primary_key=paths(stream.primary_key),
        cursor_field=tuple(stream.cursor_field or []),
        selected_fields=top_level(field.field_path for field in stream.selected_fields or []),
        mappers=tuple(read_mapper(mapper) for mapper in stream.mappers or []),
    )
