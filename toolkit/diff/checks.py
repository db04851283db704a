"""Checks that came, went or are others."""

from toolkit.diff.model import CheckChange, How, worst_first
from toolkit.diff.side import Side
from toolkit.graph import Check
from toolkit.lineage.walks.reach import Verdict


def check_changes(base: Side, head: Side) -> tuple[CheckChange, ...]:
    """Changes of checks on assets that are there before and after, worst first."""
    before, after = base.graph.checks, head.graph.checks
    found: list[CheckChange] = []
    for key, check in after.items():
        was = before.get(key)
        if was is None:
            if _stands(check, base):
                found.append(_change(check, "added", "safe", "it may fail on what is there"))
        elif was.severity != check.severity:
            weaker = check.severity == "warn"
            said = f"severity: {was.severity} -> {check.severity}"
            reason = f"{said}; what it finds blocks nothing any more" if weaker else said
            found.append(_change(check, "changed", "review" if weaker else "safe", reason))
        elif was.fingerprints != check.fingerprints:
            found.append(_change(check, "changed", "review", "it tests something else now"))
    for key, check in before.items():
        if key not in after and _stands(check, head):
            reason = "what it tested is tested no longer"
            found.append(_change(check, "removed", "review", reason))
    return tuple(sorted(found, key=lambda change: (worst_first(change.verdict), change.key)))


def _stands(check: Check, other: Side) -> bool:
    """All that it is about is there on the other side too; else it only goes with an asset."""
    about = (check.attached,) if check.attached is not None else check.assets
    return all(key in other.graph for key in about)


def _change(check: Check, how: How, verdict: Verdict, reason: str) -> CheckChange:
    return CheckChange(
        key=check.key, name=check.name, how=how, verdict=verdict, reason=reason,
        assets=check.assets,
    )  # fmt: skip
