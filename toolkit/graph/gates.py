"""Checks that decide whether a new version of an ML model counts."""

from toolkit.graph.asset import Check
from toolkit.graph.graph import AssetGraph


def decides(check: Check, graph: AssetGraph) -> bool:
    """Whether a new version of the model that it is about counts only when this check passed.

    Not so for a warning, nor where the check reads what is made with the model: that is there
    only when the version counts.
    """
    about = graph.assets.get(check.attached or "")
    if about is None or about.kind != "ml_model" or check.severity != "error":
        return False
    others = [key for key in check.assets if key != about.key]
    return not others or graph.descendants([about.key]).isdisjoint(others)
