"""``run:`` of toolkit.yml: limits, pools, timeouts and retries."""

import re
from collections.abc import Mapping
from typing import Any

from toolkit.settings.document import Document, Keys, kind_of, nearest
from toolkit.settings.render import Renderer
from toolkit.settings.shape import check_keys, mapping_at
from toolkit.settings.types import RunSettings, StepRule

_KINDS = ("sync", "dbt", "python", "check")
_KEYS = RunSettings.__struct_fields__
_RULE_KEYS = ("select", "exclude", "pool", "timeout", "retries", "retry_wait")
_MOST = 10_000
_DURATION = re.compile(r"(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>[a-z]*)")
_UNITS: Mapping[str, float] = {
    "": 1, "s": 1, "sec": 1, "second": 1, "seconds": 1,
    "min": 60, "minute": 60, "minutes": 60,
    "h": 3600, "hour": 3600, "hours": 3600,
}  # fmt: skip


def run_settings(document: Document, value: object, renderer: Renderer) -> RunSettings:
    """What ``run:`` says.

    Raises:
        SettingsError: with file:line and key.
    """
    top: Keys = ("run",)
    data = mapping_at(document, top, value)
    check_keys(document, top, data, _KEYS)
    limits = {
        name: {
            str(key): whole_number(document, (*top, name, str(key)), number, renderer, least=1)
            for key, number in mapping_at(document, (*top, name), data.get(name)).items()
        }
        for name in ("concurrency", "pools")
    }
    for kind in limits["concurrency"]:
        if kind not in _KINDS:
            raise document.error(
                (*top, "concurrency", kind),
                f"is not a kind of step. {nearest(kind, _KINDS)}".rstrip(),
                next_step=f"Kinds: {', '.join(_KINDS)}.",
            )
    rules = data.get("rules")
    if rules is not None and not isinstance(rules, list):
        raise document.error((*top, "rules"), f"must be a list, not {kind_of(rules)}.")
    return RunSettings(
        concurrency=limits["concurrency"],
        pools=limits["pools"],
        rules=tuple(
            _rule(document, (*top, "rules", index), entry, renderer, limits["pools"])
            for index, entry in enumerate(rules or ())
        ),
    )


def _rule(
    document: Document, keys: Keys, entry: object, renderer: Renderer, pools: Mapping[str, int]
) -> StepRule:
    fields = mapping_at(document, keys, entry)
    check_keys(document, keys, fields, _RULE_KEYS)
    select = words_at(document, (*keys, "select"), fields.get("select"), renderer)
    pool = renderer.tree(document, (*keys, "pool"), fields.get("pool"))
    if pool is not None and pool not in pools:
        raise document.error(
            (*keys, "pool"),
            f"is {pool!r}, which is not under `run.pools`. {nearest(str(pool), [*pools])}".rstrip(),
            next_step=f"Add `{pool}: 1` to `run.pools`, or correct the name.",
        )

    def seconds(name: str, *, least: float) -> float | None:
        return _seconds(document, (*keys, name), fields.get(name), renderer, least=least)

    retries = fields.get("retries")
    return StepRule(
        where=f"{document.shown}:{document.line((*keys, 'select'))}",
        select=select,
        exclude=words_at(document, (*keys, "exclude"), fields.get("exclude"), renderer),
        pool=str(pool) if pool is not None else None,
        timeout=seconds("timeout", least=0.001),
        retries=None
        if retries is None
        else whole_number(document, (*keys, "retries"), retries, renderer, least=0),
        retry_wait=seconds("retry_wait", least=0),
    )


def words_at(document: Document, keys: Keys, value: object, renderer: Renderer) -> tuple[str, ...]:
    """One text, or a list of texts; nothing is none of them.

    Raises:
        SettingsError: with file:line and key.
    """
    if value is None:
        return ()
    entries = value if isinstance(value, list) else [value]
    words = renderer.tree(document, keys, entries)
    assert isinstance(words, list)
    for word in words:
        if not isinstance(word, str):
            raise document.error(keys, f"must be text as for --select, not {kind_of(word)}.")
    return tuple(words)


def whole_number(
    document: Document,
    keys: Keys,
    value: Any,  # noqa: ANN401 - as YAML has it
    renderer: Renderer,
    *,
    least: int,
) -> int:
    """A number from ``least`` on; text of digits too, as an environment variable has it.

    Raises:
        SettingsError: with file:line and key.
    """
    number = renderer.tree(document, keys, value)
    if isinstance(number, str) and number.isascii() and number.isdigit():
        number = int(number[:9])  # an environment variable is text
    if isinstance(number, bool) or not isinstance(number, int) or not least <= number <= _MOST:
        raise document.error(keys, f"is {number!r}; it must be a number from {least} to {_MOST}.")
    return number


def _seconds(
    document: Document, keys: Keys, value: object, renderer: Renderer, *, least: float
) -> float | None:
    """A length of time in seconds: a number, or a number with a unit."""
    given = renderer.tree(document, keys, value)
    if given is None:
        return None
    found = duration(given)
    if found is None or not least <= found:
        raise document.error(
            keys,
            f"is {given!r}, which is no length of time.",
            next_step="Write seconds, or a number with s, min or h: `30 min`.",
        )
    return found


def duration(given: object) -> float | None:
    """Seconds of ``90``, ``"30 s"``, ``"5 min"`` or ``"2 h"``; ``None``: no length of time."""
    found: float | None = None
    if isinstance(given, int | float) and not isinstance(given, bool):
        found = float(given)
    elif isinstance(given, str):
        matched = _DURATION.fullmatch(given.strip().lower())
        if matched and matched["unit"] in _UNITS:
            found = float(matched["number"]) * _UNITS[matched["unit"]]
    return found if found is not None and 0 <= found < 1e9 else None
