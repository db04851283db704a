"""Which columns of its assets a qualified query names."""

from collections.abc import Iterator

from sqlglot import exp
from sqlglot.optimizer.scope import Scope, traverse_scope


def references(query: exp.Expr) -> Iterator[tuple[str, str, bool]]:
    """Asset key, folded column, and whether it is sure, for each name that stands in the query.

    A star was spelled out before and is none. A name of which nobody can tell the table counts
    for each table that is read beside it, and is not sure: that happens where none of them has
    the column.
    """
    for scope in traverse_scope(query):
        tables = [source for _, source in scope.selected_sources.values()]
        for column in scope.columns:
            name = column.name.casefold()
            if column.table:
                source = scope.sources.get(column.table)
                found = [source] if isinstance(source, exp.Table) else []
            else:
                found = [source for source in tables if isinstance(source, exp.Table)]
                if _is_an_output(column, scope):
                    continue
            for table in found:
                if isinstance(table.this, exp.Identifier):
                    yield table.name, name, bool(column.table)


def _is_an_output(column: exp.Column, scope: Scope) -> bool:
    """An alias of the select list, as ORDER BY uses them."""
    query = scope.expression
    names = {n.casefold() for n in query.named_selects} if isinstance(query, exp.Query) else set()
    return column.name.casefold() in names
