"""A diff as a comment on a pull request: the answer first, details folded, never too long."""

from collections.abc import Iterator, Sequence

from toolkit.diff.model import AssetChange, CheckChange, Diff, Failure
from toolkit.lineage.walks.reach import Verdict
from toolkit.report.diff.document import Both, owners
from toolkit.report.diff.picture import picture
from toolkit.report.diff.words import (
    clause_lines,
    column_line,
    column_why,
    counted,
    headline,
    other_failures,
    rows_line,
)
from toolkit.report.markdown import code, plain

MARKER = "<!-- toolkit:diff -->"
"""The first line: by it a later run finds the comment, to write it anew."""

LIMIT = 65_536
"""Characters that GitHub takes."""

_ROOM = LIMIT - 4_000
_SIGNS = {"breaking": "❌", "review": "⚠️", "safe": "✅"}
_REACHED = 30
_LISTED = 40


def diff_markdown(diff: Diff, both: Both, *, link: str | None = None, more: str = "") -> str:
    """The comment.

    Args:
        link: where the full report is, for what has no room.
        more: Markdown to put below it, where it has room.
    """
    head = [MARKER, f"### {_SIGNS[diff.verdict or 'safe']} {plain(headline(diff))}", ""]
    head += [f"_{plain(note)}_\n" for note in diff.problems]
    foot = _foot(link)
    drawn = picture(diff, both)
    safe = _safe(diff)
    data = _rows(diff)
    for detailed, shown, with_picture in (
        (True, None, True), (True, None, False), (False, None, False), (False, _LISTED, False),
    ):  # fmt: skip
        parts = [*head, *_loud(diff, both, detailed=detailed, shown=shown)]
        parts += [drawn] if with_picture and drawn else []
        parts += data if detailed else []
        parts += safe if shown is None else []
        for below in (more, "") if more else ("",):
            text = "\n".join([*parts, below, *foot])
            if len(text) <= _ROOM:
                return text
    return text[:_ROOM].rsplit("\n", 1)[0] + "\n\n" + "\n".join(["More has no room here.", *foot])


def _foot(link: str | None) -> list[str]:
    return ["", f"[Everything that is there and what depends on it]({link})"] if link else [""]


def _loud(diff: Diff, both: Both, *, detailed: bool, shown: int | None) -> Iterator[str]:
    changes = [change for change in diff.changes if change.verdict != "safe"]
    checks = [change for change in diff.checks if change.verdict != "safe"]
    for change in changes[:shown]:
        yield f"- {_line(change, both)}"
        if detailed:
            yield from _details(change, both)
    if shown is not None and len(changes) > shown:
        yield f"- {len(changes) - shown} more changes of assets, which have no room here"
    yield from (f"- {_check(check)}" for check in checks[:shown])
    if shown is not None and len(checks) > shown:
        yield f"- {len(checks) - shown} more changes of checks, which have no room here"
    yield ""


def _line(change: AssetChange, both: Both) -> str:
    name = f"{code(change.was)} → {code(change.key)}" if change.was else code(change.key)
    did = {"added": " is new", "removed": " is removed"}.get(change.how, "")
    text = f"{_sign(change.verdict)} {name}{did}: {plain(change.reason)}"
    if change.reached:
        text += f". Reaches {plain(counted(change.reached, both))}"
    if people := owners(change, both):
        text += f"; owners: {', '.join(map(code, people))}"
    return text


def _sign(verdict: Verdict) -> str:
    return f"{_SIGNS[verdict]} **{verdict}**"


def _check(change: CheckChange) -> str:
    did = {"added": " is new", "removed": " is removed"}.get(change.how, "")
    return f"{_sign(change.verdict)} {code(change.name)}{did}: {plain(change.reason)}"


def _details(change: AssetChange, both: Both) -> Iterator[str]:
    path, line = both.place(change.key)
    lines = [code(f"{path}:{line}" if line else path)] if path else []
    lines += [
        f"{code(column_line(column))} **{column.verdict}**" + (f": {plain(why)}" if why else "")
        for column, why in ((one, column_why(one, change)) for one in change.columns)
    ]
    lines += [code(text) for text in clause_lines(change.clauses_gone, change.clauses_new)]
    lines += [
        code(note.what) + (f" **{note.verdict}**: {plain(note.reason)}" if note.reason else "")
        for note in change.notes
    ]
    lines += [*_cut([_failure(one, change, both) for one in other_failures(change)])]
    if change.passed_on:
        names = [f"{'-' if c.how == 'removed' else '+'} {c.name}" for c in change.passed_on]
        lines.append(f"passed on: {', '.join(map(code, names[:_REACHED]))}")
    lines += [*_cut([*_reached(change, both)])]
    if not lines:
        return
    yield "  <details><summary>what differs, and who is reached</summary>"
    yield ""
    yield from (f"  - {text}" for text in lines)
    yield ""
    yield "  </details>"
    yield ""


def _failure(failure: Failure, change: AssetChange, both: Both) -> str:
    name = "" if failure.key == change.key else f"{code(both.name(failure.key))} "
    return f"fails: {name}{plain(failure.reason)}"


def _reached(change: AssetChange, both: Both) -> Iterator[str]:
    for one in change.reached:
        columns = f": {', '.join(map(code, one.columns[:8]))}" if one.columns else ""
        more = f" and {len(one.columns) - 8} more" if len(one.columns) > 8 else ""
        doubt = "" if one.sure else " (possibly)"
        yield f"reaches {code(one.key)}{doubt}{columns}{more}"


def _cut(lines: Sequence[str]) -> Iterator[str]:
    yield from lines[:_REACHED]
    if len(lines) > _REACHED:
        yield f"{len(lines) - _REACHED} more"


def _rows(diff: Diff) -> list[str]:
    if not diff.data:
        return []
    shown = [f"- {code(key)}: {plain(rows_line(rows))}" for key, rows in diff.data.items()]
    differing = sum(not rows.same for rows in diff.data.values())
    summary = f"rows of {differing} of {len(diff.data)} tables differ"
    return [f"<details><summary>{summary}</summary>", "", *_cut(shown), "", "</details>", ""]


def _safe(diff: Diff) -> list[str]:
    changes = [change for change in diff.changes if change.verdict == "safe"]
    checks = [change for change in diff.checks if change.verdict == "safe"]
    count = len(changes) + len(checks)
    if not count:
        return []
    shown = [f"- {code(c.key)}: {plain(c.reason)}" for c in changes]
    shown += [f"- {code(c.name)}: {plain(c.reason)}" for c in checks]
    word = "change" if count == 1 else "changes"
    return [
        f"<details><summary>{count} safe {word}</summary>", "", *_cut(shown), "", "</details>",
    ]  # fmt: skip
