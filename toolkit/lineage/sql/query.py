"""Queries: CTEs, SELECT, set operations. Bottom up, each evaluated once, only if it is used."""

from collections.abc import Sequence

from sqlglot import exp

from toolkit.lineage.sql import conditional, struct, subquery  # noqa: F401 - register handlers
from toolkit.lineage.sql.clauses import (
    aggregates,
    ahead,
    bare,
    grouping_keys,
    names_ahead,
    place_of,
)
from toolkit.lineage.sql.context import Context
from toolkit.lineage.sql.expression import collect, evaluate, taken
from toolkit.lineage.sql.flow import FILTER, GROUP_BY, JOIN, SORT, Flow, mark
from toolkit.lineage.sql.names import distinct_names, identifier_names
from toolkit.lineage.sql.pivot import pivoted
from toolkit.lineage.sql.recursion import is_recursive, recursive
from toolkit.lineage.sql.relation import Col, Rel, side_by_side
from toolkit.lineage.sql.scope import Ctes, Scope
from toolkit.lineage.sql.select_list import Projection, all_columns, project
from toolkit.lineage.sql.set_operation import combine
from toolkit.lineage.sql.source import add_from, relation_of

_OF_HIERARCHIES = ("level", "connect_by_isleaf", "connect_by_iscycle")
"""Names that CONNECT BY brings along."""

LONG_WITH = 15
"""CTEs are walked when they are read, each from the one after it. A chain of hundreds would be
as deep as it is long, so longer WITHs are walked from the front."""


class Cte:
    """A common table expression, walked when it is first read."""

    def __init__(self, node: exp.CTE, ctes: Ctes, scope: Scope | None, context: Context) -> None:
        self._node = node
        self._ctes = ctes
        self._scope = scope
        self._context = context
        self._rel: Rel | None = None
        self._recursive = False

    @property
    def name(self) -> str:
        """Its folded name."""
        return str(self._node.alias).lower()

    def reads(self) -> set[str]:
        """Folded names of the tables and CTEs that it reads."""
        return {table.name.lower() for table in self._node.this.find_all(exp.Table)}

    def allow_recursion(self) -> None:
        """It may read itself."""
        self._recursive = True

    def rel(self) -> Rel:
        """Its relation."""
        if self._rel is None:
            self._rel = self._walk()
        return self._rel

    def _walk(self) -> Rel:
        alias = self._node.args["alias"]
        names = identifier_names(alias.args.get("columns"))
        elsewhere = self._context.cte(alias.name)
        if elsewhere is not None:
            return elsewhere.renamed(names)
        query = self._node.this
        if self._recursive and is_recursive(query, alias.name):
            return recursive(query, alias.name, names, self._ctes, self._scope, self._context, walk)
        return walk(query, self._ctes, self._scope, self._context).renamed(names)


def walk(query: exp.Expr, ctes: Ctes, parent: Scope | None, context: Context) -> Rel:
    """The relation that a query makes."""
    ctes = with_ctes(query, ctes, parent, context)
    if isinstance(query, exp.Select):
        return _select(query, ctes, parent, context)
    if isinstance(query, exp.SetOperation):
        return _set_operation(query, ctes, parent, context)
    if isinstance(query, exp.Subquery | exp.Paren):
        return _wrapped(query, ctes, parent, context)
    scope = Scope(context, ctes, parent)
    rel = relation_of(query, scope, walk)
    return Rel(rel.cols, rel.branches, {**rel.rows, **scope.rows}, context.facts.sensitive)


def with_ctes(query: exp.Expr, ctes: Ctes, parent: Scope | None, context: Context) -> Ctes:
    """CTEs in sight of a query: its own WITH first. Each sees those before it."""
    with_ = query.args.get("with_")
    if with_ is None:
        return ctes
    may_recurse = with_.args.get("recursive") or context.facts.recursive_without_keyword
    made: list[Cte] = []
    for node in with_.expressions:
        if node.args.get("scalar"):
            continue
        cte = Cte(node, ctes, parent, context)
        if may_recurse:
            cte.allow_recursion()
        ctes = Ctes(ctes)
        ctes.rels[node.alias.lower()] = cte
        made.append(cte)
    if len(made) > LONG_WITH:
        for cte in _read(made, query):
            cte.rel()
    return ctes


def _read(made: list[Cte], query: exp.Expr) -> list[Cte]:
    """Those CTEs of a WITH that the query reads, directly or not, in order."""
    names: set[str] = set()
    for part in query.args.values():
        for item in part if isinstance(part, list) else [part]:
            if isinstance(item, exp.Expr) and not isinstance(item, exp.With):
                names.update(table.name.lower() for table in item.find_all(exp.Table))
    read = []
    for cte in reversed(made):
        if cte.name in names:
            read.append(cte)
            names |= cte.reads()
    return read[::-1]


def _wrapped(query: exp.Expr, ctes: Ctes, parent: Scope | None, context: Context) -> Rel:
    """``(query) order by ... limit ...``."""
    inner = query.this
    if isinstance(inner, exp.Table) or query.args.get("pivots") or query.args.get("joins"):
        scope = Scope(context, ctes, parent)
        add_from(query, scope, walk)
        cols, branches = all_columns(scope)
        return Rel(cols, branches, scope.rows, context.facts.sensitive)
    rel = walk(inner, ctes, parent, context)
    return _limited(query, rel, ctes, parent, context)


def _limited(query: exp.Expr, rel: Rel, ctes: Ctes, parent: Scope | None, context: Context) -> Rel:
    """ORDER BY with LIMIT of a whole set operation or parenthesized query."""
    if query.args.get("limit") is None and query.args.get("offset") is None:
        return rel
    scope = Scope(context, ctes, parent)
    scope.add("", rel)
    scope.rows.update(rel.rows)
    _order_and_limit(query, scope, rel.cols)
    return Rel(rel.cols, rel.branches, scope.rows, context.facts.sensitive)


def _set_operation(
    query: exp.SetOperation, ctes: Ctes, parent: Scope | None, context: Context
) -> Rel:
    """A chain of set operations, from its first branch on; chains may be thousands long."""
    chain: list[tuple[exp.SetOperation, Ctes]] = [(query, ctes)]
    first: exp.Expr = query.this
    while isinstance(first, exp.SetOperation):
        chain.append((first, with_ctes(first, chain[-1][1], parent, context)))
        first = first.this
    rel = walk(first, chain[-1][1], parent, context)
    for node, sight in reversed(chain):
        right = walk(node.expression, sight, parent, context)
        rel = combine(node, rel, right, context)
        rel = _limited(node, rel, sight, parent, context)
    return rel


def _select(query: exp.Select, ctes: Ctes, parent: Scope | None, context: Context) -> Rel:
    context.tick()
    scope = Scope(context, ctes, parent)
    args = query.args
    if args.get("from_") is not None:
        add_from(args["from_"].this, scope, walk)
    for join in args.get("joins") or ():
        add_from(join, scope, walk)
    for lateral in args.get("laterals") or ():
        add_from(lateral, scope, walk)
    for window in args.get("windows") or ():
        scope.windows[window.name.lower()] = window
    _named_values(args.get("with_"), scope)
    if args.get("connect") is not None:
        scope.bound.extend(_OF_HIERARCHIES)
    projection = project(query.expressions, scope)
    cols = projection.cols
    for name in ("prewhere", "where"):
        if args.get(name) is not None:
            mark(scope.rows, taken(args[name].this, scope), FILTER)
    _connect(args.get("connect"), scope)
    for col in cols:  # from here on every dialect sees the output's names
        scope.aliases.setdefault(col.name.lower(), col.value)
    _group(args.get("group"), scope, projection)
    for name in ("having", "qualify"):
        if args.get(name) is not None:
            with ahead(scope, names_ahead(name, query, scope, projection)):
                mark(scope.rows, taken(args[name].this, scope), FILTER)
    _distinct(args.get("distinct"), scope, cols)
    _order_and_limit(query, scope, cols)
    cols = distinct_names(cols, context.facts)
    branches = side_by_side(projection.branches) if projection.branches else []
    rel = Rel(cols, branches, scope.rows, context.facts.sensitive)
    for pivot in args.get("pivots") or ():
        rel = pivoted(rel, pivot, scope)
    return rel


def _named_values(with_: exp.Expr | None, scope: Scope) -> None:
    """ClickHouse: ``WITH a + 1 AS b`` names an expression over what this SELECT reads."""
    for node in with_.expressions if with_ is not None else ():
        if node.args.get("scalar"):
            scope.aliases[node.alias.lower()] = evaluate(node.this, scope)


def _connect(connect: exp.Expr | None, scope: Scope) -> None:
    if connect is not None:
        mark(scope.rows, taken(connect.args.get("start"), scope), FILTER)
        mark(scope.rows, taken(connect.args.get("connect"), scope), JOIN)


def _group(group: exp.Expr | None, scope: Scope, projection: Projection) -> None:
    if group is None:
        return
    cols = projection.cols
    if group.args.get("all"):
        for item, col in zip(projection.items, cols, strict=True):
            if not aggregates(item):
                mark(scope.rows, col.value.flow, GROUP_BY)
        return
    for key in grouping_keys(group):
        if scope.context.facts.group_alias:
            mark(scope.rows, _sort_key(key, scope, cols), GROUP_BY)
        else:
            mark(scope.rows, _by_position_or_name(key, scope, cols), GROUP_BY)


def _by_position_or_name(key: exp.Expr, scope: Scope, cols: Sequence[Col]) -> Flow:
    """A grouping or sort key: ``2`` means the second column."""
    position = place_of(key, len(cols))
    if position is not None:
        return cols[position].value.flow
    return taken(key, scope)


def _distinct(distinct: exp.Expr | None, scope: Scope, cols: Sequence[Col]) -> None:
    if distinct is None:
        return
    on = distinct.args.get("on")
    if on is None:
        for col in cols:
            mark(scope.rows, col.value.flow, GROUP_BY)
        return
    for key in on.expressions if isinstance(on, exp.Tuple) else [on]:
        mark(scope.rows, _sort_key(key, scope, cols), GROUP_BY)


def _order_and_limit(query: exp.Expr, scope: Scope, cols: Sequence[Col]) -> None:
    """The order decides which rows there are only together with a limit or DISTINCT ON."""
    args = query.args
    limits = [args[name] for name in ("limit", "offset") if args.get(name) is not None]
    distinct = args.get("distinct")
    decides = limits or (distinct is not None and distinct.args.get("on") is not None)
    if not decides and query is not scope.context.ordered:
        return
    for limit in limits:
        flow: Flow = {}
        for part in (limit.args.get("expression"), limit.args.get("count"), limit.args.get("this")):
            if isinstance(part, exp.Expr):
                collect(part, scope, flow, 0)
        mark(scope.rows, flow, FILTER)
        for key in limit.args.get("expressions") or ():  # ClickHouse: LIMIT n BY keys
            mark(scope.rows, taken(key, scope), GROUP_BY)
    order = args.get("order")
    if order is not None:
        for key in order.expressions:
            by_all = isinstance(key, exp.Ordered) and isinstance(key.this, exp.Var)
            flows = [c.value.flow for c in cols] if by_all else [_sort_key(key, scope, cols)]
            for flow in flows:
                mark(scope.rows, flow, SORT)


def _sort_key(key: exp.Expr, scope: Scope, cols: Sequence[Col]) -> Flow:
    """ORDER BY sees the output's names before those of the sources."""
    node = bare(key)
    if isinstance(node, exp.Column) and node.args.get("table") is None:
        folded = node.name.lower()
        for col in cols:
            if col.name.lower() == folded:
                return col.value.flow
    if not isinstance(key, exp.Ordered) or not scope.context.facts.sort_alias:
        return _by_position_or_name(key, scope, cols)
    with ahead(scope, {col.name.lower(): col.value for col in reversed(cols)}):
        return _by_position_or_name(key, scope, cols)
