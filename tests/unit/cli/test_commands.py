"""toolkit/cli/commands has a module for each command, and parts that bear a command's name."""

from pathlib import Path

import click

import toolkit.cli.commands
from toolkit.cli import cli


def test_each_module_is_a_command_or_a_part_of_one() -> None:
    names = set(cli.list_commands(click.Context(cli)))
    folder = Path(toolkit.cli.commands.__file__).parent
    modules = {path.stem for path in folder.glob("*.py")} - {"__init__"}
    assert names <= modules
    assert {module.partition("_")[0] for module in modules - names} <= names
