"""What an asset's page says of it beside the usual: its promises and how it is made, in words."""

from collections.abc import Iterator, Mapping
from typing import Any

from toolkit.graph import Asset

_STREAM = (
    ("connection", "Connection"),
    ("namespace", "Namespace"),
    ("sync_mode", "Sync mode"),
    ("primary_key", "Primary key"),
    ("cursor_field", "Cursor"),
    ("destination", "Destination"),
    ("destination_type", "Destination type"),
)
_DBT = (
    ("incremental_strategy", "Incremental"),
    ("strategy", "Strategy"),
    ("unique_key", "Unique key"),
    ("loaded_at_field", "Loaded at"),
)
_INCREMENTAL = (("on_schema_change", "On schema change"),)
_PERIODS = {"minute": "min", "hour": "h", "day": "d"}


def facts_of(asset: Asset) -> list[tuple[str, str]]:
    """Name and value of what is known; nothing for what is not."""
    config = asset.config
    found: list[tuple[str, str]] = []
    if asset.kind == "stream":
        found += _plain(config, _STREAM)
        schedule = _schedule(config.get("schedule"))
        found += [("Schedule", schedule)] if schedule else []
        found += [("State", "disabled")] if config.get("enabled") is False else []
    else:
        found += _plain(config, _DBT)
        found += _plain(config, _INCREMENTAL) if asset.materialized == "incremental" else []
    promise = freshness(asset)
    if promise:
        found.append(("Freshness", promise))
    if asset.version is not None and asset.latest_version is not None:
        newest = "the latest" if asset.version == asset.latest_version else "older"
        found.append(("Version", f"{asset.version}, {newest}"))
    elif asset.version is not None:
        found.append(("Version", asset.version))
    if asset.contract:
        columns = asset.columns.values()
        untyped = sum(column.type is None for column in columns)
        said = f"enforced on {len(columns)} column{'' if len(columns) == 1 else 's'}"
        found.append(("Contract", said + (f", {untyped} without a type" if untyped else "")))
    if asset.volatile:
        found.append(("Volatile", asset.volatile))
    return found


def freshness(asset: Asset) -> str:
    """dbt's freshness promise of a source in words, or nothing: ``warn after 12 h, error ...``."""
    promise = asset.config.get("freshness")
    if not isinstance(promise, Mapping):
        return ""
    parts = []
    for name, word in (("warn_after", "warn"), ("error_after", "error")):
        limit = promise.get(name)
        count = limit.get("count") if isinstance(limit, Mapping) else None
        period = str(limit.get("period")) if isinstance(limit, Mapping) else ""
        if isinstance(count, int) and period in _PERIODS:
            parts.append(f"{word} after {count} {_PERIODS[period]}")
    return ", ".join(parts)


def _schedule(schedule: object) -> str:
    """Airbyte's schedule in the words of its configuration."""
    if not isinstance(schedule, Mapping):
        return ""
    return ", ".join(f"{name}: {value}" for name, value in _leaves(schedule))


def _leaves(value: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, inner in value.items():
        if isinstance(inner, Mapping):
            yield from _leaves(inner)
        elif isinstance(inner, str | int | float):
            yield str(name), str(inner)


def _plain(config: Mapping[str, Any], names: tuple[tuple[str, str], ...]) -> list[tuple[str, str]]:
    found = []
    for name, label in names:
        value = config.get(name)
        if isinstance(value, list | tuple):
            value = ", ".join(map(str, value))
        if isinstance(value, str | int | float) and str(value):
            found.append((label, str(value)))
    return found
