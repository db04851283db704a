"""What an output column is called that has no alias."""

from sqlglot import exp

from toolkit.lineage.sql.dialects import Facts
from toolkit.lineage.sql.relation import Col, Value


def output_name(node: exp.Expr, position: int, facts: Facts) -> str:
    """The name of a select item.

    Args:
        position: 1-based, among the items without a name.
    """
    if node.__class__ is exp.Alias:
        return str(node.args["alias"].name)
    inner = node
    while isinstance(inner, exp.Paren):
        inner = inner.this
    name = inner.output_name
    if name:
        return name
    if facts.anonymous == "f0_":
        return f"f{position - 1}_"
    if facts.anonymous == "?column?":
        return _postgres_name(inner)
    if isinstance(inner, exp.Count) and isinstance(inner.this, exp.Star):
        return "count_star()" if facts.name == "duckdb" else "COUNT(*)"
    text = inner.sql(dialect=facts.name)
    if facts.name == "duckdb" and isinstance(inner, exp.Binary):
        return f"({text})"
    return text.lower() if facts.name == "duckdb" and isinstance(inner, exp.Func) else text


def _postgres_name(node: exp.Expr) -> str:
    if isinstance(node, exp.Cast):
        inner = node.this
        return str(inner.output_name or _postgres_name(inner))
    if isinstance(node, exp.Window | exp.Filter | exp.WithinGroup):
        return _postgres_name(node.this)
    if isinstance(node, exp.Case):
        return "case"
    if isinstance(node, exp.Anonymous):
        return str(node.name).lower()
    if isinstance(node, exp.Func) and not isinstance(node, exp.Binary | exp.Connector):
        return node.sql_name().lower()
    return "?column?"


def distinct_names(cols: list[Col], facts: Facts) -> list[Col]:
    """Columns of a derived table; the second ``k`` becomes ``k_1`` where the dialect says so."""
    if not facts.suffixes:
        return cols
    seen: set[str] = set()
    result = []
    for col in cols:
        name, number = col.name, 0
        while name.lower() in seen:
            number += 1
            name = f"{col.name}_{number}"
        seen.add(name.lower())
        result.append(col if number == 0 else Col(name, col.value))
    return result


def identifier_names(nodes: "list[exp.Expr] | None") -> list[str]:
    """Names in a column list: ``t(a, b)``."""
    return [node.name for node in nodes or ()]


def literal_value(name: str) -> Col:
    """A column that comes from no column."""
    return Col(name, Value({}))
