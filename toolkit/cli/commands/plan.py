"""``toolkit plan``: what a build would do."""

from collections import Counter
from typing import TYPE_CHECKING, Any

import click

from toolkit.cli.console import plural, print_json, say
from toolkit.cli.loading import load_project, selected, selection_words
from toolkit.cli.options import output_options, project_options, selection_options
from toolkit.cli.written import format_options

if TYPE_CHECKING:
    from toolkit.plan import Plan


@click.command()
@format_options()
@click.option("--full-refresh", "-f", is_flag=True, help="Plan as `build --full-refresh` would.")
@click.option("--force", is_flag=True, help="Plan as `build --force` would.")
@project_options
@selection_options
@output_options
def plan(form: str, full_refresh: bool, force: bool, **options: Any) -> None:
    """Show what `toolkit build` would run and leave out, in order, each step with its reason."""
    project = load_project(options)
    selected(project, options)
    planned = project.plan(**selection_words(options), full_refresh=full_refresh, force=force)
    show_plan(planned, as_json=form == "json", quiet=options["quiet"])


def show_plan(planned: "Plan", *, as_json: bool, quiet: bool) -> None:
    """Print a plan on standard output and, unless ``quiet``, its size on standard error."""
    if as_json:
        steps = [
            {
                "step": p.step.key,
                "kind": p.step.kind,
                "integration": p.step.integration,
                "name": p.step.name,
                "makes": p.step.makes,
                "after": sorted(p.after),
                "action": p.action,
                "reason": p.reason,
                "why": p.why,
                "needs": p.step.needs,
            }
            for p in planned.steps
        ]
        not_made = [{"asset": u.asset, "reason": u.reason} for u in planned.unmade]
        print_json({"steps": steps, "not_made": not_made})
        return
    width = max((len(p.step.key) for p in planned.steps), default=0)
    for p in planned.steps:
        needs = f"; {p.step.needs}" if p.step.needs and p.action != "skip" else ""
        say(f"{p.action:<10}  {p.step.kind:<6}  {p.step.key:<{width}}  {p.reason}{needs}")
    for unmade in planned.unmade:
        say(f"none                {unmade.asset:<{width}}  {unmade.reason}")
    if not quiet:
        counts = Counter(p.action for p in planned.steps)
        rest = plural(len(planned.unmade), "asset")
        click.echo(
            f"{plural(counts['run'], 'step')} to run, {counts['if changed']:,} if something "
            f"changes, {counts['skip']:,} up to date, {rest} that nothing makes.",
            err=True,
        )
