"""Queries used as values: scalar subqueries, EXISTS, IN, ARRAY(SELECT ...)."""

from sqlglot import exp

from toolkit.lineage.sql.expression import HANDLERS, collect
from toolkit.lineage.sql.flow import CONDITIONAL, NOTHING, Flow, compose, pour
from toolkit.lineage.sql.relation import Rel
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
    """``COLUMNS(...)`` inside a select item, which is repeated for each of them."""
    value = scope.columns_value
    pour(out, value.flow if value is not None else NOTHING, lift)


HANDLERS[exp.Select] = _query
HANDLERS[exp.Subquery] = _query
HANDLERS[exp.Union] = _query
HANDLERS[exp.Except] = _query
HANDLERS[exp.Intersect] = _query
HANDLERS[exp.Exists] = _exists
HANDLERS[exp.Comprehension] = _comprehension
HANDLERS[exp.Columns] = _columns
for _class in (exp.PropertyEQ, exp.Kwarg):
    HANDLERS[_class] = _named
