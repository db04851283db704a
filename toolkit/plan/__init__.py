"""graph + ledger + selection -> what a build would run and skip, each with its reason. Pure."""

from toolkit.plan.order import Waits, dependencies
from toolkit.plan.plan import History, Plan, PlannedStep, Unmade, make_plan
from toolkit.plan.status import State, made_parents, states

__all__ = [
    "History",
    "Plan",
    "PlannedStep",
    "State",
    "Unmade",
    "Waits",
    "dependencies",
    "made_parents",
    "make_plan",
    "states",
]
