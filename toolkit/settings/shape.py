"""The shape of toolkit.yml: which keys may be where, with the line of those that may not."""

from collections.abc import Mapping, Sequence
from typing import Any

from toolkit.settings.document import Document, Keys, dotted, kind_of, nearest


def check_keys(
    document: Document, keys: Keys, data: Mapping[Any, Any], valid: Sequence[str]
) -> None:
    """Refuse a key of ``data`` (found at ``keys``) that is not among ``valid``.

    Raises:
        SettingsError: with file:line, key and the nearest valid one.
    """
    for key in data:
        if key not in valid:
            raise document.error(
                (*keys, str(key)),
                "is not a key of toolkit.yml"
                + (f" under `{dotted(keys)}`." if keys else ".")
                + f" {nearest(str(key), valid)}".rstrip(),
                next_step=f"Valid keys here: {', '.join(valid)}.",
            )


def mapping_at(document: Document, keys: Keys, value: object) -> dict[Any, Any]:
    """``value`` as a mapping; none at all is an empty one.

    Raises:
        SettingsError: it is something else.
    """
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise document.error(keys, f"must be a mapping, not {kind_of(value)}.")
    return value
