"""``toolkit ls``: assets by selection."""

from typing import Any

import click

from toolkit.cli.loading import load_project, selected
from toolkit.cli.options import artifact_options, output_options, project_options, selection_options

_FIELDS = (
    "key",
    "kind",
    "name",
    "relation",
    "depends_on",
    "owner",
    "tags",
    "group",
    "path",
    "integration",
)


@click.command(name="ls")
@click.option(
    "--output", type=click.Choice(["text", "name", "json"]), default="text",
    help="text: a table; name: one key a line; json: one object a line.",
)  # fmt: skip
@project_options
@selection_options
@artifact_options
@output_options
def ls(output: str, **options: Any) -> None:
    """List assets, parents before children."""
    project = load_project(options)
    selection = selected(project, options)
    assets = [project.graph[key] for key in project.graph.topological(selection.assets)]
    if output == "name":
        for asset in assets:
            click.echo(asset.key)
    elif output == "json":
        import msgspec

        for asset in assets:
            record = {name: getattr(asset, name) for name in _FIELDS}
            record["relation"] = str(asset.relation) if asset.relation else None
            click.echo(msgspec.json.encode(record).decode())
    else:
        width = max((len(asset.kind) for asset in assets), default=0)
        names = max((len(asset.key) for asset in assets), default=0)
        for asset in assets:
            place = str(asset.relation) if asset.relation else ""
            click.echo(f"{asset.kind:<{width}}  {asset.key:<{names}}  {place}".rstrip())
