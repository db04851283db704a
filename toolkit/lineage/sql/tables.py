"""Which tables of a query are real ones, and which its own CTEs."""

from collections.abc import Iterator

from sqlglot import exp


def real_tables(tree: exp.Expr) -> Iterator[exp.Table]:
    """Tables that are none of the query's own CTEs; table functions are left out."""
    ctes = {cte.alias.casefold() for cte in tree.find_all(exp.CTE)}
    for table in tree.find_all(exp.Table):
        if not isinstance(table.this, exp.Identifier):
            continue
        own = not table.db and table.name.casefold() in ctes
        if not own or _reads_its_namesake(table):
            yield table


def _reads_its_namesake(table: exp.Table) -> bool:
    """A table of the name of the CTE around it is a real one, unless that is recursive."""
    cte = table.find_ancestor(exp.CTE)
    while cte is not None:
        if cte.alias.casefold() == table.name.casefold():
            return not (isinstance(cte.parent, exp.With) and bool(cte.parent.recursive))
        cte = cte.find_ancestor(exp.CTE)
    return False
