"""What the text and the Markdown of a diff both say."""

from collections import Counter
from collections.abc import Sequence

from toolkit.diff.definition import Clause
from toolkit.diff.model import AssetChange, ColumnChange, Diff, Failure, ReachedAsset
from toolkit.report.diff.document import Both
from toolkit.warehouse.rows_diff import RowsDiff

_KINDS = {
    "python": "Python asset", "ml_model": "ML model", "saved_query": "saved query",
    "semantic_model": "semantic model",
}  # fmt: skip
_ORDER = ("exposure", "ml_model", "metric", "python", "model", "snapshot")
_LONGEST = 160
_COLUMNS = 5


def plural(count: int, word: str) -> str:
    """``1 model``, ``2 models``."""
    if count != 1:
        word = f"{word[:-1]}ies" if word.endswith("query") else f"{word}s"
    return f"{count:,} {word}"


def kind(name: str) -> str:
    """A kind of asset in words."""
    return _KINDS.get(name, name)


def headline(diff: Diff) -> str:
    """The answer, in one sentence."""
    if diff.verdict is None:
        return f"Nothing changes against {diff.base}."
    parts = [f"{count} {verdict}" for verdict, count in diff.counts.items() if count]
    said = {
        "breaking": "This breaks something",
        "review": "Nothing is proved to break; somebody should look",
        "safe": "This is safe, as far as the graph goes",
    }[diff.verdict]
    return f"{said}: {', '.join(parts)}, against {diff.base}."


def counted(reached: Sequence[ReachedAsset], both: Both) -> str:
    """``1 exposure, 2 ML models, 12 models``; possible ones apart."""
    sure = _by_kind([one for one in reached if one.sure], both)
    possible = _by_kind([one for one in reached if not one.sure], both)
    if not possible:
        return sure
    return f"{sure}; possibly {possible}" if sure else f"possibly {possible}"


def _by_kind(reached: Sequence[ReachedAsset], both: Both) -> str:
    counts = Counter(both[one.key].kind for one in reached)
    order = sorted(counts, key=lambda k: (_ORDER.index(k) if k in _ORDER else len(_ORDER), k))
    return ", ".join(plural(counts[name], kind(name)) for name in order)


def column_line(column: ColumnChange) -> str:
    """What became of a column, without its verdict."""
    if column.how == "renamed":
        return f"{column.was} -> {column.name} (renamed)"
    if column.how == "retyped":
        return f"{column.name}: {column.was} -> {column.now}"
    if column.how == "changed":
        return f"{column.name}: {short(column.was)} -> {short(column.now)}"
    sign = "+" if column.how == "added" else "-"
    return f"{sign} {column.name}"


def column_why(column: ColumnChange, change: AssetChange) -> str:
    """Why its verdict is so; empty where the change's own reason has said that."""
    its_own = change.reason.startswith(f"{column.name} ") and change.reason.endswith(
        f"; {column.reason}"
    )
    return "" if its_own or _is_first(column.reason, change) else column.reason


def other_failures(change: AssetChange) -> list[Failure]:
    """What fails besides what the reasons of the change and of its columns have told of."""
    told = {column.reason for column in change.columns}
    said = [(one, one.said_of(change.key)) for one in change.fails]
    return [one for one, text in said if text not in told and not _is_first(text, change)]


def _is_first(text: str, change: AssetChange) -> bool:
    """Whether the change's reason says this, alone or before it counts others."""
    return change.reason == text or change.reason.startswith(f"{text}, and ")


def clause_lines(gone: Sequence[Clause], new: Sequence[Clause]) -> list[str]:
    """What decided the rows before, and does now."""
    return [f"- {short(clause.text)}" for clause in gone] + [
        f"+ {short(clause.text)}" for clause in new
    ]


def rows_line(rows: RowsDiff) -> str:
    """How the rows of a table differ, in one line."""
    if rows.base is None or rows.head is None:
        there = rows.head if rows.base is None else rows.base
        where = "now" if rows.base is None else "before"
        return (
            "no table in either file" if there is None else f"{plural(there, 'row')}, only {where}"
        )
    if rows.same:
        return f"{plural(rows.head, 'row')}, all the same{_share(rows)}"
    parts = [f"{rows.base:,} -> {plural(rows.head, 'row')}"]
    what = "key" if rows.key else "row"
    parts += [f"{plural(rows.only_base, what)} only before"] if rows.only_base else []
    parts += [f"{plural(rows.only_head, what)} only now"] if rows.only_head else []
    worst = sorted(rows.columns.items(), key=lambda item: -item[1])
    parts += [f"{name} differs in {plural(count, 'row')}" for name, count in worst[:_COLUMNS]]
    parts += [f"{len(worst) - _COLUMNS} more columns differ"] if len(worst) > _COLUMNS else []
    return ", ".join(parts) + _share(rows)


def _share(rows: RowsDiff) -> str:
    by = f"by {', '.join(rows.key)}" if rows.key else "row by row"
    part = "" if rows.share == 1 else f", {rows.share:.1%} of them compared"
    return f" ({by}{part})"


def title(change: AssetChange) -> str:
    """What happened to the asset."""
    if change.how == "renamed":
        return f"{change.was} -> {change.key}"
    sign = {"added": "+ ", "removed": "- "}.get(change.how, "")
    return f"{sign}{change.key}"


def short(text: str | None) -> str:
    """On one line, and not longer than a person reads."""
    if text is None:
        return "?"
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
