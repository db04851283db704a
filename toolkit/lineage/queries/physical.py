"""Does what a query makes depend on the order in which its parents' rows happen to lie?

A fingerprint of rows cannot see their order, so a query that does depend on it must run when a
parent was made again, whatever came out. An order that the author wrote counts as an order:
which of two rows comes first that are equal in it (``row_number() over (partition by id order by
day)``, ``arg_max(x, day)``) is left open by the query, and every answer to it is right. Sums of
floating point numbers count as the same whichever is added first: they differ in the last digit
between two runs over the same rows.
"""

from collections.abc import Iterator

from sqlglot import exp


def _words(text: str) -> list[str]:
    return text.split()


# Aggregates that give the same whatever comes first.
_ORDER_FREE: tuple[type[exp.Expr], ...] = (
    exp.ApproxDistinct, exp.ArgMax, exp.ArgMin, exp.Avg, exp.BitwiseAndAgg, exp.BitwiseOrAgg,
    exp.BitwiseXorAgg, exp.Corr, exp.Count, exp.CountIf, exp.CovarPop, exp.CovarSamp, exp.Kurtosis,
    exp.LogicalAnd, exp.LogicalOr, exp.Max, exp.Median, exp.Min, exp.PercentileCont,
    exp.PercentileDisc, exp.Quantile, exp.RegrAvgx, exp.RegrAvgy, exp.RegrCount,
    exp.RegrIntercept, exp.RegrR2, exp.RegrSlope, exp.RegrSxx, exp.RegrSxy, exp.RegrSyy,
    exp.Skewness, exp.Stddev, exp.StddevPop, exp.StddevSamp, exp.Sum, exp.Variance,
    exp.VariancePop,
)  # fmt: skip

_ORDER_FREE_NAMES = frozenset(
    _words(
        """
        arg_max_null arg_max_nulls_last arg_min_null arg_min_nulls_last bitstring_agg count_star
        entropy favg fsum histogram histogram_exact kahan_sum kurtosis_pop mad mean product sem
        sum_no_overflow sumkahan
        """
    )
)

# Aggregates of DuckDB that the parser does not know, and that do depend on it.
_ORDERED_NAMES = frozenset(
    _words(
        """
        arbitrary json_group_array json_group_object json_group_structure lttb reservoir_quantile
        variant_group_array variant_group_object
        """
    )
)

# Plain functions of DuckDB that the parser does not know: their value depends on their arguments.
_PLAIN_NAMES = frozenset(
    _words(
        """
        add age alias array_aggr array_aggregate array_apply array_cosine_distance
        array_cosine_similarity array_cross_product array_distance array_dot_product array_extract
        array_grade_up array_has_any array_indexof array_inner_product array_negative_dot_product
        array_negative_inner_product array_pop_back array_pop_front array_push_back
        array_push_front array_reduce array_resize array_reverse_sort array_select array_sort
        array_to_json array_to_string_comma_default array_transform array_unique array_value
        array_where array_zip bar base64 bin bit_count bit_position bitstring cardinality
        cast_to_type century constant_or_null create_sort_key damerau_levenshtein date_part
        date_sub datepart datesub days_in_month decade divide element_at enum_code enum_first
        enum_last enum_range enum_range_boundary epoch_ns epoch_us equi_width_bins era even fdiv
        fmod format_bytes from_binary from_json_strict gamma gcd generate_subscripts geomean
        geometric_mean greatest_common_divisor hamming hash isfinite isoyear jaccard
        jaro_similarity json_array_length json_contains json_deep_merge json_exists json_insert
        json_merge_patch json_pretty json_quote json_replace json_structure json_transform
        json_transform_strict json_valid json_value julian lcm least_common_multiple left_grapheme
        length_grapheme lgamma list_aggr list_aggregate list_any_value list_apply
        list_approx_count_distinct list_avg list_bit_and list_bit_or list_bit_xor list_bool_and
        list_bool_or list_cat list_cosine_similarity list_count list_dot_product list_element
        list_entropy list_extract list_first list_grade_up list_has_all list_histogram list_indexof
        list_inner_product list_intersect list_kurtosis list_kurtosis_pop list_last list_mad
        list_median list_mode list_negative_dot_product list_negative_inner_product list_pack
        list_position list_product list_reduce list_resize list_reverse list_reverse_sort
        list_select list_sem list_skewness list_slice list_sort list_stddev_pop list_stddev_samp
        list_string_agg list_sum list_unique list_var_pop list_var_samp list_where list_zip
        make_timestamp_ms make_timestamp_ns make_timestamptz map_concat map_contains
        map_contains_entry map_contains_value map_entries map_extract map_extract_value map_values
        md5_number md5_number_lower md5_number_upper microsecond millennium millisecond mismatches
        multiply nanosecond nextafter nfc_normalize octet_length ord parse_dirname parse_dirpath
        parse_filename parse_formatted_bytes parse_path path_join prefix printf regexp_escape
        regexp_split_to_array right_grapheme round_even roundbankers row row_to_json set_bit
        signbit strip_accents strlen struct_concat struct_contains struct_extract_at struct_has
        struct_indexof struct_insert struct_keys struct_position struct_update struct_values
        substring_grapheme subtract suffix switch timezone timezone_hour timezone_minute to_base
        to_centuries to_decades to_hours to_json to_microseconds to_millennia to_milliseconds
        to_minutes to_months to_quarters to_seconds to_weeks to_years try_strptime typeof unbin
        union_extract union_tag union_value url_decode url_encode uuid_extract_timestamp
        uuid_extract_version wavg weekday weighted_avg yearweek
        """
    )
)

TABLE_FUNCTIONS = frozenset({"json_each", "json_tree", "repeat", "repeat_row"})
"""Functions in FROM that the parser does not know, and that read nothing but their arguments."""


def unknown_function(query: exp.Expr) -> str | None:
    """The name of a function that is none of DuckDB's: somebody's macro, which may read tables.

    Also one whose value is not decided by its arguments, such as ``nextval``.
    """
    known = _PLAIN_NAMES | _ORDER_FREE_NAMES | _ORDERED_NAMES | TABLE_FUNCTIONS | {"fill"}
    for node in query.find_all(exp.Anonymous, exp.AnonymousAggFunc):
        if node.name.lower() not in known:
            return str(node.name)
    return None


def order_reason(query: exp.Expr) -> str | None:
    """What in a query depends on the order in which its parents' rows lie; ``None``: nothing."""
    return next(_reasons(query), None)


def _reasons(query: exp.Expr) -> Iterator[str]:
    for node in query.walk():
        if isinstance(node, exp.Query):
            yield from _cut(node)
        elif isinstance(node, exp.Window):
            if not isinstance(node.parent, exp.Select) or node.arg_key != "windows":
                yield from _window(node)
        elif isinstance(node, exp.Join):
            if str(node.args.get("method") or "").upper() == "POSITIONAL":
                yield "POSITIONAL JOIN"
        elif isinstance(node, exp.Column):
            if node.name.lower() == "rowid":
                yield "rowid"
        elif isinstance(node, exp.CTE):
            if node.args.get("key_expressions"):
                yield "USING KEY keeps the row that comes last"
        elif isinstance(node, exp.Array):
            inner = node.expressions[0].unnest() if len(node.expressions) == 1 else None
            if isinstance(inner, exp.Query) and inner.args.get("order") is None:
                yield "ARRAY(SELECT ...) without ORDER BY"
        elif _is_ordered_aggregate(node) and not _over(node) and not _sorts(node):
            yield f"{_name(node)} without ORDER BY"


def _cut(query: exp.Expr) -> Iterator[str]:
    """LIMIT and DISTINCT ON take the rows that come first."""
    if query.args.get("order") is not None:
        return
    for name in ("limit", "offset"):
        part = query.args.get(name)
        if part is not None and not _is_zero(part):
            yield f"{name.upper()} without ORDER BY"
    distinct = query.args.get("distinct")
    if isinstance(distinct, exp.Distinct) and distinct.args.get("on") is not None:
        yield "DISTINCT ON without ORDER BY"


def _is_zero(part: exp.Expr) -> bool:
    number = part.args.get("expression")
    return isinstance(number, exp.Literal) and number.name == "0"


def _is_ordered_aggregate(node: exp.Expr) -> bool:
    if isinstance(node, exp.Anonymous | exp.AnonymousAggFunc):
        return node.name.lower() in _ORDERED_NAMES
    if isinstance(node, exp.Func) and node.__class__.__name__ == "RowNumber":
        return False  # only over a window
    return isinstance(node, exp.AggFunc) and not isinstance(node, _ORDER_FREE)


def _over(node: exp.Expr) -> bool:
    """The function of a window, whose own order counts."""
    while isinstance(node.parent, exp.IgnoreNulls | exp.RespectNulls | exp.Filter):
        node = node.parent
    return isinstance(node.parent, exp.Window) and node.arg_key == "this"


def _sorts(node: exp.Expr) -> bool:
    """``string_agg(x, ',' order by y)``, ``... within group (order by y)``."""
    if isinstance(node.parent, exp.WithinGroup):
        return True
    arguments = [part for part in node.args.values() if isinstance(part, exp.Expr)]
    return any(isinstance(part, exp.Order) for part in (*arguments, *node.expressions))


def _window(window: exp.Window) -> Iterator[str]:
    function = window.this
    while isinstance(function, exp.IgnoreNulls | exp.RespectNulls | exp.Filter):
        function = function.this
    order_free = isinstance(function, _ORDER_FREE) or (
        isinstance(function, exp.Anonymous) and function.name.lower() in _ORDER_FREE_NAMES
    )
    chain = _chain(window)
    frames = any(str((w.args.get("spec") or exp.WindowSpec()).args.get("kind") or "").upper()
                 in ("ROWS", "GROUPS") for w in chain)  # fmt: skip
    if order_free and not frames:
        return
    if not _has_order(chain):
        yield f"{_name(function)} over a window without an ORDER BY that tells rows apart"


def _chain(window: exp.Window) -> list[exp.Expr]:
    """The window and the named ones that it goes on from; those that are not found are left out."""
    chain: list[exp.Expr] = [window]
    name = window.args.get("alias")
    while name is not None:
        found = _named(window, name.name.lower())
        if found is None or found in chain:
            break
        chain.append(found)
        name = found.args.get("alias")
    return chain


def _named(node: exp.Expr, name: str) -> exp.Expr | None:
    select = node.find_ancestor(exp.Select)
    while select is not None:
        for window in select.args.get("windows") or ():
            if window.name.lower() == name:
                return window  # type: ignore[no-any-return]
        select = select.find_ancestor(exp.Select)
    return None


def _has_order(chain: list[exp.Expr]) -> bool:
    """There is a key that is neither a constant nor the same in the whole partition."""
    parts = [key for window in chain for key in window.args.get("partition_by") or ()]
    for window in chain:
        order = window.args.get("order")
        for key in order.expressions if order is not None else ():
            bare = key.this if isinstance(key, exp.Ordered) else key
            if bare not in parts and next(bare.find_all(exp.Column, exp.Var), None) is not None:
                return True
    return False


def _name(node: exp.Expr) -> str:
    if isinstance(node, exp.Func) and not isinstance(node, exp.Anonymous):
        return node.sql_name().lower()
    return node.name.lower()
