"""Column lineage as text for a terminal: a summary of the graph, a tree of an asset or column."""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Literal

import msgspec

from toolkit.errors import Problem
from toolkit.graph import Asset, AssetGraph
from toolkit.lineage import Lineage
from toolkit.lineage.walks.origin import origins, removed, row_filter

Direction = Literal["upstream", "downstream"]
# These have no columns of their own, so any column of what they read may matter to them.
_WHOLE_READERS = frozenset({"exposure", "ml_model", "metric", "semantic_model", "saved_query"})
_MAX_EXPRESSION = 80
_PROPERTY = ("property", "")  # no asset: what a stream reads is outside of the graph


class _Branch(msgspec.Struct, frozen=True):
    """One line of a tree: ``node`` is walked on from, ``note`` is said behind it."""

    node: tuple[str, str]
    note: str = ""


def lineage_summary(graph: AssetGraph, lineage: Lineage) -> str:
    """What there is and how much of it is traced, in a few lines, with every opaque asset."""
    kinds = Counter(asset.kind for asset in graph)
    coverage = lineage.coverage
    most_first = sorted(kinds.items(), key=lambda item: (-item[1], item[0]))
    said = ", ".join(f"{n:,} {kind}" for kind, n in most_first)
    lines = [
        f"{len(graph):,} assets ({said}), {len(graph.edges):,} dependencies, "
        f"{coverage.columns:,} columns",
        f"{len(lineage.column_edges):,} column edges, {len(lineage.asset_edges):,} asset edges",
        f"column lineage of {coverage.assets:,} assets: {coverage.full:,} full, "
        f"{coverage.partial:,} partial, {coverage.opaque:,} opaque",
    ]
    why = {p.asset: p for p in reversed(lineage.problems) if p.asset is not None}
    for status in ("opaque", "partial"):
        for key in (k for k in graph.assets if lineage.status.get(k) == status):
            problem = why.get(key)
            lines.append(f"  {status}: {key}" + (f": {_why(key, problem)}" if problem else ""))
    return "\n".join(lines) + "\n"


def _why(key: str, problem: Problem) -> str:
    """The message without the key, which stands before it."""
    lead, found, rest = problem.message.partition(f"{key}: ")
    return rest if found and lead in ("", "No column lineage for ") else problem.message


def asset_tree(graph: AssetGraph, lineage: Lineage, key: str, directions: list[Direction]) -> str:
    """The asset ``key`` with what it reads and what reads it."""

    def steps(direction: Direction) -> Callable[[tuple[str, str]], list[_Branch]]:
        neighbours = graph.parents if direction == "upstream" else graph.children

        def step(node: tuple[str, str]) -> list[_Branch]:
            return [_Branch((k, ""), graph[k].kind) for k in sorted(neighbours(node[0]))]

        return step

    asset = graph[key]
    status = lineage.status.get(key, "none")
    title = [f"{key}  {asset.kind}, lineage {status}"]
    changed = {name: o for name, o in origins(asset).items() if o.how}
    names = {name.casefold(): name for name in lineage.columns.get(key, asset.columns)}
    title += [f"  {names.get(name, name)}  <- {origin}" for name, origin in changed.items()]
    title += [f"  (rows)  <- {why}" for why in _filtered(asset)]
    if gone := removed(asset):
        title.append(f"  (does not land)  {', '.join(gone)}")
    return _render("\n".join(title), (key, ""), directions, steps)


def _filtered(asset: Asset) -> list[str]:
    rows = row_filter(asset)
    if rows is None:
        return []
    said = f"{', '.join(rows.properties)}  FILTER  {' and '.join(rows.conditions)}"
    return [said.strip()]


def column_tree(
    graph: AssetGraph, lineage: Lineage, key: str, column: str, directions: list[Direction]
) -> str:
    """The column with what it is made from and what is made from it, edge by edge.

    Influence on all rows of an asset (a join, a filter) is said and not followed.
    """

    def steps(direction: Direction) -> Callable[[tuple[str, str]], list[_Branch]]:
        if direction == "upstream":
            return _upstream(graph, lineage)
        return _downstream(graph, lineage)

    names = lineage.columns.get(key, {})
    exact = column if column in names else None
    folded = next((n for n in names if n.casefold() == column.casefold()), column)
    node = (key, exact or folded)
    type_ = names.get(node[1])
    return _render(_label(node) + (f"  {type_}" if type_ else ""), node, directions, steps)


def _upstream(graph: AssetGraph, lineage: Lineage) -> Callable[[tuple[str, str]], list[_Branch]]:
    found: dict[tuple[str, str], list[_Branch]] = {}
    for edge in lineage.column_edges:
        branch = _Branch(edge.source, _note(edge.subtype, edge.expression))
        found.setdefault(edge.target, []).append(branch)
    for asset in graph:
        for folded, origin in origins(asset).items():
            columns = lineage.columns.get(asset.key, {})
            for name in (n for n in columns if n.casefold() == folded):
                leaves = [_Branch(_PROPERTY, str(origin))]
                leaves += [_Branch(_PROPERTY, f"{why} (all rows)") for why in _filtered(asset)]
                found.setdefault((asset.key, name), []).extend(leaves)
    return lambda node: found.get(node, [])


def _downstream(graph: AssetGraph, lineage: Lineage) -> Callable[[tuple[str, str]], list[_Branch]]:
    found: dict[tuple[str, str], list[_Branch]] = {}
    for edge in lineage.column_edges:
        branch = _Branch(edge.target, _note(edge.subtype, edge.expression))
        found.setdefault(edge.source, []).append(branch)
    for asset_edge in lineage.asset_edges:
        branch = _Branch((asset_edge.target, ""), f"{asset_edge.subtype} (all rows)")
        found.setdefault(asset_edge.source, []).append(branch)

    def step(node: tuple[str, str]) -> list[_Branch]:
        if not node[1]:
            return []
        blind = [
            _Branch((child, ""), why)
            for child in sorted(graph.children(node[0]))
            if (why := _reads_blindly(graph[child].kind, lineage.status.get(child)))
        ]
        return found.get(node, []) + blind

    return step


def _reads_blindly(kind: str, status: str | None) -> str | None:
    """Why nobody knows which columns a reader uses: then it may be any of them."""
    if status == "opaque":
        return "opaque: not known"
    return f"{kind}: reads the whole asset" if kind in _WHOLE_READERS else None


def _note(subtype: str, expression: str | None) -> str:
    if subtype == "IDENTITY" or not expression:
        return subtype
    flat = " ".join(expression.split())
    cut = flat if len(flat) <= _MAX_EXPRESSION else flat[: _MAX_EXPRESSION - 1] + "…"
    return f"{subtype}  {cut}"


def _label(node: tuple[str, str]) -> str:
    return f"{node[0]}.{node[1]}" if node[1] else node[0]


def _render(
    title: str,
    start: tuple[str, str],
    directions: list[Direction],
    steps: Callable[[Direction], Callable[[tuple[str, str]], list[_Branch]]],
) -> str:
    lines = [title]
    for direction in directions:
        lines.append(direction)
        branches = list(_tree(start, steps(direction)))
        lines += branches or ["  (nothing)"]
    return "\n".join(lines) + "\n"


def _tree(
    start: tuple[str, str], step: Callable[[tuple[str, str]], list[_Branch]]
) -> Iterator[str]:
    """Lines of the tree under ``start``; what was drawn before is named again, not drawn again."""
    drawn = {start}
    stack = [("", branch, last) for branch, last in _ends(step(start))]
    stack.reverse()
    while stack:
        lead, branch, last = stack.pop()
        below = step(branch.node)
        again = branch.node in drawn and bool(below)
        drawn.add(branch.node)
        text = f"{lead}{'└── ' if last else '├── '}{_label(branch.node)}"
        space = " " if branch.node == _PROPERTY else "  "
        text += f"{space}{branch.note}" if branch.note else ""
        yield text + ("  (see above)" if again else "")
        if not again:
            deeper = lead + ("    " if last else "│   ")
            stack += reversed([(deeper, b, end) for b, end in _ends(below)])


def _ends(branches: list[_Branch]) -> list[tuple[_Branch, bool]]:
    return [(branch, place == len(branches) - 1) for place, branch in enumerate(branches)]
