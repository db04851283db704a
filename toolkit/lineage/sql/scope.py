"""Names -> columns, inside one SELECT and outward through those around it."""

from typing import Protocol

from sqlglot import exp
from sqlglot.dialects import Dialect

from toolkit.lineage.sql.context import Context, line_of
from toolkit.lineage.sql.flow import AS_IS, NOTHING, TRANSFORMATION, Flow, Rows, pour
from toolkit.lineage.sql.relation import EMPTY, UNNESTED, Ambiguous, Rel, Value, inside

# Bare words that are a unit of time where a function takes one: DATEADD(month, 1, d).
_DATE_PARTS = frozenset(
    [
        "year",
        "years",
        "yyyy",
        "yy",
        "quarter",
        "quarters",
        "qtr",
        "qq",
        "q",
        "month",
        "months",
        "mon",
        "mm",
        "week",
        "weeks",
        "isoweek",
        "wk",
        "ww",
        "day",
        "days",
        "dd",
        "dayofweek",
        "dayofyear",
        "dow",
        "doy",
        "weekday",
        "hour",
        "hours",
        "hh",
        "minute",
        "minutes",
        "mi",
        "second",
        "seconds",
        "ss",
        "millisecond",
        "milliseconds",
        "ms",
        "microsecond",
        "microseconds",
        "us",
        "nanosecond",
        "nanoseconds",
        "epoch",
        "isoyear",
        "decade",
        "century",
        "timezone_hour",
        "timezone_minute",
    ]
)


NO_NAMES: dict[str, Value] = {}
"""No alias goes before a column."""


class CteRel(Protocol):
    """A CTE in sight."""

    def rel(self) -> Rel:
        """Its relation."""


class Ctes:
    """CTEs that are in sight, innermost first."""

    __slots__ = ("parent", "rels")

    def __init__(self, parent: "Ctes | None" = None) -> None:
        self.parent = parent
        self.rels: dict[str, CteRel] = {}

    def get(self, folded: str) -> CteRel | None:
        """The entry for a name, from here outward."""
        level: Ctes | None = self
        while level is not None:
            found = level.rels.get(folded)
            if found is not None:
                return found
            level = level.parent
        return None


class Scope:
    """The sources of one SELECT, and what its names mean.

    Attributes:
        sources: alias (folded) -> relation, in FROM order.
        paths: alias (folded) -> folded catalog and schema, for ``schema.table.column``.
        merged_names: their spelling, by folded name.
        merged: keys of USING and NATURAL joins (folded) -> the value of the unqualified name.
        aliases: select items by folded alias, as far as they are evaluated.
        ahead: those that go before columns of their name in the clause that is read now.
        rows: influence on the rows of this SELECT.
        outer: what was taken from the scopes around it (correlation).
        bound: names that lambdas and comprehensions bind.
        is_fence: the scope around is seen only for names that are found nowhere inside.
    """

    __slots__ = (
        "ahead", "aliases", "bound", "columns_value", "context", "ctes", "is_fence", "merged",
        "merged_names", "outer", "parent", "paths", "rows", "sources", "windows",
    )  # fmt: skip

    def __init__(self, context: Context, ctes: Ctes, parent: "Scope | None") -> None:
        self.context = context
        self.ctes = ctes
        self.parent = parent
        self.sources: dict[str, Rel] = {}
        self.paths: dict[str, tuple[str, str]] = {}
        self.merged: dict[str, Value] = {}
        self.merged_names: dict[str, str] = {}
        self.aliases: dict[str, Value] = {}
        self.ahead: dict[str, Value] = self.aliases if context.facts.alias_first else NO_NAMES
        self.windows: dict[str, exp.Window] = {}
        self.rows: Rows = {}
        self.outer: Flow = {}
        self.bound: list[str] = []
        self.columns_value: Value | None = None
        self.is_fence = False

    def add(self, alias: str, rel: Rel, path: tuple[str, str] = ("", "")) -> None:
        """Put a relation into FROM. One without a name gets one that nobody can write."""
        folded = alias.lower() or f" {len(self.sources)}"
        if folded in self.sources:
            folded = f" {len(self.sources)} {folded}"
        self.sources[folded] = rel
        if path[1]:
            self.paths[folded] = path

    def column(self, node: exp.Column) -> Value:
        """What a column reference stands for; EMPTY, and a loss, where that is not known."""
        name_node = node.args["this"]
        if node.args.get("table") is None:
            if not isinstance(name_node, exp.Identifier):
                return EMPTY
            value = self._unqualified(name_node, node)
        else:
            value = self._qualified([part for part in node.parts if part is not None])
        if value is None:
            if not _is_a_unit_here(node, self.context.facts.name):
                self._lose(node)
            return EMPTY
        return value

    def _qualified(self, parts: list[exp.Expr]) -> Value | None:
        scope: Scope | None = self
        while scope is not None:
            found = scope._by_source(parts)
            if found is not None:
                if scope is not self:
                    self._took(found, scope)
                return found
            scope = scope.parent
        # a.b may be the field b of a struct column a
        head = parts[0]
        gone = isinstance(parts[1], exp.Identifier) and self._is_a_closed_source(head)
        if isinstance(head, exp.Identifier) and not gone:
            column = self._unqualified(head, None)
            if column is not None:
                return inside(column, parts[1:])
        return None

    def _is_a_closed_source(self, identifier: exp.Expr) -> bool:
        """Of a relation whose columns are all known, and of no column: it has no other fields."""
        if not isinstance(identifier, exp.Identifier):
            return False
        folded = identifier.this.lower()
        exact = self.context.facts.exact(identifier.this, bool(identifier.args.get("quoted")))
        scope: Scope | None = self
        while scope is not None:
            if scope.known(folded, exact) is not None:
                return False
            if folded in scope.sources:
                return not scope.sources[folded].branches
            scope = scope.parent
        return False

    def _by_source(self, parts: list[exp.Expr]) -> Value | None:
        """``source.column.path`` or ``[catalog.]schema.source.column.path``, in this scope."""
        names = [part.name.lower() for part in parts]
        rel = self.sources.get(names[0])
        if rel is not None:
            value = self._in_source(rel, parts[1])
            if value is not None:
                return inside(value, parts[2:]) if len(parts) > 2 else value
        for width in (2, 3):
            if len(parts) > width:
                for alias, path in self.paths.items():
                    if (*path, alias)[-width:] == tuple(names[:width]):
                        value = self._in_source(self.sources[alias], parts[width])
                        if value is not None:
                            rest = parts[width + 1 :]
                            return inside(value, rest) if rest else value
        return None

    def _in_source(self, rel: Rel, part: exp.Expr) -> Value | None:
        if not isinstance(part, exp.Identifier):
            return None
        name = part.this
        value = rel.get(name.lower(), self.context.facts.exact(name, bool(part.args.get("quoted"))))
        if value is None and rel.branches:
            value = self._beyond([rel], name, part)
        return value

    def _unqualified(self, identifier: exp.Identifier, node: exp.Column | None) -> Value | None:
        name: str = identifier.this
        folded = name.lower()
        if folded in self.bound:
            return EMPTY
        quoted = bool(identifier.args.get("quoted"))
        known = self.known(folded, self.context.facts.exact(name, quoted))
        if known is not None:
            return known
        if not quoted and (folded in self.context.facts.pseudo or _is_a_unit(folded, node)):
            return EMPTY
        if folded in self.sources:
            return Value(whole_row(self.sources[folded]))
        homes = [rel for rel in self.sources.values() if rel.branches]
        if homes:
            rank = min(r for r in (rel.rank() for rel in homes) if r is not None)
            if rank > UNNESTED:
                outside = self._outside(folded, name, quoted)
                if outside is not None:
                    return outside
            value = self._beyond([rel for rel in homes if rel.rank() == rank], name, identifier)
            if value is not None:
                return value
        if self.parent is not None:
            found = self.parent._unqualified(identifier, node)
            if found is not None:
                self._took(found, self.parent)
            return found
        return None

    def known(self, folded: str, exact: str) -> Value | None:
        """A column of this scope that is known by name, or a select item's alias."""
        first = self.ahead.get(folded) or self.merged.get(folded)
        if first is not None:
            return first
        for rel in self.sources.values():
            value = rel.get(folded, exact)
            if value is not None:
                return value
        return self.aliases.get(folded)

    def _outside(self, folded: str, name: str, quoted: bool) -> Value | None:
        """A name that a scope around this one knows for certain."""
        scope = self.parent
        while scope is not None:
            if scope.is_fence:
                scope = scope.parent.parent if scope.parent is not None else None
                continue
            value = scope.known(folded, self.context.facts.exact(name, quoted))
            if value is not None:
                self._took(value, scope)
                return value
            scope = scope.parent
        return None

    def _beyond(self, rels: list[Rel], name: str, node: exp.Expr) -> Value | None:
        if len(rels) > 1:
            found = [rel.beyond(name) for rel in rels[:1]] if _same(rels) else []
            if not found:
                self.context.lose(
                    "ambiguous-column",
                    "These columns could come from several relations whose columns are not known",
                    name,
                    line_of(node),
                )
                return EMPTY
            return found[0]
        try:
            return rels[0].beyond(name)
        except Ambiguous:
            self.context.lose(
                "ambiguous-column",
                "These columns could come from several relations whose columns are not known",
                name,
                line_of(node),
            )
            return EMPTY

    def _took(self, value: Value, _from: "Scope") -> None:
        scope: Scope | None = self
        while scope is not None and scope is not _from:
            pour(scope.outer, value.flow, AS_IS)
            scope = scope.parent

    def _lose(self, node: exp.Column) -> None:
        self.context.lose(
            "unresolved-column",
            "These columns were found in none of the relations that are read",
            ".".join(part.name for part in node.parts),
            line_of(node),
        )


def whole_row(rel: Rel) -> Flow:
    """All that is known of a relation, packed into one value."""
    flow: Flow = {}
    for col in rel.cols:
        pour(flow, col.value.flow, TRANSFORMATION)
    for branch in rel.branches:
        for beyond in branch:
            pour(flow, beyond.flow, TRANSFORMATION)
    return flow


def _same(rels: list[Rel]) -> bool:
    """All unknown columns of these relations come from nowhere."""
    return all(
        beyond.key is None and beyond.flow == NOTHING
        for rel in rels
        for branch in rel.branches
        for beyond in branch
    )


def _is_a_unit(folded: str, node: exp.Column | None) -> bool:
    """A bare unit of time in a function that the parser does not know."""
    return folded in _DATE_PARTS and node is not None and _is_of_time(node.parent)


def _is_a_unit_here(node: exp.Column, dialect: str) -> bool:
    """The same for a name that is no column in sight: there ``d`` and ``min`` are units, too."""
    if len(node.parts) > 1 or not _is_of_time(node.parent) or node.this.args.get("quoted"):
        return False
    units = Dialect.get_or_raise(dialect).DATE_PART_MAPPING
    return node.name.upper() in {*units, *units.values()}


def _is_of_time(function: exp.Expr | None) -> bool:
    words = ("date", "time", "diff", "trunc")
    return isinstance(function, exp.Anonymous) and any(w in function.name.lower() for w in words)
