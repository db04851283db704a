"""What happened: the SQLite file that remembers runs, steps and materializations."""

from toolkit.ledger.ledger import Ledger
from toolkit.ledger.models import ModelEvent, ModelVersion
from toolkit.ledger.profiles import ProfileRow
from toolkit.ledger.rows import (
    KILLED,
    Left,
    Materialization,
    Passed,
    Point,
    Run,
    RunError,
    RunStatus,
    StepRow,
)

__all__ = [
    "KILLED",
    "Ledger",
    "Left",
    "Materialization",
    "ModelEvent",
    "ModelVersion",
    "Passed",
    "Point",
    "ProfileRow",
    "Run",
    "RunError",
    "RunStatus",
    "StepRow",
]
