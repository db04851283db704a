"""Fingerprints of a qualified query: the walk over its scopes, from the tables up.

Every part becomes a digest of the digests below it (a Merkle tree), so no name that only the
query itself uses is in the result.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from sqlglot import exp
from sqlglot.optimizer.scope import Scope, build_scope

from toolkit.diff.definition import Clause, Definition, Undefined
from toolkit.diff.digests import digest, flat
from toolkit.diff.references import references

_STAR = "*"
_CONTAINERS = (exp.Paren, exp.Alias)
# Arguments of a SELECT that are looked at by name; any other that is set counts as it stands.
_KNOWN = frozenset(
    {"expressions", "from_", "joins", "laterals", "where", "group", "having", "qualify", "windows",
     "distinct", "order", "limit", "offset", "with_", "hint", "operation_modifiers"}
)  # fmt: skip
_CLAUSES = {"where": "filter", "having": "filter", "qualify": "filter", "group": "grouping",
            "limit": "limit", "offset": "limit"}  # fmt: skip
# In a select list they make several rows of one; so do functions of these names.
_MULTIPLIES = (exp.Explode, exp.Unnest, exp.Inline, exp.GenerateSeries, exp.ExplodingGenerateSeries)
_UNFOLDING = (
    "_array_elements",
    "_each",
    "_to_table",
    "_matches",
    "_subscripts",
    "_populate_recordset",
)


class _Rel(msgspec.Struct):
    """What a scope or table gives to its readers.

    Attributes:
        columns: folded name -> fingerprint, in output order.
        expressions: folded name -> where it is computed.
        casts: folded name -> type and fingerprint of what is cast.
        any_column: makes the fingerprint of a column that is not listed; empty if none can be.
    """

    rows: str
    columns: dict[str, str]
    expressions: dict[str, str]
    casts: dict[str, tuple[str, str]]
    any_column: str = ""


def meaning(query: exp.Expr, dialect: str, renamed: Mapping[tuple[str, str], str]) -> Definition:
    """The meaning of a qualified query.

    Args:
        renamed: ``(asset key, folded column) -> folded name before``, for columns of parents
            that only have another name now.

    Raises:
        Undefined: with the reason.
    """
    scope = build_scope(query)
    if scope is None:
        raise Undefined("it is no query that can be taken apart")
    walk = _Walk(dialect, renamed)
    rel = walk.rel(scope)
    named = [*references(query)]
    return Definition(
        rows=rel.rows,
        order=walk.outer_order(scope),
        columns=rel.columns,
        expressions=rel.expressions,
        casts=rel.casts,
        references=frozenset((key, name) for key, name, sure in named if sure),
        loose=frozenset((key, name) for key, name, sure in named if not sure),
        clauses=frozenset(walk.clauses),
    )


class _Walk:
    """The fingerprints of one query."""

    def __init__(self, dialect: str, renamed: Mapping[tuple[str, str], str]) -> None:
        self.clauses: set[Clause] = set()
        self._dialect = dialect
        self._renamed = renamed
        self._rels: dict[int, _Rel] = {}
        self._open: set[int] = set()

    # ---- relations ----

    def rel(self, scope: Scope) -> _Rel:
        """What a scope gives; each is walked once."""
        at = id(scope.expression)
        if at not in self._rels:
            if at in self._open:
                raise Undefined("it is recursive")
            self._open.add(at)
            self._rels[at] = self._make(scope)
        return self._rels[at]

    def _make(self, scope: Scope) -> _Rel:
        query = scope.expression
        if isinstance(query, exp.SetOperation):
            return self._set_operation(scope, query)
        if isinstance(query, exp.Select):
            return self._select(scope, query)
        if isinstance(query, exp.Subquery | exp.Paren) and scope.subquery_scopes:
            return self.rel(scope.subquery_scopes[0])
        rows = self._said("relation", query, scope.parent or scope)
        return _Rel(rows, {}, {}, {}, any_column=rows)

    def _select(self, scope: Scope, query: exp.Select) -> _Rel:
        columns: dict[str, str] = {}
        expressions: dict[str, str] = {}
        casts: dict[str, tuple[str, str]] = {}
        parts = [self._sources(scope, query)]
        parts += [
            digest(name, *self._conditions(query.args[name].this, scope))
            for name in ("where", "having", "qualify")
            if query.args.get(name)
        ]
        if group := query.args.get("group"):
            keys = sorted(self._text(key, scope) for key in group.expressions)
            rest = [f"{k}={self._any(v, scope)}" for k, v in group.args.items()
                    if k != "expressions" and v]  # fmt: skip
            parts.append(digest("group", *keys, *rest))
        for item in query.expressions:
            name, found, text, cast = self._output(item, scope)
            if name == _STAR and name in columns:
                found = digest("stars", columns[name], found)
            columns[name], expressions[name] = found, text
            if cast is not None:
                casts[name] = cast
            if _multiplies(item):
                parts.append(digest("multiplies", found))
        if distinct := query.args.get("distinct"):
            self._clause("distinct", distinct, scope)
            on = self._any(distinct.args.get("on"), scope)
            order = self._any(query.args.get("order"), scope) if on else ""
            parts.append(digest("distinct", on, order, *sorted(columns.values())))
        parts += self._limits(scope, query, columns)
        for name, value in query.args.items():
            if name not in _KNOWN and value:
                parts.append(digest(name, self._any(value, scope)))
        for name, kind in _CLAUSES.items():
            if query.args.get(name):
                self._clause(kind, query.args[name], scope)
        if query.args.get("group") is None and _aggregates(query):
            parts.append("one row")
        # what only passes on its one source means that source
        rows = parts[0] if len(parts) == 1 else digest("select", *parts)
        return _Rel(rows, columns, expressions, casts)

    def _limits(self, scope: Scope, query: exp.Expr, columns: Mapping[str, str]) -> list[str]:
        limits = [self._any(query.args.get(name), scope) for name in ("limit", "offset")]
        if not any(limits):
            return []
        order = self._any(query.args.get("order"), scope)
        return [digest("limit", *limits, order)]

    def outer_order(self, scope: Scope) -> str:
        """Of the outermost ORDER BY, which decides no more than the order of rows."""
        return self._any(scope.expression.args.get("order"), scope)

    def _sources(self, scope: Scope, query: exp.Select) -> str:
        parts = []
        start = query.args.get("from_")
        if start is not None:
            parts.append(self._source(start.this, scope))
        for join in query.args.get("joins") or ():
            how = [str(join.args.get(name) or "").upper() for name in ("method", "side", "kind")]
            how = ["" if word in ("INNER", "OUTER") else word for word in how]
            rest = [f"{k}={self._any(v, scope)}" for k, v in join.args.items()
                    if v and k not in ("this", "on", "method", "side", "kind")]  # fmt: skip
            on = join.args.get("on")
            conditions = self._conditions(on, scope) if on is not None else []
            parts.append(digest("join", *how, self._source(join.this, scope), *conditions, *rest))
            self._clause("join", join, scope)
        laterals = query.args.get("laterals") or ()
        parts += [digest("lateral", self._source(lateral, scope)) for lateral in laterals]
        return parts[0] if len(parts) == 1 else digest("from", *parts)

    def _source(self, node: exp.Expr, scope: Scope) -> str:
        found = scope.sources.get(node.alias_or_name)
        if isinstance(found, Scope):
            rows = self.rel(found).rows
            more = node if isinstance(node, exp.Table) else None
        elif isinstance(found, exp.Table):
            rows, more = self._table(found).rows, found
        else:
            return self._said("source", node, scope)
        extra = [] if more is None else [
            f"{name}={self._any(value, scope)}" for name, value in more.args.items()
            if value and name not in ("this", "alias", "db", "catalog", "joins")
        ]  # fmt: skip
        nested = [self._said("nested join", join, scope) for join in node.args.get("joins") or ()]
        return digest("source", rows, *extra, *nested) if extra or nested else rows

    def _table(self, table: exp.Table) -> _Rel:
        if not isinstance(table.this, exp.Identifier):
            rows = digest("function", *flat(table.this))
        else:
            rows = digest("table", table.name)
        return _Rel(rows, {}, {}, {}, any_column=rows)

    def _set_operation(self, scope: Scope, query: exp.SetOperation) -> _Rel:
        branches = [self.rel(branch) for branch in scope.set_operation_scopes]
        if len(branches) != 2:
            raise Undefined("a set operation that cannot be taken apart")
        left, right = branches
        self._clause("set operation", query.expression, scope)
        names = [*left.columns]
        by_name = bool(query.args.get("by_name"))
        if by_name:
            names += [name for name in right.columns if name not in left.columns]
            pairs = [(left.columns.get(n, ""), right.columns.get(n, "")) for n in names]
        elif len(left.columns) != len(right.columns) or _STAR in (*left.columns, *right.columns):
            raise Undefined("the columns of a set operation are not all known")
        else:
            pairs = list(zip(left.columns.values(), right.columns.values(), strict=True))
        distinct = bool(query.args.get("distinct"))
        kind = f"{type(query).__name__} {distinct}"
        if isinstance(query, exp.Union) and left.rows > right.rows:
            left, right = right, left
            pairs = [(b, a) for a, b in pairs]
        made = [digest(kind, *pair) for pair in pairs]
        all_of_it = made if distinct or not isinstance(query, exp.Union) else []
        rows = [kind, left.rows, right.rows, *sorted(all_of_it)]
        columns = dict(zip(names, made, strict=True))
        rows += self._limits(scope, query, columns)
        expressions = {**branches[1].expressions, **branches[0].expressions} if by_name else dict(
            zip(names, branches[0].expressions.values(), strict=True)
        )  # fmt: skip
        return _Rel(digest("set", *rows), columns, expressions, {})

    # ---- columns ----

    def _output(self, item: exp.Expr, scope: Scope) -> tuple[str, str, str, tuple[str, str] | None]:
        """Name, fingerprint and text of one item of a select list, and what it casts."""
        value = item.unalias().unnest()
        name = item.alias_or_name.casefold()
        if item.is_star or item.find(exp.Columns):
            return _STAR, self._star(item, scope), item.sql(self._dialect), None
        text = self._shown(value, scope)
        if isinstance(value, exp.Column):
            found = self._column(value, scope)
            source = self._resolve(value, scope)[0] if value.table else None
            if isinstance(source, Scope):  # it is computed further down
                rel, there = self.rel(source), value.name.casefold()
                return name, found, rel.expressions.get(there, text), rel.casts.get(there)
            return name, found, text, None
        cast = None
        if isinstance(value, exp.Cast):
            cast = value.to.sql(self._dialect), self._text(value.this.unnest(), scope)
        return name, self._text(value, scope), text, cast

    def _star(self, item: exp.Expr, scope: Scope) -> str:
        """Columns of which the names are not known: all that its sources have."""
        parts = []
        for _, source in scope.selected_sources.values():
            rel = self._rel_of(source)
            parts += [rel.rows, rel.any_column, *(f"{n}={f}" for n, f in rel.columns.items())]
        return digest("star", *flat(item), *parts)

    def _resolve(self, column: exp.Column, scope: Scope) -> tuple[Scope | exp.Table, Scope, int]:
        """The source of a column, the scope that it is a source of, and how far out that is."""
        depth, here = 0, scope
        while True:
            source = here.selected_sources.get(column.table)
            if source is not None:
                return source[1], here, depth
            if here.parent is None:
                # a field of a struct, perhaps: `payload.id`, where payload is no table
                raise Undefined(f"nobody can tell what {column.sql(self._dialect)} is of")
            depth, here = depth + 1, here.parent

    def _column(self, column: exp.Column, scope: Scope) -> str:
        name = column.name.casefold()
        if not column.table:
            return self._bare_name(column, scope)
        source, home, depth = self._resolve(column, scope)
        if isinstance(source, exp.Table):
            name = self._renamed.get((source.name, name), name)
        found = self._offered(self._rel_of(source), name)
        if found is None:
            raise Undefined(f"there is no column {column.sql(self._dialect)}")
        places = [alias for alias, (_, other) in home.selected_sources.items()
                  if self._gives(other, found, name)]  # fmt: skip
        if len(places) > 1:
            # Another source has a column of the same meaning (a self-join): which one is it?
            # All sources with their order are in the rows, so its place among them will do.
            found = digest("one of", found, str(places.index(column.table)))
        return digest("outer", str(depth), found) if depth else found

    def _rel_of(self, source: Scope | exp.Table) -> _Rel:
        return self.rel(source) if isinstance(source, Scope) else self._table(source)

    def _offered(self, rel: _Rel, name: str) -> str | None:
        found = rel.columns.get(name)
        beyond = rel.any_column or rel.columns.get(_STAR)
        return digest("any", beyond, name) if found is None and beyond else found

    def _gives(self, source: Scope | exp.Table, found: str, name: str) -> bool:
        rel = self._rel_of(source)
        return found in rel.columns.values() or self._offered(rel, name) == found

    def _bare_name(self, column: exp.Column, scope: Scope) -> str:
        """A name without a table: the parameter of a lambda, or in ORDER BY an output."""
        name, query = column.name.casefold(), scope.expression
        if column.find_ancestor(exp.Lambda) or not scope.selected_sources:
            return f"name={name}"
        if isinstance(column.find_ancestor(exp.Order, exp.Query), exp.Order):
            if isinstance(query, exp.SetOperation):
                return f"name={name}"
            for item in query.selects if isinstance(query, exp.Query) else ():
                if item.alias_or_name.casefold() == name and item is not column:
                    return self._output(item, scope)[1]
        raise Undefined(f"nobody can tell which table the column {column.name} is of")

    # ---- expressions ----

    def _text(self, node: exp.Expr, scope: Scope) -> str:
        return digest(*self._words(node, scope))

    def _any(self, value: Any, scope: Scope) -> str:  # noqa: ANN401 - sqlglot's trees hold anything
        return digest(*self._words(value, scope)) if value else ""

    def _said(self, kind: str, node: exp.Expr, scope: Scope) -> str:
        return digest(kind, *self._words(node, scope))

    def _conditions(self, node: exp.Expr, scope: Scope) -> list[str]:
        node = node.unnest()
        parts = node.flatten() if isinstance(node, exp.And) else [node]
        return sorted(self._text(part.unnest(), scope) for part in parts)

    def _words(self, node: Any, scope: Scope) -> Iterator[str]:  # noqa: ANN401 - as above
        if isinstance(node, _CONTAINERS):
            yield from self._words(node.this, scope)
        elif isinstance(node, exp.Column) and not isinstance(node.this, exp.Star):
            yield self._column(node, scope)
        elif isinstance(node, exp.Query) and (inner := self._scope_of(node, scope)) is not None:
            rel = self.rel(inner)
            yield digest("query", rel.rows, *rel.columns.values(), self.outer_order(inner))
        elif isinstance(node, exp.Connector):
            parts = [digest(*self._words(part.unnest(), scope)) for part in node.flatten()]
            yield digest(type(node).__name__, *sorted(parts))
        elif isinstance(node, exp.EQ | exp.NEQ):
            sides = [digest(*self._words(side, scope)) for side in (node.left, node.right)]
            yield digest(type(node).__name__, *sorted(sides))
        elif isinstance(node, exp.Window) and node.args.get("alias"):
            yield from self._named_window(node, scope)
        else:
            yield from flat(node, lambda below: self._words(below, scope))

    def _named_window(self, node: exp.Window, scope: Scope) -> Iterator[str]:
        name = node.args["alias"].name.casefold()
        for window in scope.expression.args.get("windows") or ():
            if window.this.name.casefold() == name:
                inline = exp.Window(this=node.this, **{
                    key: value for key, value in window.args.items() if key not in ("this", "alias")
                })  # fmt: skip
                yield from flat(inline, lambda below: self._words(below, scope))
                return
        raise Undefined(f"there is no window {name}")

    def _scope_of(self, node: exp.Expr, scope: Scope) -> Scope | None:
        inside = {id(node), *(id(part) for part in _wrapped(node))}
        for child in (*scope.subquery_scopes, *scope.derived_table_scopes):
            if id(child.expression) in inside:
                return child
        return None

    def _clause(self, kind: str, node: exp.Expr, scope: Scope) -> None:
        self.clauses.add(Clause(kind, self._shown(node, scope)))

    def _shown(self, node: exp.Expr, scope: Scope) -> str:
        """As a person would write it: without the names that were put in to tell columns apart."""
        alone = len(scope.selected_sources) == 1
        bare = node.copy()
        for column in bare.find_all(exp.Column):
            if alone and column.table in scope.selected_sources:
                column.set("table", None)
            elif column.table:
                column.set("table", exp.to_identifier(_given(column.table)))
        for table in bare.find_all(exp.Table):
            name, alias = table.name.rsplit(".", 1)[-1], _given(table.alias)
            table.set("this", exp.to_identifier(name))
            same = alias.casefold() == name.casefold()
            table.set("alias", None if same or not alias else exp.TableAlias(
                this=exp.to_identifier(alias)
            ))  # fmt: skip
        return str(bare.sql(self._dialect))


def _given(name: str) -> str:
    """dbt calls an ephemeral model so."""
    return name.removeprefix("__dbt__cte__")


def _wrapped(node: exp.Expr) -> Iterator[exp.Expr]:
    while isinstance(node, exp.Subquery | exp.Paren):
        node = node.this
        yield node


def _multiplies(item: exp.Expr) -> bool:
    names = (call.name.casefold() for call in item.find_all(exp.Anonymous))
    return item.find(*_MULTIPLIES) is not None or any(n.endswith(_UNFOLDING) for n in names)


def _aggregates(query: exp.Select) -> bool:
    """Whether the whole of it is one group."""
    return any(
        found.find_ancestor(exp.Window, exp.Select) is query
        for item in query.expressions
        for found in item.find_all(exp.AggFunc)
    )
