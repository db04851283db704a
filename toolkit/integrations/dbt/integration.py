"""The dbt integration: gives the manifest's assets, makes them through dbt."""

import contextlib
import time
from collections.abc import Mapping

from toolkit.errors import ArtifactError
from toolkit.graph import Asset, AssetGraph, Check
from toolkit.integrations.base import Loaded, RunContext, Runner, Step, Watched
from toolkit.integrations.dbt import staleness
from toolkit.integrations.dbt.assets import assets_of
from toolkit.integrations.dbt.engines import open_engine
from toolkit.integrations.dbt.executable import ExecutableSession
from toolkit.integrations.dbt.in_process import DbtSession
from toolkit.integrations.dbt.manifest import Manifest, read_manifest
from toolkit.integrations.dbt.select_args import select_args
from toolkit.integrations.dbt.selectors import default_selector
from toolkit.integrations.dbt.session import Session
from toolkit.settings import Settings

_BUILT = frozenset({"model", "seed", "snapshot", "saved_query", "function"})


class DbtIntegration:
    """dbt nodes as assets; dbt tests as checks."""

    name = "dbt"
    batches = True

    def __init__(self) -> None:
        self._session: Session | None = None

    def load(self, settings: Settings, known: Mapping[str, Asset]) -> Loaded:
        """Read the manifest, after parsing the project if the manifest is not current.

        Raises:
            ArtifactError: it cannot be read, or dbt cannot parse the project.
        """
        manifest = self.manifest(settings)
        loaded = assets_of(manifest, settings if settings.manifest is None else None)
        loaded.project_name = manifest.metadata.project_name
        loaded.dialect = manifest.metadata.adapter_type
        unread = default_selector(settings) if settings.manifest is None else None
        loaded.problems += [unread] if unread is not None else []
        return loaded

    def manifest(self, settings: Settings) -> Manifest:
        """The current manifest of the project, or the one that the settings name."""
        if settings.manifest is not None:
            return read_manifest(settings.manifest)
        path = settings.target_path / "manifest.json"
        if staleness.is_current(settings):
            try:
                return read_manifest(path)
            except ArtifactError:
                pass  # half a file that something left there: it can be made anew
        self.session(settings).parse()
        return read_manifest(path)

    def watched(self, settings: Settings) -> Watched | None:
        """The files that dbt reads; see :mod:`toolkit.integrations.dbt.staleness`."""
        return staleness.watched(settings)

    def compile(self, settings: Settings) -> str | None:
        """Have dbt compile every node; ``None`` when done, else why not (see ``Session``)."""
        if settings.manifest is not None:
            return "only a manifest was given, without the project"
        try:
            return self.session(settings).compile()
        except ArtifactError as error:
            return error.fact

    def compiled(
        self, settings: Settings, graph: AssetGraph, keys: frozenset[str]
    ) -> Mapping[str, str]:
        """Have dbt compile these models, and give what it wrote."""
        steps = self.steps(graph, keys)
        everything = frozenset((*graph.assets, *graph.checks))
        buildable = frozenset(step.key for step in self.steps(graph, everything))
        begun = time.time()
        try:
            self.session(settings).compile(select_args(graph, steps, buildable))
        except ArtifactError:
            return {}
        found = {}
        for key in keys:
            path = settings.target_path / (graph[key].sql_path or "")
            with contextlib.suppress(OSError, UnicodeDecodeError):
                if path.stat().st_mtime >= begun - 1:
                    found[key] = path.read_text(encoding="utf-8")
        return found

    def session(self, settings: Settings) -> Session:
        """dbt for this project; one for the life of the integration."""
        if self._session is None or self._session.settings != settings:
            outside = settings.engine == "cli" or settings.dbt_executable is not None
            self._session = ExecutableSession(settings) if outside else DbtSession(settings)
        return self._session

    def steps(self, graph: AssetGraph, keys: frozenset[str]) -> list[Step]:
        """A step for each node that ``dbt build`` would run: not for ephemeral models."""
        steps = [
            Step(
                key=asset.key, kind="dbt", integration=self.name, makes=(asset.key,),
                reads=asset.depends_on, name=_shown(asset),
            )
            for asset in graph
            if asset.key in keys
            and asset.integration == self.name
            and asset.kind in _BUILT
            and asset.materialized != "ephemeral"
        ]  # fmt: skip
        steps += [
            Step(
                key=check.key, kind="check", integration=self.name, makes=(),
                reads=check.assets, name=check.name, blocking=check.severity == "error",
            )
            for check in graph.checks.values()
            if check.key in keys and check.integration == self.name and _can_run(check, keys)
        ]  # fmt: skip
        return steps

    def open(self, context: RunContext) -> Runner:
        """The engine for one run."""
        everything = frozenset((*context.graph.assets, *context.graph.checks))
        buildable = frozenset(step.key for step in self.steps(context.graph, everything))
        return open_engine(self.session(context.settings), context, buildable)


def _shown(asset: Asset) -> str:
    """``users.v2``: as dbt's own log tells the versions of a model apart."""
    return f"{asset.name}.v{asset.version}" if asset.version is not None else asset.name


def _can_run(check: Check, keys: frozenset[str]) -> bool:
    """``dbt build`` runs a unit test only together with its model."""
    return check.kind != "unit_test" or all(asset in keys for asset in check.assets)
