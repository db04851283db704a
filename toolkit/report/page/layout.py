"""Where each asset stands in the graph view: layers left to right, few crossings.

A layered (Sugiyama) layout without dummy nodes: longest-path layers, barycentre
sweeps for the order within a layer, then an isotonic fit for the heights. It is
linear in nodes and edges for each sweep and gives the same answer every time.
"""

from collections.abc import Sequence

import msgspec

SWEEPS = 12
MIN_HEIGHT = 40  # rows; a layer may be so high before it is folded
EMPTY = 2.0  # rows; a band without any node is not higher than this


class Layout(msgspec.Struct, frozen=True):
    """Position of each node.

    Attributes:
        layer: from left to right, along the edges.
        sub: place within a layer that is folded into several columns, from 0.
        row: from the top, in heights of a card.
    """

    layer: list[int]
    sub: list[int]
    row: list[float]


def layered(count: int, edges: Sequence[tuple[int, int]]) -> Layout:
    """Lay out a directed acyclic graph.

    Args:
        count: nodes are ``0 .. count-1`` in topological order.
        edges: ``(parent, child)`` with ``parent < child``.
    """
    parents: list[list[int]] = [[] for _ in range(count)]
    children: list[list[int]] = [[] for _ in range(count)]
    for parent, child in sorted(edges):
        children[parent].append(child)
        parents[child].append(parent)
    layer = _layers(parents, children)
    linked = [node for node in range(count) if parents[node] or children[node]]
    columns: list[list[int]] = [[] for _ in range(max(layer, default=0) + 1)]
    for node in linked:
        columns[layer[node]].append(node)
    folds = _folds(columns)
    row = _rows(count, columns, folds, parents, children)
    sub = [0] * count
    for column, fold in zip(columns, folds, strict=True):
        for place, node in enumerate(column):
            sub[node] = place % fold
    row = close_gaps(row)
    _place_isolated(linked, len(columns), layer, row)
    return Layout(layer, sub, row)


def close_gaps(rows: Sequence[float]) -> list[float]:
    """The same rows from 0, with bands in which nothing stands made narrow."""
    moved: dict[float, float] = {}
    last, at = None, 0.0
    for row in sorted(set(rows)):
        at += min(EMPTY, row - last) if last is not None else 0.0
        last, moved[row] = row, at
    return [moved[row] for row in rows]


def _folds(columns: list[list[int]]) -> list[int]:
    """In how many columns each layer stands: a page is wider than high, and so is a graph."""
    total = sum(map(len, columns))
    height = max(MIN_HEIGHT, round((2 * total) ** 0.5))
    return [max(1, -(-len(column) // height)) for column in columns]


def _layers(parents: list[list[int]], children: list[list[int]]) -> list[int]:
    layer = [0] * len(parents)
    for node, above in enumerate(parents):
        if above:
            layer[node] = max(layer[parent] for parent in above) + 1
    # A root that is read late moves next to its first reader: shorter edges, lower columns.
    for node, below in enumerate(children):
        if below and not parents[node]:
            layer[node] = min(layer[child] for child in below) - 1
    return layer


def _rows(
    count: int,
    columns: list[list[int]],
    folds: list[int],
    parents: list[list[int]],
    children: list[list[int]],
) -> list[float]:
    row = [0.0] * count
    folded = list(zip(columns, folds, strict=True))
    for column, fold in folded:
        for place, node in enumerate(column):
            row[node] = (place - len(column) / 2) / fold
    for sweep in range(SWEEPS):
        forward = sweep % 2 == 0
        near = parents if forward else children
        for column, fold in folded if forward else reversed(folded):
            wish = {
                node: sum(row[other] for other in near[node]) / len(near[node])
                if near[node]
                else row[node]
                for node in column
            }
            column.sort(key=lambda node: (wish[node], row[node], node))
            places = spread([wish[node] for node in column], 1 / fold)
            for node, at in zip(column, places, strict=True):
                row[node] = at
    for column, fold in folded:
        wishes = [_mean([row[n] for n in parents[node] + children[node]]) for node in column]
        for node, at in zip(column, spread(wishes, 1 / fold), strict=True):
            row[node] = at
    return row


def spread(wishes: Sequence[float], distance: float = 1.0) -> list[float]:
    """Heights nearest (least squares) to ``wishes`` that keep the order and ``distance``.

    With ``z[i] = y[i] - i * distance`` this is isotonic regression: pool adjacent violators.
    """
    pools: list[tuple[float, int]] = []
    for place, wish in enumerate(wishes):
        total, size = wish - place * distance, 1
        while pools and pools[-1][0] / pools[-1][1] > total / size:
            above, members = pools.pop()
            total, size = total + above, size + members
        pools.append((total, size))
    fitted = [total / size for total, size in pools for _ in range(size)]
    return [value + place * distance for place, value in enumerate(fitted)]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _place_isolated(linked: list[int], width: int, layer: list[int], row: list[float]) -> None:
    """Nodes without any edge stand in a grid under the rest."""
    known = set(linked)
    alone = [node for node in range(len(layer)) if node not in known]
    width = max(width, round(len(alone) ** 0.5 / 2), 1)
    below = max((row[node] for node in linked), default=-2.0) + 2
    for place, node in enumerate(alone):
        layer[node] = place % width
        row[node] = below + place // width
