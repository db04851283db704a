"""Where each asset stands in the graph view: layers left to right, few crossings.

A layered (Sugiyama) layout without dummy nodes: longest-path layers, barycentre
sweeps for the order within a layer, then an isotonic fit for the heights. It is
linear in nodes and edges for each sweep and gives the same answer every time.
"""

from collections.abc import Sequence

import msgspec

SWEEPS = 12


class Layout(msgspec.Struct, frozen=True):
    """Position of each node: ``layer`` counts columns, ``row`` counts card heights."""

    layer: list[int]
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
    row = _rows(count, columns, parents, children)
    _place_isolated(linked, len(columns), layer, row)
    return Layout(layer, row)


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
    parents: list[list[int]],
    children: list[list[int]],
) -> list[float]:
    row = [0.0] * count
    for column in columns:
        for place, node in enumerate(column):
            row[node] = place - len(column) / 2
    for sweep in range(SWEEPS):
        forward = sweep % 2 == 0
        near = parents if forward else children
        for column in columns if forward else reversed(columns):
            wish = {
                node: sum(row[other] for other in near[node]) / len(near[node])
                if near[node]
                else row[node]
                for node in column
            }
            column.sort(key=lambda node: (wish[node], row[node], node))
            for node, at in zip(column, spread([wish[node] for node in column]), strict=True):
                row[node] = at
    for column in columns:
        wishes = [_mean([row[n] for n in parents[node] + children[node]]) for node in column]
        for node, at in zip(column, spread(wishes), strict=True):
            row[node] = at
    lowest = min((row[node] for column in columns for node in column), default=0.0)
    return [at - lowest for at in row]


def spread(wishes: Sequence[float]) -> list[float]:
    """Heights nearest (least squares) to ``wishes`` that keep the order and a distance of 1.

    With ``z[i] = y[i] - i`` this is isotonic regression: pool adjacent violators.
    """
    pools: list[tuple[float, int]] = []
    for place, wish in enumerate(wishes):
        total, size = wish - place, 1
        while pools and pools[-1][0] / pools[-1][1] > total / size:
            above, members = pools.pop()
            total, size = total + above, size + members
        pools.append((total, size))
    fitted = [total / size for total, size in pools for _ in range(size)]
    return [value + place for place, value in enumerate(fitted)]


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
