"""The rows of one table in two DuckDB files: how many, which keys, which columns differ."""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from toolkit.errors import WarehouseError
from toolkit.graph import Relation
from toolkit.warehouse.duckdb import literal, open_error, quote

SAMPLE = 200_000
"""Rows of the larger side above which only some keys are compared."""


class RowsDiff(msgspec.Struct, frozen=True, kw_only=True):
    """How the rows of a table differ between two files.

    Attributes:
        base / head: rows there; ``None`` where there is no such table.
        key: columns that tell the rows apart; empty where none are known: then whole rows are
            compared, and ``columns`` stays empty.
        share: part of the keys (or rows) that was compared: 1.0 is all of them.
        only_base / only_head / both: keys (or rows), of those that were compared.
        columns: for each column that both have the number of common keys with another value;
            only those that differ.
        gone / new: columns of one side only.
    """

    base: int | None
    head: int | None
    key: tuple[str, ...] = ()
    share: float = 1.0
    only_base: int = 0
    only_head: int = 0
    both: int = 0
    columns: dict[str, int] = {}
    gone: tuple[str, ...] = ()
    new: tuple[str, ...] = ()

    @property
    def same(self) -> bool:
        """Nothing differs, in what was compared."""
        sides = self.only_base or self.only_head or self.columns or self.gone or self.new
        return self.base == self.head and not sides


class TwoFiles:
    """Two DuckDB files, opened for reading.

    Raises:
        WarehouseError: one of them cannot be opened; WarehouseLockedError: it is in use.
    """

    def __init__(self, base: Path, head: Path, sample: int = SAMPLE) -> None:
        import duckdb

        self._sample = sample
        # what has no room in memory would else go to a folder where we stand
        self._spill = tempfile.TemporaryDirectory(prefix="toolkit-")
        self._connection = duckdb.connect(config={"temp_directory": self._spill.name})
        for name, path in (("base", base), ("head", head)):
            if not path.is_file():
                self.close()
                raise WarehouseError(
                    f"There is no DuckDB file {path}.",
                    "Rows were not compared.",
                    "Build it first, or leave out --data.",
                )
            try:
                self._connection.execute(f"attach {literal(str(path))} as {name} (read_only)")
            except duckdb.Error as error:
                self.close()
                raise open_error(str(path), str(error)) from error

    def __enter__(self) -> "TwoFiles":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of both files."""
        self._connection.close()
        self._spill.cleanup()

    def compare(
        self, base: Relation | None, head: Relation | None, key: Sequence[str] = ()
    ) -> RowsDiff:
        """How a table's rows differ.

        Args:
            key: columns whose values are unique on both sides; none if that is not known.
        """
        was, now = self._columns("base", base), self._columns("head", head)
        if was is None or now is None:
            return RowsDiff(
                base=None if was is None else self._count("base", base),
                head=None if now is None else self._count("head", head),
            )
        assert base is not None
        assert head is not None
        casts = {n: "" if t == now[n] else "::varchar" for n, t in was.items() if n in now}
        folded = {name.casefold(): name for name in casts}
        keys = tuple(folded[k.casefold()] for k in key if k.casefold() in folded)
        counts = self._count("base", base), self._count("head", head)
        steps = max(1, -(-max(counts) // self._sample))
        sides = _table("base", base), _table("head", head)
        if len(keys) != len(key) or not self._tell_apart(sides, keys):
            keys = ()
        if keys:
            rest = {name: cast for name, cast in casts.items() if name not in keys}
            found = self._by_key(sides, keys, rest, steps)
        else:
            found = self._by_row(sides, casts, steps)
        return msgspec.structs.replace(
            found,
            base=counts[0],
            head=counts[1],
            key=keys,
            share=1 / steps,
            gone=tuple(name for name in was if name not in now),
            new=tuple(name for name in now if name not in was),
        )

    def _by_key(
        self, sides: tuple[str, str], keys: Sequence[str], rest: Mapping[str, str], steps: int
    ) -> RowsDiff:
        chosen = _some(keys, steps)
        on = " and ".join(f"b.{quote(k)} is not distinct from h.{quote(k)}" for k in keys)
        differs = "".join(
            f", count(*) filter (where b.__is and h.__is and "
            f"b.{quote(name)}{cast} is distinct from h.{quote(name)}{cast})"
            for name, cast in rest.items()
        )
        row = self._one(
            "select count(*) filter (where h.__is is null), "
            "count(*) filter (where b.__is is null), "
            f"count(*) filter (where b.__is and h.__is){differs} "
            f"from (select *, true as __is from {sides[0]} where {chosen}) as b full join "
            f"(select *, true as __is from {sides[1]} where {chosen}) as h on {on}"
        )
        counts = zip(rest, row[3:], strict=True)
        return RowsDiff(
            base=0, head=0, only_base=row[0], only_head=row[1], both=row[2],
            columns={name: count for name, count in counts if count},
        )  # fmt: skip

    def _tell_apart(self, sides: tuple[str, str], keys: Sequence[str]) -> bool:
        """Whether the keys are unique on both sides."""
        names = ", ".join(quote(name) for name in keys)
        return bool(keys) and all(
            self._one(f"select count(*) - count(distinct row({names})) from {side}") == (0,)
            for side in sides
        )

    def _by_row(self, sides: tuple[str, str], casts: Mapping[str, str], steps: int) -> RowsDiff:
        if not casts:
            return RowsDiff(base=0, head=0)
        names = ", ".join(f"{quote(n)}{cast} as {quote(n)}" for n, cast in casts.items())
        chosen = _some([*casts], steps)
        one, other = (f"select {names} from {side} where {chosen}" for side in sides)
        row = self._one(
            f"select (select count(*) from ({one} except all {other})), "
            f"(select count(*) from ({other} except all {one})), "
            f"(select count(*) from ({one} intersect all {other}))"
        )
        return RowsDiff(base=0, head=0, only_base=row[0], only_head=row[1], both=row[2])

    def _columns(self, side: str, relation: Relation | None) -> dict[str, str] | None:
        """Name -> type, in order; ``None`` where there is no such table."""
        if relation is None:
            return None
        found = self._connection.execute(
            "select column_name, data_type from duckdb_columns() where database_name = ? and "
            "lower(schema_name) = ? and lower(table_name) = ? order by column_index",
            [side, (relation.schema or "main").casefold(), relation.identifier.casefold()],
        ).fetchall()
        return dict(found) or None

    def _count(self, side: str, relation: Relation | None) -> int:
        assert relation is not None
        return int(self._one(f"select count(*) from {_table(side, relation)}")[0])

    def _one(self, sql: str) -> tuple[int, ...]:
        import duckdb

        try:
            found = self._connection.execute(sql).fetchone()
        except duckdb.Error as error:
            raise WarehouseError(
                f"Rows cannot be compared: {str(error).splitlines()[0]}",
                "The comparison of the rows was given up.",
                "Leave out --data, or rebuild both files with the same version of DuckDB.",
            ) from error
        assert found is not None
        return tuple(found)


def _table(side: str, relation: Relation) -> str:
    return f"{side}.{quote(relation.schema or 'main')}.{quote(relation.identifier)}"


def _some(columns: Sequence[str], steps: int) -> str:
    """A condition that is true for one in ``steps`` of the keys, the same ones on both sides."""
    if steps == 1:
        return "true"
    values = ", ".join(f"{quote(name)}::varchar" for name in columns)
    return f"hash({values}) % {steps} = 0"
