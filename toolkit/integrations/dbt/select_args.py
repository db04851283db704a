"""Say exactly these nodes to dbt, in dbt's own selection words."""

import re
from collections.abc import Sequence

from toolkit.graph import Asset, AssetGraph, Check
from toolkit.graph.selection import select
from toolkit.integrations.base import Step

_SPECIAL = re.compile(r"[^\w.-]")


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
    words = [_exactly(_node(graph, key)) for key in sorted(wanted | unit_tested(graph, wanted))]
    args = ["--indirect-selection", "empty", "--select", *words]
    reached = select(graph, words, indirect="empty")
    beyond = ((reached.assets | reached.checks) & buildable) - wanted
    # A folder named like a model, for one. The unit tests of a model's versions go by one name,
    # so their words are wanted ones; dbt runs only those whose version it builds.
    unwanted = {_exactly(_node(graph, key)) for key in beyond} - set(words)
    return args + (["--exclude", *sorted(unwanted)] if unwanted else [])


def unit_tested(graph: AssetGraph, wanted: set[str]) -> set[str]:
    """Ephemeral models, which are no steps: dbt reaches a unit test only through its model."""
    checks = [graph.checks[key] for key in wanted if key in graph.checks]
    models = {key for check in checks if check.kind == "unit_test" for key in check.assets}
    return {key for key in models - wanted if graph[key].materialized == "ephemeral"}


def _node(graph: AssetGraph, key: str) -> Asset | Check:
    return graph.checks[key] if key in graph.checks else graph[key]


def _exactly(node: Asset | Check) -> str:
    """Words for one node, as narrow as dbt's grammar allows.

    A model and a test may share a name, and so may models of two packages. A character that
    means something in a selector becomes ``?``, which stands for any one.
    """
    kind = {"data_test": "test"}.get(node.kind, node.kind)
    if kind == "saved_query":
        return f"saved_query:{node.package}.{node.name}"
    fqn = _SPECIAL.sub("?", ".".join(node.fqn))
    return f"fqn:{fqn},resource_type:{kind},package:{node.package}"
