"""Joins: their keys decide the rows; USING and NATURAL merge columns."""

from collections.abc import Callable

from sqlglot import exp

from toolkit.lineage.sql.context import line_of
from toolkit.lineage.sql.expression import taken
from toolkit.lineage.sql.flow import FILTER, JOIN, TRANSFORMATION, Flow, mark, pour
from toolkit.lineage.sql.relation import NAMED, UNKNOWN, UNNESTED, Ambiguous, Rel, Value
from toolkit.lineage.sql.scope import Scope


def add_join(node: exp.Join, scope: Scope, add: Callable[[exp.Expr], None]) -> None:
    """Add the right side of a join to the scope, and what the join does to the rows."""
    before = list(scope.sources)
    add(node.this)
    new = [alias for alias in scope.sources if alias not in before]
    kind = str(node.args.get("kind") or "").upper()
    side = str(node.args.get("side") or "").upper()
    one_sided = kind in ("SEMI", "ANTI") or side in ("SEMI", "ANTI")
    rows: Flow = {}
    for condition in (node.args.get("on"), node.args.get("match_condition")):
        pour(rows, taken(condition, scope), 0)
    using = [item.name for item in node.args.get("using") or ()]
    if str(node.args.get("method") or "").upper() == "NATURAL":
        using = _common(scope, before, new)
    for name in using:
        _merge(name, scope, before, new, side, node, rows)
    mark(scope.rows, rows, JOIN)
    if one_sided:
        mark(scope.rows, rows, FILTER)
        for alias in new:
            del scope.sources[alias]


def _common(scope: Scope, before: list[str], new: list[str]) -> list[str]:
    """Names on both sides; only known names can be compared."""
    right = {col.name.lower() for alias in new for col in scope.sources[alias].cols}
    if any(rel.rank() in (UNKNOWN, UNNESTED, NAMED) for rel in scope.sources.values()):
        scope.context.lose(
            "natural-join",
            "NATURAL JOIN over relations whose columns are not known",
            ", ".join(alias.strip() for alias in new),
        )
    found: list[str] = []
    for alias in before:
        for col in scope.sources[alias].cols:
            if col.name.lower() in right and col.name not in found:
                found.append(col.name)
    return found


def _merge(
    name: str,
    scope: Scope,
    before: list[str],
    new: list[str],
    side: str,
    node: exp.Join,
    rows: Flow,
) -> None:
    """One key of USING: which side's value the unqualified name means."""
    folded = name.lower()
    left = scope.merged.get(folded) or _find(name, [scope.sources[a] for a in before], scope, node)
    right = _find(name, [scope.sources[a] for a in new], scope, node)
    pour(rows, left.flow, 0)
    pour(rows, right.flow, 0)
    if side == "FULL":
        flow: Flow = {}
        pour(flow, left.flow, TRANSFORMATION)
        pour(flow, right.flow, TRANSFORMATION)
        scope.merged[folded] = Value(flow, left.type)
    else:
        scope.merged[folded] = right if side == "RIGHT" else left
    scope.merged_names.setdefault(folded, name)


def _find(name: str, rels: list[Rel], scope: Scope, node: exp.Expr) -> Value:
    folded = name.lower()
    for rel in rels:
        value = rel.get(folded)
        if value is not None:
            return value
    likely = [rel for rel in rels if rel.branches]
    if likely:
        lowest = min(rel.rank() or 0 for rel in likely)
        likely = [rel for rel in likely if (rel.rank() or 0) == lowest]
    try:
        value = likely[0].beyond(name) if len(likely) == 1 else None
    except Ambiguous:
        value = None
    if value is None:
        scope.context.lose(
            "unresolved-column",
            "These columns were found in none of the relations that are read",
            name,
            line_of(node),
        )
        return Value({})
    return value
