"""The one model of a connection that every configuration format is read into.

Field names are those of Airbyte's public API v1, in Python's spelling.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec

from toolkit.integrations.airbyte.mappers import Mapper
from toolkit.integrations.airbyte.yamltext import Lines, line_of

_T = TypeVar("_T")

SyncMode = Literal[
    "full_refresh_overwrite",
    "full_refresh_append",
    "full_refresh_overwrite_deduped",
    "incremental_append",
    "incremental_deduped_history",
]

NamespaceDefinition = Literal["destination", "source", "custom_format"]

# What to do when a source's fields change and none of them breaks the sync.
SchemaUpdates = Literal["ignore", "disable_connection", "propagate_columns", "propagate_fully"]


StreamName = tuple[str, str | None]
"""A stream's name and namespace, as its source calls it."""


def called(name: str, namespace: str | None) -> str:
    """A stream's name for people."""
    return f"{namespace}.{name}" if namespace else name


class Offered(msgspec.Struct, frozen=True, kw_only=True):
    """What a file says that the source offers of a stream, whether it is synced or not.

    A discovered catalog knows better; this is for where there is none.

    Attributes:
        json_schema: the stream's schema, where the file holds it.
        fields: top-level fields, where only their names are known.
        primary_key / cursor_field: the source's own.
        sync_modes: as the file spells them.
    """

    json_schema: Mapping[str, Any] | None = None
    fields: tuple[str, ...] = ()
    primary_key: tuple[tuple[str, ...], ...] = ()
    cursor_field: tuple[str, ...] = ()
    sync_modes: tuple[str, ...] = ()


class StreamConfiguration(msgspec.Struct, frozen=True, kw_only=True):
    """One stream that a connection syncs.

    Attributes:
        name / namespace: as the source calls it.
        sync_mode: a :data:`SyncMode`; a remote Airbyte may have others.
        primary_key: paths of the fields that identify a row; empty = the source's own.
        cursor_field: path of the field that says which row is newer; empty = the source's own.
        selected_fields: top-level fields to keep; empty = all. What the sync mode needs stays.
        mappers: Airbyte's own transformations, applied in this order.
        json_schema: the stream's schema, where the configuration holds it.
        offered: what a file beside it says of the stream at its source.
        line: where in the file it is configured.
    """

    name: str
    namespace: str | None = None
    sync_mode: str = "full_refresh_overwrite"
    primary_key: tuple[tuple[str, ...], ...] = ()
    cursor_field: tuple[str, ...] = ()
    selected_fields: tuple[str, ...] = ()
    mappers: tuple[Mapper, ...] = ()
    json_schema: Mapping[str, Any] | None = None
    offered: Offered | None = None
    description: str = ""
    line: int | None = None

    @property
    def key(self) -> StreamName:
        """What tells it from the other streams of its source."""
        return self.name, self.namespace

    def keeps(
        self, primary_key: Iterable[Sequence[str]] = (), cursor_field: Sequence[str] = ()
    ) -> frozenset[str]:
        """Top-level fields that are read; empty = all.

        Args:
            primary_key / cursor_field: the source's own, where it has one.
        """
        if not self.selected_fields:
            return frozenset()
        keys = (self.primary_key or primary_key) if self.deduplicates else ()
        ordered = self.incremental or self.deduplicates
        cursor = (self.cursor_field or cursor_field) if ordered else ()
        return frozenset({*self.selected_fields, *(path[0] for path in keys if path), *cursor[:1]})

    def selected(
        self,
        fields: Mapping[str, _T],
        primary_key: Iterable[Sequence[str]] = (),
        cursor_field: Sequence[str] = (),
    ) -> dict[str, _T]:
        """Of the fields that there are those that are read; see :meth:`keeps`."""
        keep = self.keeps(primary_key, cursor_field)
        return {name: value for name, value in fields.items() if not keep or name in keep}

    @property
    def incremental(self) -> bool:
        """Whether it goes on where the last sync stopped."""
        return self.sync_mode.startswith("incremental")

    @property
    def deduplicates(self) -> bool:
        """Whether one row is kept for each primary key."""
        return self.sync_mode.endswith(("deduped", "deduped_history"))


def find_stream(offered: Mapping[StreamName, _T], stream: StreamConfiguration) -> _T | None:
    """What is offered by the stream's name; without a namespace, any one that is alone."""
    if stream.key in offered:
        return offered[stream.key]
    named = [one for (name, _), one in offered.items() if name == stream.name]
    return named[0] if len(named) == 1 and stream.namespace is None else None


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """Where the rows come from.

    Attributes:
        package: the connector's distribution on PyPI, for a local run.
        image: its container image, for a local run where a container engine is.
        version: its exact version (the image's tag).
        manifest: a low-code source's file, absolute; runs on ``airbyte-cdk``.
        config: the connector's configuration, *not rendered*: ``env_var`` calls stand in it.
        name / source_id / type: as a remote Airbyte knows it.
    """

    package: str | None = None
    image: str | None = None
    version: str | None = None
    manifest: Path | None = None
    config: Mapping[str, Any] = {}
    name: str | None = None
    source_id: str | None = None
    type: str | None = None

    @property
    def local(self) -> bool:
        """Whether it can run as a process on this machine."""
        return any(way is not None for way in (self.package, self.manifest, self.image))


class Destination(msgspec.Struct, frozen=True, kw_only=True):
    """Where the rows land by default.

    Attributes:
        raw_only: it writes raw tables and no typed ones ("legacy raw tables").
        raw_schema: where its raw tables are, if that is not where its type has them.
    """

    type: str | None = None
    name: str | None = None
    database: str | None = None
    schema: str | None = None
    destination_id: str | None = None
    raw_only: bool = False
    raw_schema: str | None = None


class Connection(msgspec.Struct, frozen=True, kw_only=True):
    """One connection: a source, a destination and the streams between them.

    Attributes:
        path: the file it was read from, absolute.
        lines: 1-based line of each key in that file, by path of keys.
        timeout: seconds without a word from the connector before it counts as hung.
        schedule: as a remote Airbyte has it.
        schema_updates: the API's ``nonBreakingSchemaUpdatesBehavior``.
        unknown: what the configuration leaves open, and why: ``destination.schema``,
            ``destination.database``, ``namespace`` or ``prefix`` -> the expression that has no
            value here (``var.schema``). No default applies to these.
    """

    name: str
    source: Source
    destination: Destination
    streams: tuple[StreamConfiguration, ...]
    path: Path
    format: str
    connection_id: str | None = None
    enabled: bool = True
    namespace_definition: NamespaceDefinition = "destination"
    namespace_format: str | None = None
    prefix: str = ""
    owner: str | None = None
    tags: tuple[str, ...] = ()
    description: str = ""
    timeout: float = 600.0
    schedule: Mapping[str, Any] = {}
    schema_updates: SchemaUpdates = "propagate_columns"
    unknown: Mapping[str, str] = {}
    line: int | None = None
    lines: Lines = {}

    def where(self, *key: str | int) -> str:
        """``file:line`` of a key (or of the nearest thing round it that has a line)."""
        line = line_of(self.lines, key) or self.line
        return f"{self.path}:{line}" if line else str(self.path)

    def place_of(self, stream: StreamConfiguration) -> int:
        """The stream's place in the list."""
        return next(i for i, other in enumerate(self.streams) if other is stream)
