"""Aggregates, their FILTER and ORDER BY, and window functions."""

from sqlglot import exp

from toolkit.lineage.sql.expression import HANDLERS, collect, collect_all
from toolkit.lineage.sql.flow import (
    AGGREGATION,
    CONDITIONAL,
    TRANSFORMATION,
    WINDOW,
    Flow,
    compose,
)
from toolkit.lineage.sql.scope import NO_NAMES, Scope

# Called over a window they pick a value of some row; they aggregate nothing.
_PICKS = (exp.Lag, exp.Lead, exp.FirstValue, exp.LastValue, exp.NthValue)

# They number rows or groups: their arguments are constants or grouping keys.
_RANKS = (
    exp.CumeDist,
    exp.DenseRank,
    exp.Ntile,
    exp.PercentRank,
    exp.Rank,
)

# Aggregates that the parser takes for plain functions.
_BY_NAME = frozenset(
    [
        "approx_percentile",
        "arg_max_null",
        "arg_max_nulls_last",
        "arg_min_null",
        "arg_min_nulls_last",
        "arbitrary",
        "bit_and",
        "bit_or",
        "bit_xor",
        "bitstring_agg",
        "checksum",
        "collect_list",
        "collect_set",
        "combine_aggr",
        "count_star",
        "decimal_average",
        "entropy",
        "every",
        "favg",
        "fsum",
        "geometric_mean",
        "groupuniqarray",
        "grouparray",
        "histogram",
        "histogram_exact",
        "hll_accumulate",
        "hll_count.extract",
        "hll_count.init",
        "hll_count.merge",
        "hll_count.merge_partial",
        "hll_union_agg",
        "json_agg",
        "json_group_array",
        "json_group_object",
        "json_object_agg",
        "jsonb_agg",
        "jsonb_object_agg",
        "kahan_sum",
        "kurtosis_pop",
        "listagg",
        "lttb",
        "mad",
        "map_agg",
        "map_union",
        "mean",
        "multimap_agg",
        "numeric_histogram",
        "product",
        "quantile_cont",
        "quantile_disc",
        "ratio_to_report",
        "reservoir_quantile",
        "sem",
        "st_union_agg",
        "sumkahan",
        "sum_no_overflow",
        "union_agg",
        "uniq",
        "uniqexact",
        "variant_group_array",
        "variant_group_object",
        "wm_concat",
        "xmlagg",
    ]
)


def _count(node: exp.Expr, scope: Scope, out: Flow, lift: int) -> None:
    """``count(*)`` counts rows, whatever is in them."""
    if not isinstance(node.this, exp.Star):
        _aggregate(node, scope, out, lift)


def _nothing(node: exp.Expr, scope: Scope, out: Flow, lift: int) -> None:
    """``grouping(k)`` says which keys a row is grouped by; what is in them does not matter."""


def _aggregate(node: exp.Expr, scope: Scope, out: Flow, lift: int) -> None:
    _arguments(node, scope, out, lift, compose(lift, AGGREGATION))


def _plain(node: exp.Expr, scope: Scope, out: Flow, lift: int) -> None:
    """A function that the parser calls an aggregate and that aggregates nothing."""
    _arguments(node, scope, out, lift, compose(lift, TRANSFORMATION))


def _arguments(node: exp.Expr, scope: Scope, out: Flow, lift: int, inside: int) -> None:
    """No alias goes before a column in there: it could be the aggregate's own."""
    around = scope.ahead
    if not scope.context.facts.alias_first:
        scope.ahead = NO_NAMES
    _each_argument(node, scope, out, lift, inside)
    scope.ahead = around


def _each_argument(node: exp.Expr, scope: Scope, out: Flow, lift: int, inside: int) -> None:
    for child in node.args.values():
        if isinstance(child, exp.Expr):
            _argument(child, scope, out, lift, inside)
        elif isinstance(child, list):
            for item in child:
                if isinstance(item, exp.Expr):
                    _argument(item, scope, out, lift, inside)


def _argument(node: exp.Expr, scope: Scope, out: Flow, lift: int, inside: int) -> None:
    """One argument; ``x ORDER BY y LIMIT n`` is parsed as if it were the argument."""
    while isinstance(node, exp.Limit | exp.Order):
        if isinstance(node, exp.Order):
            collect_all(node.expressions, scope, out, compose(lift, WINDOW))
        if node.this is None:
            return
        node = node.this
    if isinstance(node, exp.Distinct):
        for item in node.expressions:
            _argument(item, scope, out, lift, inside)
        return
    collect(node, scope, out, inside)


def _combined(node: exp.Expr, scope: Scope, out: Flow, lift: int) -> None:
    """ClickHouse's ``sumIf(x, condition)`` and the like."""
    arguments = [item for item in node.expressions if isinstance(item, exp.Expr)]
    if node.name.lower().endswith("if") and arguments:
        collect(arguments.pop(), scope, out, compose(lift, CONDITIONAL))
    collect_all(arguments, scope, out, compose(lift, AGGREGATION))


def _count_if(node: exp.Expr, scope: Scope, out: Flow, lift: int) -> None:
    collect(node.this, scope, out, compose(lift, CONDITIONAL))


def _filter(node: exp.Expr, scope: Scope, out: Flow, lift: int) -> None:
    collect(node.this, scope, out, lift)
    collect(node.expression, scope, out, compose(lift, CONDITIONAL))


def _within_group(node: exp.Expr, scope: Scope, out: Flow, lift: int) -> None:
    """``WITHIN GROUP (ORDER BY x)``: x is the value of a percentile, the order of a list."""
    collect(node.this, scope, out, lift)
    is_list = isinstance(node.this, exp.GroupConcat | exp.ArrayAgg)
    inside = compose(lift, WINDOW if is_list else AGGREGATION)
    collect_all(node.expression.expressions, scope, out, inside)


def _window(node: exp.Expr, scope: Scope, out: Flow, lift: int) -> None:
    function = node.this
    if isinstance(function, exp.Expr):
        collect(function, scope, out, lift)
    over = compose(lift, WINDOW)
    seen: set[int] = set()
    window: exp.Expr | None = node
    while window is not None and id(window) not in seen:
        seen.add(id(window))
        collect_all(window.args.get("partition_by"), scope, out, over)
        order = window.args.get("order")
        if order is not None:
            collect_all(order.expressions, scope, out, over)
        alias = window.args.get("alias")
        if window is not node and alias is None and isinstance(window.this, exp.Identifier):
            break
        window = scope.windows.get(alias.name.lower()) if alias is not None else None


def _wrapper(node: exp.Expr, scope: Scope, out: Flow, lift: int) -> None:
    """IGNORE NULLS and RESPECT NULLS."""
    collect(node.this, scope, out, lift)


def _anonymous(node: exp.Expr, scope: Scope, out: Flow, lift: int) -> None:
    if is_aggregate(node):
        _aggregate(node, scope, out, lift)
    elif node.name.lower() == "multiif":
        # ClickHouse's: condition, value, condition, value, ..., otherwise
        conditions = node.expressions[:-1:2]
        values = [*node.expressions[1::2], *node.expressions[-1:]]
        collect_all(conditions, scope, out, compose(lift, CONDITIONAL))
        collect_all(values, scope, out, compose(lift, TRANSFORMATION))
    else:
        collect_all(node.expressions, scope, out, compose(lift, TRANSFORMATION))


def is_aggregate(node: exp.Expr) -> bool:
    """The node makes one value of many rows."""
    if isinstance(node, exp.Anonymous):
        return not _names(node).isdisjoint(_BY_NAME)
    return isinstance(node, exp.AggFunc) and not isinstance(node, _PICKS + _RANKS)


def _names(node: exp.Expr) -> set[str]:
    """Of a function, folded: BigQuery's ``hll_count.merge`` is called by both."""
    name, around = node.name.lower(), node.parent
    return {name, f"{around.this.name.lower()}.{name}"} if isinstance(around, exp.Dot) else {name}


def _subclasses(base: type[exp.Expr]) -> set[type[exp.Expr]]:
    found = {base}
    for child in base.__subclasses__():
        found |= _subclasses(child)
    return found


for _class in _subclasses(exp.AggFunc):
    HANDLERS[_class] = _plain if issubclass(_class, _PICKS + _RANKS) else _aggregate
for _class in _subclasses(exp.CombinedAggFunc):
    HANDLERS[_class] = _combined
HANDLERS[exp.Count] = _count
HANDLERS[exp.Grouping] = _nothing
HANDLERS[exp.GroupingId] = _nothing
HANDLERS[exp.CountIf] = _count_if
HANDLERS[exp.Filter] = _filter
HANDLERS[exp.WithinGroup] = _within_group
HANDLERS[exp.Window] = _window
HANDLERS[exp.IgnoreNulls] = _wrapper
HANDLERS[exp.RespectNulls] = _wrapper
HANDLERS[exp.Anonymous] = _anonymous
