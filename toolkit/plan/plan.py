"""The plan: steps in order, each with its reason; and what nobody will make, with why."""

from collections.abc import Mapping, Sequence

import msgspec

from toolkit.graph import Asset, AssetGraph
from toolkit.integrations.base import Step
from toolkit.plan.decide import Action, Decider, Why
from toolkit.plan.history import History
from toolkit.plan.order import dependencies


class PlannedStep(msgspec.Struct, frozen=True, kw_only=True):
    """One step of a plan.

    Attributes:
        after: keys of the steps of this plan that must have ended before.
        found: those of ``after`` that the tool which runs it does not know of.
        action: ``run``; ``skip``: it is up to date; ``if changed``: it runs only when something
            that it reads comes out changed, which is known once that has been made.
        reason: why, for people; ``why``: the kind of reason.
    """

    step: Step
    after: frozenset[str]
    found: frozenset[str] = frozenset()
    action: Action = "run"
    reason: str
    why: Why = "asked"


class Unmade(msgspec.Struct, frozen=True, kw_only=True):
    """A selected asset for which there is no step, and why."""

    asset: str
    reason: str


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What a build would do, in an order that keeps parents first.

    Attributes:
        newest_run: the newest run in the ledger when the plan was made.
        same_code: assets whose code differs from what made them in comments or formatting only.
    """

    steps: tuple[PlannedStep, ...]
    unmade: tuple[Unmade, ...] = ()
    newest_run: str | None = None
    same_code: frozenset[str] = frozenset()

    @property
    def to_run(self) -> tuple[PlannedStep, ...]:
        """The steps that are not known to be up to date."""
        return tuple(planned for planned in self.steps if planned.action != "skip")


def make_plan(
    graph: AssetGraph,
    steps: Sequence[Step],
    selected: frozenset[str],
    history: History,
    *,
    same_code: frozenset[str] = frozenset(),
    everything: str | None = None,
) -> Plan:
    """Order ``steps`` and say of each whether it runs, and why.

    Args:
        steps: what the integrations gave for the selected assets and checks.
        selected: keys of the selected assets.
        same_code: see :class:`toolkit.plan.decide.Decider`.
        everything: why all steps run (``--force``, ``--full-refresh``), if they do.
    """
    waits = dependencies(graph, steps)
    by_key = {step.key: step for step in steps}
    order = _ordered({key: wait.all for key, wait in waits.items()})
    decider = Decider(graph, steps, history, same_code=same_code, everything=everything)
    planned = []
    for key in order:
        decision, wait = decider.decide(by_key[key]), waits[key]
        planned.append(
            PlannedStep(
                step=by_key[key],
                after=wait.all,
                found=wait.found,
                action=decision.action,
                reason=decision.reason,
                why=decision.why,
            )
        )
    made = {asset for step in steps for asset in step.makes}
    unmade = tuple(
        Unmade(asset=key, reason=_why_unmade(graph[key]))
        for key in graph.topological(selected - made)
    )
    return Plan(
        steps=tuple(planned), unmade=unmade, newest_run=history.newest_run, same_code=same_code
    )


def _ordered(after: Mapping[str, frozenset[str]]) -> list[str]:
    """Keys, parents first; among equals in the given order.

    ``after`` has no cycle: it follows a graph that has none, and a test is only put before
    what is downstream of all that it reads.
    """
    ordered: list[str] = []
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
        for child in children.get(key, ()):
            waiting[child] -= 1
            if waiting[child] == 0:
                ready.append(child)
    assert len(ordered) == len(after), "steps wait for each other"
    return ordered


def _why_unmade(asset: Asset) -> str:
    if asset.meta.get("enabled") is False:
        return "its connection is switched off (enabled: false)"
    if asset.kind == "stream":
        return "a stream that no connector here syncs"
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
