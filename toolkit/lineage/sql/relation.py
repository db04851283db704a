"""A relation inside a query: its columns in order, and what is known of those it hides."""

from collections.abc import Iterable, Sequence

from sqlglot import exp

from toolkit.lineage.known import CATALOGUED, DECLARED, NAMED, UNKNOWN, UNNESTED
from toolkit.lineage.sql.flow import (
    AS_IS,
    IDENTITY,
    NOTHING,
    TRANSFORMATION,
    Flow,
    Rows,
    merge,
    pour,
)

__all__ = [
    "CATALOGUED", "DECLARED", "EMPTY", "NAMED", "UNKNOWN", "UNNESTED",
    "Ambiguous", "Beyond", "Branch", "Col", "Fields", "Rel", "Value", "best_of", "inside",
    "side_by_side",
]  # fmt: skip


class Value:
    """One column's flow, type, and the expression that computed it last.

    Attributes:
        fields: of a struct that is written out in this query, by name; else ``None``.
    """

    __slots__ = ("fields", "flow", "origin", "type")

    def __init__(
        self,
        flow: Flow,
        type: "str | exp.DataType | None" = None,
        origin: "exp.Expr | None" = None,
        fields: "Fields | None" = None,
    ) -> None:
        self.flow = flow
        self.fields = fields
        self.type = type
        self.origin = origin


Fields = dict[str, Value]
"""Fields of a struct as they are spelled, in order."""

EMPTY = Value(NOTHING)


def inside(value: Value, path: Sequence[exp.Expr]) -> Value:
    """The field of a struct at the end of a path; of a struct not written out, all of it."""
    for part in path:
        folded = part.name.lower()
        found = {name.lower(): field for name, field in (value.fields or {}).items()}.get(folded)
        if found is None:
            break
        value = found
    if not value.flow:
        return EMPTY
    flow: Flow = {}
    pour(flow, value.flow, TRANSFORMATION)
    return Value(flow, None, None, value.fields)


class Col:
    """A named value in a relation."""

    __slots__ = ("name", "value")

    def __init__(self, name: str, value: Value) -> None:
        self.name = name
        self.value = value


class Beyond:
    """Where columns come from that a relation has and nobody declares.

    Attributes:
        key: the asset, ``None`` for what is no asset.
        flow: what any such column takes, where ``key`` is ``None`` (an unnested struct).
        hidden: folded names that do not come through (``* exclude (a)``).
        rank: how likely a column comes from here; see ``known``.
    """

    __slots__ = ("_values", "flow", "hidden", "key", "rank")

    def __init__(
        self,
        key: str | None,
        flow: Flow,
        rank: int,
        hidden: frozenset[str] = frozenset(),
        values: dict[str, Value] | None = None,
    ) -> None:
        self.key = key
        self.flow = flow
        self.rank = rank
        self.hidden = hidden
        self._values = {} if values is None else values

    def value(self, name: str) -> Value:
        """The column ``name``, spelled as it was first met."""
        if self.key is None:
            return Value(self.flow)
        folded = name.lower()
        value = self._values.get(folded)
        if value is None:
            value = self._values[folded] = Value({(self.key, name): IDENTITY})
        return value

    def without(self, names: Iterable[str]) -> "Beyond":
        """The same without some folded names."""
        hidden = self.hidden.union(names)
        return Beyond(self.key, self.flow, self.rank, hidden, self._values)


Branch = tuple[Beyond, ...]
"""Relations side by side (a join): an unknown column comes from exactly one of them."""


class Ambiguous(Exception):
    """An unknown column could come from several relations."""


def best_of(branch: Iterable[Beyond], folded: str) -> Beyond | None:
    """The one likely home of an unknown column.

    Raises:
        Ambiguous: several are equally likely.
    """
    homes = [beyond for beyond in branch if folded not in beyond.hidden]
    if not homes:
        return None
    lowest = min(beyond.rank for beyond in homes)
    likely = [beyond for beyond in homes if beyond.rank == lowest]
    if len(likely) > 1 and len({(b.key, id(b.flow)) for b in likely}) > 1:
        raise Ambiguous
    return likely[0]


class Rel:
    """Columns in output order, and branches of what else there may be.

    Attributes:
        cols: known columns, in order.
        branches: one for each branch of a union that has unknown columns.
        rows: influence on the rows of this relation, from all that it is made of.
    """

    __slots__ = ("_by_name", "_sensitive", "branches", "cols", "rows")

    def __init__(
        self,
        cols: Sequence[Col],
        branches: Sequence[Branch] = (),
        rows: Rows | None = None,
        sensitive: bool = False,
    ) -> None:
        self.cols = cols
        self.branches = branches
        self.rows: Rows = {} if rows is None else rows
        self._sensitive = sensitive
        by_name: dict[str, Col] = {}
        for col in cols:
            by_name.setdefault(col.name.lower(), col)
        self._by_name = by_name

    def get(self, folded: str, exact: str | None = None) -> Value | None:
        """A known column.

        Args:
            folded: its name in lower case.
            exact: its name as the dialect stores it; tells ``"Id"`` from ``"ID"`` where a
                relation has both.
        """
        col = self._by_name.get(folded)
        if col is None:
            return None
        if self._sensitive and exact is not None and col.name != exact:
            for other in self.cols:
                if other.name == exact:
                    return other.value
        return col.value

    def rank(self) -> int | None:
        """How likely a column that is not known comes from here; ``None`` for never."""
        if not self.branches:
            return None
        return min(min(beyond.rank for beyond in branch) for branch in self.branches)

    def beyond(self, name: str) -> Value | None:
        """A column that is not known, through the branches.

        Raises:
            Ambiguous: it could come from several relations.
        """
        folded = name.lower()
        found: Value | None = None
        for branch in self.branches:
            home = best_of(branch, folded)
            if home is not None:
                value = home.value(name)
                found = value if found is None else Value(merge(found.flow, value.flow))
        return found

    def find(self, name: str) -> Value | None:
        """A column, known or not.

        Raises:
            Ambiguous: it could come from several relations.
        """
        return self.get(name.lower()) or self.beyond(name)

    def renamed(self, names: Sequence[str]) -> "Rel":
        """The first columns under new names, as ``t(a, b)`` does.

        Unknown columns that get a name take all that may come through.
        """
        if not names:
            return self
        cols = [Col(name, col.value) for name, col in zip(names, self.cols, strict=False)]
        missing = names[len(cols) :]
        if missing and self.branches:
            flow: Flow = {}
            for branch in self.branches:
                for beyond in branch:
                    pour(flow, beyond.flow, AS_IS)
            cols.extend(Col(name, Value(flow)) for name in missing)
        cols.extend(self.cols[len(names) :])
        return Rel(cols, self.branches, self.rows, self._sensitive)


def side_by_side(rels: Sequence[Sequence[Branch]]) -> list[Branch]:
    """Branches of a join of relations with these branches.

    Several unions of unknowns joined would multiply; beyond 64 the rest is joined flat.
    """
    result: list[Branch] = [()]
    for branches in rels:
        if not branches:
            continue
        if len(result) * len(branches) > 64:
            flat = tuple(beyond for branch in branches for beyond in branch)
            result = [(*branch, *flat) for branch in result]
        else:
            result = [(*left, *right) for left in result for right in branches]
    return [branch for branch in result if branch]
