"""Python functions in the asset graph: what they declare, and the steps that call them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from toolkit.errors import AssetError, Problem
from toolkit.graph import Asset, AssetGraph
from toolkit.integrations.base import Loaded, RunContext, Runner, Standing, Step, Watched
from toolkit.integrations.python.declared import cache
from toolkit.integrations.python.declared.load import NAME, load
from toolkit.integrations.python.isolation.environments import to_build
from toolkit.integrations.python.lineage.captured import with_queries
from toolkit.integrations.python.registry import Registry
from toolkit.settings import Settings


class PythonIntegration:
    """Brings the functions in the files of ``assets:`` into the graph, and calls them."""

    name = NAME
    batches = False

    def __init__(self) -> None:
        self._known: dict[str, Asset] = {}
        self._loaded = Loaded()
        self._registry: Registry | None = None  # the functions, once they were imported

    def load(self, settings: Settings, known: Mapping[str, Asset]) -> Loaded:
        """Give what the user's files declare; they are imported only when something changed.

        When only artifacts are read, no code of the user's is run.

        Raises:
            AssetError: a file cannot be imported, or declares what cannot be.
        """
        if settings.manifest is not None:
            self._loaded = _not_read(settings)
            return self._loaded
        self._known, self._registry = dict(known), None
        found = cache.kept(settings, known) if settings.assets or settings.asset_files else Loaded()
        if found is None:
            self._registry = load(settings, known)
            found = _declared(self._registry)
            cache.keep(settings, known, found, self._registry.watched)
        self._loaded = found
        return Loaded(
            assets=with_queries(found.assets, settings),
            checks=found.checks,
            problems=found.problems,
        )

    def steps(self, graph: AssetGraph, keys: frozenset[str]) -> list[Step]:
        """One step for each of our assets and checks among ``keys``, assets in graph order."""
        ours = {asset.key for asset in self._loaded.assets}
        steps = [
            Step(
                key=key,
                kind="python",
                integration=NAME,
                makes=(key,),
                reads=graph[key].depends_on,
                name=graph[key].name,
                needs=to_build(graph[key].config, graph[key].path),
                **_declared_running(graph[key].config),
            )
            for key in graph.topological(keys & ours)
        ]
        steps += [
            Step(
                key=check.key,
                kind="check",
                integration=NAME,
                makes=(),
                reads=check.assets,
                name=check.key.removeprefix("check."),
                blocking=check.severity == "error",
                needs=to_build(check.config, check.path),
                **_declared_running(check.config),
            )
            for check in self._loaded.checks
            if check.key in keys
        ]
        return steps

    def watched(self, settings: Settings) -> Watched | None:
        """The user's files with all that they import of the project, and the stored models."""
        return cache.watched(settings)

    def kept_files(self, settings: Settings) -> list[Path]:
        """Which version of each ML model this target uses, and which one waits for its checks."""
        from toolkit.integrations.python.models.store import store_of

        return store_of(settings).pointers()

    def standing(self, settings: Settings) -> Mapping[str, Standing]:
        """Of each ML model which version counts, and which one waits for its checks."""
        from toolkit.integrations.python.models.store import store_of

        store = store_of(settings)
        found = {}
        for name in store.names():
            current, candidate = store.current(name), store.candidate(name)
            if current is not None or candidate is not None:
                found[f"{NAME}.{name}"] = Standing(
                    current=store.data_version(name, current),
                    candidate=store.data_version(name, candidate),
                    name=candidate or "",
                )
        return found

    def open(self, context: RunContext) -> Runner:
        """Import the functions; make ready for one run: schemas exist, prints are caught.

        Raises:
            AssetError: the files declare something else than the graph was made of.
        """
        from toolkit.integrations.python.running.runner import PythonRunner

        registry = self._registry
        if registry is None:
            registry = load(context.settings, self._known)
        if _declared(registry) != self._loaded:
            declared = _declared(registry)
            cache.keep(context.settings, self._known, declared, registry.watched)
            raise AssetError(
                "The Python assets declare something else than when the graph was made.",
                "What would run is not what was planned, so nothing was run.",
                "Run the same command again: it starts from what they declare now.",
            )
        return PythonRunner(context, registry)


def _declared_running(config: Mapping[str, Any]) -> dict[str, Any]:
    names = ("pool", "timeout", "retries", "retry_wait")
    return {name: config[name] for name in names if name in config}


def _declared(registry: Registry) -> Loaded:
    return Loaded(
        assets=[item.asset for item in registry.assets.values()],
        checks=[item.check for item in registry.checks.values()],
    )


def _not_read(settings: Settings) -> Loaded:
    if not settings.assets and not settings.asset_files:
        return Loaded()
    problem = Problem(
        asset=None,
        code="python-assets-not-read",
        message="Only artifacts are read (--manifest), so the Python assets of toolkit.yml are "
        "left out: reading them would run their code. Leave out --manifest to have them.",
        severity="info",
    )
    return Loaded(problems=[problem])
