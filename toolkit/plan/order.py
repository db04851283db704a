"""Which step must wait for which.

A step waits for the steps that make what it reads, also through assets that nobody
makes (sources, ephemeral models). As in ``dbt build``, it also waits for the tests of
what is upstream of it, so that a failed test can block it: a test counts for a step
when *all* assets that the test reads are upstream of the step (dbt-core 1.11,
``Linker.add_test_edges``), or when it decides whether an ML model upstream counts; only
the first such steps get an edge, the others have it through them. A unit test runs before
its model; that of an ephemeral model before what reads it.
"""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from toolkit.graph import AssetGraph, Check
from toolkit.graph.gates import decides
from toolkit.integrations.base import Step


class Waits(msgspec.Struct, frozen=True):
    """What one step waits for.

    Attributes:
        all: keys of the steps that must have ended before it begins.
        found: those of them that are known only because a relation was matched (see
            ``Asset.matched``), or through another tool: the tool that runs both does not know
            of them, so it cannot be left to order them.
    """

    all: frozenset[str]
    found: frozenset[str] = frozenset()


def dependencies(graph: AssetGraph, steps: Sequence[Step]) -> dict[str, Waits]:
    """For each step's key what it must wait for."""
    producer = {asset: step.key for step in steps for asset in step.makes}
    everything = _reads(graph, steps, producer, matched=True)
    declared = _reads(graph, steps, producer, matched=False)
    planned = {step.key for step in steps}
    tests = _tests(graph, graph, planned, producer)
    plain = _declared_only(graph)
    known = tests if plain is graph else _tests(graph, plain, planned, producer)
    return {
        key: Waits(
            frozenset(keys | tests[key]),
            frozenset((keys - declared[key] - tests[key]) | (tests[key] - known[key])),
        )
        for key, keys in everything.items()
    }


def _tests(
    graph: AssetGraph, edges: AssetGraph, planned: set[str], producer: Mapping[str, str]
) -> dict[str, set[str]]:
    """For each step the tests that block it first, along ``edges``."""
    tests: dict[str, set[str]] = {key: set() for key in planned}
    for check in graph.checks.values():
        before_model = check.kind == "unit_test" and all(a in producer for a in check.assets)
        if check.key in planned and not before_model:
            for key in _first_blocked(edges, check, producer):
                tests[key].add(check.key)
    return tests


def _declared_only(graph: AssetGraph) -> AssetGraph:
    """The graph without the edges that were found by relation."""
    if not any(asset.matched for asset in graph):
        return graph
    return AssetGraph(
        msgspec.structs.replace(
            asset,
            depends_on=tuple(key for key in asset.depends_on if key not in asset.matched),
            matched={},
        )
        if asset.matched
        else asset
        for asset in graph
    )


def _reads(
    graph: AssetGraph, steps: Sequence[Step], producer: Mapping[str, str], *, matched: bool
) -> dict[str, set[str]]:
    """Steps that make what each step reads; unit tests before their models."""
    makers = _Makers(graph, producer, matched=matched)
    after: dict[str, set[str]] = {step.key: set() for step in steps}
    for step in steps:
        check = graph.checks.get(step.key)
        if check is not None and check.kind == "unit_test":
            for model in check.assets:
                after[step.key] |= makers.above(model)
                if model in producer:
                    after[producer[model]].add(step.key)
        else:
            for asset in step.reads:
                after[step.key] |= makers.of(asset)
        after[step.key].discard(step.key)
    return after


class _Makers:
    """Steps that make an asset, or what is upstream of it where nobody makes it."""

    def __init__(self, graph: AssetGraph, producer: Mapping[str, str], *, matched: bool) -> None:
        self._of: dict[str, frozenset[str]] = {}
        self._above: dict[str, frozenset[str]] = {}
        for asset in graph:  # parents first
            parents = [p for p in asset.depends_on if matched or p not in asset.matched]
            above = frozenset().union(*(self._of[parent] for parent in parents))
            made = producer.get(asset.key)
            self._above[asset.key] = above
            self._of[asset.key] = frozenset({made}) if made is not None else above

    def of(self, asset: str) -> frozenset[str]:
        return self._of.get(asset, frozenset())

    def above(self, asset: str) -> frozenset[str]:
        return self._above.get(asset, frozenset())


def _first_blocked(graph: AssetGraph, check: Check, producer: Mapping[str, str]) -> Iterable[str]:
    """Steps of the first assets that are downstream of all that ``check`` reads."""
    # of what reads a model, all wait that decide which version of it counts
    read = (check.attached,) if decides(check, graph) else check.assets
    tested = [key for key in read if key is not None and key in graph]
    if not tested:
        return set()
    if len(tested) == 1:
        reached: frozenset[str] | None = None  # all of them: no need to collect
        frontier = set(graph.children(tested[0]))
    else:
        below = [graph.descendants([key]) for key in tested]
        reached = frozenset.intersection(*below)
        frontier = {key for key in reached if not (graph.parents(key) & reached)}
    found: set[str] = set()
    seen: set[str] = set()
    while frontier:
        key = frontier.pop()
        seen.add(key)
        if key in producer:
            found.add(producer[key])
        else:
            frontier |= graph.children(key) - seen
    # a sync that makes both what is tested and what is blocked waits for nobody
    return found - {producer[key] for key in tested if key in producer}
