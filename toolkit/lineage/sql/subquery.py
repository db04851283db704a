"""Queries used as values: scalar subqueries, EXISTS, IN, ARRAY(SELECT ...)."""

from sqlglot import exp

from toolkit.lineage.sql.expression import HANDLERS, collect, collect_all
from toolkit.lineage.sql.flow import (
    CONDITIONAL,
    SORT,
    TRANSFORMATION,
    WINDOW,
    Flow,
    compose,
    pour,
)
from toolkit.lineage.sql.relation import NAMED, UNKNOWN, UNNESTED, Rel
from toolkit.lineage.sql.scope import Scope


def _rel(query: exp.Expr, scope: Scope) -> Rel:
    from toolkit.lineage.sql.query import walk  # expressions and queries contain each other

    return walk(query, scope.ctes, scope, scope.context)


def _query(node: exp.Expr, scope: Scope, out: Flow, lift: int) -> None:
    """Its columns are the value; what decides its rows decides which value."""
    rel = _rel(node, scope)
    for col in rel.cols:
        pour(out, col.value.flow, lift)
    pour(out, rel.rows, compose(lift, CONDITIONAL))


def _exists(node: exp.Expr, scope: Scope, out: Flow, lift: int) -> None:
    """Only the rows matter, never what the subquery selects."""
    if isinstance(node.this, exp.Query):
        pour(out, _rel(node.this, scope).rows, compose(lift, CONDITIONAL))
    else:
        collect(node.this, scope, out, lift)


def _comprehension(node: exp.Expr, scope: Scope, out: Flow, lift: int) -> None:
    """``[f(x) for x in list if g(x)]``: x is no column."""
    names = [part.name.lower() for part in (node.expression, node.args.get("position")) if part]
    collect(node.args["iterator"], scope, out, compose(lift, 2))
    scope.bound.extend(names)
    collect(node.this, scope, out, compose(lift, 2))
    if node.args.get("condition") is not None:
        collect(node.args["condition"], scope, out, compose(lift, CONDITIONAL))
    del scope.bound[len(scope.bound) - len(names) :]


def _named(node: exp.Expr, scope: Scope, out: Flow, lift: int) -> None:
    """``name := value`` and ``name => value``: the name is no column."""
    collect(node.expression, scope, out, compose(lift, 2))


def _columns(node: exp.Expr, scope: Scope, out: Flow, lift: int) -> None:
    """``COLUMNS(...)``: one of them inside a select item, which is repeated; elsewhere all."""
    if scope.columns_value is not None:
        pour(out, scope.columns_value.flow, lift)
        return
    from toolkit.lineage.sql.select_list import chosen_columns

    cols, branches = chosen_columns(node, scope)
    for col in cols:
        pour(out, col.value.flow, lift)
    for branch in branches:
        for beyond in branch:
            pour(out, beyond.flow, lift)
            if beyond.rank in (UNKNOWN, UNNESTED, NAMED):
                scope.context.lose(
                    "open-star",
                    "COLUMNS(...) over relations whose columns are not known",
                    "COLUMNS",
                )


def _star(_node: exp.Expr, scope: Scope, out: Flow, lift: int) -> None:
    """``f(*)`` takes every column in sight."""
    from toolkit.lineage.sql.select_list import all_columns

    cols, branches = all_columns(scope)
    for col in cols:
        pour(out, col.value.flow, compose(lift, TRANSFORMATION))
    for branch in branches:
        for beyond in branch:
            pour(out, beyond.flow, compose(lift, TRANSFORMATION))


def _map(node: exp.Expr, scope: Scope, out: Flow, lift: int) -> None:
    """``map {key: value}``: here the keys are expressions."""
    struct = node.this
    for item in struct.expressions if isinstance(struct, exp.Struct) else [struct]:
        parts = [item.this, item.expression] if isinstance(item, exp.PropertyEQ) else [item]
        if isinstance(parts[0], exp.Identifier):  # how the oldest parsers read a column here
            parts[0] = exp.Column(this=parts[0].copy())
        collect_all(parts, scope, out, compose(lift, TRANSFORMATION))


def _array(node: exp.Expr, scope: Scope, out: Flow, lift: int) -> None:
    """``ARRAY(SELECT x ORDER BY y)``: y decides the order inside the list."""
    query = node.expressions[0] if len(node.expressions) == 1 else None
    while isinstance(query, exp.Subquery | exp.Paren):
        query = query.this
    if not isinstance(query, exp.Select):
        collect_all(node.expressions, scope, out, compose(lift, TRANSFORMATION))
        return
    around, scope.context.ordered = scope.context.ordered, query
    rel = _rel(query, scope)
    scope.context.ordered = around
    for col in rel.cols:
        pour(out, col.value.flow, compose(lift, TRANSFORMATION))
    sorts = {leaf: mask for leaf, mask in rel.rows.items() if mask & SORT}
    cut = query.args.get("limit") is not None
    decides = {leaf: mask for leaf, mask in rel.rows.items() if cut or mask != SORT}
    pour(out, decides, compose(lift, CONDITIONAL))
    pour(out, sorts, compose(lift, WINDOW))


HANDLERS[exp.Select] = _query
HANDLERS[exp.Subquery] = _query
HANDLERS[exp.Union] = _query
HANDLERS[exp.Except] = _query
HANDLERS[exp.Intersect] = _query
HANDLERS[exp.Exists] = _exists
HANDLERS[exp.Comprehension] = _comprehension
HANDLERS[exp.Columns] = _columns
HANDLERS[exp.Star] = _star
HANDLERS[exp.ToMap] = _map
HANDLERS[exp.Array] = _array
for _class in (exp.PropertyEQ, exp.Kwarg):
    HANDLERS[_class] = _named
