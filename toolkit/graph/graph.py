"""The asset graph: who reads whom. Pure; knows no tool."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING

from toolkit.errors import CycleError, DuplicateKeyError, GraphError, Problem
from toolkit.graph.asset import Asset, Check, Relation
from toolkit.graph.unmatched import Unmatched

if TYPE_CHECKING:
    import networkx as nx


class AssetGraph:
    """The directed acyclic graph of assets; an edge says "reads".

    Args:
        assets: in any order; keys must be unique, dependencies present.
        checks: tests on them.
        problems: what was tolerated while the assets were collected.
        unmatched: streams that no source reads and sources that nothing loads.

    Raises:
        DuplicateKeyError: two assets with one key.
        GraphError: a dependency on an asset that is not there.
        CycleError: with the path of the cycle.
    """

    def __init__(
        self,
        assets: Iterable[Asset],
        checks: Iterable[Check] = (),
        problems: Iterable[Problem] = (),
        unmatched: Iterable[Unmatched] = (),
    ) -> None:
        by_key: dict[str, Asset] = {}
        for asset in assets:
            other = by_key.get(asset.key)
            if other is not None:
                raise DuplicateKeyError(
                    f"Two assets have the key {asset.key!r}: one in {_place(other)}, "
                    f"one in {_place(asset)}.",
                    "The graph would show one of them only, so nothing was done.",
                    "Rename one of the two.",
                )
            by_key[asset.key] = asset
        self._digraph = _digraph(by_key)
        order = _topological_order(self._digraph)
        self.assets: Mapping[str, Asset] = MappingProxyType({key: by_key[key] for key in order})
        self.checks: Mapping[str, Check] = MappingProxyType({c.key: c for c in checks})
        self.problems: tuple[Problem, ...] = tuple(problems)
        self.unmatched: tuple[Unmatched, ...] = tuple(unmatched)

    def __len__(self) -> int:
        return len(self.assets)

    def __iter__(self) -> Iterator[Asset]:
        """Assets in topological order; ties are broken by key."""
        return iter(self.assets.values())

    def __contains__(self, key: object) -> bool:
        return key in self.assets

    def __getitem__(self, key: str) -> Asset:
        return self.assets[key]

    def parents(self, key: str) -> frozenset[str]:
        """Keys that ``key`` reads."""
        return frozenset(self._digraph.predecessors(key))

    def children(self, key: str) -> frozenset[str]:
        """Keys that read ``key``."""
        return frozenset(self._digraph.successors(key))

    def ancestors(self, keys: Iterable[str], depth: int | None = None) -> frozenset[str]:
        """Keys upstream of any of ``keys`` (without these), at most ``depth`` edges away."""
        return self._reach(keys, depth, self.parents)

    def descendants(self, keys: Iterable[str], depth: int | None = None) -> frozenset[str]:
        """Keys downstream of any of ``keys`` (without these), at most ``depth`` edges away."""
        return self._reach(keys, depth, self.children)

    def checks_on(self, key: str) -> tuple[Check, ...]:
        """Checks that read the asset ``key``."""
        return self._checks_by_asset.get(key, ())

    def at(self, relation: Relation) -> tuple[Asset, ...]:
        """Assets that live at ``relation``; case is not kept."""
        return self._by_relation.get(relation.folded(), ())

    def topological(self, keys: Iterable[str] | None = None) -> list[str]:
        """``keys`` (default: all) with parents before children."""
        if keys is None:
            return list(self.assets)
        wanted = set(keys)
        return [key for key in self.assets if key in wanted]

    @cached_property
    def edges(self) -> tuple[tuple[str, str], ...]:
        """All ``(parent, child)`` pairs, sorted."""
        return tuple(sorted(self._digraph.edges))

    @cached_property
    def _checks_by_asset(self) -> Mapping[str, tuple[Check, ...]]:
        found: dict[str, list[Check]] = {}
        for check in self.checks.values():
            for key in check.assets:
                found.setdefault(key, []).append(check)
        return {key: tuple(checks) for key, checks in found.items()}

    @cached_property
    def _by_relation(self) -> Mapping[Relation, tuple[Asset, ...]]:
        found: dict[Relation, list[Asset]] = {}
        for asset in self:
            if asset.relation is not None:
                found.setdefault(asset.relation.folded(), []).append(asset)
        return {relation: tuple(assets) for relation, assets in found.items()}

    @staticmethod
    def _reach(
        keys: Iterable[str],
        depth: int | None,
        neighbours: Callable[[str], Iterable[str]],
    ) -> frozenset[str]:
        start = set(keys)
        seen: set[str] = set()
        frontier = start
        while frontier and (depth is None or depth > 0):
            frontier = {n for key in frontier for n in neighbours(key)} - seen
            seen |= frontier
            depth = None if depth is None else depth - 1
        return frozenset(seen - start)


def _place(asset: Asset) -> str:
    where = asset.path or f"the {asset.integration} integration"
    return f"{where}:{asset.line}" if asset.path and asset.line else where


def _digraph(by_key: Mapping[str, Asset]) -> "nx.DiGraph[str]":
    import networkx as nx  # 0.1 s, which a process that runs one function need not wait for

    digraph: nx.DiGraph[str] = nx.DiGraph()
    digraph.add_nodes_from(sorted(by_key))
    for key, asset in by_key.items():
        for parent in asset.depends_on:
            if parent not in by_key:
                raise GraphError(
                    f"{key} ({_place(asset)}) reads {parent}, which does not exist.",
                    "The graph would have a hole, so nothing was done.",
                    "Correct the name, or bring the missing asset back.",
                )
            digraph.add_edge(parent, key)
    return digraph


def _topological_order(digraph: "nx.DiGraph[str]") -> list[str]:
    import networkx as nx

    try:
        return list(nx.lexicographical_topological_sort(digraph))
    except nx.NetworkXUnfeasible:
        cycle = nx.find_cycle(digraph)
        raise CycleError((*(edge[0] for edge in cycle), cycle[-1][1])) from None
