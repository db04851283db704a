"""graph + ledger + selection -> what a build would run and skip, each with its reason. Pure."""

from toolkit.plan.decide import Action, Why, is_gate, unit_test_inputs
from toolkit.plan.history import History, Seen
from toolkit.plan.order import Waits, dependencies
from toolkit.plan.plan import Plan, PlannedStep, Unmade, make_plan
from toolkit.plan.status import State, states
from toolkit.plan.versions import (
    changed_by_others,
    current_versions,
    inputs,
    is_view,
    tables_behind,
    view_version,
    words_of,
)

__all__ = [
    "Action",
    "History",
    "Plan",
    "PlannedStep",
    "Seen",
    "State",
    "Unmade",
    "Waits",
    "Why",
    "changed_by_others",
    "current_versions",
    "dependencies",
    "inputs",
    "is_gate",
    "is_view",
    "make_plan",
    "states",
    "tables_behind",
    "unit_test_inputs",
    "view_version",
    "words_of",
]
