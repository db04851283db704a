"""A diff for a terminal: the answer, then each change with its reason, worst first."""

from collections.abc import Callable, Iterator

from toolkit.diff.model import AssetChange, Diff
from toolkit.report.diff.document import Both, owners
from toolkit.report.diff.words import (
    clause_lines,
    column_line,
    column_why,
    counted,
    headline,
    other_failures,
    rows_line,
    title,
)

Painter = Callable[[str, str], str]
"""Takes a verdict and a text, gives the text in the verdict's colour."""

_SHOWN = 8
_INDENT = "          "


def diff_text(
    diff: Diff, both: Both, paint: Painter = lambda _, text: text, *, everything: bool = False
) -> str:
    """The diff in lines.

    Args:
        everything: all that is safe, and all that is reached, one by one.
    """
    lines = [headline(diff)]
    lines += [f"({note})" for note in diff.problems]
    safe = 0
    for change in diff.changes:
        if change.verdict == "safe" and not everything:
            safe += 1
            continue
        lines += ["", f"{paint(change.verdict, f'{change.verdict:<8}')}  {title(change)}"]
        lines += [f"{_INDENT}{line}" for line in change_lines(change, both, everything=everything)]
    checks = [one for one in diff.checks if one.verdict != "safe" or everything]
    safe += len(diff.checks) - len(checks)
    for check in checks:
        sign = {"added": "+ ", "removed": "- "}.get(check.how, "")
        lines += ["", f"{paint(check.verdict, f'{check.verdict:<8}')}  {sign}{check.key}"]
        lines.append(f"{_INDENT}{check.reason}")
    if diff.data:
        lines += ["", "rows:"]
        lines += [f"  {key}: {rows_line(rows)}" for key, rows in diff.data.items()]
    if safe:
        lines += ["", f"{safe} safe {'change' if safe == 1 else 'changes'} not shown (--all)"]
    return "\n".join(lines) + "\n"


def change_lines(change: AssetChange, both: Both, *, everything: bool) -> Iterator[str]:
    """All that is said of one change, below its name."""
    yield change.reason
    path, line = both.place(change.key)
    if path is not None:
        yield f"{path}:{line}" if line else path
    for column in change.columns:
        why = column_why(column, change)
        yield f"{column_line(column)}  [{column.verdict}{f': {why}' if why else ''}]"
    yield from clause_lines(change.clauses_gone, change.clauses_new)
    for note in change.notes:
        yield note.what + (f" ({note.reason})" if note.reason else "")
    fails = other_failures(change)
    shown = fails if everything else fails[:_SHOWN]
    for failure in shown:
        yield f"fails: {failure.said_of(change.key)}"
    if len(shown) < len(fails):
        yield f"fails: {len(fails) - len(shown)} more (--all)"
    if change.passed_on:
        names = [f"{'-' if c.how == 'removed' else '+'}{c.name}" for c in change.passed_on]
        yield f"passed on: {', '.join(names)}"
    if change.reached:
        people = owners(change, both)
        yield f"reaches {counted(change.reached, both)}" + (
            f"; owners: {', '.join(people)}" if people else ""
        )
        yield from _reached(change, both, everything=everything)


def _reached(change: AssetChange, both: Both, *, everything: bool) -> Iterator[str]:
    ends = [one for one in change.reached if both[one.key].kind in ("exposure", "ml_model")]
    shown = list(change.reached) if everything else ends[:_SHOWN]
    for one in shown:
        way = " -> ".join(
            both.name(hop.asset) + (f".{hop.column}" if hop.column else "") for hop in one.path
        )
        doubt = "" if one.sure else "  (possibly)"
        yield f"  {one.key}{doubt}: {way}"
