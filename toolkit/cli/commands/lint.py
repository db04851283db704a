"""``toolkit lint``: governance rules on the graph and its lineage."""

from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from toolkit.cli.console import GATE
from toolkit.cli.loading import load_project, selected
from toolkit.cli.options import (
    Paths,
    artifact_options,
    output_options,
    project_options,
    selection_options,
)
from toolkit.cli.written import give, written_options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from toolkit.lineage import Lineage
    from toolkit.project import Project
    from toolkit.rules import Finding

FORMATS = ("text", "json", "markdown", "sarif", "junit")
_COLORS = {"error": "red", "warning": "yellow"}


@click.command()
@written_options(FORMATS)
@click.option(
    "foreign", "--with", type=click.Path(path_type=Path), cls=Paths, multiple=True,
    help="Show what other tools found, too: the JSON of `sqlfluff lint --format json`, the "
    "run_results.json of a build of dbt-project-evaluator.",
)  # fmt: skip
@click.option(
    "--fail-on", type=click.Choice(["error", "warning", "never"]), default="error",
    show_default=True, help="Exit with 3 if there is anything as bad as this, or worse.",
)  # fmt: skip
@project_options
@selection_options
@artifact_options
@output_options
def lint(
    form: str, output: Path | None, write: tuple[tuple[str, Path], ...],
    foreign: tuple[Path, ...], fail_on: str, **options: Any,
) -> None:  # fmt: skip
    """Check governance rules: owners, descriptions, contracts, tags, what nothing reads.

    What counts, how much and with which exceptions is said under `rules` in toolkit.yml.
    """
    from toolkit.report.files import write_atomically

    project = load_project(options)
    lineage = project.lineage()  # first: it may have SQL compiled, and the graph made anew
    found = [*_found(project, lineage), *_foreign(project, foreign)]
    if (
        any(options[name] for name in ("select", "exclude", "resource_types", "state"))
        or (options["exclude_resource_types"])
    ):
        chosen = selected(project, options).assets
        found = [finding for finding in found if finding.asset in chosen]
    for name, path in write:
        write_atomically(path, _rendered(project, lineage, found, name, colored=False))
    text = _rendered(project, lineage, found, form, colored=output is None)
    give(text, output)
    if not options["quiet"]:
        _tell(project, lineage, found, said=form == "text" and output is None)
    bad = {"error": ("error",), "warning": ("error", "warning"), "never": ()}[fail_on]
    if any(finding.severity in bad for finding in found):
        click.get_current_context().exit(GATE)


def _found(project: "Project", lineage: "Lineage") -> "Sequence[Finding]":
    from toolkit.rules import findings
    from toolkit.rules.lines import with_lines

    found = findings(
        project.graph, lineage, project.settings, project=project.name, dialect=project.dialect
    )
    return with_lines(found, project.graph, project.settings.project_dir)


def _foreign(project: "Project", files: tuple[Path, ...]) -> "list[Finding]":
    from toolkit.rules.foreign import read_foreign

    return [one for path in files for one in read_foreign(path, project.graph, project.settings)]


def _rendered(
    project: "Project", lineage: "Lineage", found: "Sequence[Finding]", form: str, *, colored: bool
) -> str:
    from toolkit.masking import Masker
    from toolkit.report.files import json_text
    from toolkit.report.lint import formats, text
    from toolkit.report.sarif import repository_prefix
    from toolkit.rules import severities

    settings = project.settings
    masker = Masker(settings.secrets)
    if form == "text":

        def paint(severity: str, text: str) -> str:
            return click.style(text, fg=_COLORS[severity], bold=True) if colored else text

        return masker.mask(text.lint_text(found, paint))
    if form == "markdown":
        return masker.mask(text.lint_markdown(found))
    if form == "junit":
        return masker.mask(formats.lint_junit(found, severities(settings), project.name))
    if form == "sarif":
        document = formats.lint_sarif(
            found,
            version=version("toolkit"),
            base=repository_prefix(settings.project_dir),
            secrets=settings.secrets,
        )
        return json_text(document)
    return json_text(
        masker.mask_strings(
            formats.lint_document(
                found, severities(settings), project=project.name, target=settings.target,
                coverage=lineage.coverage,
            )
        )
    )  # fmt: skip


def _tell(
    project: "Project", lineage: "Lineage", found: "Sequence[Finding]", *, said: bool
) -> None:
    """The verdict where standard output is data; and how far columns could be followed."""
    from toolkit.cli.console import plural
    from toolkit.report.lint.text import headline
    from toolkit.rules import follows_tags

    if not said:
        click.echo(f"toolkit lint: {headline(found)}", err=True)
    coverage = lineage.coverage
    unseen = coverage.opaque + coverage.partial
    if unseen and follows_tags(project.graph, project.settings):
        click.echo(
            f"The columns of {plural(unseen, 'asset')} could not be traced in full: a tag is not "
            "followed through them. `toolkit lineage` says why.",
            err=True,
        )
