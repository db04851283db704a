"""How time divides a table into batches, in the words of dbt's ``microbatch``. Pure."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Literal

import msgspec

from toolkit.integrations.python.definitions import Batch

Size = Literal["hour", "day", "month", "year"]


class Batching(msgspec.Struct, frozen=True, kw_only=True):
    """How a table is divided.

    Attributes:
        event_time: the column of the result that says to which batch a row belongs.
        begin: where the first batch begins; UTC, without a time zone.
        lookback: how many batches before the current one are made again by each build.
        limit: how many batches one build makes at most.
    """

    event_time: str
    size: Size
    begin: datetime
    lookback: int = 1
    limit: int | None = None

    def batches(self, until: datetime) -> Iterator[Batch]:
        """All batches, the oldest first; the last one holds ``until``."""
        start = floor(self.begin, self.size)
        while start <= until:
            end = following(start, self.size)
            yield Batch(start=start, end=end, size=self.size)
            start = end


def now() -> datetime:
    """The time in UTC, without a time zone, as batches have it."""
    return datetime.now(UTC).replace(tzinfo=None)


def floor(moment: datetime, size: Size) -> datetime:
    """The start of the batch that a moment is in."""
    start = moment.replace(minute=0, second=0, microsecond=0)
    if size != "hour":
        start = start.replace(hour=0)
    if size in ("month", "year"):
        start = start.replace(day=1)
    return start.replace(month=1) if size == "year" else start


def following(start: datetime, size: Size) -> datetime:
    """The start of the next batch."""
    if size == "hour":
        return start + timedelta(hours=1)
    if size == "day":
        return start + timedelta(days=1)
    # 31 days from the first of a month, or 366 from the first of a year, are in the next one.
    return floor(start + timedelta(days=31 if size == "month" else 366), size)
