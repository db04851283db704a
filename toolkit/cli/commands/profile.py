"""``toolkit profile``: what is in a table, column by column, and how that went over time."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import click

from toolkit.cli.console import ago, clock, plural, say
from toolkit.cli.loading import load_project
from toolkit.cli.options import output_options, project_options
from toolkit.cli.written import format_options
from toolkit.errors import UsageError

if TYPE_CHECKING:
    from toolkit.graph.profile import ColumnProfile, TableProfile
    from toolkit.ledger import ProfileRow
    from toolkit.project import Project


@click.command()
@click.argument("asset")
@click.option("--history", is_flag=True, help="One line for each build, the newest first.")
@click.option(
    "--limit", type=click.IntRange(min=1), default=20, show_default=True,
    help="With --history: how many builds.",
)  # fmt: skip
@click.option(
    "--accept", is_flag=True,
    help="Say that ASSET is as it should be, as it was counted last, whatever a rule of "
    "`anomalies` finds; what is like it passes from then on.",
)  # fmt: skip
@format_options(dbt=True)
@project_options
@output_options
def profile(asset: str, history: bool, limit: int, accept: bool, form: str, **options: Any) -> None:
    """Show what was counted of ASSET, or of ASSET.COLUMN, when it was made.

    Rows and nulls are of the whole table; what is said of a sample says so.
    """
    project = load_project(options)
    key, column = _resolved(project, asset)
    if accept:
        _accept(project, key)
        return
    rows = project.profiles(key, limit if history else 1)
    if not rows:
        raise UsageError(
            f"Nothing was counted of {key} for target {project.settings.target} yet.",
            "Tables are counted when a build makes them: no views, and none with `profile: off`.",
            f"Run `toolkit build --select {project.graph[key].name}`.",
        )
    if column is not None and not any(row.profile.column(column) for row in rows):
        known = ", ".join(one.name for one in rows[0].profile.columns[:20])
        raise UsageError(
            f"{key} has no column {column!r} that was counted.",
            f"It has {known}." if known else "",
            "Check the spelling.",
        )
    if form == "json":
        click.echo(_json(key, project.settings.target, rows, column))
    elif history:
        _history(rows, column)
    else:
        _latest(key, rows[0], column)


def _resolved(project: "Project", text: str) -> tuple[str, str | None]:
    """The asset that is meant, and the column: what follows the last dot if that is no asset."""
    from toolkit.cli.names import asset_key, assets_named

    head, dot, tail = text.rpartition(".")
    if dot and not assets_named(project.graph, text) and assets_named(project.graph, head):
        return asset_key(project.graph, head), tail
    return asset_key(project.graph, text), None


def _accept(project: "Project", key: str) -> None:
    row = project.accept(key)
    if row is None:
        raise UsageError(
            f"Nothing was counted of {key} for target {project.settings.target} yet.",
            "So there is nothing to accept.",
            f"Run `toolkit build --select {project.graph[key].name}`.",
        )
    found = f"unusual were {', '.join(row.unusual)}" if row.unusual else "no rule found it unusual"
    click.echo(
        f"{key} is accepted as run {row.run_id} left it ({plural(row.profile.rows, 'row')}; "
        f"{found}). `toolkit build` goes on with what is downstream.",
        err=True,
    )


def _latest(key: str, row: "ProfileRow", column: str | None) -> None:
    said = row.profile
    sample = f", the rest of a sample of {said.sampled:,}" if said.sampled is not None else ""
    say(f"{key}  {plural(said.rows, 'row')}{sample}  {ago(row.at)} ago, run {row.run_id}")
    shown = [one for one in said.columns if column is None or _same(one.name, column)]
    head = ("column", "type", "nulls", "distinct", "least", "most", "mean", "quartiles")
    _table(head, (_cells(one, said) for one in shown), right=frozenset({2, 3, 6}))
    if said.left_out:
        say(f"and {plural(said.left_out, 'column')} more, which are not counted")
    for text in (said.note, _unusual(row)):
        if text:
            say(text)


def _cells(one: "ColumnProfile", said: "TableProfile") -> tuple[str, ...]:
    hidden = "hidden" if one.hidden else ""
    return (
        one.name,
        one.type,
        "" if one.nulls is None else f"{one.nulls:,} ({_share(one.nulls, said.rows)})",
        "" if one.distinct is None else f"~{one.distinct:,}",
        hidden or _value(one.least, one.type),
        hidden or _value(one.most, one.type),
        "" if one.mean is None else f"{one.mean:.6g}",
        "  ".join(f"{number:.6g}" for number in one.quartiles),
    )


def _value(text: str | None, kind: str) -> str:
    """A value as people write it: ``160.94``, which the nearest double is not."""
    if text is None or kind not in ("DOUBLE", "FLOAT"):
        return text or ""
    return f"{float(text):.15g}" if kind == "DOUBLE" else f"{float(text):.7g}"


def _history(rows: "Sequence[ProfileRow]", column: str | None) -> None:
    if column is None:
        head: tuple[str, ...] = ("when", "run", "rows", "columns", "")
        lines = [
            (clock(row.at), row.run_id, f"{row.profile.rows:,}",
             f"{len(row.profile.columns) + row.profile.left_out:,}", _unusual(row))
            for row in rows
        ]  # fmt: skip
        _table(head, lines, right=frozenset({2, 3}))
        return
    head = ("when", "run", "rows", "nulls", "distinct", "least", "most", "mean", "")
    lines_of: list[tuple[str, ...]] = []
    for row in rows:
        one = row.profile.column(column)
        if one is None:
            lines_of.append((clock(row.at), row.run_id, f"{row.profile.rows:,}", "no column"))
            continue
        cells = _cells(one, row.profile)
        lines_of.append(
            (clock(row.at), row.run_id, f"{row.profile.rows:,}", *cells[2:7], _unusual(row))
        )
    _table(head, lines_of, right=frozenset({2, 3, 4, 7}))


def _unusual(row: "ProfileRow") -> str:
    said = f"unusual: {', '.join(row.unusual)}" if row.unusual else ""
    return "; ".join(part for part in (said, "accepted" if row.accepted else "") if part)


def _table(head: Sequence[str], lines: Iterable[Sequence[str]], right: frozenset[int]) -> None:
    listed = [tuple(head), *(tuple(line) + ("",) * (len(head) - len(line)) for line in lines)]
    widths = [max(len(line[place]) for line in listed) for place in range(len(head))]
    for line in listed:
        cells = [
            cell.rjust(width) if place in right else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        say("  ".join(cells).rstrip())


def _json(key: str, target: str, rows: "Sequence[ProfileRow]", column: str | None) -> str:
    import msgspec

    told = []
    for row in rows:
        said = row.profile
        told.append(
            {
                "run": row.run_id,
                "at": row.at,
                "data_version": row.data_version,
                "rows": said.rows,
                "sampled": said.sampled,
                "columns": [
                    {
                        **msgspec.structs.asdict(one),
                        "null_share": None if one.nulls is None or not said.rows
                        else one.nulls / said.rows,
                    }
                    for one in said.columns
                    if column is None or _same(one.name, column)
                ],
                "left_out": said.left_out,
                "note": said.note,
                "unusual": row.unusual,
                "accepted": row.accepted,
            }
        )  # fmt: skip
    return msgspec.json.encode({"asset": key, "target": target, "profiles": told}).decode()


def _same(name: str, other: str) -> bool:
    return name.casefold() == other.casefold()


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "0%"
