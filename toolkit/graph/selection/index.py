"""A graph prepared for being asked: assets and checks as nodes of one graph.

dbt's graph holds tests as nodes, so do these: a check's parents are the assets
that it reads. Built once for a graph and kept as long as the graph lives.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from weakref import WeakKeyDictionary

import msgspec

from toolkit.graph.asset import Asset, Check
from toolkit.graph.graph import AssetGraph

# dbt's word for each kind of check; a Python check is a test like any other
_RESOURCE_OF_CHECK = {
    "data_test": "test", "unit_test": "unit_test", "python": "test", "anomaly": "test",
}  # fmt: skip


class Node(msgspec.Struct, frozen=True, eq=False):
    """An asset or a check, as the methods see it.

    Attributes:
        resource: dbt's resource type, or the kind for what dbt does not know.
        names: the qualified name, with and without its first part (dbt's package):
            each as parts split at every dot, and joined again.
        leaf: what a name without dots is compared with.
        versioned: ``<name>_v<version>`` of a model that has versions.
        asset / check: what it is; exactly one of them is set.
    """

    key: str
    resource: str
    integration: str
    name: str
    package: str
    tags: tuple[str, ...]
    group: str | None
    path: str | None
    yaml_path: str | None
    config: Mapping[str, Any]
    fingerprints: Mapping[str, str]
    names: tuple[tuple[tuple[str, ...], str], ...]
    leaf: str
    versioned: str | None
    asset: Asset | None
    check: Check | None


class Index:
    """Nodes, edges and names of one graph."""

    def __init__(self, graph: AssetGraph) -> None:
        items: tuple[Asset | Check, ...] = (*graph.assets.values(), *graph.checks.values())
        self.nodes: Mapping[str, Node] = {item.key: _node(item) for item in items}
        self.checks = frozenset(graph.checks)
        self.sources = frozenset(a.key for a in graph if a.kind == "source")
        self.parents: dict[str, list[str]] = {
            **{asset.key: list(asset.depends_on) for asset in graph},
            **{c.key: [k for k in c.assets if k in graph] for c in graph.checks.values()},
        }
        self.children: dict[str, list[str]] = defaultdict(list)
        for key, parents in self.parents.items():
            for parent in parents:
                self.children[parent].append(key)
        self.by_name = _by_name(self.nodes.values())
        self.by_version: dict[str, set[str]] = defaultdict(set)
        for node in self.nodes.values():
            if node.versioned is not None:
                self.by_version[node.versioned].add(node.key)

    def reach(
        self, start: Iterable[str], edges: Mapping[str, Sequence[str]], depth: int | None
    ) -> set[str]:
        """Keys at most ``depth`` edges (``None``: any number) away from ``start``."""
        if depth == 0:
            return set()
        seen: set[str] = set()
        frontier: Iterable[str] = start
        while frontier:
            layer = []
            for key in frontier:
                for neighbour in edges.get(key, ()):
                    if neighbour not in seen:
                        seen.add(neighbour)
                        layer.append(neighbour)
            frontier = layer
            if depth is not None:
                depth -= 1
                if depth == 0:
                    break
        return seen


_indexes: WeakKeyDictionary[AssetGraph, Index] = WeakKeyDictionary()


def index_of(graph: AssetGraph) -> Index:
    """The index of ``graph``, built at the first call."""
    index = _indexes.get(graph)
    if index is None:
        index = _indexes[graph] = Index(graph)
    return index


def named_without_method(node: Node) -> bool:
    """Whether a name without a method can mean this node.

    Not so for landed tables (sources, streams): they are often called like the
    model that reads them, so dbt wants ``source:``, and we want ``stream:``.
    """
    return node.resource not in ("source", "stream")


def _node(item: Asset | Check) -> Node:
    asset = item if isinstance(item, Asset) else None
    check = item if isinstance(item, Check) else None
    fqn = item.fqn or (item.package or item.integration, item.name)
    version = asset.version if asset is not None and asset.kind == "model" else None
    return Node(
        key=item.key,
        resource=_RESOURCE_OF_CHECK[item.kind] if isinstance(item, Check) else item.kind,
        integration=item.integration,
        name=item.name,
        package=item.package or "",
        tags=item.tags,
        # a dbt test inherits its model's group but is selected only by one of its own
        group=item.config.get("group") if check and check.integration == "dbt" else item.group,
        path=item.path,
        yaml_path=item.yaml_path,
        config=item.config,
        fingerprints=item.fingerprints,
        names=tuple(_flat(parts) for parts in (fqn, fqn[1:]) if parts),
        leaf=fqn[-2] if version is not None and len(fqn) > 1 else fqn[-1],
        versioned="_".join(fqn[-2:]) if version is not None else None,
        asset=asset,
        check=check,
    )


def _flat(fqn: tuple[str, ...]) -> tuple[tuple[str, ...], str]:
    dotted = ".".join(fqn)
    return tuple(dotted.split(".")), dotted


def _by_name(nodes: Iterable[Node]) -> Mapping[str, set[str]]:
    """Keys by every plain name that means them: the leaf, and each leading part of the name."""
    found: dict[str, set[str]] = defaultdict(set)
    for node in nodes:
        if not named_without_method(node):
            continue
        found[node.leaf].add(node.key)
        for parts, _ in node.names:
            for length in range(1, len(parts) + 1):
                found[".".join(parts[:length])].add(node.key)
    return dict(found)
