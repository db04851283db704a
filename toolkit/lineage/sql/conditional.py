"""Expressions that choose: CASE, IF, DECODE, NVL2."""

from sqlglot import exp

from toolkit.lineage.sql.expression import HANDLERS, collect, collect_all
from toolkit.lineage.sql.flow import CONDITIONAL, TRANSFORMATION, Flow, compose
from toolkit.lineage.sql.scope import Scope


def _case(node: exp.Expr, scope: Scope, out: Flow, lift: int) -> None:
    if node.this is not None:
        collect(node.this, scope, out, compose(lift, CONDITIONAL))
    for branch in node.args["ifs"]:
        _if(branch, scope, out, lift)
    if node.args.get("default") is not None:
        collect(node.args["default"], scope, out, compose(lift, TRANSFORMATION))


def _if(node: exp.Expr, scope: Scope, out: Flow, lift: int) -> None:
    collect(node.this, scope, out, compose(lift, CONDITIONAL))
    for branch in (node.args.get("true"), node.args.get("false")):
        if branch is not None:
            collect(branch, scope, out, compose(lift, TRANSFORMATION))


def _decode(node: exp.Expr, scope: Scope, out: Flow, lift: int) -> None:
    """``decode(x, search, result, ..., [default])``."""
    subject, *rest = node.expressions
    searches = rest[0 : len(rest) - len(rest) % 2 : 2]
    results = rest[1::2] + (rest[-1:] if len(rest) % 2 else [])
    collect_all([subject, *searches], scope, out, compose(lift, CONDITIONAL))
    collect_all(results, scope, out, compose(lift, TRANSFORMATION))


HANDLERS[exp.Case] = _case
HANDLERS[exp.If] = _if
HANDLERS[exp.Nvl2] = _if
HANDLERS[exp.DecodeCase] = _decode
