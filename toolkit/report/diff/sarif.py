"""A diff as SARIF: each change at the file that it is in, each failure at the one that fails."""

from collections.abc import Iterable, Iterator
from typing import Any

from toolkit.diff.model import Diff
from toolkit.report.diff.document import Both
from toolkit.report.sarif import SarifResult, SarifRule, documentation_uri, sarif_document

_BREAKING = SarifRule(
    id="breaking-change",
    title="A change that breaks something",
    text="Something names what is gone, a contract is not kept, or nothing loads what is "
    "read any more. Mend what is named, or take the change back.",
    level="error",
    help_uri=documentation_uri("diff", "verdicts"),
    tags=("impact",),
)
_FAILS = SarifRule(
    id="fails-after-change",
    title="Fails after a change elsewhere",
    text="This is not changed, and it names a column that a change elsewhere took away.",
    level="error",
    help_uri=documentation_uri("diff", "verdicts"),
    tags=("impact",),
)
_REVIEW = SarifRule(
    id="change-to-review",
    title="A change that others come to see",
    text="Rows or values that others read are different now. Nothing is proved to break.",
    level="warning",
    help_uri=documentation_uri("diff", "verdicts"),
    tags=("impact",),
)


def diff_sarif(
    diff: Diff, both: Both, *, version: str, base: str = "", secrets: Iterable[str] = ()
) -> dict[str, Any]:
    """The SARIF log; what is safe is not in it.

    Args:
        base: the project's folder, seen from the root of its repository.
    """
    return sarif_document(
        _results(diff, both),
        (_BREAKING, _FAILS, _REVIEW),
        version=version,
        category="diff",
        base=base,
        secrets=secrets,
    )


def _results(diff: Diff, both: Both) -> Iterator[SarifResult]:
    for change in diff.changes:
        if change.verdict == "safe":
            continue
        about = {"asset": change.key, "extent": change.extent, "verdict": change.verdict}
        fingerprint = f"{change.key}:{change.how}:{change.extent}"
        rule = _BREAKING if change.verdict == "breaking" else _REVIEW
        yield _result(rule, both, change.key, f": {change.reason}", fingerprint, about)
        for position, failure in enumerate(change.fails):
            own = failure.key == change.key
            if own and position == 0:  # that is why the change is breaking, and was just said
                continue
            about = {"asset": failure.key, "changed": change.key}
            fingerprint = f"{failure.key}:{failure.reason}"
            rule = _BREAKING if own else _FAILS
            yield _result(rule, both, failure.key, f" {failure.reason}", fingerprint, about)
    for check in diff.checks:
        if check.verdict != "safe":
            about = {"check": check.key, "verdict": check.verdict}
            fingerprint = f"{check.key}:{check.how}"
            yield _result(_REVIEW, both, check.key, f": {check.reason}", fingerprint, about)


def _result(
    rule: SarifRule, both: Both, key: str, said: str, fingerprint: str, about: dict[str, str]
) -> SarifResult:
    """At the file of an asset or a check."""
    path, line = both.place(key)
    return SarifResult(
        rule_id=rule.id, level=rule.level, message=f"{key}{said}", path=path, line=line,
        fingerprint=fingerprint, properties=about,
    )  # fmt: skip
