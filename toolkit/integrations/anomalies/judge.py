"""Is a number like those before it? Pure.

The median of the last builds is what is usual; the median absolute deviation from it (MAD) says
how much that varies. Both shrug at a single odd build, which a mean does not. What is further
from the median than so many MADs is unusual.

Where the history hardly varies, the MAD would make a matter of any change at all. So a deviation
counts as at least a small part of the median: see :data:`LEAST_SHARE`.

An unusual number is no part of the history of the builds after it, or it would soon be usual. One
that somebody has accepted is, and besides it is a second middle: what is as near to it as a
usual number is to the median, is usual too. So a lasting change is accepted once.
"""

import math
import statistics
from collections.abc import Sequence

import msgspec

from toolkit.settings import Metric

LEAST_SHARE: dict[Metric, float] = {
    "row_count": 0.01, "null_share": 0.0, "distinct": 0.05, "mean": 0.01,
}  # fmt: skip
"""Of the median: the least that counts as one deviation. Distinct counts are estimates."""

LEAST: dict[Metric, float] = {
    "row_count": 1.0, "null_share": 0.01, "distinct": 1.0, "mean": 0.0,
}  # fmt: skip
"""The least that counts as one deviation, whatever the median is."""


class Unusual(msgspec.Struct, frozen=True, kw_only=True):
    """A number that is not like those before it.

    Attributes:
        median: of the builds before.
        builds: how many those are.
        deviations: how many MADs it is away; infinite where all were the same.
    """

    value: float
    median: float
    builds: int
    deviations: float


def judge(
    metric: Metric,
    value: float | None,
    history: Sequence[float | None],
    *,
    accepted: Sequence[float | None] = (),
    least: int,
    threshold: float,
) -> Unusual | None:
    """What is unusual about ``value``; ``None`` if nothing is, or too little is known.

    Args:
        history: of the builds before, without unusual ones; the order does not count.
        accepted: numbers that somebody has said to be as they should be.
        least: with a shorter history nothing is said.
        threshold: MADs from the median that are too many.
    """
    known = _numbers(history)
    if value is None or not math.isfinite(value) or len(known) < least or not known:
        return None
    median = statistics.median(known)
    spread = _spread(metric, known, median)
    away = min(abs(value - middle) for middle in (median, *_numbers(accepted)))
    deviations = away / spread if spread > 0 else (math.inf if away > 0 else 0.0)
    if not deviations > threshold:
        return None
    return Unusual(value=value, median=median, builds=len(known), deviations=deviations)


def _numbers(values: Sequence[float | None]) -> list[float]:
    return [value for value in values if value is not None and math.isfinite(value)]


def _spread(metric: Metric, known: Sequence[float], median: float) -> float:
    mad = statistics.median(abs(value - median) for value in known)
    return max(mad, LEAST_SHARE[metric] * abs(median), LEAST[metric])


def told(metric: Metric, column: str | None, found: Unusual) -> str:
    """``row count 120 is 8.2 MADs below the median 4,310 of 14 builds``."""
    what = {"row_count": "row count", "null_share": "share of nulls", "distinct": "distinct values"}
    name = what.get(metric, metric) + (f" of {column}" if column is not None else "")
    value, median = _said(metric, found.value), _said(metric, found.median)
    if math.isinf(found.deviations):
        return f"{name} {value} differs from the {median} of all {found.builds} builds"
    way = "above" if found.value > found.median else "below"
    deviations = f"{found.deviations:,.1f}" if found.deviations < 1e6 else "over a million"
    return f"{name} {value} is {deviations} MADs {way} the median {median} of {found.builds} builds"


def _said(metric: Metric, value: float) -> str:
    if metric == "null_share":
        return f"{value:.1%}"
    return f"{value:,.0f}" if metric == "row_count" or metric == "distinct" else f"{value:,.6g}"
