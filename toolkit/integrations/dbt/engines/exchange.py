"""Has ``dbt build`` run our task, where this dbt is one that allows it.

Only in ``queue``, ``task`` and here are private names of dbt-core used. :func:`why_not` looks
for each of them before anything runs: where one is missing, the runner engine does the work,
segment by segment.
"""

import importlib
import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from toolkit.integrations.dbt.engines.hold import Hold


@contextmanager
def build_task(hold: Hold) -> Iterator[None]:
    """Within, ``dbt build`` runs a task of ours.

    dbt's command imports the class when it is called, so the class is all that is exchanged:
    its arguments, which differ between versions, are none of our business.
    """
    module: Any = importlib.import_module("dbt.task.build")
    from toolkit.integrations.dbt.engines.task import GatedBuild

    theirs = module.BuildTask
    module.BuildTask = partial(GatedBuild, hold)
    try:
        yield
    finally:
        module.BuildTask = theirs


def why_not() -> str | None:
    """What this dbt lacks for the gated engine; ``None`` where all is there.

    Looks for every private name that is used above, and for the parameters that are passed.
    """
    try:
        import dbt.cli.main
        from dbt import selected_resources
        from dbt.compilation import Compiler
        from dbt.graph.graph import Graph
        from dbt.graph.queue import GraphQueue
        from dbt.task.build import BuildTask

        importlib.import_module("dbt.runners.no_op_runner")
    except ImportError as error:
        return str(error)
    used: dict[str, tuple[Any, tuple[str, ...]]] = {
        "GraphQueue.__init__": (GraphQueue, ("graph", "manifest", "selected")),
        "GraphQueue._find_new_additions": (GraphQueue, ("self", "candidates")),
        "GraphQueue.get": (GraphQueue, ("self", "block", "timeout")),
        "GraphQueue.mark_done": (GraphQueue, ("self", "node_id")),
        "BuildTask.get_graph_queue": (BuildTask, ("self",)),
        "BuildTask.build_model_to_unit_test_map": (BuildTask, ("self", "selected_unit_tests")),
        "BuildTask.compile_manifest": (BuildTask, ("self",)),
        "Compiler.compile": (Compiler, ("self", "manifest")),
        "BuildTask.get_runner_type": (BuildTask, ("self", "node")),
        "BuildTask.handle_job_queue": (BuildTask, ("self", "pool", "callback")),
        "BuildTask.handle_job_queue_node": (BuildTask, ("self", "node", "pool", "callback")),
        "BuildTask.call_runner": (BuildTask, ("self", "runner")),
        "BuildTask._handle_result": (BuildTask, ("self", "result")),
        "Graph.get_subset_graph": (Graph, ("self", "selected")),
        "Graph.get_dependent_nodes": (Graph, ("self", "node")),
        "selected_resources.set_selected_resources": (selected_resources, ("selected_resources",)),
    }
    for name, (owner, parameters) in used.items():
        found = owner if name.endswith("__init__") else getattr(owner, name.split(".")[1], None)
        if found is None:
            return f"no {name}"
        if tuple(inspect.signature(found).parameters)[: len(parameters)] != parameters:
            return f"{name} takes other parameters"
    attributes = {n for c in BuildTask.__mro__ for n in _assigned(c)}
    for name in ("_skipped_children", "_raise_next_tick", "job_queue"):
        if name not in attributes:
            return f"no BuildTask.{name}"
    if hasattr(dbt.cli.main, "BuildTask"):
        return "its command holds on to BuildTask"
    return None


def _assigned(owner: type) -> tuple[str, ...]:
    """Names of the attributes that a class's own ``__init__`` speaks of."""
    made = vars(owner).get("__init__")
    return made.__code__.co_names if inspect.isfunction(made) else ()
