"""``toolkit diff``: what a change breaks, from API field to dashboard."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from toolkit.cli.console import GATE, VERDICT_COLORS
from toolkit.cli.loading import load_project
from toolkit.cli.options import artifact_options, output_options, project_options
from toolkit.cli.written import give, written_options

if TYPE_CHECKING:
    from toolkit.diff.model import Diff
    from toolkit.diff.side import Side
    from toolkit.project import Project
    from toolkit.report.diff.document import Both

FORMATS = ("text", "markdown", "json", "sarif", "junit")


@click.command()
@click.option(
    "--base", required=True, metavar="PATH|COMMIT",
    help="What to compare with: a manifest.json, a folder with one, another checkout of the "
    "project, or a branch, tag or commit.",
)  # fmt: skip
@click.option(
    "--base-connections", type=click.Path(path_type=Path, exists=True), multiple=True,
    help="Airbyte configurations as they were, for a base of artifacts.",
)  # fmt: skip
@written_options(FORMATS)
@click.option(
    "--fail-on", type=click.Choice(["breaking", "review", "never"]), default="never",
    show_default=True, help="Exit with 3 if there is anything as bad as this, or worse.",
)  # fmt: skip
@click.option(
    "--data", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
    help="The DuckDB file that the base was built into: compare the rows of what is changed or "
    "reached with those in this target's file.",
)  # fmt: skip
@click.option(
    "--drift", is_flag=True,
    help="Say what the sources have changed, too, as discovered in the last 24 hours.",
)  # fmt: skip
@click.option(
    "--against", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
    help="With --drift: what the sources offer, from this file.",
)  # fmt: skip
@click.option("--all", "everything", is_flag=True, help="Show what is safe, and all reached, too.")
@project_options
@artifact_options
@output_options
@click.pass_context
def diff(
    ctx: click.Context, /, base: str, base_connections: tuple[Path, ...], form: str,
    output: Path | None, write: tuple[tuple[str, Path], ...], fail_on: str, data: Path | None,
    drift: bool, against: Path | None, everything: bool, **options: Any,
) -> None:  # fmt: skip
    """Say what a change breaks: every asset, column, dashboard and owner that it reaches.

    Only what can be proved is called breaking: something reads what is gone, a contract is not
    kept. Formatting, comments, renamed CTEs and where a project is built are no change.
    """
    from toolkit.baseline import baseline
    from toolkit.errors import UsageError
    from toolkit.report.diff.document import Both
    from toolkit.report.files import write_atomically

    if against is not None and not drift:
        raise UsageError(
            "--against goes with --drift only.", "Nothing was compared.", "Give --drift, too."
        )
    project = load_project(options)
    before = baseline(project, base, base_connections)
    found = _compare(project, before.project, before.name, before.notes)
    if data is not None:
        found = _with_rows(found, before.project, project, data)
    both = Both(before.project.graph, project.graph)
    sources = _Sources(project, against, everything=everything) if drift else None
    shown = _Shown(found, both, project, sources, everything=everything)
    for name, path in write:
        write_atomically(path, shown.as_(name))
    text = shown.as_(form, colour=output is None)
    give(text, output)
    gates = {"breaking": ("breaking",), "review": ("breaking", "review"), "never": ()}[fail_on]
    tripped = sum(found.counts.get(gate, 0) for gate in gates)
    tripped += sources.count(gates) if sources is not None else 0
    if tripped:
        from toolkit.cli.console import plural

        click.echo(f"{plural(tripped, ' or '.join(gates) + ' change')} (--fail-on)", err=True)
        ctx.exit(GATE)


class _Sources:
    """What the sources of connections offer otherwise, as they were asked last."""

    def __init__(self, project: "Project", against: Path | None, *, everything: bool) -> None:
        from toolkit.cli.commands.connectors_diff import Compared
        from toolkit.report.drift import DriftReport

        self._project = project
        self._drifts = Compared(project, (), against, None, offline=against is None).all()
        folder = project.settings.project_dir
        self._report = DriftReport(project.graph, self._drifts, folder, everything=everything)

    def count(self, verdicts: tuple[str, ...]) -> int:
        """How many changes have one of these verdicts."""
        return sum(f.verdict in verdicts for drift in self._drifts for f in drift.findings)

    def document(self) -> list[Any]:
        """As in the JSON of `toolkit connectors diff`."""
        settings = self._project.settings
        connections: list[Any] = self._report.document(self._project.name, settings.target)[
            "connections"
        ]
        return connections

    def text(self) -> str:
        """For a terminal."""
        return f"\nsources:\n{self._report.text()}"

    def markdown(self) -> str:
        """For a comment."""
        return self._report.markdown()


def _compare(project: "Project", before: "Project", name: str, notes: tuple[str, ...]) -> "Diff":
    from toolkit.diff.compare import compare

    head = _side(project, project.dialect, "this project")
    base = _side(before, project.dialect, name, like=project)
    return msgspec.structs.replace(compare(base, head), problems=notes)


def _with_rows(found: "Diff", before: "Project", project: "Project", data: Path) -> "Diff":
    from toolkit.diff.rows import rows_differ
    from toolkit.errors import UsageError

    profile = project.settings.profile
    if profile is None or profile.file is None:
        raise UsageError(
            "--data compares DuckDB files, and this target has none.",
            "Nothing was compared.",
            "Leave out --data, or use a target of type duckdb and no --manifest.",
        )
    rows = rows_differ(found, before.graph, project.graph, (data, profile.file))
    return msgspec.structs.replace(found, data=rows)


def _side(project: "Project", dialect: str, name: str, like: "Project | None" = None) -> "Side":
    from toolkit.diff.side import Side

    lineage = project.lineage(like)  # may compile what is missing, which makes another graph
    return Side(project.graph, lineage, dialect, name)


class _Shown:
    """A diff in whichever format is asked for, with secrets masked."""

    def __init__(
        self, found: "Diff", both: "Both", project: "Project", sources: _Sources | None, *,
        everything: bool,
    ) -> None:  # fmt: skip
        self._found = found
        self._both = both
        self._project = project
        self._sources = sources
        self._everything = everything

    def as_(self, form: str, *, colour: bool = False) -> str:
        """The text of one format."""
        from toolkit.masking import Masker

        makers: dict[str, Callable[[], str]] = {
            "json": self._json, "markdown": self._markdown, "sarif": self._sarif,
            "junit": self._junit, "text": lambda: self._text(colour=colour),
        }  # fmt: skip
        return Masker(self._project.settings.secrets).mask(makers[form]())

    def _text(self, *, colour: bool) -> str:
        from toolkit.report.diff.text import diff_text

        def paint(verdict: str, text: str) -> str:
            return click.style(text, fg=VERDICT_COLORS[verdict]) if colour else text

        text = diff_text(self._found, self._both, paint, everything=self._everything)
        return text + (self._sources.text() if self._sources is not None else "")

    def _json(self) -> str:
        from toolkit.report.diff.document import diff_document
        from toolkit.report.files import json_text

        document = diff_document(self._found, self._both, self._project.name)
        document["drift"] = self._sources.document() if self._sources is not None else None
        return json_text(document)

    def _markdown(self) -> str:
        from toolkit.report.diff.markdown import diff_markdown

        more = self._sources.markdown() if self._sources is not None else ""
        return diff_markdown(self._found, self._both, more=more)

    def _junit(self) -> str:
        from toolkit.report.diff.junit import diff_junit

        return diff_junit(self._found, self._both, self._project.name)

    def _sarif(self) -> str:
        from importlib.metadata import version

        from toolkit.report.diff.sarif import diff_sarif
        from toolkit.report.files import json_text
        from toolkit.report.sarif import repository_prefix

        settings = self._project.settings
        document = diff_sarif(
            self._found, self._both, version=version("toolkit"), secrets=settings.secrets,
            base=repository_prefix(settings.project_dir),
        )  # fmt: skip
        return json_text(document)
