"""``toolkit rollback``, and what a build says of its publication."""

from typing import TYPE_CHECKING, Any

import click

from toolkit.cli.options import output_options, project_options, settings_from

if TYPE_CHECKING:
    from toolkit.run.publish import Publication


@click.command()
@click.option(
    "--force", is_flag=True,
    help="Do it though the live file was changed since it was published.",
)  # fmt: skip
@project_options
@output_options
def rollback(force: bool, **options: Any) -> None:
    """Bring back the version that was live before the last `build --publish`.

    The two versions change places, so a second rollback undoes the first. The next plan starts
    from what is live then.
    """
    from toolkit.cli.console import ago, json_line, plural
    from toolkit.run.publish import rollback as roll_back

    done = roll_back(settings_from(options), force=force)
    if options["log_format"] == "json":
        json_line("rolled_back", live=done.live, made_by=done.made_by, taken_back=done.taken_back)
        return
    if options["quiet"]:
        return
    click.echo(f"{done.live} is the version again that was live {ago(done.at)} ago.", err=True)
    for words, runs in (
        ("Not live any more is", done.taken_back),
        ("Live again is", done.made_by),
    ):
        if runs:
            click.echo(f"{words} the work of {plural(len(runs), 'run')}: {', '.join(runs)}.",
                       err=True)  # fmt: skip


def tell_publication(publication: "Publication", *, as_json: bool, quiet: bool) -> None:
    """Say whether what was built is live; that it is not is said in any case."""
    if as_json:
        from toolkit.cli.console import json_line

        json_line(
            "publication", published=publication.published, live=str(publication.live),
            staging=str(publication.staging) if publication.staging else None,
        )  # fmt: skip
    elif not publication.published:
        click.echo(
            f"Nothing was published: {publication.live} is as it was. What was built is in "
            f"{publication.staging}, until the next `toolkit build --publish`.",
            err=True,
        )
    elif publication.swapped and not quiet:
        click.echo(
            f"Published: {publication.live}. `toolkit rollback` brings back the version before.",
            err=True,
        )
    elif not quiet:
        click.echo(f"Nothing changed, so {publication.live} stays as it is.", err=True)
