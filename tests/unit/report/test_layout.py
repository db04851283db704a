"""Where assets stand: layers along the edges, no two cards in one place, always the same."""

import itertools
from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from toolkit.report.page.layout import Layout, close_gaps, layered, spread


@st.composite
def graphs(draw: st.DrawFn) -> tuple[int, list[tuple[int, int]]]:
    count = draw(st.integers(0, 60))
    if count < 2:
        return count, []
    pair = st.tuples(st.integers(0, count - 1), st.integers(0, count - 1))
    pairs = draw(st.lists(pair.filter(lambda p: p[0] < p[1]), max_size=120, unique=True))
    return count, pairs


@given(graphs())
def test_every_edge_goes_right(graph: tuple[int, list[tuple[int, int]]]) -> None:
    count, edges = graph
    layout = layered(count, edges)
    assert all(layout.layer[parent] < layout.layer[child] for parent, child in edges)
    assert len(layout.layer) == len(layout.row) == len(layout.sub) == count
    assert all(layer >= 0 for layer in layout.layer)


@given(graphs())
def test_no_two_cards_overlap(graph: tuple[int, list[tuple[int, int]]]) -> None:
    assert_apart(layered(*graph))


def test_a_tall_layer_is_folded_and_still_does_not_overlap() -> None:
    edges = [(0, child) for child in range(1, 500)]
    layout = layered(500, edges)
    assert max(layout.sub) > 0
    assert max(layout.row) - min(layout.row) < 60
    assert_apart(layout)


def assert_apart(layout: Layout) -> None:
    places: dict[tuple[int, int], list[float]] = {}
    for layer, sub, row in zip(layout.layer, layout.sub, layout.row, strict=True):
        places.setdefault((layer, sub), []).append(row)
    for rows in places.values():
        for above, below in itertools.pairwise(sorted(rows)):
            assert below - above > 1 - 1e-6


@given(graphs())
def test_same_graph_same_layout(graph: tuple[int, list[tuple[int, int]]]) -> None:
    count, edges = graph
    assert layered(count, edges) == layered(count, list(reversed(edges)))


def test_a_chain_is_a_straight_line() -> None:
    layout = layered(4, [(0, 1), (1, 2), (2, 3)])
    assert layout.layer == [0, 1, 2, 3]
    assert layout.row == [0, 0, 0, 0]


def test_crossing_edges_are_untangled() -> None:
    """Two chains, given crosswise, end up side by side."""
    layout = layered(6, [(0, 3), (1, 2), (2, 5), (3, 4)])
    pairs = [(0, 3), (3, 4), (1, 2), (2, 5)]
    assert all(abs(layout.row[a] - layout.row[b]) < 0.01 for a, b in pairs)


def test_a_root_stands_beside_its_first_reader() -> None:
    layout = layered(5, [(0, 2), (2, 3), (3, 4), (1, 4)])
    assert layout.layer[1] == layout.layer[4] - 1


@given(st.lists(st.floats(-1e6, 1e6), max_size=40), st.sampled_from([1.0, 0.5, 0.25]))
def test_spread_keeps_order_and_distance(wishes: list[float], distance: float) -> None:
    placed = spread(sorted(wishes), distance)
    assert all(b - a >= distance - 1e-6 for a, b in itertools.pairwise(placed))


def test_spread_moves_nothing_that_need_not_move() -> None:
    assert spread([0.0, 5.0, 9.0]) == [0.0, 5.0, 9.0]
    assert spread([1.0, 1.0]) == [0.5, 1.5]


def test_empty_bands_are_closed() -> None:
    assert close_gaps([10.0, 11.0, 90.0]) == [0.0, 1.0, 3.0]


PLACE = """
  const items = input.hints.map((hint, id) => ({ id, hint, row: id, w: 180, h: 44, ports: [],
    ...(input.grouped ? { members: [id] } : {}) }));
  return R.layout.place(items, input.links).map((c) => [c.layer, c.x, c.y]);
"""


def test_groups_that_read_each_other_are_no_longer_than_the_graph(
    run_js: Callable[[str, object], Any],
) -> None:
    """Forty groups in four depths, each read by all others: not a row of forty."""
    hints = [place % 4 for place in range(40)]
    links = [[a, b] for a in range(40) for b in range(40) if a != b]
    given_ = {"hints": hints, "links": links, "grouped": True}
    placed = run_js(PLACE, given_)
    assert [layer for layer, *_ in placed] == hints
    assert len({(x, y) for _, x, y in placed}) == 40
    # assets have no circles, and a long row of them is one
    chain = {"hints": list(range(40)), "links": [[n, n + 1] for n in range(39)], "grouped": False}
    assert [layer for layer, *_ in run_js(PLACE, chain)] == list(range(40))
