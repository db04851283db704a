"""Which of the steps that are ready goes first: the one with the longest chain below it. Pure."""

import statistics
from collections.abc import Mapping

from toolkit.integrations.base import StepKind
from toolkit.plan import Plan
from toolkit.plan.forecast import chains

# Where no step of a kind ever ran: seconds, in the order of what each kind usually takes.
_USUAL: Mapping[StepKind, float] = {"sync": 20.0, "python": 5.0, "dbt": 0.5, "check": 0.1}


def urgencies(plan: Plan, seconds: Mapping[str, float]) -> dict[str, float]:
    """For each step the seconds from its begin to the end of the longest chain that it begins.

    When more steps are ready than can run, the one with the highest goes first: what is not
    on the longest chain fits beside it.

    Args:
        seconds: how long steps took when they last succeeded. A step without counts as the
            middle one of its kind does.
    """
    known: dict[str, list[float]] = {}
    for planned in plan.steps:
        if planned.step.key in seconds:
            known.setdefault(planned.step.kind, []).append(seconds[planned.step.key])
    usual = {
        kind: statistics.median(known.get(kind, [default])) for kind, default in _USUAL.items()
    }
    expected = {
        planned.step.key: seconds.get(planned.step.key, usual[planned.step.kind])
        for planned in plan.steps
        if planned.action != "skip"
    }
    return chains({planned.step.key: planned.after for planned in plan.steps}, expected)
