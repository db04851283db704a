"""The part of the payload that has the profiles: what was counted of each table, over time.

It is decoded with the SQL, when somebody opens an asset. A number that never changed stands
there once. Fewer points of each column, the more columns there are: the page stays small.
"""

from collections.abc import Callable, Sequence
from typing import Any

from toolkit.graph.profile import ColumnProfile
from toolkit.ledger import ProfileRow
from toolkit.report.page.data import ReportData

MOST_POINTS = 20  # of one asset over time
MOST_CELLS = 200_000  # columns times points, of all assets together
MOST_COLUMNS = 100  # of one asset

Clean = Callable[[str], str]


def profiles_table(data: ReportData, clean: Clean) -> dict[str, Any]:
    """By asset number: the latest profile, and how rows, nulls and distinct values went.

    Args:
        clean: masks what is secret.
    """
    found = [(n, data.profiles[key]) for n, key in enumerate(data.graph.assets)
             if data.profiles.get(key)]  # fmt: skip
    columns = sum(min(MOST_COLUMNS, len(rows[0].profile.columns)) for _, rows in found)
    points = max(2, min(MOST_POINTS, MOST_CELLS // max(1, columns)))
    return {str(n): _asset(rows[:points], clean) for n, rows in found}


def _asset(rows: Sequence[ProfileRow], clean: Clean) -> dict[str, Any]:
    """One asset; ``rows`` has the newest first, and what is told the oldest."""
    newest, oldest_first = rows[0].profile, rows[::-1]
    shown = newest.columns[:MOST_COLUMNS]
    return {
        "at": [round(row.at) for row in oldest_first],
        "rows": [row.profile.rows for row in oldest_first],
        "sampled": newest.sampled,
        "left_out": newest.left_out + len(newest.columns) - len(shown),
        "note": clean(newest.note),
        "unusual": [clean(name) for name in rows[0].unusual],
        "accepted": rows[0].accepted,
        "columns": [_column(one, oldest_first, clean) for one in shown],
    }


def _column(one: ColumnProfile, rows: Sequence[ProfileRow], clean: Clean) -> list[Any]:
    """``[name, nulls, distinct, least, most, mean, quartiles, hidden]``, nulls over time."""
    past = [row.profile.column(one.name) for row in rows]
    return [
        clean(one.name),
        _series([column.nulls if column is not None else None for column in past]),
        _series([column.distinct if column is not None else None for column in past]),
        None if one.least is None else clean(one.least),
        None if one.most is None else clean(one.most),
        one.mean,
        list(one.quartiles),
        int(one.hidden),
    ]


def _series(values: list[int | None]) -> int | list[int | None] | None:
    return values[0] if len(set(values)) == 1 else values
