"""What toolkit.yml's ``run:`` means for each step of a plan."""

import sys
from collections.abc import Mapping

import msgspec

from toolkit.errors import SelectionError, SettingsError
from toolkit.graph import AssetGraph, selection
from toolkit.integrations.base import Step
from toolkit.plan import Plan
from toolkit.settings import RunSettings, StepRule

SYNC_RETRIES = 2
RETRY_WAIT_SECONDS = 5.0


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """How one step is run.

    Attributes:
        pool: takes a place in it.
        timeout: seconds that one attempt may take; ``None`` = as long as it takes.
        retries: how many times it is tried again; a sync only after what may pass.
        retry_wait: seconds before the second attempt.
    """

    pool: str | None = None
    timeout: float | None = None
    retries: int = 0
    retry_wait: float = RETRY_WAIT_SECONDS


def default_policy(step: Step) -> Policy:
    """How a step is run that no rule speaks of: as its author declared."""
    return Policy(
        pool=step.pool,
        timeout=step.timeout,
        retries=step.retries
        if step.retries is not None
        else SYNC_RETRIES
        if step.kind == "sync"
        else 0,
        retry_wait=step.retry_wait if step.retry_wait is not None else RETRY_WAIT_SECONDS,
    )


class Guide(msgspec.Struct, frozen=True, kw_only=True):
    """All that orders the steps of a run beside their dependencies.

    Attributes:
        settings: limits and pools.
        policies: of the steps that a rule speaks of.
        urgency: who goes first, the highest (see ``urgencies``).
    """

    settings: RunSettings = RunSettings()
    policies: Mapping[str, Policy] = {}
    urgency: Mapping[str, float] = {}

    def policy(self, step: Step) -> Policy:
        """How a step is run."""
        return self.policies.get(step.key) or default_policy(step)


def policies(
    plan: Plan, graph: AssetGraph, settings: RunSettings, project: str
) -> dict[str, Policy]:
    """What the rules say of the steps of a plan: later rules win, for each of their keys.

    A rule is about a step when it selects an asset that the step makes, or the check that it
    is; the tests of what is selected do not come along.

    Args:
        project: the dbt project's name, for ``package:this``.

    Raises:
        SettingsError: a rule's selection cannot be read.
    """
    found: dict[str, Policy] = {}
    for rule in settings.rules:
        said = {
            name: value
            for name in ("pool", "timeout", "retries", "retry_wait")
            if (value := getattr(rule, name)) is not None
        }
        meant = _selected(rule, graph, project)
        for planned in plan.steps:
            step = planned.step
            if meant.isdisjoint((step.key, *step.makes)):
                continue
            policy = found.get(step.key) or default_policy(step)
            found[step.key] = msgspec.structs.replace(policy, **said)
    for key, policy in found.items():
        check = graph.checks.get(key)
        if check is not None and check.kind == "unit_test":  # dbt runs it as a part of its model
            found[key] = msgspec.structs.replace(policy, retries=0, pool=None)
    return found


def _selected(rule: StepRule, graph: AssetGraph, project: str) -> frozenset[str]:
    context = selection.SelectionContext(project=project)
    try:
        chosen = selection.select(
            graph, rule.select, rule.exclude, indirect="empty", context=context
        )
    except SelectionError as error:
        raise SettingsError(
            f"{rule.where}: the rule's selection cannot be read: {error.fact}",
            "It is not clear which steps it is about, so nothing was run.",
            error.next_step or f"Correct {rule.where}.",
        ) from error
    if not chosen.assets and not chosen.checks:
        print(f"{rule.where} selects nothing, so the rule has no effect.", file=sys.stderr)
    return chosen.assets | chosen.checks
