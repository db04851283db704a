"""docs/cli.md has the commands, options, choices, defaults and exit codes as they are."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import click
import pytest

from toolkit.cli import cli
from toolkit.errors import ToolkitError
from toolkit.graph import Kind

DOCS = Path(__file__).parents[3] / "docs"
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def text_of(page: str) -> str:
    return (DOCS / page).read_text(encoding="utf-8")


def commands(
    group: click.Group = cli, name: str = "toolkit"
) -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group, info_name=name)
    for word in group.list_commands(context):
        command = group.get_command(context, word)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, f"{name} {word}")
        else:
            yield f"{name} {word}", command


def sections(text: str) -> dict[str, str]:
    parts = re.split(r"^##+ (.+)$", text, flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


SECTIONS = sections(text_of("cli.md"))
SHARED = {name: title for title in SECTIONS
          if (name := re.sub(" ", "-", title.lower())).endswith("-options")}  # fmt: skip
COMMANDS = dict(commands())


def rows(title: str) -> dict[frozenset[str], str]:
    """Rows of a section's table, and of the shared tables that it names."""
    section = SECTIONS[title]
    found = {
        frozenset(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", row.split("|")[1])): row
        for row in re.findall(r"^\| `-.*$", section, re.MULTILINE)
    }
    for link in re.findall(r"\(#([a-z-]+-options)\)", section):
        found |= rows(SHARED[link])
    return found


@pytest.mark.parametrize("name", COMMANDS)
def test_the_options_are_the_real_ones(name: str) -> None:
    command = COMMANDS[name]
    real = {
        frozenset((*option.opts, *option.secondary_opts)): option
        for option in command.params
        if isinstance(option, click.Option)
    }
    documented = rows(name)
    assert set(documented) == set(real)
    for names, option in real.items():
        wanted = list(option.type.choices) if isinstance(option.type, click.Choice) else []
        if isinstance(option.default, str | int) and not option.is_flag:
            wanted.append(str(option.default))
        missing = [word for word in wanted if str(word) not in documented[names]]
        assert missing == [], f"{name} {option.opts}"


@pytest.mark.parametrize("name", COMMANDS)
def test_the_usage_is_the_real_one(name: str) -> None:
    context = click.Context(COMMANDS[name], info_name=name)
    usage = COMMANDS[name].get_usage(context).removeprefix("Usage: ")
    assert FENCE.findall(SECTIONS[name])[0] == ("text", usage + "\n")


def test_no_command_is_left_over() -> None:
    titles = {title for title in SECTIONS if title.startswith("toolkit ")}
    groups = {name for name in titles if any(one.startswith(f"{name} ") for one in COMMANDS)}
    assert titles - set(COMMANDS) == groups


def errors(base: type[ToolkitError] = ToolkitError) -> Iterator[type[ToolkitError]]:
    yield base
    for error in base.__subclasses__():
        yield from errors(error)


def test_every_exit_code_is_explained() -> None:
    cells = re.findall(r"^\| ([\d, ]+) \|", SECTIONS["Exit codes"], re.MULTILINE)
    explained = {int(code) for cell in cells for code in cell.split(",")}
    assert {0, 130, 143, *(error.exit_code for error in errors())} <= explained


def test_the_glossary_names_every_kind() -> None:
    [row] = re.findall(r"^\| \*\*kind\*\* \|.*$", text_of("glossary.md"), re.MULTILINE)
    assert set(re.findall(r"`(\w+)`", row)) == set(get_args(Kind))


def test_every_variable_of_an_option_is_listed() -> None:
    table = text_of("configuration.md").split("## Environment")[1].split("\n## ")[0]
    listed = dict(re.findall(r"^\| `(\w+)` \| `(--[a-z-]+)`", table, re.MULTILINE))
    real = {}
    for command in COMMANDS.values():
        for option in command.params:
            given = getattr(option, "envvar", None) or ()
            for variable in [given] if isinstance(given, str) else given:
                real[variable.replace("DBT_ENGINE_", "DBT_")] = option.opts[0]
    assert len(real) >= 6
    assert {name: listed.get(name) for name in real} == real


def test_the_first_page_leads_to_each_command() -> None:
    """By what somebody wants to do, to a page that says how."""
    table = text_of("index.md").split("## Do something")[1].split("\n## ")[0]
    shown = {
        word
        for row in table.splitlines()
        for code in re.findall(r"`([^`]+)`", row.rpartition("|")[0].rpartition("|")[2])
        for word in code.split()[:1]
    }
    assert {name.split()[1] for name in COMMANDS} - shown == set()
