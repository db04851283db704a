"""A diff as SARIF: each change at the file that it is in, each failure at the one that fails."""

from collections.abc import Iterable, Iterator
from typing import Any

from toolkit.diff.model import Diff
from toolkit.report.diff.document import Both
from toolkit.report.sarif import SarifResult, SarifRule, documentation_uri, sarif_document

_RULES = (
    SarifRule(
        id="breaking-change",
        title="A change that breaks something",
        text="Something names what is gone, a contract is not kept, or nothing loads what is "
        "read any more. Mend what is named, or take the change back.",
        level="error",
        help_uri=documentation_uri("diff", "verdicts"),
        tags=("impact",),
    ),
    SarifRule(
        id="fails-after-change",
        title="Fails after a change elsewhere",
        text="This is not changed, and it names a column that a change elsewhere took away.",
        level="error",
        help_uri=documentation_uri("diff", "verdicts"),
        tags=("impact",),
    ),
    SarifRule(
        id="change-to-review",
        title="A change that others come to see",
        text="Rows or values that others read are different now. Nothing is proved to break.",
        level="warning",
        help_uri=documentation_uri("diff", "verdicts"),
        tags=("impact",),
    ),
)


def diff_sarif(
    diff: Diff, both: Both, *, version: str, base: str = "", secrets: Iterable[str] = ()
) -> dict[str, Any]:
    """The SARIF log; what is safe is not in it.

    Args:
        base: the project's folder, seen from the root of its repository.
    """
    return sarif_document(
        _results(diff, both), _RULES, version=version, category="diff", base=base, secrets=secrets
    )


def _results(diff: Diff, both: Both) -> Iterator[SarifResult]:
    for change in diff.changes:
        if change.verdict == "safe":
            continue
        breaking = change.verdict == "breaking"
        path, line = both.place(change.key)
        yield SarifResult(
            rule_id="breaking-change" if breaking else "change-to-review",
            level="error" if breaking else "warning",
            message=f"{change.key}: {change.reason}",
            path=path,
            line=line,
            fingerprint=f"{change.key}:{change.how}:{change.extent}",
            properties={"asset": change.key, "extent": change.extent, "verdict": change.verdict},
        )
        for failure in change.fails:
            path, line = both.place(failure.key)
            yield SarifResult(
                rule_id="fails-after-change",
                level="error",
                message=f"{failure.key} {failure.reason}",
                path=path,
                line=line,
                fingerprint=f"{failure.key}:{failure.reason}",
                properties={"asset": failure.key, "changed": change.key},
            )
    for check in diff.checks:
        if check.verdict != "safe":
            path, line = both.place(check.key)
            yield SarifResult(
                rule_id="change-to-review",
                level="warning",
                message=f"{check.key}: {check.reason}",
                path=path,
                line=line,
                fingerprint=f"{check.key}:{check.how}",
                properties={"check": check.key, "verdict": check.verdict},
            )
