"""The rows of the ledger, as values. Times are seconds since the epoch (UTC)."""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

KILLED = "its process was killed"
"""What a step says that was running when its process ended without a word."""

RunStatus = Literal["running", "success", "failed", "interrupted"]


class RunError(msgspec.Struct, frozen=True, kw_only=True):
    """Something that failed in a run and is no step of it.

    Attributes:
        key: dbt's ``unique_id`` of a hook; ``None`` where the run as a whole stopped.
    """

    message: str
    key: str | None = None


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One ``toolkit build``.

    Attributes:
        status: a run that was killed stays ``running`` until ``Ledger.close_abandoned``.
        selection: the ``--select``/``--exclude`` words, for people; empty for everything.
        version: of the toolkit.
        errors: what failed beside the steps.
        published: what it made is in the warehouse that people see; not so for a build into a
            staging copy that was never swapped in.
        options: what it was called with, to call it so again; ``resumes`` is the run that it
            goes on with.
    """

    id: str
    command: str
    target: str
    started_at: float
    finished_at: float | None = None
    status: RunStatus = "running"
    selection: str = ""
    version: str = ""
    errors: tuple[RunError, ...] = ()
    published: bool = True
    options: Mapping[str, Any] = {}


class StepRow(msgspec.Struct, frozen=True, kw_only=True):
    """One step of one run. ``status`` is dbt's word, or ``running`` until it has ended.

    Attributes:
        waited_for: key of the step that ended last of those which it had to wait for in this run.
    """

    run_id: str
    step: str
    kind: str
    name: str
    integration: str
    status: str
    reason: str = ""
    started_at: float | None = None
    finished_at: float | None = None
    message: str = ""
    rows: int | None = None
    failures: int | None = None
    relation: str | None = None
    thread: str = ""
    waited_for: str | None = None
    timing: list[dict[str, str]] = []
    adapter_response: dict[str, Any] = {}

    @property
    def seconds(self) -> float:
        """How long it took; 0 while it runs or when it never ran."""
        if self.started_at is None or self.finished_at is None:
            return 0.0
        return max(0.0, self.finished_at - self.started_at)

    @property
    def up_to_date(self) -> bool:
        """Whether it was not run because it was not needed."""
        return self.status == "no-op" and self.message.startswith("up to date")

    @property
    def attempts(self) -> int:
        """How many times it was tried, as far as that was noted."""
        noted = self.adapter_response.get("attempts")
        return noted if isinstance(noted, int) else 1


class Materialization(msgspec.Struct, frozen=True, kw_only=True):
    """One successful making of an asset.

    Attributes:
        code_version: fingerprint of its source, its macros, variables and configuration.
        sql_version: the same with the canonical form of the SQL that ran in place of its source;
            empty where that is not known.
        data_version: fingerprint of its content; ``None`` where not known.
        volatile: why the same code and inputs may give something else next time; empty if not.
        inputs: data version (or run id, where none is known) of each asset that was read.
    """

    asset: str
    run_id: str
    at: float
    rows: int | None = None
    code_version: str = ""
    sql_version: str = ""
    data_version: str | None = None
    volatile: str = ""
    metrics: Mapping[str, float] = {}
    metadata: Mapping[str, Any] = {}
    inputs: Mapping[str, str] = {}


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """What was counted when an asset was made in a run: one point of a line over time."""

    asset: str
    rows: int | None = None
    metrics: Mapping[str, float] = {}


class Passed(msgspec.Struct, frozen=True, kw_only=True):
    """One time that a check passed, and on what. The fields mean what a materialization's do."""

    step: str
    run_id: str
    at: float
    code_version: str = ""
    volatile: str = ""
    inputs: Mapping[str, str] = {}


class Left(msgspec.Struct, frozen=True, kw_only=True):
    """The warehouse as the last run left it.

    Attributes:
        stamp: of the file at rest; see :func:`toolkit.warehouse.stamp_of`.
        outside: data version of each table that nobody in the graph makes and somebody reads.
    """

    stamp: str
    outside: Mapping[str, str] = {}
