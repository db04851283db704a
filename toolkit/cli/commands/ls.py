"""``toolkit ls``: assets by selection."""

from typing import TYPE_CHECKING, Any

import click

from toolkit.cli.console import print_json, say
from toolkit.cli.loading import load_project, selected
from toolkit.cli.options import artifact_options, output_options, project_options, selection_options
from toolkit.cli.written import format_options

if TYPE_CHECKING:
    from toolkit.graph import Asset, Check

_OF_CHECKS = frozenset({"test", "unit_test", "check", "all"})


@click.command(name="ls")
@format_options(
    ("text", "name", "json"), "text: a table; name: one key a line; json: one object a line.",
    dbt=True,
)  # fmt: skip
@project_options
@selection_options
@artifact_options
@output_options
def ls(form: str, **options: Any) -> None:
    """List assets, parents before children.

    Checks are listed where --resource-type asks for them, or where nothing else is selected.
    """
    project = load_project(options)
    selection = selected(project, options)
    graph = project.graph
    found = [_asset(graph[key]) for key in graph.topological(selection.assets)]
    if not found or not _OF_CHECKS.isdisjoint(options["resource_types"]):
        found += [_check(check) for key, check in graph.checks.items() if key in selection.checks]
    if form == "name":
        for record in found:
            say(record["key"])
    elif form == "json":
        for record in found:
            print_json(record)
    else:
        width = max((len(record["kind"]) for record in found), default=0)
        names = max((len(record["key"]) for record in found), default=0)
        for record in found:
            place = record["relation"] or ""
            say(f"{record['kind']:<{width}}  {record['key']:<{names}}  {place}".rstrip())


def _asset(asset: "Asset") -> dict[str, Any]:
    return {
        "key": asset.key,
        "kind": asset.kind,
        "name": asset.name,
        "relation": str(asset.relation) if asset.relation else None,
        "depends_on": asset.depends_on,
        "owner": asset.owner,
        "tags": asset.tags,
        "group": asset.group,
        "path": asset.path,
        "integration": asset.integration,
    }


def _check(check: "Check") -> dict[str, Any]:
    return {
        "key": check.key,
        "kind": "check",
        "name": check.name,
        "relation": None,
        "depends_on": check.assets,
        "owner": None,
        "tags": check.tags,
        "group": check.group,
        "path": check.path,
        "integration": check.integration,
    }
