"""Attributes of ``airbyte_connection`` and its neighbours -> the one connection model.

The attributes are evaluated HCL or a state's: the same names, and in HCL perhaps unknown values.
"""

import contextlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, get_args

import msgspec

from toolkit.integrations.airbyte.mappers import Mapper, Unreadable, read_mapper
from toolkit.integrations.airbyte.model import (
    Connection,
    Destination,
    NamespaceDefinition,
    Source,
    StreamConfiguration,
)
from toolkit.integrations.airbyte.readers.api_connections import schema_updates
from toolkit.integrations.airbyte.readers.destinations import destination_of
from toolkit.integrations.airbyte.readers.terraform.resources import connector_of
from toolkit.integrations.airbyte.readers.terraform.values import (
    EvaluationError,
    Lazy,
    ObjectValue,
    Unknown,
    Value,
    json_value,
    kind_of,
    merged,
    to_text,
    unknown,
    unknowns_in,
)

HCL_FORMAT = "Terraform"
STATE_FORMAT = "Terraform state"

# What we read of a connection; everything else of the resource is not evaluated.
ATTRIBUTES = (
    "name",
    "connection_id",
    "source_id",
    "destination_id",
    "namespace_definition",
    "namespace_format",
    "prefix",
    "status",
    "schedule",
    "configurations",
    "non_breaking_schema_updates_behavior",
    "tags",
)

_MARK = "\ue000"

# What stands in an encryption mapper and is of no interest to us (a key least of all).
_UNREAD = frozenset({"id", "key", "public_key", "mode", "padding"})


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a block is written: an address, and a file and line."""

    address: str
    path: Path
    line: int | None = None


class Hole(msgspec.Struct, frozen=True):
    """Something of a connection that is not known.

    Attributes:
        what: ``the list of streams``, ``the schema``, ...
        missing: why.
        line: of the stream, where it is one's.
        streams: streams are missing in the graph because of it.
    """

    what: str
    missing: Unknown
    line: int | None = None
    streams: bool = False


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """A source or destination, as far as it says where tables land.

    Attributes:
        place: where it is written.
        holes: ``destination.schema`` or ``destination.database`` -> why it is not known.
    """

    place: Place
    source: Source | None = None
    destination: Destination | None = None
    holes: Mapping[str, Unknown] = {}


def source_endpoint(kind: str, attributes: Mapping[str, Value], place: Place) -> Endpoint:
    """A source: its name, id and type only."""
    type_ = _plain(attributes.get("source_type")) or connector_of(
        kind, attributes.get("definition_id")
    )
    source = Source(
        name=_name(attributes, place),
        source_id=_plain(attributes.get("source_id")),
        type=type_,
    )
    return Endpoint(place=place, source=source)


def destination_endpoint(kind: str, attributes: Mapping[str, Value], place: Place) -> Endpoint:
    """A destination: of its configuration only what says where tables land."""
    given = connector_of(kind, attributes.get("definition_id"))
    type_ = _plain(attributes.get("destination_type")) or given
    configuration = _configuration(attributes.get("configuration"))
    marked: dict[str, Any] = {}
    missing: dict[str, Unknown] = {}
    if isinstance(configuration, Mapping):
        for key, value in configuration.items():
            mark = f"{_MARK}{len(missing)}{_MARK}"
            if isinstance(value, Unknown | Lazy):
                missing[mark] = merged(unknowns_in(value))
            marked[key] = mark if isinstance(value, Unknown | Lazy) else value
        if "destination_type" in marked:
            marked.setdefault("destinationType", marked["destination_type"])
    found = destination_of(
        marked,
        type=type_,
        name=_name(attributes, place),
        destination_id=_plain(attributes.get("destination_id")),
    )
    holes: dict[str, Unknown] = {}
    for key in ("type", "database", "schema"):
        if getattr(found, key) in missing:
            holes[f"destination.{key}"] = missing[getattr(found, key)]
            found = msgspec.structs.replace(found, **{key: None})
    if isinstance(configuration, Unknown):
        holes = dict.fromkeys(("destination.schema", "destination.database"), configuration)
    return Endpoint(place=place, destination=found, holes=holes)


def _configuration(value: Value) -> Value:
    """An object, from an object or its JSON."""
    try:
        if isinstance(value, str | Unknown):
            return json_value(value)
    except EvaluationError as error:
        return unknown(f"a configuration of {error}")
    return value


def _name(attributes: Mapping[str, Value], place: Place) -> str:
    """Its name, or else Terraform's."""
    return _plain(attributes.get("name")) or place.address.rpartition(".")[2]


def connection_of(
    attributes: Mapping[str, Value],
    place: Place,
    source: Endpoint | None,
    destination: Endpoint | None,
    form: str,
) -> tuple[Connection, list[Hole]]:
    """The connection, with what is not known of it.

    Args:
        source / destination: where it is linked to, if that is known.
        form: the format's name.
    """
    streams, holes = _streams(attributes.get("configurations"), place)
    unknown_: dict[str, str] = {}
    if destination is not None:
        unknown_ |= {key: str(missing) for key, missing in destination.holes.items()}
    else:
        missing = attributes.get("destination_id")
        names = str(missing) if isinstance(missing, Unknown) else "destination_id"
        unknown_ = dict.fromkeys(("destination.schema", "destination.database"), names)
    definition = _definition(attributes, unknown_, holes)
    prefix = attributes.get("prefix")
    if isinstance(prefix, Unknown):
        unknown_["prefix"] = str(prefix)
        holes.append(Hole("the prefix of the tables", prefix))
    connection = Connection(
        name=_plain(attributes.get("name")) or "",
        connection_id=_plain(attributes.get("connection_id")),
        source=(source.source if source else None)
        or Source(source_id=_plain(attributes.get("source_id"))),
        destination=(destination.destination if destination else None)
        or Destination(destination_id=_plain(attributes.get("destination_id"))),
        streams=tuple(streams),
        path=place.path,
        format=form,
        enabled=attributes.get("status") not in ("inactive", "deprecated"),
        namespace_definition=definition,
        namespace_format=_plain(attributes.get("namespace_format")),
        prefix=_plain(prefix) or "",
        tags=tuple(_tags(attributes.get("tags"))),
        schedule=_schedule(attributes.get("schedule")),
        schema_updates=schema_updates(
            _plain(attributes.get("non_breaking_schema_updates_behavior"))
        ),
        unknown=unknown_,
        line=place.line,
        lines={
            ("streams", index): stream.line for index, stream in enumerate(streams) if stream.line
        },
    )
    return connection, holes


def _definition(
    attributes: Mapping[str, Value], unknown_: dict[str, str], holes: list[Hole]
) -> NamespaceDefinition:
    definition = attributes.get("namespace_definition")
    if definition == "custom_format":
        definition_of = attributes.get("namespace_format")
    else:
        definition_of = definition
    if isinstance(definition_of, Unknown):
        unknown_["namespace"] = str(definition_of)
        holes.append(Hole("the schema of the tables", definition_of))
    known: tuple[NamespaceDefinition, ...] = get_args(NamespaceDefinition)
    return next((each for each in known if each == definition), "destination")


def _streams(configurations: Value, place: Place) -> tuple[list[StreamConfiguration], list[Hole]]:
    if isinstance(configurations, Unknown):
        return [], [Hole("the list of streams", configurations, streams=True)]
    listed = configurations.get("streams") if isinstance(configurations, Mapping) else None
    if isinstance(listed, Unknown):
        return [], [Hole("the list of streams", listed, streams=True)]
    if not isinstance(listed, list) or not listed:
        return [], []
    streams: list[StreamConfiguration] = []
    holes: list[Hole] = []
    for raw in listed:
        name = raw.get("name") if isinstance(raw, Mapping) else raw
        line = _line(raw, place)
        if isinstance(name, Unknown | Lazy):
            holes.append(Hole("the name of a stream", merged(unknowns_in(name)), line, True))
        elif isinstance(raw, Mapping) and isinstance(name, str):
            streams.append(_stream(name, raw, line, holes))
        else:
            missing = unknown(f"a {kind_of(raw)} without a name")
            holes.append(Hole("a stream", missing, line, True))
    return streams, holes


def _stream(
    name: str, raw: Mapping[str, Value], line: int | None, holes: list[Hole]
) -> StreamConfiguration:
    for key in ("sync_mode", "primary_key", "cursor_field", "selected_fields", "namespace"):
        missing = unknowns_in(raw.get(key))
        if missing:
            holes.append(Hole(f"`{key}` of stream {name!r}", merged(missing), line))
    mappers = raw.get("mappers")
    if isinstance(mappers, Unknown):
        mappers = [mappers]
    keys = (_texts(path) for path in _items(raw.get("primary_key")))
    selected = (
        _texts(field.get("field_path") if isinstance(field, Mapping) else field)
        for field in _items(raw.get("selected_fields"))
    )
    return StreamConfiguration(
        name=name,
        namespace=_plain(raw.get("namespace")),
        sync_mode=_plain(raw.get("sync_mode")) or "full_refresh_overwrite",
        primary_key=tuple(path for path in keys if path),
        cursor_field=_texts(raw.get("cursor_field")),
        selected_fields=tuple(dict.fromkeys(path[0] for path in selected if path)),
        mappers=tuple(mapper_of(mapper) for mapper in _items(mappers)),
        line=line,
    )


def mapper_of(raw: Value) -> Mapper:
    """A mapper in the provider's nested shape, or in the flat one."""
    if not isinstance(raw, Mapping):
        return Unreadable("?", f"{merged(unknowns_in(raw))} is not known")
    configuration = raw.get("mapper_configuration")
    inner = configuration if isinstance(configuration, Mapping) else {}
    kind = _plain(raw.get("type"))
    variants = [key for key, value in inner.items() if isinstance(value, Mapping)]
    if kind is None and len(variants) == 1:
        kind = variants[0].replace("_", "-")
    nested = inner.get(str(kind).replace("-", "_"))
    if isinstance(nested, Mapping):
        inner = nested
    for algorithm in ("aes", "rsa"):
        keyed = inner.get(algorithm)
        if kind == "encryption" and isinstance(keyed, Mapping):
            inner = {**keyed, "algorithm": algorithm.upper()}
    kept = {key: value for key, value in inner.items() if key not in _UNREAD}
    missing = unknowns_in(kept, configuration if isinstance(configuration, Unknown) else None)
    if missing:
        return Unreadable(str(kind), f"{merged(missing)} is not known")
    return read_mapper({"type": kind, "mapperConfiguration": _camel(kept)})


def _camel(value: Value) -> Value:
    """The public API's spelling; ``{equal = {...}}`` becomes ``{type: EQUAL, ...}``."""
    if isinstance(value, list):
        return [_camel(item) for item in value]
    if not isinstance(value, Mapping):
        return value
    present = {key: item for key, item in value.items() if item is not None}
    for sign in ("equal", "not", "and", "or"):
        condition = present.get(sign)
        if isinstance(condition, Mapping):
            return _camel({**condition, "type": sign.upper()})
    return {_camel_key(key): _camel(item) for key, item in present.items()}


def _camel_key(key: str) -> str:
    first, *rest = key.split("_")
    return first + "".join(part.capitalize() for part in rest)


def _plain(value: Value) -> str | None:
    """A text; of a number its digits, as Terraform makes them where a text is wanted."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        with contextlib.suppress(EvaluationError):
            return to_text(value)
    return value if isinstance(value, str) and value else None


def _items(value: Value) -> Iterable[Value]:
    return value if isinstance(value, list) else ()


def _texts(value: Value) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    return tuple(item for item in _items(value) if isinstance(item, str))


def _tags(value: Value) -> Iterable[str]:
    for tag in _items(value):
        name = tag.get("name") if isinstance(tag, Mapping) else tag
        if isinstance(name, str):
            yield name


def _schedule(value: Value) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        return {}
    kept = {key: item for key, item in value.items() if isinstance(item, str | int)}
    return {_camel_key(key): to_text(item) for key, item in kept.items()}


def _line(raw: Value, place: Place) -> int | None:
    if isinstance(raw, ObjectValue) and raw.at is not None and raw.at[0] == place.path:
        return raw.at[1]
    return None
