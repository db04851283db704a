"""Constructs in a query for which all columns of its parents count, or nothing can be said."""

from sqlglot import exp

from toolkit.lineage.queries.physical import TABLE_FUNCTIONS

_TABLE_ARGS = frozenset({"this", "db", "catalog", "alias", "joins", "laterals", "pivots", "sample"})


def refusal(query: exp.Expr) -> str | None:
    """Why nothing can be said about what this query reads; ``None`` where something can."""
    for node in query.walk():
        if isinstance(node, exp.TableSample):
            return "it takes a sample"
        if isinstance(node, exp.Describe | exp.Summarize | exp.Command):
            return f"it holds a {node.key.upper()}"
        if isinstance(node, exp.Table):
            inner = node.this
            given = {name for name, value in node.args.items() if value}
            if not given <= _TABLE_ARGS:
                return f"it reads {node.name} in a way that is not known"
            if not isinstance(inner, exp.Identifier) and not _is_plain_function(inner):
                return f"it reads the table function {_called(inner)}"
        if isinstance(node, exp.Lateral) and not _is_plain_function(node.this):
            return f"it reads the table function {_called(node.this)}"
    return None


def _is_plain_function(node: exp.Expr) -> bool:
    """A function in FROM that reads nothing but its arguments."""
    if isinstance(node, exp.Anonymous):
        return node.name.lower() in TABLE_FUNCTIONS
    return isinstance(
        node,
        exp.Query | exp.Unnest | exp.Explode | exp.GenerateSeries | exp.GenerateDateArray,
    )


def _called(node: exp.Expr) -> str:
    return node.name if isinstance(node, exp.Anonymous) else node.key


def all_columns_reason(query: exp.Expr) -> str | None:
    """Why all columns of all parents count; ``None`` where they can be told apart."""
    for node in query.walk():
        if isinstance(node, exp.Pivot):
            return "UNPIVOT" if node.args.get("unpivot") else "PIVOT"
        if isinstance(node, exp.Columns):
            return "COLUMNS(...) chooses columns by their names"
        if isinstance(node, exp.Star):
            if not _is_plain_star(node):
                return "a star that is no plain list of columns"
        elif isinstance(node, exp.Join):
            method = str(node.args.get("method") or "").upper()
            if method in ("NATURAL", "POSITIONAL"):
                return f"{method} JOIN"
    return None


def _is_plain_star(star: exp.Expr) -> bool:
    """``select *``, ``t.*``, ``count(*)``: lineage knows what they stand for."""
    node = star.parent if isinstance(star.parent, exp.Column) else star
    if star.args.get("ilike") is not None:
        return False
    if isinstance(node.parent, exp.Count):
        return node.arg_key == "this"
    return isinstance(node.parent, exp.Select) and node.arg_key == "expressions"


def has_star_in_set(query: exp.Expr) -> bool:
    """A star and a UNION or the like: columns that nobody reads must still fit together."""
    if query.find(exp.SetOperation) is None:
        return False
    return any(not isinstance(star.parent, exp.Count) for star in query.find_all(exp.Star))
