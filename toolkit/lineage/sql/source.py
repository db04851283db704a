"""FROM: tables, derived tables, UNNEST, LATERAL, table functions, and what joins them."""

from collections.abc import Callable

from sqlglot import exp

from toolkit.lineage.sql.context import Context
from toolkit.lineage.sql.expression import collect, collect_all, evaluate, is_list
from toolkit.lineage.sql.flow import JOIN, NOTHING, TRANSFORMATION, Flow, mark, merge
from toolkit.lineage.sql.join import add_join
from toolkit.lineage.sql.names import identifier_names
from toolkit.lineage.sql.pivot import pivoted
from toolkit.lineage.sql.relation import NAMED, UNNESTED, Beyond, Col, Rel, Value
from toolkit.lineage.sql.scope import Ctes, Scope

Walk = Callable[[exp.Expr, Ctes, Scope | None, Context], Rel]


def anything(flow: Flow) -> Rel:
    """A relation whose columns nobody lists: each takes this flow."""
    return Rel([], [(Beyond(None, flow, UNNESTED),)])


def add_from(node: exp.Expr, scope: Scope, walk: Walk) -> None:
    """Add one item of FROM, or one join, to the scope."""
    if isinstance(node, exp.Join):
        if str(node.args.get("kind") or "").upper() == "ARRAY":
            _array_join([node.this, *node.expressions], scope)
            return
        add_join(node, scope, lambda item: add_from(item, scope, walk))
        return
    if isinstance(node, exp.Final):
        node = node.this
    if isinstance(node, exp.AtIndex) and isinstance(node.this, exp.Alias):
        _list_with_place(node, scope)
        return
    if _is_group(node):
        add_from(node.this, scope, walk)
    else:
        rel = relation_of(node, scope, walk)
        for pivot in node.args.get("pivots") or ():
            rel = pivoted(rel, pivot, scope)
        mark_all(scope, rel)
        scope.add(_alias(node), rel, _path(node))
    for join in node.args.get("joins") or ():
        add_from(join, scope, walk)
    for lateral in node.args.get("laterals") or ():
        add_from(lateral, scope, walk)


def _array_join(items: list[exp.Expr], scope: Scope) -> None:
    """ClickHouse: ``ARRAY JOIN list [AS name]``; without a name the list itself is replaced."""
    for item in items:
        flow: Flow = {}
        collect(item, scope, flow, TRANSFORMATION)
        mark(scope.rows, flow, JOIN)
        if isinstance(item, exp.Alias):
            scope.add("", Rel([Col(item.alias, Value(flow))]))
        else:
            scope.merged[item.name.lower()] = Value(flow)
            scope.merged_names[item.name.lower()] = item.name


def _list_with_place(node: exp.Expr, scope: Scope) -> None:
    """Redshift: ``FROM t, t.list AS item AT place``."""
    item = node.this
    flow: Flow = {}
    collect(item.this, scope, flow, TRANSFORMATION)
    rel = _unnested([flow], [item.alias], scope)
    place = Col(node.expression.name, Value(NOTHING))
    scope.add(item.alias, Rel([*rel.cols, place], [(Beyond(None, flow, NAMED),)]))


def mark_all(scope: Scope, rel: Rel) -> None:
    """What decides the rows of a source decides the rows of who reads it."""
    for leaf, mask in rel.rows.items():
        scope.rows[leaf] = scope.rows.get(leaf, 0) | mask


def _is_group(node: exp.Expr) -> bool:
    """``(a join b)``: parentheses that only group; the names inside stay visible."""
    return (
        isinstance(node, exp.Subquery | exp.Paren)
        and not node.args.get("alias")
        and not node.args.get("pivots")
        and isinstance(node.this, exp.Table | exp.Subquery)
        and (not isinstance(node.this, exp.Subquery) or _is_group(node.this))
    )


def _alias(node: exp.Expr) -> str:
    for pivot in reversed(node.args.get("pivots") or []):
        if pivot.alias:
            return str(pivot.alias)
    alias = node.args.get("alias")
    if isinstance(alias, exp.TableAlias):
        if alias.this is not None:
            return str(alias.name)
        if alias.args.get("columns") and isinstance(node, exp.Unnest):
            return str(alias.args["columns"][0].name)  # BigQuery: unnest(list) item
    return str(node.name) if isinstance(node, exp.Table) else ""


def _path(node: exp.Expr) -> tuple[str, str]:
    if isinstance(node, exp.Table) and node.args.get("db") and not node.args.get("alias"):
        return node.catalog.lower(), node.db.lower()
    return "", ""


def _column_names(node: exp.Expr) -> list[str]:
    alias = node.args.get("alias")
    return identifier_names(alias.args.get("columns")) if isinstance(alias, exp.TableAlias) else []


def relation_of(node: exp.Expr, scope: Scope, walk: Walk) -> Rel:
    """The relation that one item of FROM stands for, with its column aliases."""
    names = _column_names(node)
    if isinstance(node, exp.Table):
        return _table(node, scope).renamed(names)
    if isinstance(node, exp.Unnest):
        return _unnest(node, scope, names)
    if isinstance(node, exp.Values):
        return _values(node, scope, names)
    if isinstance(node, exp.Lateral):
        return _lateral(node, scope, names, walk)
    if isinstance(node, exp.Subquery | exp.Select | exp.SetOperation):
        return _derived(node, scope, walk, lateral=False).renamed(names)
    if isinstance(node, exp.Pivot):
        rel = relation_of(node.this, scope, walk)
        mark_all(scope, rel)
        return pivoted(rel, node, scope)
    return _function(node, scope, names)


def _derived(node: exp.Expr, scope: Scope, walk: Walk, lateral: bool) -> Rel:
    """A derived table. What it takes from its neighbours is a join's key.

    DuckDB needs no LATERAL for that; elsewhere the neighbours are out of sight.
    """
    inner = node
    if isinstance(node, exp.Subquery) and node.args.get("pivots"):
        inner = node.this  # the pivots are applied by who called
    in_sight = lateral or scope.context.facts.name == "duckdb"
    inner_scope = Scope(scope.context, scope.ctes, scope if in_sight else scope.parent)
    inner_scope.is_fence = in_sight and not lateral
    rel = walk(inner, scope.ctes, inner_scope, scope.context)
    if not isinstance(inner.unnest(), exp.Values):  # a list of so many rows, whatever is in them
        mark(scope.rows, inner_scope.outer, JOIN)
    return rel


def _table(node: exp.Table, scope: Scope) -> Rel:
    if not isinstance(node.this, exp.Identifier):
        return _function(node.this, scope, [])
    database = node.args.get("db")
    if database is None:
        cte = scope.ctes.get(node.name.lower())
        if cte is not None:
            return cte.rel()
    elif node.db.lower() in scope.sources and scope.context.facts.name == "bigquery":
        # BigQuery: FROM t, t.items
        column = exp.Column(this=node.this, table=database)
        return _unnested([evaluate(column, scope).flow], [_alias(node)], scope)
    return scope.context.table(node)


def _unnest(node: exp.Unnest, scope: Scope, names: list[str]) -> Rel:
    flows = []
    for item in node.expressions:
        flow: Flow = {}
        collect(item, scope, flow, TRANSFORMATION)
        flows.append(flow)
    offset = node.args.get("offset")
    decides = not all(is_list(item) for item in node.expressions)
    rel = _unnested(flows, names, scope, decides=decides)
    if isinstance(offset, exp.Identifier):
        return Rel([*rel.cols, Col(offset.name, Value(NOTHING))], rel.branches, rel.rows)
    return rel


def _unnested(flows: list[Flow], names: list[str], scope: Scope, *, decides: bool = True) -> Rel:
    """Rows made from lists: their number depends on the lists, unless they are written out."""
    together: Flow = {}
    for flow in flows:
        together = merge(together, flow)
    if decides:
        mark(scope.rows, together, JOIN)
    if len(names) == len(flows):
        cols = [Col(name, Value(flow)) for name, flow in zip(names, flows, strict=True)]
    else:
        cols = [Col(name, Value(together)) for name in names]
    if names and scope.context.facts.name != "bigquery":
        return Rel(cols)
    return Rel(cols, [(Beyond(None, together, NAMED if names else UNNESTED),)])


def _values(node: exp.Values, scope: Scope, names: list[str]) -> Rel:
    flows: list[Flow] = []
    for row in node.expressions:
        cells = row.expressions if isinstance(row, exp.Tuple) else [row]
        for position, cell in enumerate(cells):
            if position == len(flows):
                flows.append({})
            collect(cell, scope, flows[position], 0)
    default, start = scope.context.facts.values
    cols = [
        Col(names[i] if i < len(names) else f"{default}{i + start}", Value(flow))
        for i, flow in enumerate(flows)
    ]
    return Rel(cols)


def _lateral(node: exp.Lateral, scope: Scope, names: list[str], walk: Walk) -> Rel:
    inner = node.this
    if isinstance(inner, exp.Query):
        rel = _derived(inner, scope, walk, lateral=True)
        return rel.renamed(names)
    if isinstance(inner, exp.Unnest):
        return _unnest(inner, scope, names or _column_names(inner))
    return _function(inner, scope, names)


def _function(node: exp.Expr, scope: Scope, names: list[str]) -> Rel:
    """A table function: its columns take whatever its arguments are made of."""
    flow: Flow = {}
    arguments = [item for item in node.args.values() if isinstance(item, exp.Expr)]
    arguments += [
        i for v in node.args.values() if isinstance(v, list) for i in v if isinstance(i, exp.Expr)
    ]
    collect_all(arguments, scope, flow, TRANSFORMATION)
    mark(scope.rows, flow, JOIN)
    cols = [Col(name, Value(flow if name.upper() != "SEQ" else NOTHING)) for name in names]
    return Rel(cols, [] if cols else [(Beyond(None, flow, UNNESTED),)])
