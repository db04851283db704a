"""Terraform's state (version 4) and ``terraform show -json``: resolved values, with secrets.

The types below have the attributes that we need and no others, so the decoder skips everything
else without making a value of it; the bytes of the file are gone when it is decoded. (A generic
destination's configuration is JSON within JSON: that text is decoded the same way and dropped.)
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from toolkit.errors import ArtifactError
from toolkit.integrations.airbyte.readers.terraform.connection import (
    Endpoint,
    Place,
    destination_endpoint,
    source_endpoint,
)
from toolkit.integrations.airbyte.readers.terraform.module import subscript
from toolkit.integrations.airbyte.readers.terraform.plan import Configuration, linked
from toolkit.integrations.airbyte.readers.terraform.values import ObjectValue

_CONNECTION = "airbyte_connection"
_T = TypeVar("_T")


class _Instance(msgspec.Struct):
    attributes: msgspec.Raw = msgspec.Raw(b"{}")
    index_key: str | int | None = None
    deposed: str | None = None


class _StateResource(msgspec.Struct):
    mode: str
    type: str
    name: str
    instances: list[_Instance] = []
    module: str | None = None


class _State(msgspec.Struct):
    version: int
    resources: list[_StateResource] = []


class _ShownResource(msgspec.Struct):
    address: str
    type: str
    mode: str = "managed"
    values: msgspec.Raw = msgspec.Raw(b"{}")


class _ShownModule(msgspec.Struct):
    resources: "list[_ShownResource]" = []
    child_modules: "list[_ShownModule]" = []


class _Values(msgspec.Struct):
    root_module: _ShownModule = msgspec.field(default_factory=_ShownModule)


class _Shown(msgspec.Struct):
    format_version: str
    values: _Values | None = None
    planned_values: _Values | None = None
    configuration: msgspec.Raw = msgspec.Raw(b"{}")


class _Where(msgspec.Struct):
    """What a destination's configuration says of the place of its tables."""

    database: str | None = None
    schema: str | None = None
    project_id: str | None = None
    dataset_id: str | None = None
    catalog: str | None = None
    default_schema: str | None = None
    destination_type: str | None = None
    destinationType: str | None = None


class _DestinationValues(msgspec.Struct):
    name: str | None = None
    destination_id: str | None = None
    destination_type: str | None = None
    definition_id: str | None = None
    configuration: msgspec.Raw = msgspec.Raw(b"null")


class _SourceValues(msgspec.Struct):
    name: str | None = None
    source_id: str | None = None
    source_type: str | None = None
    definition_id: str | None = None
    configuration: msgspec.Raw = msgspec.Raw(b"null")


class _SourceType(msgspec.Struct):
    """All that is read of a source's configuration."""

    sourceType: str | None = None
    source_type: str | None = None


class _Hashing(msgspec.Struct):
    target_field: str | None = None
    method: str | None = None
    field_name_suffix: str | None = None


class _Encryption(msgspec.Struct):
    """Without the key."""

    algorithm: str | None = None
    target_field: str | None = None
    field_name_suffix: str | None = None


class _Encryptions(_Encryption):
    aes: _Encryption | None = None
    rsa: _Encryption | None = None


class _MapperValues(msgspec.Struct, omit_defaults=True):
    """All that any mapper may have, nested and flat; without keys."""

    hashing: _Hashing | None = None
    encryption: _Encryptions | None = None
    field_renaming: dict[str, Any] | None = None
    field_filtering: dict[str, Any] | None = None
    row_filtering: dict[str, Any] | None = None
    target_field: str | None = None
    method: str | None = None
    algorithm: str | None = None
    field_name_suffix: str | None = None
    original_field_name: str | None = None
    new_field_name: str | None = None
    conditions: Any = None


class _Mapper(msgspec.Struct):
    type: str | None = None
    mapper_configuration: _MapperValues | None = None


class _Stream(msgspec.Struct):
    name: str
    namespace: str | None = None
    sync_mode: str | None = None
    cursor_field: list[str] | None = None
    primary_key: list[list[str]] | None = None
    selected_fields: list[dict[str, list[str]]] | None = None
    mappers: list[_Mapper] | None = None


class _Configurations(msgspec.Struct):
    streams: list[_Stream] | None = None


class _ConnectionValues(msgspec.Struct):
    name: str | None = None
    connection_id: str | None = None
    source_id: str | None = None
    destination_id: str | None = None
    namespace_definition: str | None = None
    namespace_format: str | None = None
    prefix: str | None = None
    status: str | None = None
    non_breaking_schema_updates_behavior: str | None = None
    schedule: dict[str, Any] | None = None
    configurations: _Configurations | None = None
    tags: list[dict[str, Any]] | None = None


class State(msgspec.Struct):
    """What state files know, by address.

    Attributes:
        connections: attributes, with the file they are from.
        sources / destinations: by address and by id.
    """

    connections: dict[str, tuple[Mapping[str, Any], Path]] = {}
    sources: dict[str, Endpoint] = {}
    destinations: dict[str, Endpoint] = {}


def is_shown(path: Path) -> bool:
    """Whether a JSON file is ``terraform show -json``'s; looks at bytes, keeps none."""
    try:
        data = path.read_bytes()
    except OSError:
        return False
    return b'"format_version"' in data and (b'"root_module"' in data or b'"terraform_v' in data)


def read_state(paths: Sequence[Path]) -> State:
    """Read state files; of one address the first file's values count.

    Raises:
        ArtifactError: a file is no state of version 4 and no output of ``terraform show -json``.
    """
    state = State()
    for path in paths:
        configuration: Configuration | None = None
        if path.suffix == ".tfstate":
            resources = _resources(path)
        else:
            shown = _decode(path.read_bytes(), _Shown, path)
            configuration = _configuration(shown)
            resources = _shown((shown.values or shown.planned_values or _Values()).root_module)
        for address, kind, raw in resources:
            _keep(state, address, kind, raw, path)
        if configuration is not None:
            _link(state, configuration, path)
    return state


def _resources(path: Path) -> Iterator[tuple[str, str, msgspec.Raw]]:
    found = _decode(path.read_bytes(), _State, path)
    if found.version != 4:
        raise _unreadable(path, f"is a state of version {found.version}; 4 is what we read")
    for resource in found.resources:
        module = f"{resource.module}." if resource.module else ""
        for instance in resource.instances:
            if resource.mode == "managed" and instance.deposed is None:
                key = subscript(instance.index_key)
                address = f"{module}{resource.type}.{resource.name}{key}"
                yield address, resource.type, instance.attributes


def _configuration(shown: _Shown) -> Configuration:
    """A plan's expressions; links only help, so a configuration of another shape has none."""
    try:
        return msgspec.json.decode(shown.configuration, type=Configuration)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return Configuration()


def _link(state: State, configuration: Configuration, path: Path) -> None:
    """What a plan would create has no ids: the addresses of what it refers to stand for them."""
    for address, (values, file) in state.connections.items():
        if file != path:
            continue
        missing: dict[str, str] = {}
        for key, known in (("source_id", state.sources), ("destination_id", state.destinations)):
            if not values.get(key):
                found = linked(configuration, address, key, known)
                if found is not None:
                    missing[key] = found
        if missing:
            state.connections[address] = (ObjectValue({**values, **missing}), file)


def _shown(module: _ShownModule) -> Iterator[tuple[str, str, msgspec.Raw]]:
    for resource in module.resources:
        if resource.mode == "managed":
            yield resource.address, resource.type, resource.values
    for child in module.child_modules:
        yield from _shown(child)


def _keep(state: State, address: str, kind: str, raw: msgspec.Raw, path: Path) -> None:
    place = Place(address=address, path=path)
    if kind == _CONNECTION:
        values = _decode(raw, _ConnectionValues, path, address)
        state.connections.setdefault(address, (_values(values), path))
    elif kind.startswith("airbyte_source"):
        source = _decode(raw, _SourceValues, path, address)
        written = {
            "name": source.name,
            "source_id": source.source_id,
            "source_type": source.source_type or _source_type(source.configuration),
            "definition_id": source.definition_id,
        }
        endpoint = source_endpoint(kind, written, place)
        for key in (address, source.source_id):
            if key:
                state.sources.setdefault(key, endpoint)
    elif kind.startswith("airbyte_destination"):
        target = _decode(raw, _DestinationValues, path, address)
        attributes = {
            "name": target.name,
            "destination_id": target.destination_id,
            "destination_type": target.destination_type,
            "definition_id": target.definition_id,
            "configuration": _where(target.configuration),
        }
        endpoint = destination_endpoint(kind, attributes, place)
        for key in (address, target.destination_id):
            if key:
                state.destinations.setdefault(key, endpoint)


def _where(raw: msgspec.Raw) -> Mapping[str, Any]:
    """The place of tables."""
    where = _inner(raw, _Where) or _Where()
    return {key: value for key, value in _values(where).items() if value is not None}


def _source_type(raw: msgspec.Raw) -> str | None:
    """Which connector a generic source is of, if its configuration says so."""
    found = _inner(raw, _SourceType) or _SourceType()
    return found.sourceType or found.source_type


def _inner(raw: msgspec.Raw, type_: type[_T]) -> _T | None:
    """A configuration that is an object or JSON in a text; ``None`` for anything else."""
    with contextlib.suppress(msgspec.DecodeError, UnicodeError):
        return msgspec.json.decode(raw, type=type_)
    with contextlib.suppress(msgspec.DecodeError, UnicodeError):
        return msgspec.json.decode(msgspec.json.decode(raw, type=str), type=type_)
    return None


def _values(struct: msgspec.Struct) -> dict[str, Any]:
    found = msgspec.to_builtins(struct)
    assert isinstance(found, dict)
    return ObjectValue(found)


def _decode(data: bytes | msgspec.Raw, type_: type[_T], path: Path, address: str = "") -> _T:
    what: str | None = None
    try:
        return msgspec.json.decode(data, type=type_)
    except msgspec.ValidationError as error:
        what = f"has something unexpected{f' in {address}' if address else ''}: {error}"
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        what = "is not valid JSON"
    # Outside of the handlers, so that the error does not carry the file's content along.
    raise _unreadable(path, what)


def _unreadable(path: Path, what: str) -> ArtifactError:
    return ArtifactError(
        f"{path} {what}.",
        "The connections in this folder are not known, so nothing was done.",
        "Save it again with `terraform state pull` or `terraform show -json`, or take it out of "
        "the folder.",
    )
