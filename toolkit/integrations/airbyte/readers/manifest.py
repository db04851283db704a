"""Low-code sources (``type: DeclarativeSource``): what they say of their streams.

A manifest is no connection: it says how to read a source and not what to sync. One that our
own YAML names describes that connection's streams where nothing was discovered yet.
"""

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from toolkit.errors import Problem
from toolkit.integrations.airbyte.model import Connection, Offered
from toolkit.integrations.airbyte.readers.base import Read, SourceFile
from toolkit.integrations.airbyte.yamltext import Json

# References that are followed for one stream: more is a circle, or meant to be endless.
_MAX_REFERENCES = 2_000
_PARAMETER = re.compile(r"\{\{\s*parameters(?:\.(\w+)|\[['\"](\w+)['\"]\])\s*\}\}")


class ManifestReader:
    """Recognises manifests; they give no connection of their own."""

    name = "low-code manifest"
    suffixes = frozenset({".yml", ".yaml", ".json"})

    def recognises(self, file: SourceFile) -> bool:
        """A document that says what it is."""
        return isinstance(file.document, dict) and file.document.get("type") == "DeclarativeSource"

    def read(self, files: Sequence[SourceFile]) -> Read:
        """Nothing: what they hold is read where a connection names them."""
        return Read()


class _Unknown(Exception):
    """What a manifest leaves open, as a clause."""


def unused(path: Path) -> Problem:
    """A manifest that no connection names."""
    return Problem(
        asset=None,
        code="manifest-unused",
        message=f"{path.name} is a low-code source that no connection names: it is not in the "
        "graph. To sync it, write a connection beside it: a YAML file with `name`, "
        f"`source: {{manifest: {path.name}}}` and `streams`.",
        severity="info",
        path=str(path),
    )


def describe(connections: Sequence[Connection]) -> Iterator[Connection | Problem]:
    """The connections in their order, those of low-code sources with what these offer.

    Gives a problem for each stream that a manifest does not describe.

    Raises:
        ArtifactError: a manifest cannot be read.
    """
    manifests: dict[Path, _Manifest] = {}
    for connection in connections:
        path = connection.source.manifest
        if path is None or not path.is_file():
            yield connection
            continue
        manifest = manifests.setdefault(path, _Manifest(SourceFile(path)))
        streams = []
        for stream in connection.streams:
            offered, reason = manifest.offered(stream.name)
            if offered is not None:
                stream = msgspec.structs.replace(stream, offered=offered)
            if reason is not None and stream.json_schema is None:
                yield _incomplete(connection, path, stream.name, reason, stream.line)
            streams.append(stream)
        yield msgspec.structs.replace(connection, streams=tuple(streams))


def _incomplete(
    connection: Connection, path: Path, stream: str, reason: str, line: int | None
) -> Problem:
    return Problem(
        asset=None,
        code="manifest-incomplete",
        message=f"Stream {stream!r} of connection {connection.name!r}: {path.name} {reason}. "
        f"`toolkit connectors discover {connection.name}` asks the source itself.",
        severity="info",
        path=str(connection.path),
        line=line,
    )


class _Manifest:
    def __init__(self, file: SourceFile) -> None:
        self._document: Json = file.document
        self._followed = 0
        self._streams: dict[str, tuple[Mapping[str, Any], Mapping[str, Any]]] = {}
        self._fault: str | None = None
        if not ManifestReader().recognises(file):
            self._fault = "is no low-code source (it has no `type: DeclarativeSource`)"
            return
        parameters = _parameters(self._document, {})
        listed = self._document.get("streams")
        for raw in listed if isinstance(listed, list) else ():
            try:
                stream = self._resolved(raw)
                inner = stream.get("full_refresh_stream") if isinstance(stream, dict) else None
                if inner is not None:
                    # Two streams behind one name: both give the same fields.
                    stream = {**self._mapping(inner), **stream}
                if isinstance(stream, dict):
                    own = _parameters(stream, parameters)
                    name = _text(stream.get("name"), own) or _text(own.get("name"), own)
                    if name:
                        self._streams.setdefault(name, (stream, own))
            except _Unknown as error:
                self._fault = str(error)

    def offered(self, name: str) -> tuple[Offered | None, str | None]:
        """What is known of a stream, and why not all is."""
        if name not in self._streams:
            return None, self._fault or self._missing(name)
        stream, parameters = self._streams[name]
        self._followed = 0
        schema, reason = None, None
        try:
            schema = self._schema(stream)
            if schema is None:
                reason = "has no schema of it inline"
        except _Unknown as error:
            reason = str(error)
        cursor = self._cursor(stream, parameters)
        offered = Offered(
            json_schema=schema,
            primary_key=self._key(stream, parameters),
            cursor_field=cursor,
            sync_modes=("full_refresh", "incremental") if cursor else ("full_refresh",),
        )
        return offered, reason

    def _missing(self, name: str) -> str:
        if self._document.get("dynamic_streams"):
            return "makes streams only while it runs (`dynamic_streams`)"
        near = difflib.get_close_matches(name, self._streams, 1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        return f"has no such stream{hint}"

    def _schema(self, stream: Mapping[str, Any]) -> Mapping[str, Any] | None:
        loader = self._resolved(stream.get("schema_loader"))
        properties: dict[str, Any] = {}
        first: dict[str, Any] | None = None
        for one in loader if isinstance(loader, list) else [loader]:
            part = self._resolved(one)
            if not isinstance(part, dict) or "schema" not in part:
                return None
            schema = self._deep(part["schema"])
            if not isinstance(schema, dict) or not isinstance(schema.get("properties"), dict):
                return None
            first = first or schema
            properties.update(schema["properties"])
        return {**first, "properties": properties} if first is not None else None

    def _key(
        self, stream: Mapping[str, Any], parameters: Mapping[str, Any]
    ) -> tuple[tuple[str, ...], ...]:
        raw = stream.get("primary_key", parameters.get("primary_key"))
        try:
            raw = self._resolved(raw)
        except _Unknown:
            return ()
        paths = []
        for part in raw if isinstance(raw, list) else [raw]:
            texts = [
                _text(name, parameters) for name in (part if isinstance(part, list) else [part])
            ]
            names = tuple(name for name in texts if name)
            if not names or len(names) != len(texts):
                return ()
            paths.append(names)
        return tuple(paths)

    def _cursor(self, stream: Mapping[str, Any], parameters: Mapping[str, Any]) -> tuple[str, ...]:
        try:
            sync = self._resolved(stream.get("incremental_sync"))
            if not isinstance(sync, dict):
                return ()
            own = _parameters(sync, parameters)
            raw = self._resolved(sync.get("cursor_field", own.get("cursor_field")))
        except _Unknown:
            return ()
        name = _text(raw, own)
        return (name,) if name else ()

    def _mapping(self, value: Json) -> dict[str, Any]:
        resolved = self._resolved(value)
        return resolved if isinstance(resolved, dict) else {}

    def _resolved(self, value: Json) -> Json:
        """What a reference leads to; what is written beside ``$ref`` counts more."""
        beside: dict[str, Any] = {}
        while True:
            if isinstance(value, str) and value.startswith("#/"):
                value = self._target(value)
            elif isinstance(value, dict) and isinstance(value.get("$ref"), str):
                own = {key: inner for key, inner in value.items() if key != "$ref"}
                beside = {**own, **beside}
                value = self._target(value["$ref"])
            else:
                return {**value, **beside} if beside and isinstance(value, dict) else value

    def _deep(self, value: Json, depth: int = 0) -> Json:
        """A schema without references."""
        self._count()
        if depth > 100:
            raise _Unknown("has a schema that is nested too deeply")
        if isinstance(value, dict) and "$ref" in value:
            value = self._resolved(value)
        if isinstance(value, dict):
            return {key: self._deep(inner, depth + 1) for key, inner in value.items()}
        if isinstance(value, list):
            return [self._deep(inner, depth + 1) for inner in value]
        return value

    def _target(self, reference: str) -> Json:
        self._count(10)
        value: Json = self._document
        for part in reference.removeprefix("#/").split("/"):
            if isinstance(value, dict) and isinstance(value.get("$ref"), str):
                value = self._resolved(value)
            key = part.replace("~1", "/").replace("~0", "~")
            if isinstance(value, dict) and key in value:
                value = value[key]
            elif isinstance(value, list) and key.isdecimal() and int(key) < len(value):
                value = value[int(key)]
            else:
                raise _Unknown(f"refers to {reference!r}, which is not there")
        return value

    def _count(self, weight: int = 1) -> None:
        self._followed += weight
        if self._followed > 10 * _MAX_REFERENCES:
            raise _Unknown("refers to itself in a circle")


def _parameters(component: Mapping[str, Any], inherited: Mapping[str, Any]) -> Mapping[str, Any]:
    """``$parameters`` (once ``$options``) go down to what is within."""
    found = dict(inherited)
    for key in ("$options", "$parameters"):
        own = component.get(key)
        if isinstance(own, dict):
            found.update(own)
    return found


def _text(value: Json, parameters: Mapping[str, Any]) -> str | None:
    """A plain text, or a parameter's; ``None`` for whatever only the running source knows."""
    if not isinstance(value, str) or not value:
        return None
    whole = _PARAMETER.fullmatch(value.strip())
    if whole is not None:
        inner = parameters.get(whole[1] or whole[2])
        return inner if isinstance(inner, str) and "{{" not in inner else None
    return None if "{{" in value else value
