"""A connector's specification: what its configuration must look like, and what of it is secret."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from toolkit.files import age_of, write_whole
from toolkit.integrations.airbyte.model import Connection
from toolkit.integrations.airbyte.source.environment import package_of
from toolkit.settings.cache import cache_dir

if TYPE_CHECKING:
    from jsonschema import ValidationError

_SHOWN = 10


class SpecCache:
    """Specifications in files, by connector and version: they never change.

    A low-code source's stands in its manifest and is not cached.
    """

    def __init__(self) -> None:
        self._folder = cache_dir() / "specs"

    def get(self, connection: Connection) -> dict[str, Any] | None:
        """The cached JSON schema of the connector's configuration."""
        try:
            found = json.loads(self._path(connection).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) else None

    def put(self, connection: Connection, schema: Mapping[str, Any]) -> None:
        """Keep a schema."""
        data = msgspec.json.format(msgspec.json.encode(schema))
        write_whole(self._path(connection), data)

    def age(self, connection: Connection) -> float | None:
        """Seconds since it was asked for; ``None`` if it is not there."""
        return age_of(self._path(connection))

    def _path(self, connection: Connection) -> Path:
        package = package_of(connection)
        name = re.sub(r"[^A-Za-z0-9._-]", "_", f"{package.name}-{package.version}")
        return self._folder / f"{name}.json"


def secrets_by(schema: object, config: object) -> Iterator[str]:
    """Values of a configuration that the connector calls secret (``airbyte_secret: true``)."""
    if not isinstance(schema, Mapping):
        return
    if schema.get("airbyte_secret") is True:
        yield from _scalars(config)
        return
    for word in ("oneOf", "anyOf", "allOf"):
        for variant in schema.get(word) or ():
            yield from secrets_by(variant, config)
    if isinstance(config, Mapping):
        for key, part in (schema.get("properties") or {}).items():
            if key in config:
                yield from secrets_by(part, config[key])
    elif isinstance(config, list):
        for item in config:
            yield from secrets_by(schema.get("items"), item)


def _scalars(value: object) -> Iterator[str]:
    if isinstance(value, Mapping):
        for part in value.values():
            yield from _scalars(part)
    elif isinstance(value, list):
        for part in value:
            yield from _scalars(part)
    elif isinstance(value, str | int | float) and not isinstance(value, bool):
        yield str(value)


def mistakes_in(
    config: Mapping[str, Any], schema: Mapping[str, Any], connection: Connection
) -> list[str]:
    """What in a configuration does not fit the connector's JSON schema, with file:line and key.

    The texts may quote values: mask them. Empty too where the schema itself cannot be used.
    """
    import referencing.exceptions
    from jsonschema import Draft7Validator

    try:
        found = sorted(
            Draft7Validator(schema).iter_errors(config), key=lambda e: [str(p) for p in e.path]
        )
    except (re.error, referencing.exceptions.Unresolvable, TypeError):
        return []  # a schema that only another validator understands
    return [text for error in found[:_SHOWN] for text in _texts(error, connection)]


def _texts(error: "ValidationError", connection: Connection) -> Iterator[str]:
    if error.validator in ("oneOf", "anyOf") and error.context:
        chosen = _meant(error)
        if chosen is not None:
            for inner in chosen:
                yield from _texts(inner, connection)
            return
    key = tuple(part if isinstance(part, int) else str(part) for part in error.absolute_path)
    message = error.message
    if error.validator in ("oneOf", "anyOf"):
        message = "fits none of the variants that the connector knows"
    name = ".".join(map(str, ("source", "config", *key)))
    yield f"{connection.where('source', 'config', *key)}: `{name}`: {message}"


def _meant(error: "ValidationError") -> "list[ValidationError] | None":
    """Faults of the one variant that a constant (``auth_type: oauth``) says is meant."""
    variants: dict[Any, list[ValidationError]] = {}
    for inner in error.context or ():
        variants.setdefault(inner.schema_path[0], []).append(inner)
    fitting = [
        faults
        for faults in variants.values()
        if not any(fault.validator in ("const", "enum") for fault in faults)
    ]
    return fitting[0] if len(fitting) == 1 else None
