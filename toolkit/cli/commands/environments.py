"""``toolkit environments``: those that Python assets have of their own."""

import time
from typing import TYPE_CHECKING, Any

import click

from toolkit.cli.console import plural, print_json, say
from toolkit.cli.written import format_options

if TYPE_CHECKING:
    from toolkit.integrations.python.isolation.environments import Kept

_DAY = 86_400


@click.group()
def environments() -> None:
    """List and remove the environments of Python assets with requirements."""


@environments.command(name="list", short_help="List environments, the one used last first.")
@format_options()
def list_(form: str) -> None:
    """List each environment of this user: requirements, size, when it was last used."""
    from toolkit.integrations.python.isolation.environments import kept

    found = list(kept())
    if form == "json":
        print_json(found)
        return
    if not found:
        click.echo(
            "There is none; a build makes one for each Python asset with requirements.", err=True
        )
    for item in found:
        say(_line(item))


@environments.command(short_help="Remove those that were not used for long.")
@click.option(
    "--days", type=click.IntRange(min=0), default=30, show_default=True,
    help="Remove what was not used for so many days.",
)  # fmt: skip
def prune(days: int) -> None:
    """Remove environments that were not used for some time; a build makes them again."""
    from toolkit.integrations.python.isolation.environments import prune as remove

    gone = remove(unused_since=time.time() - days * _DAY)
    for item in gone:
        say(_line(item))
    size = sum(item.size for item in gone)
    click.echo(f"Removed {plural(len(gone), 'environment')}, {_megabytes(size)}.", err=True)


def _line(item: "Kept") -> str:
    days = int((time.time() - item.used) // _DAY)
    used = "today" if days < 1 else f"{plural(days, 'day')} ago"
    what: Any = ", ".join(item.requirements)
    return f"{item.folder}  Python {item.python}  {_megabytes(item.size)}  used {used}  {what}"


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.0f} MB"
