"""``toolkit models``: the versions of ML models, and which of them counts."""

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from toolkit.cli.commands.models_text import details_lines, list_lines
from toolkit.cli.console import plural, print_json, say
from toolkit.cli.loading import load_project
from toolkit.cli.options import output_options, project_options, settings_from
from toolkit.cli.written import format_options

if TYPE_CHECKING:
    from toolkit.integrations.python.models.info import Storing
    from toolkit.ledger import Ledger
    from toolkit.settings import Settings


@click.group()
def models() -> None:
    """List, show, promote and roll back the versions of ML models."""


@models.command(name="list", short_help="List ML models with their current versions.")
@format_options()
@project_options
@output_options
def list_(form: str, **options: Any) -> None:
    """List each model of each target: its current version, metrics, what waits."""
    from toolkit.integrations.python.models.manage import model
    from toolkit.integrations.python.models.store import store_of

    settings = settings_from(options)
    with _looking(settings) as ledger:
        store = store_of(settings, ledger)
        rows = [
            model(store_of(settings, ledger, target), ledger, name)
            for name in store.names()
            for target in store.targets(name)
            if options["target"] in (None, target)
        ]
    if form == "json":
        print_json(rows)
        return
    if not rows and not options["quiet"]:
        click.echo("No ML model is stored here yet; `toolkit build` makes them.", err=True)
    for line in list_lines(rows):
        say(line)


@models.command(short_help="Show all that is known of a version.")
@click.argument("name")
@click.option("--version", help="Which version; default: the current one.")
@format_options()
@project_options
@output_options
def show(name: str, version: str | None, form: str, **options: Any) -> None:
    """Show all that is known of a version, and how its metrics differ from the promoted one's."""
    from toolkit.integrations.python.models.manage import details, known
    from toolkit.integrations.python.models.store import store_of

    settings = settings_from(options)
    with _looking(settings) as ledger:
        store = store_of(settings, ledger)
        found = details(store, ledger, known(store, name), version)
    if form == "json":
        print_json(found)
        return
    for line in details_lines(found):
        say(line)


@models.command(short_help="Make a version the current one.")
@click.argument("name")
@click.argument("version")
@click.option("--force", is_flag=True, help="Do it though its checks have not passed.")
@project_options
@output_options
def promote(name: str, version: str, force: bool, **options: Any) -> None:
    """Make VERSION (or a unique beginning or end of it) of the model NAME the current one.

    What reads the model is made again by the next build. No version waits for its checks any
    more: to promote the current one again refuses the candidate.
    """
    from toolkit.integrations.python.models import manage
    from toolkit.integrations.python.models.store import store_of
    from toolkit.run import holding

    settings = settings_from(options)
    storing = _storing(name, settings, options)
    with holding(settings) as ledger:
        store = store_of(settings, ledger)
        info = manage.promote(
            store, ledger, manage.known(store, name), version, storing, force=force
        )
        _note(ledger, settings, "models promote", f"{name} {info.version}")
    _tell(options, "promoted", name, info.version, settings.target)


@models.command(short_help="Go back to the version before.")
@click.argument("name")
@project_options
@output_options
def rollback(name: str, **options: Any) -> None:
    """Go back to the version of the model NAME that was promoted before the current one."""
    from toolkit.integrations.python.models import manage
    from toolkit.integrations.python.models.store import store_of
    from toolkit.run import holding

    settings = settings_from(options)
    storing = _storing(name, settings, options)
    with holding(settings) as ledger:
        store = store_of(settings, ledger)
        info = manage.rollback(store, ledger, name, storing)
        _note(ledger, settings, "models rollback", f"{name} {info.version}")
    _tell(options, "rolled_back", name, info.version, settings.target)


@models.command(short_help="Remove old versions.")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option(
    "--keep", type=click.IntRange(min=0), default=5, show_default=True,
    help="How many of the newest versions of each model stay.",
)  # fmt: skip
@project_options
@output_options
def prune(names: tuple[str, ...], keep: int, **options: Any) -> None:
    """Remove old versions; of all models where none is named.

    Never the one that a target uses, the one that was promoted before it, one that waits for
    its checks, nor the newest that was trained for a target.
    """
    from toolkit.integrations.python.models import manage
    from toolkit.integrations.python.models.store import store_of
    from toolkit.run import holding

    settings = settings_from(options)
    with holding(settings) as ledger:
        store = store_of(settings, ledger)
        chosen = [manage.known(store, name) for name in names] or store.names()
        removed = {}
        for name in chosen:
            targets = {settings.target, *store.targets(name)}
            stores = [store_of(settings, ledger, target) for target in sorted(targets)]
            removed[name] = manage.prune(stores, ledger, name, keep)
    if options["log_format"] == "json":
        from toolkit.cli.console import json_line

        json_line("pruned", removed=removed)
    elif not options["quiet"]:
        for name, versions in removed.items():
            left = len(store.versions(name))
            say(f"{name}: {plural(len(versions), 'version')} removed, {left} left.", err=True)


def _storing(name: str, settings: "Settings", options: dict[str, Any]) -> "Storing":
    """What the asset says of how its models may be loaded.

    Raises:
        UsageError: there is no such asset any more.
    """
    from toolkit.errors import UsageError
    from toolkit.integrations.python.models.info import Storing
    from toolkit.integrations.python.models.manage import NOTHING, known
    from toolkit.integrations.python.models.store import store_of

    known(store_of(settings), name)
    asset = load_project(options).graph.assets.get(f"python.{name}")
    if asset is None or asset.kind != "ml_model":
        raise UsageError(
            f"No @asset(kind='ml_model') makes {name!r} any more.",
            NOTHING,
            "Versions of it are still stored; nothing of the project uses them.",
        )
    return Storing(
        trusted=tuple(asset.config.get("trusted", ())),
        pickle_allowed=settings.python.allow_pickle,
    )


@contextlib.contextmanager
def _looking(settings: "Settings") -> "Iterator[Ledger | None]":
    from toolkit.ledger import Ledger

    path = settings.state_dir / "ledger.db"
    if not path.exists():
        yield None
        return
    with Ledger(path) as ledger:
        yield ledger


def _note(ledger: "Ledger", settings: "Settings", command: str, what: str) -> None:
    """For the history; and whatever was planned before must be planned again."""
    from toolkit.run import ended, new_run

    ledger.start_run(ended(new_run(settings.target, command=command, selection=what)))


def _tell(options: dict[str, Any], event: str, name: str, version: str, target: str) -> None:
    if options["log_format"] == "json":
        from toolkit.cli.console import json_line

        json_line(event, model=name, version=version, target=target)
    elif not options["quiet"]:
        say(
            f"{name} {version} is the current version for {target}. `toolkit build` brings what "
            "reads it up to date.",
            err=True,
        )
