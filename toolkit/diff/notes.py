"""What differs between two versions of an asset besides its query: configuration and words."""

from collections.abc import Iterator, Mapping
from typing import Any

from toolkit.diff.model import Note
from toolkit.graph import Asset

# Settings that decide which rows are kept from one run to the next.
_KEEPING = frozenset(
    {"unique_key", "incremental_strategy", "incremental_predicates", "merge_update_columns",
     "merge_exclude_columns", "on_schema_change", "strategy", "updated_at", "check_cols",
     "invalidate_hard_deletes", "hard_deletes", "full_refresh", "event_time", "batch_size", "begin",
     "lookback", "snapshot_meta_column_names", "dbt_valid_to_current", "sync_mode", "cursor_field",
     "primary_key", "quote_columns", "column_types", "delimiter"}
)  # fmt: skip
# Settings that decide which values a stream lands.
_LANDING = frozenset({"mappers", "stream", "namespace"})
_HOOKS = frozenset({"pre-hook", "post-hook", "pre_hook", "post_hook"})
# Said elsewhere, or the same thing once more.
_ELSEWHERE = frozenset(
    {"materialized", "schema", "alias", "database", "tags", "meta", "docs", "group", "access",
     "description", "contract", "packages", "connection_id", "owner"}
)  # fmt: skip
_ACCESS = {"private": 0, "protected": 1, "public": 2}
_LONGEST = 80


def notes(base: Asset, head: Asset) -> list[Note]:
    """All that differs, in a fixed order."""
    return [
        *_materialized(base, head),
        *_config(base.config, head.config),
        *_access(base, head),
        *_contract(base, head),
        *_for_people(base, head),
    ]


def _materialized(base: Asset, head: Asset) -> Iterator[Note]:
    was, now = base.materialized, head.materialized
    if was == now:
        return
    what = f"materialized: {was} -> {now}"
    if now == "ephemeral":
        yield Note(what, "review", "there is no table any more for readers outside of dbt")
    elif "incremental" in (was, now):
        yield Note(what, "review", "rows are kept from run to run, or no longer are", rows=True)
    else:
        yield Note(what)


def _config(base: Mapping[str, Any], head: Mapping[str, Any]) -> Iterator[Note]:
    for name in sorted({*base, *head} - _ELSEWHERE):
        was, now = base.get(name), head.get(name)
        if was == now or (not was and not now):
            continue
        what = f"{name}: {_said(was)} -> {_said(now)}"
        if name in _KEEPING:
            yield Note(what, "review", "it decides which rows are kept, and how", rows=True)
        elif name in _LANDING:
            yield Note(what, "review", "other values land")
        elif name in _HOOKS:
            yield Note(what, "review", "nobody can tell what a hook does", rows=True)
        else:
            yield Note(what)


def _access(base: Asset, head: Asset) -> Iterator[Note]:
    was, now = base.access, head.access
    if was == now or was is None or now is None:
        return
    narrower = _ACCESS.get(now, 0) < _ACCESS.get(was, 0)
    reason = "who may not refer to it any more lies in part outside of this project"
    yield Note(
        f"access: {was} -> {now}",
        "review" if narrower and was == "public" else "safe",
        reason if narrower and was == "public" else "",
    )


def _contract(base: Asset, head: Asset) -> Iterator[Note]:
    if base.contract and not head.contract:
        yield Note("contract: no longer enforced", "review", "nothing holds it to its columns now")
    elif head.contract and not base.contract:
        yield Note("contract: enforced now")


def _for_people(base: Asset, head: Asset) -> Iterator[Note]:
    described = {name: column.description for name, column in base.columns.items()}
    if base.description != head.description or described != {
        name: column.description for name, column in head.columns.items()
    }:
        yield Note("documentation")
    for name in ("owner", "group"):
        was, now = getattr(base, name), getattr(head, name)
        if was != now:
            yield Note(f"{name}: {_said(was)} -> {_said(now)}")
    if sorted(base.tags) != sorted(head.tags):
        yield Note(f"tags: {_said([*base.tags])} -> {_said([*head.tags])}")
    if _labels(base) != _labels(head):
        yield Note("meta")


def _labels(asset: Asset) -> object:
    columns = [(name, column.tags, column.meta) for name, column in asset.columns.items()]
    return asset.meta, [entry for entry in columns if entry[1] or entry[2]]


def _said(value: object) -> str:
    if value in (None, "", [], {}):
        return "none"
    text = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
