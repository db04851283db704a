"""What a local sync reads of each stream: what is configured and what is offered, put together."""

import difflib
import shlex
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from toolkit.errors import ConnectorError
from toolkit.integrations.airbyte.columns import Field, properties_of
from toolkit.integrations.airbyte.local.mappers import check_mapped_key, check_mappers
from toolkit.integrations.airbyte.mapping import Filter, Mapped, map_fields
from toolkit.integrations.airbyte.model import Connection, StreamConfiguration
from toolkit.integrations.airbyte.source.protocol import (
    Catalog,
    CatalogStream,
    ReadMode,
    descriptor,
)


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """One stream as it will be read.

    Attributes:
        connection: its name.
        selected: schema of each field that the source is asked for.
        primary_key / cursor: columns, after the mappers.
    """

    connection: str
    stream: StreamConfiguration
    offered: CatalogStream
    selected: Mapping[str, Any]
    mapped: Mapped
    primary_key: tuple[str, ...]
    cursor: str | None
    read_mode: ReadMode

    @property
    def fields(self) -> tuple[Field, ...]:
        """What lands."""
        return self.mapped.fields

    @property
    def filters(self) -> tuple[Filter, ...]:
        """What must be true for a row to land."""
        return self.mapped.filters

    @property
    def json_schema(self) -> Mapping[str, Any]:
        """The schema that the rows are typed by."""
        return self.stream.json_schema or self.offered.json_schema


def plan_stream(connection: Connection, catalog: Catalog, stream: StreamConfiguration) -> Plan:
    """Bring what is configured and what is offered together.

    Raises:
        ConnectorError: the source does not offer the stream, field or mode; names the nearest.
    """
    where = f"{connection.path}:{stream.line}" if stream.line else str(connection.path)
    offered = catalog.find(stream)
    if offered is None:
        names = [item.name for item in catalog.streams]
        fact = f"{where}: the source offers no stream {stream.name!r}"
        raise _mismatch(fact, stream.name, names, connection)
    schema = stream.json_schema or offered.json_schema
    properties = properties_of(schema)
    for field in stream.selected_fields:
        if field not in properties:
            fact = f"{where}: stream {stream.name!r} has no field {field!r} to select"
            raise _mismatch(fact, field, properties, connection)
    primary = stream.primary_key or tuple(map(tuple, offered.source_defined_primary_key or ()))
    cursor = (
        tuple(offered.default_cursor_field or ())
        if offered.source_defined_cursor or not stream.cursor_field
        else stream.cursor_field
    )
    if stream.incremental and "incremental" not in offered.supported_sync_modes:
        raise ConnectorError(
            f"{where}: stream {stream.name!r} is configured as {stream.sync_mode}, but the source "
            "can give it as a full refresh only.",
            "Nothing was read.",
            f"Use sync_mode: full_refresh_overwrite. {see_drift(connection.name)}",
        )
    selected = stream.selected(properties, primary, cursor)
    mapped = map_fields(selected, stream.mappers)
    check_mappers(mapped, connection, stream)
    if stream.deduplicates:
        _check_key(primary, selected, stream, where, connection)
        check_mapped_key(primary, cursor, mapped, stream, where)
    columns = {field.origin: field.column for field in mapped.fields}
    return Plan(
        connection=connection.name,
        stream=stream,
        offered=offered,
        selected=selected,
        mapped=mapped,
        primary_key=tuple(
            columns[path[0]] for path in primary if len(path) == 1 and path[0] in columns
        ),
        cursor=columns.get(cursor[0]) if len(cursor) == 1 else None,
        read_mode="incremental" if stream.incremental else "full_refresh",
    )


def _check_key(
    primary: Iterable[tuple[str, ...]],
    columns: Mapping[str, str],
    stream: StreamConfiguration,
    where: str,
    connection: Connection,
) -> None:
    paths = list(primary)
    if not paths:
        raise ConnectorError(
            f"{where}: stream {stream.name!r} is configured as {stream.sync_mode}, but neither the "
            "configuration nor the source gives it a primary key.",
            "Rows that are the same could not be told, so nothing was read.",
            "Add one, such as primary_key: [[id]].",
        )
    for path in paths:
        if len(path) != 1 or path[0] not in columns:
            name = ".".join(path)
            fact = f"{where}: stream {stream.name!r} has no top-level field {name!r} for its key"
            raise _mismatch(fact, name, columns, connection)


def configured_catalog(
    plans: Iterable[Plan], generations: Mapping[int, int], fresh: frozenset[int], sync_id: int
) -> dict[str, Any]:
    """The protocol's ``ConfiguredAirbyteCatalog``.

    Args:
        generations: generation id by index of the plan.
        fresh: indexes of the plans that are read from the beginning.
        sync_id: number of this sync.
    """
    return {
        "streams": [
            {
                "stream": {
                    **descriptor(plan.offered.name, plan.offered.namespace),
                    "json_schema": _selected(plan),
                    "supported_sync_modes": plan.offered.supported_sync_modes,
                    "source_defined_cursor": plan.offered.source_defined_cursor,
                    "default_cursor_field": plan.offered.default_cursor_field or [],
                    "source_defined_primary_key": plan.offered.source_defined_primary_key or [],
                    "is_resumable": plan.offered.is_resumable,
                },
                "sync_mode": plan.read_mode,
                "destination_sync_mode": _destination_mode(plan.stream),
                "cursor_field": list(plan.stream.cursor_field)
                or plan.offered.default_cursor_field
                or [],
                "primary_key": [list(path) for path in plan.stream.primary_key]
                or plan.offered.source_defined_primary_key
                or [],
                "generation_id": generations[index],
                "minimum_generation_id": generations[index] if index in fresh else 0,
                "sync_id": sync_id,
            }
            for index, plan in enumerate(plans)
        ]
    }


def _selected(plan: Plan) -> Mapping[str, Any]:
    if not plan.stream.selected_fields:
        return plan.json_schema
    return {**plan.json_schema, "properties": plan.selected}


def _destination_mode(stream: StreamConfiguration) -> str:
    if stream.sync_mode == "full_refresh_overwrite":
        return "overwrite"
    return "append_dedup" if stream.deduplicates else "append"


def see_drift(connection: str) -> str:
    """What to do first where a source is not what it was."""
    name = shlex.quote(connection)
    return f"Run `toolkit connectors diff {name}` to see what this breaks downstream."


def _mismatch(fact: str, name: str, known: Iterable[str], connection: Connection) -> ConnectorError:
    names = sorted(known)
    near = difflib.get_close_matches(name, names, 1, 0.5)
    hint = f"Did you mean {near[0]!r}? " if near else ""
    listed = ", ".join(names[:20]) + (", ..." if len(names) > 20 else "")
    there = f"{hint}There are: {listed or 'none'}."
    return ConnectorError(f"{fact}.", "Nothing was read.", f"{there} {see_drift(connection.name)}")
