"""UNION, INTERSECT, EXCEPT: by position or by name."""

from sqlglot import exp

from toolkit.lineage.sql.context import Context
from toolkit.lineage.sql.flow import FILTER, GROUP_BY, Rows, mark, merge
from toolkit.lineage.sql.relation import Ambiguous, Col, Rel, Value


def combine(node: exp.SetOperation, left: Rel, right: Rel, context: Context) -> Rel:
    """The relation of one set operation over two relations."""
    sensitive = context.facts.sensitive
    rows: Rows = dict(left.rows)
    if isinstance(node, exp.Union):
        for leaf, mask in right.rows.items():
            rows[leaf] = rows.get(leaf, 0) | mask
        joined = _joined(node, left, right, context)
        if node.args.get("distinct"):
            for col in joined.cols:
                mark(rows, col.value.flow, GROUP_BY)
        return Rel(joined.cols, joined.branches, rows, sensitive)
    # The rows of the left side that stay are those that (do not) occur on the right.
    mark(rows, right.rows, FILTER)
    for col in right.cols:
        mark(rows, col.value.flow, FILTER)
    for col in left.cols:
        mark(rows, col.value.flow, GROUP_BY if node.args.get("distinct") else FILTER)
    return Rel(left.cols, left.branches, rows, sensitive)


def _joined(node: exp.SetOperation, left: Rel, right: Rel, context: Context) -> Rel:
    branches = [*left.branches, *right.branches]
    by_name = bool(node.args.get("by_name"))
    even = len(left.cols) == len(right.cols)
    if not by_name and not branches and even:
        pairs = zip(left.cols, right.cols, strict=True)
        return Rel([Col(a.name, _both(a.value, b.value)) for a, b in pairs])
    if not by_name and not branches:
        context.lose(
            "uneven-union",
            "The branches of a UNION have different numbers of columns and were joined by name",
            f"{len(left.cols)} and {len(right.cols)}",
        )
    # By name; also where a side hides columns: nobody writes a union of other names there.
    cols = [Col(col.name, _with(col, right)) for col in left.cols]
    known = {col.name.lower() for col in left.cols}
    if by_name or left.branches or not even:
        new = (col for col in right.cols if col.name.lower() not in known)
        cols.extend(Col(col.name, _with(col, left)) for col in new)
    return Rel(cols, branches)


def _with(col: Col, other: Rel) -> Value:
    try:
        found = other.find(col.name)
    except Ambiguous:
        found = None
    return col.value if found is None else _both(col.value, found)


def _both(left: Value, right: Value) -> Value:
    if left.flow is right.flow:
        return left
    same_type = left.type if left.type is not None and left.type == right.type else None
    fields = None
    if left.fields is not None and right.fields is not None:
        others = {name.lower(): field for name, field in right.fields.items()}
        if others.keys() == {name.lower() for name in left.fields}:
            fields = {n: _both(field, others[n.lower()]) for n, field in left.fields.items()}
    flow = merge(left.flow, right.flow)
    return Value(flow, same_type, left.origin or right.origin, fields)
