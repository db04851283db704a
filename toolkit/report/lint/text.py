"""Findings for people: text for a terminal, Markdown for a comment or a CI summary."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

from toolkit.report.markdown import code, plain
from toolkit.rules import RULES, Finding
from toolkit.text import printable

MARKER = "<!-- toolkit:lint -->"
MAX_COMMENT = 65_000
"""Characters; GitHub takes 65,536."""

_TITLES = {rule.id: rule.title for rule in RULES}

Paint = Callable[[str, str], str]
"""``(severity, text)`` -> text, as the terminal shows it."""


def counts(findings: Iterable[Finding]) -> Counter[str]:
    """How many of each severity."""
    return Counter(finding.severity for finding in findings)


def headline(findings: Sequence[Finding]) -> str:
    """``2 errors and 1 warning.``"""
    found = counts(findings)
    parts = [
        f"{found[name]:,} {name}{'' if found[name] == 1 else 's'}"
        for name in ("error", "warning")
        if found[name]
    ]
    return f"{' and '.join(parts)}." if parts else "No rule is broken."


def lint_text(findings: Sequence[Finding], paint: Paint = lambda _, text: text) -> str:
    """By rule: where, what, and what to do where it is not the same for all."""
    lines: list[str] = []
    for (tool, rule), group in _grouped(findings).items():
        severity = group[0].severity
        head = rule if tool == "toolkit" else _one_line(f"{tool} {rule}")
        title = f" {_TITLES[rule]}" if tool == "toolkit" and rule in _TITLES else ""
        lines.append(f"{paint(severity, head)} ({severity}, {len(group):,}){title}")
        for finding in group:
            about = _about(finding)
            lines.append("  " + "  ".join(part for part in (_place(finding), about) if part))
            lines.append(f"    {_one_line(finding.message)}")
            if finding.mend:
                lines.append(f"    -> {_one_line(finding.mend)}")
        lines.append("")
    lines.append(headline(findings))
    return "\n".join(lines) + "\n"


def lint_markdown(findings: Sequence[Finding], *, limit: int = MAX_COMMENT) -> str:
    """A comment: the verdict first, each rule folded; what does not fit is counted.

    It begins with a hidden marker, by which the comment is found and updated.
    """
    head = f"{MARKER}\n## toolkit lint: {headline(findings)}\n"
    groups = _grouped(findings)
    room = limit - len(head) - 200  # for the line that counts what is left out
    parts: list[str] = []
    shown = 0
    for (tool, rule), group in groups.items():
        name = rule if tool == "toolkit" else f"{tool} {rule}"
        opening = (
            f"\n<details{' open' if group[0].severity == 'error' else ''}>"
            f"<summary><b>{_summary(name)}</b> ({group[0].severity}, {len(group):,})</summary>\n\n"
            "| where | what | what to do |\n|---|---|---|\n"
        )
        closing = "\n</details>\n"
        if len(opening) + len(closing) > room:
            break
        room -= len(opening) + len(closing)
        rows: list[str] = []
        for finding in group:
            row = _row(finding)
            if len(row) > room:
                break
            room -= len(row)
            rows.append(row)
        shown += len(rows)
        parts.append(opening + "".join(rows) + closing)
        if len(rows) < len(group):
            break
    left = len(findings) - shown
    more = f"\n{left:,} more are not shown; the JSON has all of them.\n" if left else ""
    return head + "".join(parts) + more


def _row(finding: Finding) -> str:
    parts = [code(part) for part in (_place(finding), _about(finding)) if part]
    where = "<br>".join(parts).replace("|", "\\|")  # a table's cell ends at it, also in code
    return f"| {where} | {plain(finding.message)} | {plain(finding.mend)} |\n"


def _summary(text: str) -> str:
    """A rule's name within HTML; those of other tools come from a file."""
    return re.sub(r"[^\w .-]", "?", text)


def _grouped(findings: Sequence[Finding]) -> Mapping[tuple[str, str], list[Finding]]:
    """By tool and rule, in the order of the findings; ours come first."""
    found: dict[tuple[str, str], list[Finding]] = {}
    for finding in findings:
        found.setdefault((finding.tool, finding.rule), []).append(finding)
    return found


def _place(finding: Finding) -> str:
    if finding.path is None:
        return ""
    path = _one_line(finding.path)
    return f"{path}:{finding.line}" if finding.line else path


def _about(finding: Finding) -> str:
    return _one_line(".".join(part for part in (finding.asset, finding.column) if part))


def _one_line(text: str) -> str:
    return " ".join(printable(text).split())
