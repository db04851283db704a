"""The rules of toolkit.yml as checks of the graph, and the steps that hold assets against them."""

import hashlib
import threading
from collections.abc import Mapping

import msgspec

from toolkit.errors import Problem
from toolkit.graph import Asset, AssetGraph, Check, selection
from toolkit.graph.selection import SelectionContext
from toolkit.integrations.base import (
    Loaded,
    RunContext,
    Runner,
    Status,
    Step,
    Watched,
)
from toolkit.integrations.steps import Outcome, StepRunner
from toolkit.settings import AnomalyRule, Settings

NAME = "anomalies"

_MADE = frozenset({"model", "seed", "snapshot", "stream", "python"})
_NO_TABLE = frozenset({"view", "ephemeral", "external"})
_SHOWN = 5


class AnomalyIntegration:
    """Gives a check for each asset that a rule is about."""

    name = NAME
    batches = False

    def __init__(self) -> None:
        self._rules: dict[str, AnomalyRule] = {}

    def load(self, settings: Settings, known: Mapping[str, Asset]) -> Loaded:
        """One check for each asset and rule.

        Raises:
            SelectionError: a rule's selection cannot be read.
        """
        self._rules = {}
        if not settings.anomalies or settings.manifest is not None:
            return Loaded()
        if settings.adapter != "duckdb":
            return Loaded(problems=[_elsewhere(settings)])
        graph = AssetGraph(known.values())
        checks: list[Check] = []
        problems: list[Problem] = []
        count: dict[str, int] = {}
        for rule in settings.anomalies:
            keys = _selected(rule, graph, settings)
            if not keys:
                problems.append(_about_nothing(rule))
            for key in keys:
                count[key] = count.get(key, 0) + 1
                check = _check(graph[key], rule, count[key])
                self._rules[check.key] = rule
                checks.append(check)
        return Loaded(checks=checks, problems=problems)

    def steps(self, graph: AssetGraph, keys: frozenset[str]) -> list[Step]:
        """A step for each of our checks."""
        return [
            Step(
                key=key,
                kind="check",
                integration=NAME,
                makes=(),
                reads=graph.checks[key].assets,
                name=key.removeprefix("check."),
                blocking=graph.checks[key].severity == "error",
            )
            for key in self._rules
            if key in keys and key in graph.checks
        ]

    def watched(self, settings: Settings) -> Watched | None:
        """Nothing but toolkit.yml, which is watched anyway."""
        return Watched()

    def open(self, context: RunContext) -> Runner:
        """Make ready for one run."""
        return AnomalyRunner(context, self._rules)


class AnomalyRunner(StepRunner):
    """Holds assets against their rules."""

    def __init__(self, context: RunContext, rules: Mapping[str, AnomalyRule]) -> None:
        super().__init__(context)
        self._rules = rules

    def do(self, step: Step, cancel: threading.Event) -> Outcome:
        """One asset and one rule: a moment's work, which nothing needs to break off."""
        # Counting is cheap to ask for, the rest is only needed by who has rules.
        from toolkit.integrations.anomalies.metrics import look

        rule, counted = self._rules[step.key], self.context.counted
        [key] = step.reads
        now = counted.of(key) if counted is not None else None
        if counted is None or now is None or (now.profile.note and not now.profile.columns):
            why = now.profile.note if now is not None else "nothing was counted of it"
            message = f"{key} cannot be held against its rule ({rule.where}): {why}."
            return Outcome(status="error", message=message)
        looked = look(rule, now, counted.before(now))
        unusual = {} if now.accepted else looked.unusual
        counted.judge(now, looked.names, looked.unusual)
        if not unusual:
            said = f"accepted: {'; '.join(looked.unusual.values())}" if looked.unusual else ""
            short = f"{looked.builds} of {rule.least} builds that it takes to compare with"
            message = said or (short if looked.builds < rule.least else "")
            return Outcome(status="pass", message=message, failures=0)
        status: Status = "fail" if rule.severity == "error" else "warn"
        return Outcome(status=status, message=_message(key, unusual), failures=len(unusual))


def _message(key: str, unusual: Mapping[str, str]) -> str:
    shown = list(unusual.values())[:_SHOWN]
    more = f"; and {len(unusual) - _SHOWN} more" if len(unusual) > _SHOWN else ""
    return (
        f"{'; '.join(shown)}{more}. If that is as it should be: "
        f"`toolkit profile {key} --accept`, then build again."
    )


def _selected(rule: AnomalyRule, graph: AssetGraph, settings: Settings) -> list[str]:
    """The tables among what the rule selects, parents first."""
    context = SelectionContext(project=settings.project_name)
    chosen = selection.select(graph, rule.select, rule.exclude, indirect="empty", context=context)
    return [
        key
        for key in graph.topological(chosen.assets)
        if graph[key].kind in _MADE
        and graph[key].relation is not None
        and graph[key].materialized not in _NO_TABLE
    ]


def _check(asset: Asset, rule: AnomalyRule, number: int) -> Check:
    name = "anomaly" if number == 1 else f"anomaly_{number}"
    about = msgspec.structs.asdict(rule)
    del about["where"], about["select"], about["exclude"]
    made = msgspec.json.encode([asset.key, about])
    return Check(
        key=f"check.{asset.key}.{name}",
        name=f"{asset.name}_{name}",
        kind="anomaly",
        integration=NAME,
        assets=(asset.key,),
        attached=asset.key,
        severity=rule.severity,
        test_name="anomaly",
        path=rule.where.rpartition(":")[0] or None,
        package=asset.package,
        fqn=(NAME, asset.name, name),
        code_version=hashlib.sha256(made).hexdigest()[:32],
    )


def _elsewhere(settings: Settings) -> Problem:
    return Problem(
        asset=None,
        code="anomalies-not-checked",
        message=f"toolkit.yml has anomaly rules, and target {settings.target!r} is "
        f"{settings.adapter}: only tables in DuckDB are counted, so no rule is held there.",
        severity="info",
    )


def _about_nothing(rule: AnomalyRule) -> Problem:
    return Problem(
        asset=None,
        code="anomaly-rule-without-assets",
        message=f"The anomaly rule at {rule.where} selects no table that a build makes, so it "
        "checks nothing. Correct its `select`.",
    )
