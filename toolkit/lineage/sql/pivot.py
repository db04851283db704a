"""PIVOT and UNPIVOT."""

from itertools import product

from sqlglot import exp

from toolkit.lineage.sql.expression import collect, taken
from toolkit.lineage.sql.flow import (
    AS_IS,
    CONDITIONAL,
    FILTER,
    GROUP_BY,
    NOTHING,
    Flow,
    mark,
    merge,
    pour,
)
from toolkit.lineage.sql.names import identifier_names
from toolkit.lineage.sql.relation import UNNESTED, Beyond, Branch, Col, Rel, Value
from toolkit.lineage.sql.scope import Scope


def pivoted(rel: Rel, node: exp.Expr, outer: Scope) -> Rel:
    """The relation that a PIVOT or UNPIVOT makes of ``rel``."""
    scope = Scope(outer.context, outer.ctes, outer)
    scope.add("", rel)
    scope.rows.update(rel.rows)
    result = _unpivot(rel, node, scope) if node.args.get("unpivot") else _pivot(rel, node, scope)
    for leaf, mask in scope.rows.items():
        outer.rows[leaf] = outer.rows.get(leaf, 0) | mask
        result.rows[leaf] = result.rows.get(leaf, 0) | mask
    alias = node.args.get("alias")
    columns = alias.args.get("columns") if isinstance(alias, exp.TableAlias) else None
    return result.renamed(identifier_names(columns))


def _pivot(rel: Rel, node: exp.Expr, scope: Scope) -> Rel:
    statement = bool(node.args.get("using") or not node.args.get("fields"))
    aggregates = (node.args.get("using") or []) if statement else node.expressions
    fields = node.expressions if statement else node.args["fields"]
    decides: Flow = {}
    for field in fields:
        collect(field.this if isinstance(field, exp.In) else field, scope, decides, CONDITIONAL)
    flows = []
    for aggregate in aggregates:
        flow: Flow = {}
        collect(aggregate, scope, flow, AS_IS)
        pour(flow, decides, CONDITIONAL)
        flows.append(flow)
    if not flows:  # DuckDB counts where nothing else is asked for
        flows.append(dict(decides))
    used = {c.name.lower() for part in [*aggregates, *fields] for c in part.find_all(exp.Column)}
    cols, branches = _groups(rel, node, used, scope)
    names = _names(node, fields, aggregates)
    if names is None:
        together: Flow = {}
        for flow in flows:
            together = merge(together, flow)
        branches = (
            [*branches, (Beyond(None, together, UNNESTED),)]
            if not branches
            else [(*branch, Beyond(None, together, UNNESTED)) for branch in branches]
        )
        scope.context.lose(
            "dynamic-pivot", "The columns of a PIVOT depend on the data", node.sql()[:40]
        )
    else:
        cols.extend(Col(name, Value(flows[i % len(flows)])) for i, name in enumerate(names))
    return Rel(cols, branches)


def _groups(
    rel: Rel, node: exp.Expr, used: set[str], scope: Scope
) -> tuple[list[Col], list[Branch]]:
    """The columns that a PIVOT keeps: it groups by them."""
    group = node.args.get("group")
    if group is not None:
        cols = []
        for key in group.expressions:
            flow = taken(key, scope)
            mark(scope.rows, flow, GROUP_BY)
            cols.append(Col(key.alias_or_name, Value(flow)))
        return cols, []
    cols = [col for col in rel.cols if col.name.lower() not in used]
    for col in cols:
        mark(scope.rows, col.value.flow, GROUP_BY)
    return cols, [tuple(b.without(used) for b in branch) for branch in rel.branches]


def _names(node: exp.Expr, fields: list[exp.Expr], aggregates: list[exp.Expr]) -> list[str] | None:
    """Names of the value columns, values before aggregates; ``None`` if the data decides."""
    given = node.args.get("columns")
    if given:
        return identifier_names(given)
    values: list[list[str]] = []
    for field in fields:
        if not isinstance(field, exp.In) or not field.expressions or field.args.get("query"):
            return None
        if isinstance(field.expressions[0], exp.PivotAny):
            return None
        values.append([item.alias_or_name for item in field.expressions])
    suffixes = [""]
    if aggregates and (len(aggregates) > 1 or aggregates[0].alias):
        suffixes = ["_" + (a.alias or a.sql(dialect="duckdb").lower()) for a in aggregates]
    return ["_".join(v) + suffix for v in product(*values) for suffix in suffixes]


def _unpivot(rel: Rel, node: exp.Expr, scope: Scope) -> Rel:
    into = node.args.get("into")
    if node.args.get("fields"):
        field = node.args["fields"][0]
        name = field.this.name
        items = [i.this if isinstance(i, exp.PivotAlias) else i for i in field.expressions]
        values = [leaf.name for e in node.expressions for leaf in _parts(e)]
    else:
        items = node.expressions
        name = into.this.name if into is not None else "name"
        values = identifier_names(into.expressions) if into is not None else ["value"]
    flows: list[Flow] = [{} for _ in values]
    used: set[str] = set()
    for item in _expanded(items, scope):
        for position, part in enumerate(_parts(item)):
            flow = taken(part, scope)
            pour(flows[min(position, len(flows) - 1)], flow, AS_IS)
            used.add(part.name.lower())
            if not node.args.get("include_nulls"):
                mark(scope.rows, flow, FILTER)
    cols = [col for col in rel.cols if col.name.lower() not in used]
    made = [Col(value, Value(flow)) for value, flow in zip(values, flows, strict=True)]
    place = len(made) if scope.context.facts.unpivot_value_first else 0
    made.insert(place, Col(name, Value(NOTHING)))
    cols.extend(made)
    return Rel(cols, [tuple(b.without(used) for b in branch) for branch in rel.branches])


def _parts(node: exp.Expr) -> list[exp.Expr]:
    return list(node.expressions) if isinstance(node, exp.Tuple) else [node]


def _expanded(items: list[exp.Expr], scope: Scope) -> list[exp.Expr]:
    """``COLUMNS(...)`` and ``*`` replaced by the columns that they stand for."""
    from toolkit.lineage.sql.select_list import chosen_columns

    result: list[exp.Expr] = []
    for item in items:
        if isinstance(item, exp.Columns | exp.Star):
            wrapped = item if isinstance(item, exp.Columns) else exp.Columns(this=item)
            result.extend(exp.column(col.name) for col in chosen_columns(wrapped, scope)[0])
        else:
            result.append(item)
    return result
