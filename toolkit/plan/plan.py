"""The plan: steps in order, each with its reason; and what nobody will make, with why."""

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from toolkit.graph import Asset, AssetGraph
from toolkit.integrations.base import Step
from toolkit.ledger import Materialization, StepRow
from toolkit.plan.order import dependencies


class History(msgspec.Struct, frozen=True, kw_only=True):
    """What the ledger knows that a plan depends on."""

    latest: Mapping[str, Materialization] = {}
    last_steps: Mapping[str, StepRow] = {}


class PlannedStep(msgspec.Struct, frozen=True, kw_only=True):
    """One step of a plan.

    Attributes:
        after: keys of the steps of this plan that must have ended before.
        found: those of ``after`` that the tool which runs it does not know of.
        reason: why it runs, for people.
    """

    step: Step
    after: frozenset[str]
    found: frozenset[str] = frozenset()
    action: Literal["run"] = "run"
    reason: str


class Unmade(msgspec.Struct, frozen=True, kw_only=True):
    """A selected asset for which there is no step, and why."""

    asset: str
    reason: str


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What a build would do, in an order that keeps parents first."""

    steps: tuple[PlannedStep, ...]
    unmade: tuple[Unmade, ...] = ()


def make_plan(
    graph: AssetGraph,
    steps: Sequence[Step],
    selected: frozenset[str],
    history: History,
    *,
    full_refresh: bool = False,
) -> Plan:
    """Order ``steps`` and say why each runs.

    Args:
        steps: what the integrations gave for the selected assets and checks.
        selected: keys of the selected assets.
    """
    waits = dependencies(graph, steps)
    by_key = {step.key: step for step in steps}
    reasons: dict[str, str] = {}
    planned = []
    for key in _ordered({key: wait.all for key, wait in waits.items()}):
        step = by_key[key]
        reason = "--full-refresh" if full_refresh else _reason(graph, step, history)
        reasons[key] = reason
        wait = waits[key]
        planned.append(PlannedStep(step=step, after=wait.all, found=wait.found, reason=reason))
    made = {asset for step in steps for asset in step.makes}
    unmade = tuple(
        Unmade(asset=key, reason=_why_unmade(graph[key]))
        for key in graph.topological(selected - made)
    )
    return Plan(steps=tuple(planned), unmade=unmade)


def _ordered(after: Mapping[str, frozenset[str]]) -> list[str]:
    """Keys, parents first; among equals in the given order.

    ``after`` has no cycle: it follows a graph that has none, and a test is only put before
    what is downstream of all that it reads.
    """
    ordered: list[str] = []
    placed: set[str] = set()
    waiting = {key: len(keys) for key, keys in after.items()}
    children: dict[str, list[str]] = {}
    for key, keys in after.items():
        for parent in keys:
            children.setdefault(parent, []).append(key)
    ready = [key for key, count in waiting.items() if count == 0]
    position = 0
    while position < len(ready):
        key = ready[position]
        position += 1
        ordered.append(key)
        placed.add(key)
        for child in children.get(key, ()):
            waiting[child] -= 1
            if waiting[child] == 0:
                ready.append(child)
    assert len(ordered) == len(after), "steps wait for each other"
    return ordered


def _reason(graph: AssetGraph, step: Step, history: History) -> str:
    if step.kind == "check":
        return "tests " + ", ".join(graph[key].name for key in step.reads if key in graph)
    last = history.last_steps.get(step.key)
    if last is None or any(key not in history.latest for key in step.makes):
        return "never built here"
    if last.status not in ("success", "no-op"):
        return f"its last run ended as {last.status}"
    for key in step.makes:
        rows = history.latest[key].metadata.get("sampled")
        if rows is not None:
            return f"{graph[key].name} is a sample of at most {rows:,} rows"
        if history.latest[key].code_version != graph[key].code_version:
            return "its code changed"
    return "selected"


def _why_unmade(asset: Asset) -> str:
    if asset.meta.get("enabled") is False:
        return "its connection is switched off (enabled: false)"
    reasons = {
        "source": "a source: something else loads it",
        "exposure": "an exposure: it reads, nothing is made",
        "metric": "a metric: defined, not made",
        "semantic_model": "a semantic model: defined, not made",
    }
    if asset.matched:
        return "a source: " + ", ".join(sorted(asset.matched)) + " loads it"
    if asset.materialized == "ephemeral":
        return "ephemeral: part of the SQL of what reads it"
    return reasons.get(asset.kind, "nothing here makes it")
