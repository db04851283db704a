"""The part of the payload that has the versions of ML models, decoded when somebody opens one."""

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from toolkit.report.page.data import ReportData

if TYPE_CHECKING:
    from toolkit.integrations.python.models.manage import VersionRow

MOST_VERSIONS = 50  # of one model
MOST_METRICS = 20  # of one version
_GATE = "Gate: "  # so begins the description of a check that is a declared gate

Clean = Callable[[str], str]


def models_table(data: ReportData, clean: Clean) -> dict[str, Any]:
    """By asset number: the stored versions, the newest first, and what a new one must be.

    Args:
        clean: masks what is secret.
    """
    found: dict[str, Any] = {}
    for number, key in enumerate(data.graph.assets):
        model = data.models.get(key)
        if model is None or not model.versions:
            continue
        told = [str(check.meta.get("description", "")) for check in data.graph.checks_on(key)]
        shown = model.versions[:MOST_VERSIONS]
        found[str(number)] = {
            "versions": [_version(row, clean) for row in shown],
            "left_out": len(model.versions) - len(shown),
            "gates": [clean(text.removeprefix(_GATE)) for text in told if text.startswith(_GATE)],
        }
    return found


def _version(row: "VersionRow", clean: Clean) -> list[Any]:
    """``[version, state, why, trained at, format, trained for, metrics]``."""
    at = datetime.fromisoformat(row.created_at).timestamp() if row.created_at else None
    metrics = [[clean(name), value] for name, value in row.metrics.items()]
    return [
        row.version, row.state, clean(row.problem or row.why), at, row.format, clean(row.target),
        metrics[:MOST_METRICS],
    ]  # fmt: skip
