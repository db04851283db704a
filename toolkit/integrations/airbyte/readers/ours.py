"""Our own format: one YAML file a connection (``connectors/*.yml``), read strictly."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, get_args, get_type_hints

import msgspec

from toolkit.errors import ArtifactError
from toolkit.integrations.airbyte.mappers import did_you_mean, mistake_in, read_mapper
from toolkit.integrations.airbyte.model import (
    Connection,
    Destination,
    NamespaceDefinition,
    SchemaUpdates,
    Source,
    StreamConfiguration,
    SyncMode,
)
from toolkit.integrations.airbyte.readers.base import Read, SourceFile
from toolkit.integrations.airbyte.yamltext import Key, Lines, Located, is_file, line_of


class _Source(msgspec.Struct, forbid_unknown_fields=True):
    package: str | None = None
    image: str | None = None
    manifest: str | None = None
    version: str | None = None
    config: dict[str, Any] = {}


class _Destination(msgspec.Struct, forbid_unknown_fields=True):
    type: Literal["duckdb"] = "duckdb"
    name: str = "warehouse"
    schema: str | None = None
    database: str | None = None


class _Stream(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    namespace: str | None = None
    sync_mode: SyncMode = "full_refresh_overwrite"
    primary_key: list[list[str]] = []
    cursor_field: list[str] = []
    selected_fields: list[str | list[str]] = []
    mappers: list[dict[str, Any]] = []
    json_schema: dict[str, Any] | None = None
    description: str = ""


class _Connection(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    source: _Source
    streams: list[_Stream]
    version: Literal[1] = 1
    destination: _Destination = msgspec.field(default_factory=_Destination)
    enabled: bool = True
    namespace_definition: NamespaceDefinition = "destination"
    namespace_format: str | None = None
    prefix: str = ""
    owner: str | None = None
    tags: list[str] = []
    description: str = ""
    timeout: float = 600.0
    non_breaking_schema_updates_behavior: SchemaUpdates = "propagate_columns"


_STRUCTS: dict[str, type[msgspec.Struct]] = {
    "": _Connection,
    "source": _Source,
    "destination": _Destination,
    "streams": _Stream,
}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_. -]*")


class YamlReader:
    """Reads our ``connectors/*.yml``."""

    name = "connection YAML"
    suffixes = frozenset({".yml", ".yaml"})

    def recognises(self, file: SourceFile) -> bool:
        """A mapping with at least two of the keys that every such file has."""
        document = file.document
        if not isinstance(document, dict) or "type" in document:
            return False
        return len({"name", "source", "streams", "destination"} & document.keys()) >= 2

    def read(self, files: Sequence[SourceFile]) -> Read:
        """Each file is one connection.

        Raises:
            ArtifactError: with file:line; for an unknown key also the nearest one.
        """
        return Read(connections=[_connection(file.located, file.path) for file in files])


def _connection(located: Located, path: Path) -> Connection:
    try:
        parsed = msgspec.convert(located.value, _Connection)
    except msgspec.ValidationError as error:
        raise _invalid(error, located.lines, path) from error
    _check(parsed, located.lines, path)
    source = parsed.source
    return Connection(
        name=parsed.name,
        source=Source(
            package=source.package,
            image=source.image,
            version=source.version,
            manifest=(path.parent / source.manifest).resolve() if source.manifest else None,
            config=source.config,
            name=parsed.name,
        ),
        destination=Destination(
            type=parsed.destination.type,
            name=parsed.destination.name,
            schema=parsed.destination.schema,
            database=parsed.destination.database,
        ),
        streams=tuple(
            StreamConfiguration(
                name=stream.name,
                namespace=stream.namespace,
                sync_mode=stream.sync_mode,
                primary_key=tuple(tuple(part) for part in stream.primary_key),
                cursor_field=tuple(stream.cursor_field),
                selected_fields=_top_level(stream.selected_fields),
                mappers=tuple(read_mapper(mapper) for mapper in stream.mappers),
                json_schema=stream.json_schema,
                description=stream.description,
                line=located.lines.get(("streams", index)),
            )
            for index, stream in enumerate(parsed.streams)
        ),
        path=path,
        format=YamlReader.name,
        enabled=parsed.enabled,
        namespace_definition=parsed.namespace_definition,
        namespace_format=parsed.namespace_format,
        prefix=parsed.prefix,
        owner=parsed.owner,
        tags=tuple(parsed.tags),
        description=parsed.description,
        timeout=parsed.timeout,
        schema_updates=parsed.non_breaking_schema_updates_behavior,
        line=located.lines.get(("name",), 1),
        lines=located.lines,
    )


def _check(parsed: _Connection, lines: Lines, path: Path) -> None:
    """What types cannot say."""

    def fail(key: Key, fact: str, next_step: str) -> None:
        raise _error(f"{path}:{line_of(lines, key)}: {fact}", next_step)

    if not _NAME.fullmatch(parsed.name):
        fail(
            ("name",),
            f"the connection's name {parsed.name!r} must begin with a letter or digit and have "
            "letters, digits, spaces, `_`, `-` and `.` only.",
            "Rename the connection.",
        )
    source = parsed.source
    if [source.package, source.manifest, source.image].count(None) != 2:
        fail(
            ("source",),
            "`source` needs either `package` (a connector on PyPI), `manifest` (a low-code "
            "source's file) or `image` (a container image).",
            "Give exactly one of the three.",
        )
    for key in ("package", "version", "image"):
        if "\0" in str(getattr(source, key)):
            fail(("source", key), f"`source.{key}` has a NUL in it.", "Correct the name.")
    if source.manifest is not None and not is_file(path.parent / source.manifest):
        fail(
            ("source", "manifest"),
            f"the manifest {source.manifest} does not exist beside this file.",
            "Correct the path; it is relative to the connection file.",
        )
    if parsed.timeout <= 0:
        fail(("timeout",), "`timeout` must be more than 0 seconds.", "Correct the number.")
    if parsed.namespace_definition == "custom_format" and not parsed.namespace_format:
        fail(
            ("namespace_definition",),
            "`namespace_definition: custom_format` needs a `namespace_format`.",
            'Add one, such as namespace_format: "${SOURCE_NAMESPACE}".',
        )
    for key in ("prefix", "namespace_format"):
        if "{{" in str(getattr(parsed, key) or ""):
            fail((key,), f"`{key}` may not use env_var.", "Only `source.config` may.")
    if not parsed.streams:
        fail(("streams",), "`streams` is empty.", "Name the streams to sync.")
    seen: dict[tuple[str | None, str], int] = {}
    for index, stream in enumerate(parsed.streams):
        other = seen.setdefault((stream.namespace, stream.name), index)
        if other != index:
            fail(
                ("streams", index),
                f"the stream {stream.name!r} is configured twice (first in line "
                f"{line_of(lines, ('streams', other))}).",
                "Remove one of the two.",
            )
        for place, mapper in enumerate(stream.mappers):
            mistake = mistake_in(mapper)
            if mistake is not None:
                at = ("streams", index, "mappers", place, *mistake.key)
                fail(at, f"{mistake.fact} (`{'.'.join(map(str, at))}`).", mistake.hint)


def _top_level(selected: list[str | list[str]]) -> tuple[str, ...]:
    """A path within an object selects the object: only top-level fields become columns."""
    names = (item if isinstance(item, str) else "".join(item[:1]) for item in selected)
    return tuple(dict.fromkeys(name for name in names if name))


def _invalid(error: msgspec.ValidationError, lines: Lines, path: Path) -> ArtifactError:
    """msgspec's ``... - at `$.streams[0].name```, with our lines and the nearest key."""
    message, _, location = str(error).partition(" - at `$")
    key: Key = tuple(
        int(index) if index else name
        for name, index in re.findall(r"\.?([^.\[\]`]+)|\[(\d+)\]", location.rstrip("`"))
    )
    unknown = re.search(r"unknown field `(.+)`$", message)
    if unknown:
        struct = _STRUCTS.get(str(key[0]) if key else "", _Connection)
        known = struct.__struct_fields__
        where = f"{path}:{line_of(lines, (*key, unknown[1]))}"
        hint = did_you_mean(unknown[1], known)
        return _error(
            f"{where}: unknown key `{'.'.join(map(str, (*key, unknown[1])))}`.",
            f"{hint}Known keys here: {', '.join(known)}.",
        )
    at = f" (`{'.'.join(map(str, key))}`)" if key else ""
    words = ", ".join(_words(key)) if message.startswith("Invalid enum value") else ""
    hint = f"Known values here: {words}." if words else "Correct the value."
    return _error(f"{path}:{line_of(lines, key)}: {message}{at}.", hint)


def _words(key: Key) -> list[str]:
    """The values that the field at ``key`` may have, where it is a choice."""
    struct = _STRUCTS.get(str(key[0]) if len(key) > 1 else "", _Connection)
    choice = get_type_hints(struct).get(str(key[-1])) if key else None
    return [str(word) for word in get_args(choice) if isinstance(word, str | int)]


def _error(fact: str, next_step: str) -> ArtifactError:
    return ArtifactError(fact, "The connection cannot be read, so nothing was done.", next_step)
