"""dbt puts the text of ephemeral models into a node once; a node that it compiles again lacks it.

It notes on the node that it has done so and, when the same manifest is used for another command
(or the node is retried), renders the text anew and leaves the ephemeral models out: "Table with
name __dbt__cte__... does not exist" (dbt-core 1.10 and 1.11, ``_recursively_prepend_ctes``).
"""

from collections.abc import Iterable
from typing import Any


def inject_again(nodes: Iterable[Any]) -> None:
    """Have dbt put ephemeral models into these nodes of its manifest when it compiles them."""
    for node in nodes:
        if getattr(node, "extra_ctes_injected", False):
            node.extra_ctes_injected = False
            node.extra_ctes = []
