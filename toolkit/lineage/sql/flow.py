"""What flows where, while one query is walked: small numbers instead of names.

A *leaf* is a column of an asset that the query reads. A *flow* says what some expression
takes from each leaf, as a bit mask: how the value comes (IDENTITY, TRANSFORMATION,
AGGREGATION: the highest bit wins) and how it is decided (CONDITIONAL, WINDOW). *Rows* say
the same of the influence on which rows there are. Flows are shared: never change one that
that you did not make. Imports no sqlglot: a run from the cache needs none.
"""

Leaf = tuple[str, str]
Flow = dict[Leaf, int]
Rows = dict[Leaf, int]

IDENTITY, TRANSFORMATION, AGGREGATION, CONDITIONAL, WINDOW = 1, 2, 4, 8, 16
DIRECT = IDENTITY | TRANSFORMATION | AGGREGATION
JOIN, FILTER, GROUP_BY, SORT = 1, 2, 4, 8

AS_IS = 0
"""The lift that changes nothing."""

NOTHING: Flow = {}

INDIRECT_NAMES = ((CONDITIONAL, "CONDITIONAL"), (WINDOW, "WINDOW"))
ROW_NAMES = ((JOIN, "JOIN"), (FILTER, "FILTER"), (GROUP_BY, "GROUP_BY"), (SORT, "SORT"))


def direct_name(mask: int) -> str | None:
    """The one kind of value flow in ``mask``: along a path the furthest wins."""
    if mask & AGGREGATION:
        return "AGGREGATION"
    if mask & TRANSFORMATION:
        return "TRANSFORMATION"
    return "IDENTITY" if mask & IDENTITY else None


def compose(outer: int, inner: int) -> int:
    """The lift of something in a place with lift ``inner`` inside a place with ``outer``.

    A place that only decides makes everything inside it decide in the same way: the
    condition of a CASE inside a window's ORDER BY is WINDOW.
    """
    if outer >= CONDITIONAL:
        return outer
    return inner if inner >= CONDITIONAL else max(outer, inner)


def pour(out: Flow, flow: Flow, lift: int) -> None:
    """Add ``flow`` to ``out``, used in a place with this lift."""
    if lift == AS_IS:
        for leaf, mask in flow.items():
            out[leaf] = out.get(leaf, 0) | mask
    elif lift >= CONDITIONAL:
        for leaf in flow:
            out[leaf] = out.get(leaf, 0) | lift
    else:
        for leaf, mask in flow.items():
            out[leaf] = out.get(leaf, 0) | (mask | lift if mask & DIRECT else mask)


def mark(rows: Rows, leaves: Flow | Rows, kind: int) -> None:
    """Say that all these leaves influence the rows in this way."""
    for leaf in leaves:
        rows[leaf] = rows.get(leaf, 0) | kind


def merge(left: Flow, right: Flow) -> Flow:
    """Both flows together, as two branches of a union."""
    if not left or left is right:
        return right
    if not right:
        return left
    out = dict(left)
    pour(out, right, AS_IS)
    return out
