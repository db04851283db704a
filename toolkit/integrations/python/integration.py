"""Python functions in the asset graph: what they declare, and the steps that call them."""

from collections.abc import Mapping

from toolkit.graph import Asset, AssetGraph
from toolkit.integrations.base import Loaded, RunContext, Runner, Step
from toolkit.integrations.python.load import NAME, load
from toolkit.integrations.python.registry import Registry
from toolkit.settings import Settings


class PythonIntegration:
    """Brings the functions in the files of ``assets:`` into the graph, and calls them."""

    name = NAME
    batches = False

    def __init__(self) -> None:
        self._registry = Registry()

    def load(self, settings: Settings, known: Mapping[str, Asset]) -> Loaded:
        """Import the user's files and give what they declare.

        Raises:
            AssetError: a file cannot be imported, or declares what cannot be.
        """
        self._registry = load(settings, known)
        return Loaded(
            assets=[item.asset for item in self._registry.assets.values()],
            checks=[item.check for item in self._registry.checks.values()],
        )

    def steps(self, graph: AssetGraph, keys: frozenset[str]) -> list[Step]:
        """One step for each of our assets and checks among ``keys``, assets in graph order."""
        steps = [
            Step(
                key=key,
                kind="python",
                integration=NAME,
                makes=(key,),
                reads=graph[key].depends_on,
                name=graph[key].name,
            )
            for key in graph.topological(keys & self._registry.assets.keys())
        ]
        for key, item in self._registry.checks.items():
            if key in keys:
                check = item.check
                steps.append(
                    Step(
                        key=key,
                        kind="check",
                        integration=NAME,
                        makes=(),
                        reads=check.assets,
                        name=key.removeprefix("check."),
                        blocking=check.severity == "error",
                    )
                )
        return steps

    def open(self, context: RunContext) -> Runner:
        """Make ready for one run: schemas exist, prints are caught."""
        from toolkit.integrations.python.runner import PythonRunner

        return PythonRunner(context, self._registry)
