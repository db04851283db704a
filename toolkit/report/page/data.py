"""What a report is made from. The caller collects it; this room only shows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

import msgspec

if TYPE_CHECKING:
    from toolkit.errors import Problem
    from toolkit.graph import AssetGraph
    from toolkit.integrations.python.models.manage import ModelRow
    from toolkit.ledger import Materialization, Point, ProfileRow, Run, StepRow
    from toolkit.lineage import Lineage
    from toolkit.rules import Finding

StateName = Literal["fresh", "stale", "failed", "never"]


class AssetState(msgspec.Struct, frozen=True):
    """Whether an asset is up to date.

    Attributes:
        state: ``never`` means that no materialization is known.
        reason: one clause for people ("synced 26 h ago, promised 24 h").
    """

    state: StateName
    reason: str = ""


class RunRecord(msgspec.Struct, frozen=True):
    """One run of the ledger.

    Attributes:
        steps: in the order in which they started.
        made: what was counted of each asset that it made.
    """

    run: Run
    steps: tuple[StepRow, ...] = ()
    made: tuple[Point, ...] = ()


class ReportData(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that the report shows.

    Attributes:
        dialect: sqlglot's name of the SQL dialect.
        made_at: when the report is made, in seconds since the epoch.
        version: of the toolkit.
        problems: what was tolerated, of the graph, of the lineage and of anybody else.
        findings: what rules say of the assets, ours and those of other tools.
        runs: newest first.
        materializations: the latest, by asset key.
        results: the last step result, by asset or check key.
        states: by asset key; an asset that nobody makes (an exposure) has none.
        models: stored versions of ML models, by key.
        profiles: what was counted of assets, by key, the newest first; nothing hidden in it.
        commit: what was checked out, where known.
        secrets: values that are masked wherever they stand in a text.
    """

    project: str
    target: str
    dialect: str
    made_at: float
    version: str
    graph: AssetGraph
    lineage: Lineage
    problems: tuple[Problem, ...] = ()
    findings: tuple[Finding, ...] = ()
    runs: tuple[RunRecord, ...] = ()
    materializations: Mapping[str, Materialization] = {}
    results: Mapping[str, StepRow] = {}
    states: Mapping[str, AssetState] = {}
    models: Mapping[str, ModelRow] = {}
    profiles: Mapping[str, Sequence[ProfileRow]] = {}
    commit: str | None = None
    secrets: frozenset[str] = frozenset()
