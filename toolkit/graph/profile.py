"""What was counted of a table when it was made: plain values, which the ledger keeps over time."""

import msgspec


class ColumnProfile(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True):
    """One column of a profiled table.

    Attributes:
        nulls: rows in which it is null; of all rows, also where the rest is of a sample.
        distinct: about how many different values there are (HyperLogLog, off by some percent);
            ``None`` for a type that has none (lists, structs).
        mean / deviation: of numbers, without NaN and infinity; ``deviation`` is the sample's
            standard deviation. ``None`` where there are none, or they do not fit a float.
        least / most: the smallest and the largest value as DuckDB writes them, at most 60
            characters; ``None`` where values are not to be kept.
        quartiles: of numbers, approximately: 25%, 50%, 75%.
        hidden: no value of it is kept, because it is personal, or sounds like a secret.
    """

    name: str
    type: str
    nulls: int | None = None
    distinct: int | None = None
    mean: float | None = None
    deviation: float | None = None
    least: str | None = None
    most: str | None = None
    quartiles: tuple[float, ...] = ()
    hidden: bool = False


class TableProfile(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True):
    """One table as it was made.

    Attributes:
        rows: of all of it.
        sampled: rows that the statistics are of, where that is not all of them.
        left_out: columns beyond the first ones that are profiled.
        note: why a part of it is not there; empty if nothing is missing.
    """

    rows: int
    columns: tuple[ColumnProfile, ...] = ()
    sampled: int | None = None
    left_out: int = 0
    note: str = ""

    def column(self, name: str) -> ColumnProfile | None:
        """A column by its name, whose case does not count."""
        folded = name.casefold()
        return next((one for one in self.columns if one.name.casefold() == folded), None)
