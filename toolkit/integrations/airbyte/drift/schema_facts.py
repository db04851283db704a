"""Facts of JSON schemas that make no column and may hurt all the same."""

from collections.abc import Mapping
from typing import Any

from toolkit.integrations.airbyte.columns import kinds_of, properties_of


def nested_losses(was: object, now: object, path: str = "") -> list[str]:
    """What within an object or list is gone or of another type: dotted paths."""
    before, after = _inner(was), _inner(now)
    lost: list[str] = []
    for name, schema in before.items():
        here = f"{path}.{name}" if path else name
        if name not in after:
            lost.append(f"{here} is gone")
        elif _kind(schema) != _kind(after[name]):
            lost.append(f"{here} was {_kind(schema)}, is {_kind(after[name])}")
        else:
            lost += nested_losses(schema, after[name], here)
    return lost if after else []  # a schema that says nothing of its inside


def _inner(schema: object) -> Mapping[str, Any]:
    if not isinstance(schema, Mapping):
        return {}
    if isinstance(schema.get("items"), Mapping):
        return _inner(schema["items"])
    return properties_of(schema)


def _kind(schema: object) -> str:
    return "/".join(sorted(kinds_of(schema)))


def required_fields(schema: Mapping[str, Any]) -> frozenset[str]:
    """Fields that no record is without, null not being a value."""
    named = schema.get("required")
    properties = properties_of(schema)
    return frozenset(
        name
        for name in (named if isinstance(named, list) else ())
        if isinstance(name, str) and not _may_be_null(properties.get(name))
    )


def _may_be_null(schema: object) -> bool:
    kind = schema.get("type") if isinstance(schema, Mapping) else None
    return kind in (None, "null") or (isinstance(kind, list) and "null" in kind)
