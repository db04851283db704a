"""Configured streams with their schemas: ``syncCatalog`` and ConfiguredAirbyteCatalog.

Both spellings of keys occur within one file (older and newer Octavia), so both are read.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import msgspec

from toolkit.errors import ArtifactError
from toolkit.integrations.airbyte.mappers import Hashing, Mapper, read_mapper
from toolkit.integrations.airbyte.model import Offered, StreamConfiguration
from toolkit.integrations.airbyte.readers.shape import Element, convert, snake_keys

_AGAIN = "Export it again, or correct it."

# (how the source is read, how the destination writes) -> the public API's word for both.
_MODES = {
    ("full_refresh", "overwrite"): "full_refresh_overwrite",
    ("full_refresh", "append"): "full_refresh_append",
    ("full_refresh", "append_dedup"): "full_refresh_overwrite_deduped",
    ("full_refresh", "overwrite_dedup"): "full_refresh_overwrite_deduped",
    ("incremental", "append"): "incremental_append",
    ("incremental", "append_dedup"): "incremental_deduped_history",
}


class _Field(msgspec.Struct, rename={"path": "fieldPath", "snake": "field_path"}):
    path: list[str] | None = None
    snake: list[str] | None = None


class _Stream(msgspec.Struct):
    """A stream as the source offers it."""

    name: str
    namespace: str | None = None
    json_schema: dict[str, Any] | None = None
    supported_sync_modes: list[str] | None = None
    default_cursor_field: list[str] | None = None
    source_defined_primary_key: list[list[str]] | None = None


class _Config(msgspec.Struct):
    """What is to be done with it."""

    selected: bool | None = None
    sync_mode: str | None = None
    destination_sync_mode: str | None = None
    cursor_field: list[str] | None = None
    primary_key: list[list[str]] | None = None
    field_selection_enabled: bool | None = None
    selected_fields: list[_Field] | None = None
    hashed_fields: list[_Field] | None = None
    mappers: list[Any] | None = None


def read_catalog(
    catalog: Element, line_of: Callable[[int], int | None] = lambda index: None
) -> tuple[StreamConfiguration, ...]:
    """All streams of a catalog that are selected.

    Args:
        catalog: ``{"streams": [{"stream": {...}, "config": {...}}]}``; without ``config`` its
            keys stand beside ``stream`` (ConfiguredAirbyteCatalog).
        line_of: the line of a stream by its index, where lines are known.

    Raises:
        ArtifactError: with the file and the path of keys.
    """
    listed = catalog.inner("streams")
    if listed is None:
        return ()
    if not isinstance(listed.value, list):
        raise _wrong(listed, "is no list of streams")
    return tuple(
        stream
        for index, entry in enumerate(listed.items())
        for stream in _selected(entry, line_of(index))
    )


def sync_mode(source: str | None, destination: str | None) -> str:
    """The public API's word for two of the configuration API; a new pair is joined as it is."""
    pair = (source or "full_refresh", destination or "overwrite")
    return _MODES.get(pair, "_".join(pair))


def paths(keys: Iterable[Sequence[str]] | None) -> tuple[tuple[str, ...], ...]:
    """Paths of fields, without empty ones."""
    return tuple(tuple(key) for key in keys or () if key)


def top_level(fields: Iterable[Sequence[str]]) -> tuple[str, ...]:
    """First parts of paths: only top-level fields become columns."""
    return tuple(dict.fromkeys(path[0] for path in fields if path))


def _selected(entry: Element, line: int | None) -> Iterator[StreamConfiguration]:
    inner = entry.inner("stream")
    if inner is None:
        raise _wrong(entry, "has no `stream`")
    stream = convert(snake_keys(inner), _Stream, "a stream of a catalog", _AGAIN)
    beside = entry.inner("config") or entry
    config = convert(snake_keys(beside), _Config, "the configuration of a stream", _AGAIN)
    if config.selected is False:
        return
    chosen = (config.selected_fields or []) if config.field_selection_enabled is not False else []
    schema = (
        stream.json_schema if stream.json_schema and "properties" in stream.json_schema else None
    )
    yield StreamConfiguration(
        name=stream.name,
        namespace=stream.namespace or None,
        sync_mode=sync_mode(config.sync_mode, config.destination_sync_mode),
        primary_key=paths(config.primary_key),
        cursor_field=tuple(config.cursor_field or ()),
        selected_fields=top_level(_path(field) for field in chosen),
        mappers=tuple(_mappers(config)),
        json_schema=schema,
        line=line,
        offered=Offered(
            primary_key=paths(stream.source_defined_primary_key),
            cursor_field=tuple(stream.default_cursor_field or ()),
            sync_modes=tuple(stream.supported_sync_modes or ()),
        ),
    )


def _mappers(config: _Config) -> Iterator[Mapper]:
    if config.mappers:
        yield from (read_mapper(mapper) for mapper in config.mappers)
        return
    for field in config.hashed_fields or []:
        # What hashing was before there were mappers; the platform reads it as this one.
        for name in _path(field)[:1]:
            yield Hashing(target_field=name, method="SHA-256", field_name_suffix="_hashed")


def _path(field: _Field) -> list[str]:
    return field.path or field.snake or []


def _wrong(element: Element, what: str) -> ArtifactError:
    return ArtifactError(
        f"{element.path}: {element.at or 'the document'} {what}.",
        "The connections in this file are not known, so nothing was done.",
        _AGAIN,
    )
