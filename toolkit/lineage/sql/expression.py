"""Expressions: what one takes from the columns in sight.

:func:`collect` goes through an expression with a stack of its own, so that a chain of ten
thousand ANDs is no deeper than one. What is more than a plain operator or function has a
handler, registered by node class in ``HANDLERS`` by the module that knows the construct.
"""

from collections.abc import Callable

from sqlglot import exp

from toolkit.lineage.sql.flow import AS_IS, TRANSFORMATION, Flow, compose, pour
from toolkit.lineage.sql.relation import Value
from toolkit.lineage.sql.scope import Scope

Handler = Callable[[exp.Expr, Scope, Flow, int], None]
"""Adds to the flow what the node takes, used in a place with the lift."""

HANDLERS: dict[type[exp.Expr], Handler] = {}

VALUES: dict[type[exp.Expr], Callable[[exp.Expr, Scope], Value]] = {}
"""What makes the value of a select item where its flow is not all that is known of it."""

# Nodes that hand their value on as it is.
_TRANSPARENT: frozenset[type[exp.Expr]] = frozenset({exp.Paren, exp.Alias, exp.Ordered, exp.Where})

# Nodes that hold no column.
_LEAVES: frozenset[type[exp.Expr]] = frozenset(
    {
        exp.Boolean, exp.DataType, exp.Identifier, exp.JSONPath, exp.Literal, exp.Null,
        exp.Placeholder, exp.Var,
    }
)  # fmt: skip


def collect(node: exp.Expr, scope: Scope, out: Flow, lift: int) -> None:
    """Add to ``out`` what ``node`` takes, used in a place with this lift."""
    stack = [node]
    while stack:
        node = stack.pop()
        kind = node.__class__
        if kind is exp.Column:
            pour(out, scope.column(node).flow, lift)  # type: ignore[arg-type]
            continue
        if kind in _LEAVES:
            continue
        handler = HANDLERS.get(kind)
        if handler is not None:
            handler(node, scope, out, lift)
            continue
        if kind not in _TRANSPARENT:
            lift = compose(lift, TRANSFORMATION)  # all that is left on the stack is inside
        for child in node.args.values():
            if isinstance(child, exp.Expr):
                stack.append(child)
            elif isinstance(child, list):
                stack.extend(item for item in child if isinstance(item, exp.Expr))


def descend(node: exp.Expr, scope: Scope, out: Flow, lift: int) -> None:
    """:func:`collect` for all that is inside ``node``, as a plain function takes it."""
    for child in node.args.values():
        if isinstance(child, exp.Expr):
            collect(child, scope, out, compose(lift, TRANSFORMATION))
        elif isinstance(child, list):
            items = [item for item in child if isinstance(item, exp.Expr)]
            collect_all(items, scope, out, compose(lift, TRANSFORMATION))


def is_list(node: exp.Expr) -> bool:
    """A list that is written out, so that its length is known whatever is in it."""
    if not isinstance(node, exp.Array):
        return False
    unknown = (exp.Query, exp.Columns, exp.Comprehension, exp.Star)
    return not any(isinstance(item, unknown) for item in node.expressions)


def collect_all(nodes: "list[exp.Expr] | None", scope: Scope, out: Flow, lift: int) -> None:
    """:func:`collect` for each of some nodes."""
    for node in nodes or ():
        collect(node, scope, out, lift)


def evaluate(node: exp.Expr, scope: Scope) -> Value:
    """The value of a select item."""
    inner = node
    while inner.__class__ is exp.Paren or inner.__class__ is exp.Alias:
        inner = inner.this
    if inner.__class__ is exp.Column:
        return scope.column(inner)  # type: ignore[arg-type]
    maker = VALUES.get(inner.__class__)
    if maker is not None:
        value = maker(inner, scope)
        return Value(value.flow, value.type, node, value.fields)
    flow: Flow = {}
    collect(inner, scope, flow, AS_IS)
    return Value(flow, inner.args.get("to") if isinstance(inner, exp.Cast) else None, node)


def taken(node: exp.Expr | None, scope: Scope) -> Flow:
    """All that ``node`` takes; for places where the kind does not matter."""
    flow: Flow = {}
    if node is not None:
        collect(node, scope, flow, AS_IS)
    return flow
