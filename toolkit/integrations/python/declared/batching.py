"""Which assets are made in batches: their options judged."""

from datetime import UTC, date, datetime
from typing import Any, get_args

from toolkit.integrations.python.declared.dividing import Batching, Size
from toolkit.integrations.python.declared.validate import reject
from toolkit.integrations.python.definitions import AssetDefinition
from toolkit.text import nearest

# Why such an asset is run by each build; which of its batches are due is seen then.
NOT_OVER = "it is made in batches, and the newest one is not over"


def batching_of(definition: AssetDefinition, who: str) -> Batching | None:
    """How the asset is divided; ``None``: it is not.

    Raises:
        AssetError: an option is missing or makes no sense.
    """
    given = {
        "batch_size": definition.batch_size,
        "begin": definition.begin,
        "lookback": definition.lookback,
        "batch_limit": definition.batch_limit,
    }
    said = [name for name, value in given.items() if value is not None]
    if definition.event_time is not None and not isinstance(definition.event_time, str):
        raise reject(
            who, f"event_time={definition.event_time!r} names no column.", "Name a column."
        )
    if not said:
        return None
    for name in ("event_time", "batch_size", "begin"):
        if getattr(definition, name) is None:
            raise reject(
                who,
                f"it says {', '.join(said)} and not {name}.",
                "Batches need event_time, batch_size and begin, as dbt's microbatch does.",
            )
    if definition.kind != "python" or definition.sql or definition.isolate:
        raise reject(
            who,
            "only tables of functions in toolkit's own process are made in batches.",
            "Remove batch_size, or kind, sql and isolate.",
        )
    sizes = get_args(Size)
    if definition.batch_size not in sizes:
        raise reject(
            who,
            f"batch_size={definition.batch_size!r} is none of {', '.join(sizes)}.",
            f"{nearest(str(definition.batch_size), sizes)}Use one of them.",
        )
    return Batching(
        event_time=str(definition.event_time),
        size=definition.batch_size,
        begin=_begin(definition.begin, who),
        lookback=_count("lookback", definition.lookback, 0, who) if "lookback" in said else 1,
        limit=_count("batch_limit", definition.batch_limit, 1, who)
        if "batch_limit" in said
        else None,
    )


def _begin(value: Any, who: str) -> datetime:  # noqa: ANN401  # whatever the user wrote
    if isinstance(value, date) and not isinstance(value, datetime):
        value = value.isoformat()
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise reject(
                who, f"begin={value!r} is no date.", "Write it as '2026-01-31', in UTC."
            ) from None
    if not isinstance(value, datetime):
        raise reject(who, f"begin={value!r} is no date.", "Write it as '2026-01-31', in UTC.")
    return value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value


def _count(option: str, value: Any, least: int, who: str) -> int:  # noqa: ANN401  # the user's
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise reject(
            who,
            f"{option}={value!r} is no number of batches.",
            f"Use a whole number from {least} on.",
        )
    return int(value)
