"""One query in, its columns and influences out: the whole of this package behind one call."""

from collections.abc import Callable

from sqlglot import exp

from toolkit.lineage.places import Where
from toolkit.lineage.sql.context import Context
from toolkit.lineage.sql.dialects import facts_of
from toolkit.lineage.sql.expression import collect
from toolkit.lineage.sql.flow import Flow, Rows
from toolkit.lineage.sql.parse import Unreadable, parse
from toolkit.lineage.sql.query import walk
from toolkit.lineage.sql.relation import Col, Rel, Value
from toolkit.lineage.sql.scope import Ctes, Scope
from toolkit.lineage.sql.text import Writer
from toolkit.lineage.traced import Home, Leaf, Loss, Output, Traced


def trace_query(
    sql: str,
    dialect: str,
    table: Callable[[Where], Rel],
    cte: Callable[[str], Rel | None],
    time_cap: float,
    also: "Callable[[Rel, Callable[[str], Flow]], list[Col]] | None" = None,
) -> Traced:
    """Trace one query.

    Args:
        table: the relation that a table reference stands for.
        cte: the relation of a CTE that is traced elsewhere, ``None`` for all others.
        time_cap: seconds.
        also: columns that the tool adds around the query (a snapshot's), given the query's
            relation and a function from an expression's text to its flow.

    Raises:
        Unreadable: nothing can be said about this query.
    """
    facts = facts_of(dialect)
    parsed = parse(sql, facts.name, time_cap)
    context = Context(
        facts,
        lambda node: table(_where(node)),
        cte,
        time_cap,
        uses_columns="columns" in sql.lower(),
    )
    try:
        rel = walk(parsed.query, Ctes(), None, context)
        if also is not None:
            added = also(rel, lambda text: _flow_over(text, rel, context, facts.name))
            rel = Rel([*rel.cols, *added], rel.branches, rel.rows)
        return _traced(rel, Writer(parsed, facts.name), context, facts.name)
    except RecursionError:
        raise Unreadable("too-deep", "the SQL is nested too deeply to be traced") from None


def _where(node: exp.Table) -> Where:
    parts = [part.name for part in node.parts if isinstance(part, exp.Identifier)]
    if len(parts) != len(node.parts) or not parts:
        return None, None, node.name
    # BigQuery: `project.dataset.table` in one pair of backticks
    if len(parts) == 1 and "." in parts[0]:
        parts = parts[0].split(".")
    identifier = parts[-1]
    schema = parts[-2] if len(parts) > 1 else None
    return (parts[-3] if len(parts) > 2 else None), schema, identifier


def _flow_over(text: str, rel: Rel, context: Context, dialect: str) -> Flow:
    """What an expression takes from a finished relation."""
    scope = Scope(context, Ctes(), None)
    scope.add("", rel)
    flow: Flow = {}
    for item in parse(f"select {text}", dialect, 1.0).query.expressions:
        collect(item, scope, flow, 0)
    return flow


def _traced(rel: Rel, writer: Writer, context: Context, dialect: str) -> Traced:
    outputs = []
    for col in rel.cols:
        value = col.value
        text, line = writer.text(value.origin) if value.origin is not None else (None, None)
        outputs.append(Output(col.name, _type(value, dialect), _triples(value.flow), text, line))
    branches = [
        [Home(b.key, _triples(b.flow), b.rank, sorted(b.hidden)) for b in branch]
        for branch in rel.branches
    ]
    losses = [Loss(*loss) for loss in context.losses()]
    return Traced(outputs, _triples(rel.rows), branches, losses)


def _triples(flow: Flow | Rows) -> list[Leaf]:
    return [(key, column, mask) for (key, column), mask in flow.items()]


def _type(value: Value, dialect: str) -> str | None:
    found = value.type
    return found.sql(dialect) if isinstance(found, exp.DataType) else found
