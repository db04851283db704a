"""The select list: items, stars with their modifiers, COLUMNS(...)."""

import math
import re
from collections.abc import Sequence
from contextlib import suppress

from sqlglot import exp

from toolkit.lineage.sql.expression import collect, evaluate, is_list, taken
from toolkit.lineage.sql.flow import AS_IS, JOIN, TRANSFORMATION, Flow, mark
from toolkit.lineage.sql.names import output_name
from toolkit.lineage.sql.relation import (
    NAMED,
    UNKNOWN,
    UNNESTED,
    Ambiguous,
    Beyond,
    Branch,
    Col,
    Rel,
    Value,
    side_by_side,
)
from toolkit.lineage.sql.scope import Scope
from toolkit.lineage.sql.struct import is_literal, of_list, spread

# Functions that make rows when they stand in a select list.
_MAKE_ROWS = (exp.Explode, exp.Unnest, exp.Inline)


_PATTERNS = (exp.Like, exp.ILike, exp.Escape, exp.Not)


class Projection:
    """What a select list makes.

    Attributes:
        cols: in order, stars expanded.
        items: the select item that each column comes from.
        branches: unknown columns that a star lets through.
    """

    __slots__ = ("branches", "cols", "items")

    def __init__(self) -> None:
        self.cols: list[Col] = []
        self.items: list[exp.Expr] = []
        self.branches: list[list[Branch]] = []


def project(nodes: Sequence[exp.Expr], scope: Scope) -> Projection:
    """Evaluate a select list; each item sees the aliases before it, where the dialect does."""
    result = Projection()
    unnamed = 0
    for node in nodes:
        if node.__class__ is exp.Star:
            _star(node, None, scope, result)
        elif node.__class__ is exp.Column and node.this.__class__ is exp.Star:
            _star(node.this, node, scope, result)
        elif scope.context.uses_columns and (columns := _columns_in(node)) is not None:
            _repeated(node, columns, scope, result)
        elif node.__class__ is exp.Aliases:
            _several(node, scope, result)
        elif node.__class__ is exp.Dot and node.expression.__class__ is exp.Star:
            _struct_star(node.this, node.expression, scope, result)
        elif _spread(node, scope, result) or _by_pattern(node, scope, result):
            continue
        else:
            if not node.alias_or_name:
                unnamed += 1
            name = output_name(node, unnamed, scope.context.facts)
            value = evaluate(node, scope)
            _mark_rows(node, value, scope)
            result.cols.append(Col(name, value))
            result.items.append(node)
            if node.__class__ is exp.Alias and scope.context.facts.lateral_alias:
                scope.aliases.setdefault(name.lower(), value)
    return result


def _mark_rows(node: exp.Expr, value: Value, scope: Scope) -> None:
    inner = node.this if node.__class__ is exp.Alias else node
    if isinstance(inner, _MAKE_ROWS) and is_list(inner.this):
        return
    if isinstance(inner, _MAKE_ROWS) or (
        isinstance(inner, exp.Dot) and inner.find(*_MAKE_ROWS) is not None
    ):
        mark(scope.rows, value.flow, JOIN)


def _several(node: exp.Expr, scope: Scope, result: Projection) -> None:
    """``f(x) as (a, b)``: a function that makes several columns."""
    value = Value(taken(node.this, scope), None, node)
    if isinstance(node.this, _MAKE_ROWS):
        mark(scope.rows, value.flow, JOIN)
    stacked = _stacked(node.this, len(node.expressions), scope)
    for place, name in enumerate(node.expressions):
        own = Value(stacked[place], None, node) if stacked else value
        result.cols.append(Col(name.name, own))
        result.items.append(node)


def _columns_in(node: exp.Expr) -> exp.Expr | None:
    """``COLUMNS(...)`` that repeats its item; ``*COLUMNS(...)`` is many arguments of one call."""
    return next(
        (found for found in node.find_all(exp.Columns) if not found.args.get("unpack")), None
    )


def _spread(node: exp.Expr, scope: Scope, result: Projection) -> bool:
    """DuckDB's ``unnest({'a': x})``: a column for each field, and no more rows.

    ``recursive := true`` and ``max_depth := n`` go on into what is inside. Where it is a struct
    whose fields are not known, so are the columns.
    """
    item = node.this if node.__class__ is exp.Alias else node
    if item.__class__ is not exp.Explode or scope.context.facts.name != "duckdb":
        return False
    depth, argument = _depth(item), item.this
    value = evaluate(argument, scope)
    fields = value.fields
    lift = AS_IS if is_literal(argument) else TRANSFORMATION
    if fields is None and depth > 1 and isinstance(argument, exp.Array):
        fields, depth = of_list(argument, scope), depth - 1
    if fields is not None:
        cols = list(spread(fields, depth, lift))
        result.cols.extend(cols)
        result.items.extend([argument] * len(cols))
        return True
    type_ = str(value.type or "").upper()
    if depth > 1 or (type_.startswith("STRUCT") and not type_.endswith("]")):
        mark(scope.rows, value.flow, JOIN)
        result.branches.append([(Beyond(None, taken(item, scope), UNNESTED),)])
        return True
    return False


def _depth(node: exp.Expr) -> float:
    """How many levels an ``unnest`` goes down."""
    for option in node.expressions:
        if isinstance(option, exp.PropertyEQ | exp.Kwarg):
            name, value = option.this.name.lower(), option.expression
            if name == "recursive" and isinstance(value, exp.Boolean) and value.this:
                return math.inf
            if name == "max_depth" and value.name.isdigit():
                return int(value.name)
    return 1


def _stacked(node: exp.Expr, width: int, scope: Scope) -> list[Flow]:
    """What each column of Spark's ``stack(rows, cell, ...)`` takes; empty for another function."""
    if not isinstance(node, exp.Stack):
        return []
    flows: list[Flow] = [{} for _ in range(width)]
    for place, cell in enumerate(node.expressions):
        collect(cell, scope, flows[place % width], TRANSFORMATION)
    return flows


def _by_pattern(node: exp.Expr, scope: Scope, result: Projection) -> bool:
    """DuckDB's ``* LIKE 'a%'``, with NOT, ILIKE and ESCAPE."""
    if node.__class__ not in _PATTERNS:
        return False
    wanted = True
    if node.__class__ is exp.Not:
        wanted, node = False, node.this
    escape = ""
    if node.__class__ is exp.Escape:
        escape, node = node.expression.name, node.this
    if node.__class__ not in (exp.Like, exp.ILike) or node.this.__class__ is not exp.Star:
        return False
    flags = re.IGNORECASE if node.__class__ is exp.ILike else re.NOFLAG
    pattern = re.compile(_like(node.expression.name, escape), flags)
    cols, branches = all_columns(scope)
    cols = [col for col in cols if (pattern.fullmatch(col.name) is not None) == wanted]
    result.cols.extend(cols)
    result.items.extend([node.this] * len(cols))
    if branches:
        result.branches.append(branches)
    return True


def _star(star: exp.Expr, node: exp.Expr | None, scope: Scope, result: Projection) -> None:
    if node is not None and node.args.get("table") is not None:
        rel = _source_of(node, scope)
        if rel is None:
            struct = exp.Column(this=node.args["table"].copy(), table=node.args.get("db"))
            _struct_star(struct, star, scope, result)
            return
        cols, branches = list(rel.cols), list(rel.branches)
        if rel.rank() == NAMED:  # BigQuery: the fields of an unnested struct, not the struct
            cols = []
    else:
        cols, branches = all_columns(scope)
    cols, branches = _modified(star, cols, branches, scope)
    result.cols.extend(cols)
    result.items.extend([star] * len(cols))
    if branches:
        result.branches.append(branches)


def _source_of(node: exp.Expr, scope: Scope) -> Rel | None:
    alias = node.args["table"].name.lower()
    level: Scope | None = scope
    while level is not None:
        if alias in level.sources:
            return level.sources[alias]
        level = level.parent
    return None


def _struct_star(struct: exp.Expr, star: exp.Expr, scope: Scope, result: Projection) -> None:
    """``struct_column.*``: the fields, where the query writes them out."""
    value = evaluate(struct, scope)
    if value.fields is None:
        result.branches.append([(Beyond(None, value.flow, UNNESTED),)])
        return
    cols, _ = _modified(star, list(spread(value.fields, 1, TRANSFORMATION)), [], scope)
    result.cols.extend(cols)
    result.items.extend([star] * len(cols))


def all_columns(scope: Scope) -> tuple[list[Col], list[Branch]]:
    """``*``: the columns of all sources; keys of USING once."""
    sources = list(scope.sources.values())
    branches = [rel.branches for rel in sources]
    if not scope.merged:
        cols = [col for rel in sources for col in rel.cols]
        return cols, side_by_side(branches) if any(branches) else []
    emitted: set[str] = set()
    cols = []
    names = scope.merged_names
    in_place = scope.context.facts.keys_in_place
    known = {col.name.lower() for rel in sources for col in rel.cols}
    for folded, value in scope.merged.items():
        if not in_place or folded not in known:
            emitted.add(folded)
            cols.append(Col(names[folded], value))
    for rel in sources:
        for col in rel.cols:
            folded = col.name.lower()
            if folded not in scope.merged:
                cols.append(col)
            elif folded not in emitted:
                emitted.add(folded)
                cols.append(Col(col.name, scope.merged[folded]))
    return cols, _hide(side_by_side(branches) if any(branches) else [], scope.merged)


def _hide(branches: list[Branch], names: "Sequence[str] | dict[str, Value]") -> list[Branch]:
    return [tuple(beyond.without(names) for beyond in branch) for branch in branches]


def _modified(
    star: exp.Expr, cols: list[Col], branches: list[Branch], scope: Scope
) -> tuple[list[Col], list[Branch]]:
    """EXCEPT / EXCLUDE, REPLACE, RENAME, ILIKE."""
    args = star.args
    hidden: list[str] = []
    ilike = args.get("ilike")
    if ilike is not None:
        pattern = re.compile(_like(ilike.name), re.IGNORECASE)
        cols = [col for col in cols if pattern.fullmatch(col.name)]
    if args.get("except_"):
        dropped = {n.name.lower() for n in args["except_"] if isinstance(n, exp.Expr)}
        hidden.extend(dropped)
        cols = [col for col in cols if col.name.lower() not in dropped]
    for node in args.get("replace") or ():
        name = node.alias
        hidden.append(name.lower())
        cols = _put(cols, name, Col(name, evaluate(node, scope)))
    for node in args.get("rename") or ():
        old, new = node.this.name, node.alias
        hidden.append(old.lower())
        value = next((c.value for c in cols if c.name.lower() == old.lower()), None)
        if value is None and branches:
            with suppress(Ambiguous):
                value = Rel([], branches).beyond(old)
        if value is not None:
            cols = _put(cols, old, Col(new, value))
    return cols, _hide(branches, hidden) if hidden else branches


def _put(cols: list[Col], name: str, new: Col) -> list[Col]:
    folded = name.lower()
    if not any(col.name.lower() == folded for col in cols):
        return [*cols, new]
    return [new if col.name.lower() == folded else col for col in cols]


def _like(pattern: str, escape: str = "") -> str:
    """A LIKE pattern as a regular expression."""
    parts = []
    signs = iter(pattern)
    for sign in signs:
        if sign == escape:
            parts.append(re.escape(next(signs, "")))
        else:
            parts.append({"%": ".*", "_": "."}.get(sign) or re.escape(sign))
    return "".join(parts)


def _repeated(node: exp.Expr, columns: exp.Expr, scope: Scope, result: Projection) -> None:
    """An item with ``COLUMNS(...)`` in it, once for each column that matches."""
    cols, branches = chosen_columns(columns, scope)
    bare = node is columns
    for col in cols:
        if bare:
            result.cols.append(col)
        else:
            scope.columns_value = col.value
            result.cols.append(Col(_repeated_name(node, col.name), evaluate(node, scope)))
            scope.columns_value = None
        result.items.append(node)
    if branches and bare:
        result.branches.append(branches)
    elif any(beyond.rank in (UNKNOWN, UNNESTED, NAMED) for branch in branches for beyond in branch):
        scope.context.lose(
            "open-star", "COLUMNS(...) over relations whose columns are not known", "COLUMNS"
        )


def _repeated_name(node: exp.Expr, name: str) -> str:
    if node.__class__ is exp.Alias:
        return str(node.alias).replace("\\0", name)
    return name


def chosen_columns(columns: exp.Expr, scope: Scope) -> tuple[list[Col], list[Branch]]:
    """The columns that ``COLUMNS(...)`` stands for."""
    what = columns.this
    if isinstance(what, exp.Column) and isinstance(what.this, exp.Star):
        rel = _source_of(what, scope)
        if rel is not None:
            return _modified(what.this, list(rel.cols), list(rel.branches), scope)
    cols, branches = all_columns(scope)
    if isinstance(what, exp.Star):
        return _modified(what, cols, branches, scope)
    if isinstance(what, exp.Literal):
        try:
            pattern = re.compile(what.name)
        except re.error:
            return cols, branches
        return [col for col in cols if pattern.search(col.name)], branches
    if isinstance(what, exp.Array) and isinstance(what.expressions[0], exp.Comprehension):
        condition = what.expressions[0].args.get("condition")
        if isinstance(condition, exp.Like | exp.ILike):  # [c for c in (*) if c like 'a%']
            pattern = re.compile(_like(condition.expression.name))
            return [col for col in cols if pattern.fullmatch(col.name)], branches
    elif isinstance(what, exp.Array | exp.Tuple):
        wanted = {item.name.lower() for item in what.expressions}
        return [col for col in cols if col.name.lower() in wanted], []
    if isinstance(what, exp.Lambda) and isinstance(what.this, exp.Like | exp.ILike):
        pattern = re.compile(_like(what.this.expression.name))
        return [col for col in cols if pattern.fullmatch(col.name)], branches
    scope.context.lose("open-star", "These choices of columns are not understood", what.sql())
    return cols, branches
