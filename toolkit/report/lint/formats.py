"""Findings for machines: JSON, SARIF, JUnit."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from toolkit.lineage import Coverage
from toolkit.report.junit import JunitCase, junit_document
from toolkit.report.lint.text import counts
from toolkit.report.sarif import SarifResult, SarifRule, documentation_uri, sarif_document
from toolkit.rules import RULES, Finding

SCHEMA_VERSION = 1


def lint_document(
    findings: Sequence[Finding],
    severities: Mapping[str, str],
    *,
    project: str,
    target: str,
    coverage: Coverage,
) -> dict[str, Any]:
    """The JSON of ``toolkit lint``.

    Args:
        severities: of each of our rules, ``off`` too.
        coverage: a tag is not followed through what is opaque.
    """
    found = counts(findings)
    return {
        "schema_version": SCHEMA_VERSION,
        "project": project,
        "target": target,
        "counts": {"error": found["error"], "warning": found["warning"]},
        "rules": [
            {"id": rule.id, "severity": severities[rule.id], "title": rule.title} for rule in RULES
        ],
        "findings": [msgspec.to_builtins(finding) for finding in findings],
        "coverage": msgspec.to_builtins(coverage),
    }


def lint_sarif(
    findings: Iterable[Finding], *, version: str, base: str, secrets: Iterable[str]
) -> dict[str, Any]:
    """A SARIF log; codes of other tools are rules named ``tool/code``."""
    rules = [
        SarifRule(
            id=rule.id,
            title=rule.title,
            text=f"{rule.title}. {rule.why} {rule.mend}",
            level="error" if rule.default == "error" else "warning",
            help_uri=documentation_uri("rules", rule.id),
            tags=("governance",),
        )
        for rule in RULES
    ]
    results = [
        SarifResult(
            rule_id=_rule_id(finding),
            level=finding.severity,
            message=" ".join(part for part in (finding.message, finding.mend) if part),
            path=finding.path,
            line=finding.line,
            fingerprint=_fingerprint(finding),
            properties={
                key: value
                for key, value in (("asset", finding.asset), ("column", finding.column))
                if value
            },
        )
        for finding in findings
    ]
    return sarif_document(
        results, rules, version=version, category="toolkit-lint", base=base, secrets=secrets
    )


def lint_junit(findings: Sequence[Finding], severities: Mapping[str, str], project: str) -> str:
    """One case for each finding, and one for each rule that is on and not broken.

    An error is a failure; a warning passes, and says so.
    """
    broken = {finding.rule for finding in findings if finding.tool == "toolkit"}
    cases = [
        JunitCase(classname="toolkit.lint", name=rule.id)
        for rule in RULES
        if rule.id not in broken and severities[rule.id] != "off"
    ]
    for finding in findings:
        about = ".".join(part for part in (finding.asset, finding.column) if part)
        text = " ".join(part for part in (finding.message, finding.mend) if part)
        cases.append(
            JunitCase(
                classname=f"{finding.tool}.lint",
                name=f"{finding.rule} {about or finding.path or ''}".rstrip(),
                outcome="failure" if finding.severity == "error" else "warning",
                kind=finding.rule,
                message=text,
                path=finding.path,
                line=finding.line,
            )
        )
    return junit_document(f"{project} lint", cases)


def _rule_id(finding: Finding) -> str:
    return finding.rule if finding.tool == "toolkit" else f"{finding.tool}/{finding.rule}"


def _fingerprint(finding: Finding) -> str:
    """Without the path it takes: a tag that flows by another way is the same finding."""
    if finding.asset is not None and finding.tool == "toolkit":
        return f"{finding.asset}\0{finding.column or ''}"
    return f"{finding.path or ''}\0{finding.asset or ''}\0{finding.message}"
