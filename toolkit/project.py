"""The facade: find a project, load its graph, trace it, plan it, build it."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import msgspec

from toolkit import recall
from toolkit.errors import ArtifactError, Problem
from toolkit.graph import Asset, AssetGraph, Check, selection
from toolkit.graph.matching import link
from toolkit.graph.selection import Indirect, Selection, SelectionContext
from toolkit.integrations.base import (
    CompilesSql,
    ReadsServer,
    Step,
    StepEvent,
    Watched,
)
from toolkit.integrations.installed import installed
from toolkit.ledger import Ledger, Run
from toolkit.plan import History, Plan, State, make_plan, states
from toolkit.reading import Readable
from toolkit.settings import Settings, artifact_settings, load_settings

if TYPE_CHECKING:
    from toolkit.ledger import ProfileRow
    from toolkit.lineage import Lineage
    from toolkit.run import BuildResult


class Project(Readable):
    """A dbt project with what feeds it and what reads it, for one target.

    Args:
        settings: of the project; see :meth:`load`.
        carried: assets that are taken as they are where no integration gives them, with their
            ``carried_checks``.

    Raises:
        SettingsError: an installed integration cannot be loaded.
    """

    _carried: tuple[Sequence[Asset], Sequence[Check]] = ((), ())

    def __init__(
        self,
        settings: Settings,
        carried: Sequence[Asset] = (),
        carried_checks: Sequence[Check] = (),
    ) -> None:
        self.settings = settings
        self._carried = carried, carried_checks
        self._history: History | None = None  # what the last plan was made of
        self.integrations = installed()

    @classmethod
    def load(cls, path: Path | str | None = None, target: str | None = None, **more: Any) -> Self:
        """The project in (or above) the folder ``path``; default: where we stand.

        Args:
            path: folder of dbt_project.yml.
            target: dbt target; default: the profile's.
            more: other arguments of :func:`toolkit.settings.load_settings`.

        Raises:
            SettingsError: the project, its profile or toolkit.yml cannot be read.
        """
        folder = Path(path) if path is not None else None
        return cls(load_settings(project_dir=folder, target=target, **more))

    @cached_property
    def graph(self) -> AssetGraph:
        """The end-to-end asset graph.

        Raises:
            ArtifactError: an artifact cannot be read; GraphError: it makes no graph.
        """
        return self._graph_and_facts[0]

    @property
    def name(self) -> str:
        """The dbt project's name."""
        return self.settings.project_name or self._graph_and_facts[1] or ""

    @property
    def dialect(self) -> str:
        """The adapter's name, which is also sqlglot's name of its SQL dialect."""
        return self.settings.adapter or self._graph_and_facts[2] or "duckdb"

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What was tolerated while the graph was made."""
        return self.graph.problems

    def refresh(self) -> tuple[Problem, ...]:
        """Ask the servers that connections are read from, before the graph is made.

        Returns:
            One problem for each that could not be asked, where what was kept of it must do.

        Raises:
            ConnectorError: one cannot be asked and never was.
        """
        tools = [tool for tool in self.integrations.values() if isinstance(tool, ReadsServer)]
        said = [tool.refresh(self.settings) for tool in tools]
        return tuple(problem for problem in said if problem is not None)

    def select(
        self,
        select: Sequence[str] = (),
        exclude: Sequence[str] = (),
        *,
        indirect: Indirect = "eager",
        state: Path | None = None,
        resource_types: Collection[str] = (),
        exclude_resource_types: Collection[str] = (),
    ) -> Selection:
        """Assets and checks by dbt's selection grammar; everything when nothing is said.

        Args:
            select / exclude: words, as after ``--select`` and ``--exclude``.
            indirect: which checks come along with the assets that they read.
            state: folder with the manifest.json (and run_results.json) to compare with.
            resource_types: only these types of what is selected, with its checks; see
                :func:`toolkit.graph.selection.of_types`. None = all.
            exclude_resource_types: and none of these.

        Raises:
            SelectionError: the words make no sense.
        """
        context = (
            self._context(state)
            if state is not None
            else SelectionContext(
                project=self.name, stale=self._stale if self.settings.manifest is None else None
            )
        )
        found = selection.select(self.graph, select, exclude, indirect=indirect, context=context)
        return selection.of_types(self.graph, found, resource_types, exclude_resource_types)

    def lineage(self, like: "Project | None" = None) -> "Lineage":
        """Column lineage of the whole graph; SQL that is not there is compiled through dbt.

        Args:
            like: a project that is much the same, and was traced: that saves most of the work.
        """
        from toolkit.lineage import trace

        trouble = self._compile_missing()
        lineage = trace(
            self.graph,
            dialect=self.dialect,
            catalog=self._catalog(),
            cache_dir=recall.lineage_cache(self.settings),
            beside=recall.lineage_cache(like.settings) if like is not None else None,
            project_dir=self.settings.project_dir,
        )
        return lineage if trouble is None else lineage.with_problem(trouble)

    def steps(self, keys: frozenset[str]) -> list[Step]:
        """The steps of all integrations that would make these assets and run these checks.

        Args:
            keys: of assets and checks.
        """
        return [
            step for tool in self.integrations.values() for step in tool.steps(self.graph, keys)
        ]

    def plan(
        self,
        select: Sequence[str] = (),
        exclude: Sequence[str] = (),
        *,
        indirect: Indirect = "eager",
        state: Path | None = None,
        resource_types: Collection[str] = (),
        exclude_resource_types: Collection[str] = (),
        full_refresh: bool = False,
        force: bool = False,
        resumed: Run | None = None,
    ) -> Plan:
        """What a build would run and skip, each step with its reason.

        Args:
            select / exclude / indirect / state / resource_types / exclude_resource_types: as of
                :meth:`select`.
            full_refresh / force: everything runs.
            resumed: what ended well in this run is done.

        Raises:
            SelectionError: the words make no sense; ArtifactError: an artifact cannot be read.
        """
        chosen = self.select(
            select,
            exclude,
            indirect=indirect,
            state=state,
            resource_types=resource_types,
            exclude_resource_types=exclude_resource_types,
        )
        steps = self.steps(chosen.assets | chosen.checks)
        everything = "--full-refresh" if full_refresh else "--force" if force else None
        history = self.history(resumed)
        same: frozenset[str] = frozenset()
        if everything is None:
            keys = [key for step in steps for key in step.makes]
            tools = self.integrations.values()
            same = recall.same_code(self.graph, self.settings, tools, keys, history)
        self._history = history
        return make_plan(
            self.graph, steps, chosen.assets, history, same_code=same, everything=everything
        )

    def build(
        self,
        select: Sequence[str] = (),
        exclude: Sequence[str] = (),
        *,
        indirect: Indirect = "eager",
        state: Path | None = None,
        resource_types: Collection[str] = (),
        exclude_resource_types: Collection[str] = (),
        full_refresh: bool = False,
        force: bool = False,
        resumed: Run | None = None,
        sample: int | None = None,
        fail_fast: bool = False,
        publish: bool = False,
        listeners: Sequence[Callable[[StepEvent], None]] = (),
        plan: Plan | None = None,
        on_run: Callable[[Run], None] | None = None,
    ) -> "BuildResult":
        """Bring what is selected up to date: ingest, dbt and Python in dependency order.

        Args:
            select / exclude / indirect / state / resource_types / exclude_resource_types: as of
                :meth:`select`.
            full_refresh: drop incremental models and connector states, and make them anew.
            fail_fast: begin no new step after a failure.
            force: also what is up to date.
            resumed: go on with this run, see :meth:`unfinished`; what ended well in it is done.
            sample: rows of each stream at most, for development; ``None`` = all.
            publish: build into a copy of the DuckDB file, which becomes live when all is well.
            listeners: called with every event; thread-safe, and never raising.
            plan: what :meth:`plan` gave, where it was asked before.
            on_run: called with the run when it begins, and again when it has ended, however.

        Raises:
            RunLockedError, WarehouseLockedError, SelectionError: before anything ran.
            KeyboardInterrupt: interrupted; see :func:`toolkit.run.build`.
        """
        from toolkit.run import BuildOptions, build

        call: dict[str, Any] = {
            "select": list(select), "exclude": list(exclude), "indirect": indirect,
            "resource_types": list(resource_types),
            "exclude_resource_types": list(exclude_resource_types), "full_refresh": full_refresh,
        }  # fmt: skip
        if plan is None:
            plan = self.plan(**call, state=state, force=force, resumed=resumed)
        options = BuildOptions(
            threads=self.settings.threads, full_refresh=full_refresh, sample=sample,
            fail_fast=fail_fast, publish=publish, selection=_words(call),
            call={**call, "resumes": resumed.id if resumed else None}, version=version("toolkit"),
        )  # fmt: skip
        return build(
            plan, self.graph, self.settings, self.integrations, options, tuple(listeners),
            on_run, self._history,
        )  # fmt: skip

    @contextmanager
    def ledger(self) -> Iterator[Ledger | None]:
        """The ledger, for reading; ``None`` when nothing was ever built here.

        Runs whose process was killed are ended in it as interrupted.
        """
        path = self.settings.state_dir / "ledger.db"
        if not path.exists():
            yield None
            return
        from toolkit.run.lock import nobody_runs
        from toolkit.run.publish.settle import settle

        with Ledger(path) as ledger:
            with nobody_runs(self.settings.state_dir / "lock") as alone:
                if alone:
                    ledger.close_abandoned()
                    settle(ledger, self.settings.state_dir)
            yield ledger

    def history(self, resumed: Run | None = None) -> History:
        """What the ledger knows, and the warehouse as it is; see :func:`toolkit.recall.recall`.

        Args:
            resumed: the run that is to be gone on with.
        """
        with self.ledger() as ledger:
            if ledger is None:
                return History()
            tools = self.integrations.values()
            return recall.recall(self.graph, self.settings, ledger, resumed, tools)

    def profiles(self, key: str, limit: int = 50) -> "list[ProfileRow]":
        """What was counted of an asset for this target, newest first; see docs/profiles.md.

        Values of columns that are tagged as personal by now are left out.

        Args:
            key: of the asset.
            limit: how many builds at most.
        """
        with self.ledger() as ledger:
            if ledger is None:
                return []
            found = ledger.profiles.of(key, self.settings.target, limit)
        return recall.seen_profiles(found, self.graph, self.settings)

    def accept(self, key: str) -> "ProfileRow | None":
        """Say that an asset, as it was counted last, is as it should be; gives that.

        Anomaly rules take what is like it as usual from then on.

        Args:
            key: of the asset.
        """
        rows = self.profiles(key, 1)
        with self.ledger() as ledger:
            if ledger is None or not rows:
                return None
            ledger.profiles.accept(key, rows[0].run_id)
        return msgspec.structs.replace(rows[0], accepted=True)

    def unfinished(self) -> Run | None:
        """The last run, if it did not end well: what ``--resume`` goes on with."""
        with self.ledger() as ledger:
            if ledger is None:
                return None
            return recall.last_unfinished(ledger, self.settings.target)

    def watched(self) -> Watched | None:
        """The files and variables on which a plan depends; ``None`` where a tool cannot say."""
        return recall.watched(self.settings, self.integrations.values())

    def confirm(self, plan: Plan) -> None:
        """Note what a plan found to be the same code, where nothing is to be run."""
        if plan.same_code and self._history is not None:
            from toolkit.run.journal import confirm

            with self.ledger() as ledger:
                if ledger is not None:
                    confirm(ledger, plan, self.graph, self._history)

    def states(self, history: History | None = None) -> dict[str, State]:
        """For each asset whether it is up to date, and why not.

        Args:
            history: what :meth:`history` gave, where it was asked before.
        """
        made = frozenset(a for step in self.steps(frozenset(self.graph.assets)) for a in step.makes)
        return states(self.graph, history or self.history(), made)

    def _stale(self) -> dict[str, str]:
        """What a build of everything would run, or might, with the kind of why."""
        everything = frozenset((*self.graph.assets, *self.graph.checks))
        plan = make_plan(self.graph, self.steps(everything), everything, self.history())
        return {
            key: planned.why
            for planned in plan.to_run
            for key in (planned.step.makes or (planned.step.key,))
        }

    # ---- parts ----

    @cached_property
    def _graph_and_facts(self) -> tuple[AssetGraph, str | None, str | None]:
        assets: dict[str, Asset] = {}
        everything: list[Asset] = []
        checks, problems = [], []
        name = dialect = None
        for tool in self.integrations.values():
            loaded = tool.load(self.settings, assets)
            everything += loaded.assets
            assets |= {asset.key: asset for asset in loaded.assets}
            checks += loaded.checks
            problems += loaded.problems
            name, dialect = name or loaded.project_name, dialect or loaded.dialect
        everything += [asset for asset in self._carried[0] if asset.key not in assets]
        checks += self._carried[1]
        adapter = self.settings.adapter or dialect or ""
        return link(everything, checks, problems, adapter=adapter), name, dialect

    def _compile_missing(self) -> Problem | None:
        """Have the tools compile SQL that is missing; a problem where they cannot."""
        for tool in self.integrations.values():
            missing = any(
                asset.sql is None
                for asset in self.graph
                if asset.integration == tool.name
                and asset.kind in ("model", "snapshot")
                and asset.language != "python"
            )
            if not missing or not isinstance(tool, CompilesSql) or self.settings.manifest:
                continue
            said = tool.compile(self.settings)
            del self._graph_and_facts, self.graph
            if said is not None:
                return Problem(
                    asset=None,
                    code="compile-failed",
                    message=f"{tool.name} could not compile everything: {said}",
                )
        return None

    def _catalog(self) -> Mapping[str, Mapping[str, str]] | None:
        path = self.settings.catalog
        if path is None and self.settings.manifest is None:
            written = self.settings.target_path / "catalog.json"
            path = written if written.exists() else None
        if path is None:
            return recall.undescribed_columns(self.graph, self.settings)
        from toolkit.integrations.dbt.catalog import read_catalog

        return read_catalog(path)

    def _context(self, state: Path) -> SelectionContext:
        manifest = state / "manifest.json" if state.is_dir() else state
        if not manifest.exists():
            raise ArtifactError(
                f"There is no manifest.json in {state} (--state).",
                "What changed cannot be told, so nothing was done.",
                "Give the folder with the artifacts of the run to compare with.",
            )
        before = Project(artifact_settings(manifest=manifest)).graph
        # A manifest says nothing of streams and Python assets: without an earlier state to
        # compare with they count as unmodified, not as new.
        unknown = [
            msgspec.structs.replace(asset, depends_on=(), matched={})
            for asset in self.graph
            if asset.integration != "dbt" and asset.key not in before
        ]
        before = AssetGraph([*before, *unknown], before.checks.values())
        folder = manifest.parent  # ours tells of every asset, dbt's of its last invocation
        written = [folder / "toolkit" / "run_results.json", folder / "run_results.json"]
        results = next((path for path in written if path.exists()), None)
        return SelectionContext(state=before, results=_statuses(results), project=self.name)


def _words(call: Mapping[str, Any]) -> str:
    """What was selected, as on the command line; for people."""
    options = {
        "--select": "select", "--exclude": "exclude", "--resource-type": "resource_types",
        "--exclude-resource-type": "exclude_resource_types",
    }  # fmt: skip
    return " ".join(f"{option} {word}" for option, name in options.items() for word in call[name])


class _Result(msgspec.Struct):
    unique_id: str
    status: str


class _Results(msgspec.Struct):
    results: list[_Result]


def _statuses(path: Path | None) -> dict[str, str] | None:
    """Status by node from a run_results.json; ``None`` when there is none."""
    if path is None:
        return None
    try:
        read = msgspec.json.decode(path.read_bytes(), type=_Results)
    except msgspec.MsgspecError as error:
        raise ArtifactError(
            f"{path} cannot be read: {error}.",
            "What the last run did cannot be told, so nothing was done.",
            "Run the build that wrote it again, or leave out --state.",
        ) from error
    return {result.unique_id: result.status for result in read.results}
