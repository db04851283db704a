"""Recursive CTEs: walked again and again until nothing new flows."""

from collections.abc import Callable, Sequence

from sqlglot import exp

from toolkit.lineage.sql.context import Context
from toolkit.lineage.sql.flow import Flow
from toolkit.lineage.sql.relation import Rel
from toolkit.lineage.sql.scope import Ctes, Scope
from toolkit.lineage.sql.set_operation import combine

MAX_ROUNDS = 50

Walk = Callable[[exp.Expr, Ctes, Scope | None, Context], Rel]


class _Known:
    def __init__(self, rel: Rel) -> None:
        self._rel = rel

    def rel(self) -> Rel:
        """What is known of the CTE so far."""
        return self._rel


def is_recursive(query: exp.Expr, name: str) -> bool:
    """The query is a union whose second branch reads ``name``."""
    while isinstance(query, exp.Subquery | exp.Paren) and not query.args.get("joins"):
        query = query.this
    if not isinstance(query, exp.Union):
        return False
    folded = name.lower()
    return any(
        table.name.lower() == folded and not table.args.get("db")
        for table in query.expression.find_all(exp.Table)
    )


def recursive(
    query: exp.Expr,
    name: str,
    names: Sequence[str],
    ctes: Ctes,
    scope: Scope | None,
    context: Context,
    walk: Walk,
) -> Rel:
    """The relation of a recursive CTE.

    The first branch is walked alone; then the whole union with what is known so far, until
    the flows stop growing. They only grow and leaves are few, so this ends; a column moves
    one place a round, so as many rounds as columns are enough.
    """
    while isinstance(query, exp.Subquery | exp.Paren):
        query = query.this
    assert isinstance(query, exp.Union)
    anchor = walk(query.this, ctes, scope, context).renamed(names)
    known = anchor
    for _ in range(MAX_ROUNDS):
        sight = Ctes(ctes)
        sight.rels[name.lower()] = _Known(known)
        step = walk(query.expression, sight, scope, context)
        grown = combine(query, known, step, context).renamed(names)
        if _flows(grown) == _flows(known) and grown.rows == known.rows:
            break
        known = grown
    return known


def _flows(rel: Rel) -> list[Flow]:
    return [col.value.flow for col in rel.cols]
