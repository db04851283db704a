"""One query in, its columns and influences out: the whole of this package behind one call."""

import time
from collections.abc import Callable

from sqlglot import exp

from toolkit.lineage.places import Where
from toolkit.lineage.sql.context import Context
from toolkit.lineage.sql.dialects import Facts, facts_of
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
        time_cap: seconds of CPU.
        also: columns that the tool adds around the query (a snapshot's), given the query's
            relation and a function from an expression's text to its flow.

    Raises:
        Unreadable: nothing can be said about this query.
    """
    facts = facts_of(dialect)
    try:
        return _trace(sql, facts, table, cte, time_cap, also)
    except RecursionError:
        raise Unreadable("too-deep", "the SQL is nested too deeply to be traced") from None
    except Unreadable:
        raise
    except Exception as error:
        # Trees are somebody else's, and one may be of a shape that we did not think of. One
        # model must never take down the lineage of all others.
        what = f"{type(error).__name__}: {error}"
        raise Unreadable("engine-error", f"this is a bug, please report it ({what})") from error


def _trace(
    sql: str,
    facts: Facts,
    table: Callable[[Where], Rel],
    cte: Callable[[str], Rel | None],
    time_cap: float,
    also: "Callable[[Rel, Callable[[str], Flow]], list[Col]] | None",
) -> Traced:
    started = time.thread_time()
    parsed = parse(sql, facts.name, time_cap)
    context = Context(
        facts,
        lambda node: table(_where(node)),
        cte,
        time_cap,
        uses_columns="columns" in sql.lower(),
        started=started,
    )
    rel = walk(parsed.query, Ctes(), None, context)
    if also is not None:
        added = also(rel, lambda text: _flow_over(text, rel, context, facts.name))
        rel = Rel([*rel.cols, *added], rel.branches, rel.rows)
    return _traced(rel, Writer(parsed, facts.name), context, facts.name)


def _where(node: exp.Table) -> Where:
    name, schema, database = node.name, node.db, node.catalog
    if not schema and name.count(".") in (1, 2):
        # BigQuery: `project.dataset.table` in one pair of backticks
        *path, name = name.split(".")
        schema, database = path[-1], path[0] if len(path) > 1 else ""
    return database or None, schema or None, name


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
