"""Say exactly these nodes to dbt, in dbt's own selection words."""

from collections.abc import Iterable, Sequence

from toolkit.graph import Asset, AssetGraph, Check
from toolkit.integrations.base import Step


def select_args(graph: AssetGraph, steps: Sequence[Step], buildable: frozenset[str]) -> list[str]:
    """Command-line options that make ``dbt build`` run ``steps`` and nothing else.

    Args:
        graph: with every dbt node.
        steps: what is wanted.
        buildable: keys of all steps that dbt could run; when all are wanted the options
            stay short, and dbt does not spend time on matching names.
    """
    wanted = {step.key for step in steps}
    if wanted >= buildable:
        everything = ["fqn:*"]
        if any(asset.kind == "saved_query" for asset in graph):
            everything.append("saved_query:*")
        return ["--select", *everything]
    args = ["--indirect-selection", "empty", "--select"]
    args += [_exactly(_node(graph, key)) for key in sorted(wanted | _unit_tested(graph, wanted))]
    also = _also_matched(graph, wanted, buildable)
    return args + (["--exclude", *also] if also else [])


def _unit_tested(graph: AssetGraph, wanted: set[str]) -> set[str]:
    """Ephemeral models, which are no steps: dbt reaches a unit test only through its model."""
    checks = [graph.checks[key] for key in wanted if key in graph.checks]
    models = {key for check in checks if check.kind == "unit_test" for key in check.assets}
    return {key for key in models - wanted if graph[key].materialized == "ephemeral"}


def _node(graph: AssetGraph, key: str) -> Asset | Check:
    return graph.checks[key] if key in graph.checks else graph[key]


def _exactly(node: Asset | Check) -> str:
    # a model and a test may share a name; the type tells them apart
    kind = {"data_test": "test"}.get(node.kind, node.kind)
    if kind == "saved_query":
        return f"saved_query:{node.name}"
    return f"fqn:{'.'.join(node.fqn)},resource_type:{kind}"


def _also_matched(graph: AssetGraph, wanted: Iterable[str], buildable: frozenset[str]) -> list[str]:
    """dbt's fqn method also takes what lies below: ``a.b`` matches ``a.b.c``."""
    chosen = {(_node(graph, key).kind, _node(graph, key).fqn) for key in wanted}
    also = []
    for key in sorted(buildable - set(wanted)):
        node = _node(graph, key)
        above = (node.fqn[:length] for length in range(1, len(node.fqn)))
        if any((node.kind, fqn) in chosen for fqn in above):
            also.append(_exactly(node))
    return also
