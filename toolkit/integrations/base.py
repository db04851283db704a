"""The protocol that every integration keeps.

An integration *gives* assets (:meth:`Integration.load`) and *makes* them: it
turns keys into steps (:meth:`Integration.steps`) and runs them
(:meth:`Integration.open` gives a :class:`Runner` for one run). Nothing else in
the product knows what an integration is made of; a new one is a folder and an
entry point in the group ``toolkit.integrations``.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

import msgspec

from toolkit.errors import Problem
from toolkit.graph import Asset, AssetGraph, Check
from toolkit.integrations.counted import Counted
from toolkit.settings import Settings
from toolkit.warehouse import Warehouse

StepKind = Literal["sync", "dbt", "python", "check"]

# dbt's words for how a node ended (dbt/artifacts/schemas/results.py).
Status = Literal["success", "error", "skipped", "pass", "fail", "warn", "no-op"]

FAILED: frozenset[Status] = frozenset({"error", "fail"})


class Loaded(msgspec.Struct, kw_only=True):
    """What an integration knows of the project.

    Attributes:
        project_name / dialect: of the whole project, from an integration that knows (dbt's
            manifest); used where the settings do not say it.
    """

    assets: list[Asset] = []
    checks: list[Check] = []
    problems: list[Problem] = []
    project_name: str | None = None
    dialect: str | None = None


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """A unit of work: sync one connection, build one dbt node, call one Python asset.

    Attributes:
        key: unique in a plan: the asset's or check's key; ``sync.<connection>`` for a sync.
        kind: what sort of work.
        integration: who runs it.
        makes: keys of the assets that it makes (several streams for a sync; none for a check).
        reads: keys of the assets that it reads; for a check, the assets that it tests.
        blocking: its failure blocks what is downstream (false for a check of severity warn).
        name: what progress and summary call it.
        uses_duckdb: it works on the target's DuckDB file in this process; otherwise somebody
            else's engine does the work, and the target may be any warehouse.
        pool / timeout / retries / retry_wait: as its author declared them, in the words of
            ``run.rules``, which win over them; ``None``: not said.
        needs: what must be got before it can run, in words for people; empty: nothing.
        asks_source: of a sync: what is new only its source knows, so it runs in each build. False:
            the code versions of what it makes say it all (they hold stamps of files, say), and it
            is left out like any other step.
    """

    key: str
    kind: StepKind
    integration: str
    makes: tuple[str, ...]
    reads: tuple[str, ...]
    name: str
    blocking: bool = True
    uses_duckdb: bool = True
    pool: str | None = None
    timeout: float | None = None
    retries: int | None = None
    retry_wait: float | None = None
    needs: str = ""
    asks_source: bool = True


class StepStarted(msgspec.Struct, frozen=True, kw_only=True):
    """A step begins now. ``at`` is seconds since the epoch."""

    step: str
    at: float
    thread: str = ""


class StepProgress(msgspec.Struct, frozen=True, kw_only=True):
    """A step has got so far; for displays only.

    Attributes:
        retry: an attempt failed, and another one follows.
    """

    step: str
    message: str
    retry: bool = False


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """One asset as a step left it: the material of a materialization.

    Attributes:
        rows: rows in the asset now (or loaded, where only that is known), if known.
        data_version: fingerprint of the content, where known.
        metrics: named numbers (a model's accuracy, bytes, ...).
        metadata: anything else that is worth keeping; JSON values only.
        sql: the SQL that made it, where it was made by SQL and that is known.
        candidate: data version of what was made and does not count yet: the asset's checks look
            at it, who reads the asset gets what ``data_version`` says.
        kept: nothing was made anew: another version counts now, its code and inputs are those
            of the last time that the asset was made.
    """

    asset: str
    rows: int | None = None
    data_version: str | None = None
    candidate: str | None = None
    kept: bool = False
    metrics: Mapping[str, float] = {}
    metadata: Mapping[str, Any] = {}
    sql: str | None = None


class StepFinished(msgspec.Struct, frozen=True, kw_only=True):
    """A step has ended, one way or another.

    Attributes:
        status: dbt's word for how.
        message: one line for people; for a failure the fact, consequence and next command.
        failures: failing rows of a check.
        relation: where it was written, as the warehouse names it.
        timing: dbt's ``[{name, started_at, completed_at}]``, where known.
        made: one entry for every asset that now exists as this step left it.
        sql: the SQL that a check ran, where that is known.
        transient: it failed, and the same again may do better: nobody answered, too busy.
    """

    step: str
    status: Status
    started_at: float
    finished_at: float
    message: str = ""
    failures: int | None = None
    relation: str | None = None
    thread: str = ""
    timing: Sequence[Mapping[str, str]] = ()
    adapter_response: Mapping[str, Any] = {}
    made: tuple[Made, ...] = ()
    sql: str | None = None
    transient: bool = False


StepEvent = StepStarted | StepProgress | StepFinished


class Control(Protocol):
    """What the scheduler says to runners that order their steps themselves. Thread-safe."""

    def take_place(self, key: str) -> bool:
        """Take the places that a step needs, if all are free: then it may begin.

        They are given back when the step's end is told, or by :meth:`give_back`.
        """

    def give_back(self, key: str) -> None:
        """The step holds no place any more; may be said more than once."""

    def on_free(self, call: Callable[[], None]) -> None:
        """Have ``call`` called whenever a place got free, in any thread, under no lock."""

    def urgency(self, key: str) -> float:
        """Who goes first: the highest. Seconds that this step and what is below it take."""

    def at_once(self, steps: Sequence["Step"], threads: int) -> int:
        """How many of ``steps`` may run at once in a call that gives out no places itself."""

    def asleep(self, key: str) -> str | None:
        """Why a step whose parents have ended need not run after all; ``None``: it runs.

        To be asked before it begins. It ends with status ``no-op`` and this message then.
        """

    def retry_in(self, key: str) -> float | None:
        """Asked when a step's failure was told: seconds until it is to be done once more.

        ``None``: it has ended. Says it once.
        """


class NoControl:
    """Every step may begin at once, and none is done again."""

    def take_place(self, key: str) -> bool:
        """Always."""
        return True

    def give_back(self, key: str) -> None:
        """Nothing is held."""

    def on_free(self, call: Callable[[], None]) -> None:
        """All places are free for ever."""

    def urgency(self, key: str) -> float:
        """All the same."""
        return 0.0

    def at_once(self, steps: Sequence["Step"], threads: int) -> int:
        """As many as there are threads."""
        return threads

    def asleep(self, key: str) -> str | None:
        """All run."""
        return None

    def retry_in(self, key: str) -> float | None:
        """Never."""
        return None


class RunContext(msgspec.Struct, kw_only=True):
    """What a runner is given for one run.

    Attributes:
        emit: takes every event; thread-safe; never raises.
        cancel: set when the run must stop; runners look at it and stop soon.
        log_dir: folder for the run's log files; exists.
        sample: rows of each stream at most, for development; ``None`` = all.
        control: what the scheduler says of limits, order and retries.
        counted: profiles of what is made, where tables can be counted.
    """

    run_id: str
    settings: Settings
    graph: AssetGraph
    warehouse: Warehouse | None
    emit: Callable[[StepEvent], None]
    cancel: threading.Event
    log_dir: Path
    threads: int = 1
    full_refresh: bool = False
    sample: int | None = None
    fail_fast: bool = False
    control: Control = NoControl()
    counted: Counted | None = None


class Runner(Protocol):
    """Runs steps of one integration during one run.

    :class:`toolkit.integrations.steps.StepRunner` keeps it for tools whose steps are done one
    at a time.
    """

    def run(self, steps: Sequence[Step]) -> None:
        """Run these steps and return when all have ended.

        Emits exactly one :class:`StepStarted` and one :class:`StepFinished` for each, in an
        order that keeps parents before children among ``steps``. A failure is an event and
        not an exception; whatever is raised is a bug or an interruption.
        """

    def close(self) -> None:
        """Give back what the runner holds. Called once, also after an interruption."""


@runtime_checkable
class ExclusiveRunner(Protocol):
    """A runner of a batching integration that may need the warehouse for itself."""

    @property
    def exclusive(self) -> bool:
        """Whether no other step may run while one of its calls goes on."""


@runtime_checkable
class InterruptibleRunner(Protocol):
    """A runner whose calls may be stuck where no signal reaches them, in a query say."""

    def interrupt(self) -> None:
        """Break off what its calls wait for; from any thread, at any time."""


@runtime_checkable
class StoppableRunner(Protocol):
    """A runner that can break off one step, when its time is over."""

    def stop_step(self, key: str) -> None:
        """Break off what runs for this step, and return when nothing of it is left.

        Called from another thread than the step's, also when the step has just ended, and
        again while it has not. Returns as well when nothing can be done. The step then tells
        its end as always, with status ``error``.
        """


@runtime_checkable
class AbandoningRunner(Protocol):
    """A runner whose calls go on although one of their steps can be stopped by nobody."""

    def abandon(self, key: str) -> None:
        """The step counts as failed, though something of it may still run: do not wait for it."""


@runtime_checkable
class GatedRunner(Protocol):
    """A runner of a tool that orders its steps itself, and can hold back each of them.

    It gets all its steps in one call, though some of them wait for steps of others: so
    there is one start of the tool in a run, and nothing waits for more than it must.
    """

    def takes_gates(self) -> bool:
        """Whether it can do that here; else ``run`` is called, segment by segment.

        Asked once, in the main thread, when the steps of others already run.
        """

    def run_gated(self, steps: Sequence[Step], gates: Mapping[str, frozenset[str]]) -> None:
        """As ``Runner.run``; a step begins only when the steps in its gates have ended.

        Args:
            gates: for a step's key the keys of steps that the tool itself does not wait for.
                They may have ended already, as far as :meth:`ended` was called.
        """

    def ended(self, event: StepFinished, *, blocks: bool) -> None:
        """A step ended, anyone's; ``blocks``: what waits for it must be skipped.

        Called from any thread, also before and after :meth:`run_gated`.
        """

    def stop(self) -> None:
        """Begin nothing any more: what has not begun is to be skipped (``--fail-fast``)."""


class Integration(Protocol):
    """One tool that we bring into the graph.

    Attributes:
        name: as in the entry point.
        batches: its runner takes many steps at once and orders them itself (dbt);
            otherwise it is called with one step at a time, perhaps from several threads.
    """

    name: str
    batches: bool

    def load(self, settings: Settings, known: Mapping[str, Asset]) -> Loaded:
        """Give assets and checks, reading files only: no network, no warehouse.

        Args:
            settings: of the project and target.
            known: what the integrations before this one gave, by key.
        """

    def steps(self, graph: AssetGraph, keys: frozenset[str]) -> list[Step]:
        """Steps that would make the assets and run the checks with these keys.

        Keys that are another integration's, or that nobody makes (sources,
        exposures), give no step.
        """

    def open(self, context: RunContext) -> Runner:
        """Make ready for one run."""


@runtime_checkable
class CompilesSql(Protocol):
    """An integration whose assets' SQL exists only once its tool has compiled it."""

    def compile(self, settings: Settings) -> str | None:
        """Have the SQL compiled, so that the next ``load`` finds it; else say why not."""

    def compiled(
        self, settings: Settings, graph: AssetGraph, keys: frozenset[str]
    ) -> Mapping[str, str]:
        """The SQL of these assets as it is now; without those that cannot be compiled."""


@runtime_checkable
class KeepsFiles(Protocol):
    """An integration that keeps small text files which say what is in the warehouse."""

    def kept_files(self, settings: Settings) -> list[Path]:
        """These files, below the state folder; they go back when the warehouse does."""


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """Which version of an asset counts that has several, outside of the warehouse.

    Attributes:
        current: data version of the one that is read; ``None``: none is yet.
        candidate: data version of a newer one that is read when its checks have passed.
        name: of the candidate, for people.
    """

    current: str | None = None
    candidate: str | None = None
    name: str = ""


@runtime_checkable
class KeepsVersions(Protocol):
    """An integration that keeps several versions of an asset, of which one counts."""

    def standing(self, settings: Settings) -> Mapping[str, Standing]:
        """What counts now, by key of the asset."""


class Watched(msgspec.Struct, kw_only=True):
    """On what it depends what an integration gives: absolute paths, names of variables.

    Attributes:
        missing: files that would count if they were there.
    """

    files: set[str] = set()
    folders: set[str] = set()
    missing: set[str] = set()
    environment: set[str] = set()


@runtime_checkable
class WatchesFiles(Protocol):
    """An integration that can say on which files depends what it gives."""

    def watched(self, settings: Settings) -> Watched | None:
        """All of them, with the folders in which a new file would count; ``None``: unknown."""


@runtime_checkable
class ReadsServer(Protocol):
    """An integration that knows what a server has: kept in files, which ``load`` reads."""

    def refresh(self, settings: Settings) -> Problem | None:
        """Ask the server and keep what it says; a problem where what was kept must do."""
