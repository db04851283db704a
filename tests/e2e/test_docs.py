"""The documentation says what is so: links lead on, commands run, options are the real ones."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import get_args

import click
import pytest

from toolkit.cli import cli
from toolkit.errors import ToolkitError
from toolkit.graph import Kind

pytestmark = [pytest.mark.slow, pytest.mark.e2e, pytest.mark.timeout(600)]

REPOSITORY = Path(__file__).parents[2]
PAGES = sorted([*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").rglob("*.md")])
OUTPUTS = shutil.ignore_patterns("target", "logs", ".toolkit", "*.duckdb*", ".user.yml", "__py*")
ENVIRONMENT = {k: v for k, v in os.environ.items() if not k.startswith(("DBT_", "SHOP_", "MAKE"))}

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"^`([^`\n]+)`:\n\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")


def text_of(page: str) -> str:
    return (REPOSITORY / page).read_text(encoding="utf-8")


# ---- links ----


def prose(text: str) -> str:
    """Without blocks and code, in which brackets are no links."""
    return re.sub(r"`[^`\n]*`", "", FENCE.sub("", text))


def anchors(text: str) -> set[str]:
    """Of the headings, as code hosts make them."""
    found: set[str] = set()
    for title in re.findall(r"^#+ (.+)$", FENCE.sub("", text), re.MULTILINE):
        anchor = re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
        found.add(anchor)
    return found


def broken_links(page: Path) -> Iterator[str]:
    for link in LINK.findall(prose(page.read_text(encoding="utf-8"))):
        if link.startswith(("https://", "http://", "mailto:")):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists():
            yield f"{link}: no such file"
        elif anchor and anchor not in anchors(target.read_text(encoding="utf-8")):
            yield f"{link}: no such heading"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_links_lead_somewhere(page: Path) -> None:
    assert list(broken_links(page)) == []


def test_a_broken_link_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# One two\n[a](#one-two) [b](#three) [c](no.md) `[d](no.md)` [e](page.md)\n")
    assert list(broken_links(page)) == ["#three: no such heading", "no.md: no such file"]


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached: set[Path] = set()
    waiting = [REPOSITORY / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached or page.suffix != ".md":
            continue
        reached.add(page)
        links = LINK.findall(prose(page.read_text(encoding="utf-8")))
        waiting += [(page.parent / link.partition("#")[0]).resolve() for link in links
                    if "://" not in link and link.partition("#")[0]]  # fmt: skip
    assert [str(page.relative_to(REPOSITORY)) for page in PAGES if page not in reached] == []


def test_pictures_are_small() -> None:
    pictures = sorted((REPOSITORY / "docs" / "pictures").glob("*.png"))
    assert len(pictures) >= 2
    assert {p.name: p.stat().st_size for p in pictures if p.stat().st_size > 200_000} == {}


# ---- examples ----


class Example:
    """What a ``console`` block or a named file of a page asks for, one after the other."""

    def __init__(self, text: str) -> None:
        named = {match.end(): match for match in FILE.finditer(text)}
        found = [(match.start(), (match[1], match[2])) for match in named.values()]
        for match in FENCE.finditer(text):
            if match[1] == "console" and match.end() not in named:
                for number, part in enumerate(re.split(r"^\$ ", match[2], flags=re.MULTILINE)[1:]):
                    command, _, output = part.partition("\n")
                    found.append((match.start() + number, ("$ " + command, output)))
        self.steps = [step for _, step in sorted(found)]


def run(words: list[str], cwd: Path) -> subprocess.CompletedProcess[str]:
    if words[0] == "toolkit":
        words = [sys.executable, "-m", "toolkit.cli", *words[1:]]
    return subprocess.run(
        words, cwd=cwd, env=ENVIRONMENT, capture_output=True, text=True, check=False
    )


def pattern(line: str) -> re.Pattern[str]:
    """What a shown line matches: times, durations, positions and run ids differ, the rest not."""
    parts = {
        r"\d\d:\d\d:\d\d": r"[0-9:]{8}",
        r"\d{8}T\d{6}-[0-9a-f]{6}": "[0-9T]{15}-[0-9a-f]{6}",
        r"[\d.]+ s\b": r"[0-9.]+ (?:s|min [0-9]+ s)",
        r"\d+ of (?=\d+  )": "[0-9]+ of ",
        r"\.\.\.": ".*",
    }
    joined = "|".join(f"({part})" for part in parts)
    result, at = "", 0
    for match in re.finditer(joined, line):
        result += re.escape(line[at : match.start()])
        result += list(parts.values())[(match.lastindex or 1) - 1]
        at = match.end()
    return re.compile(re.sub(r"(?:\\ )+", r"\\s+", result + re.escape(line[at:])))


def differences(shown: str, output: str) -> list[str]:
    """Shown lines that were not printed; with no line ``...`` the two must be the same."""
    lines = [line.rstrip() for line in output.splitlines()]
    wanted = [line.rstrip() for line in shown.splitlines()]
    if "..." in wanted or not wanted:
        return [
            line for line in wanted
            if line != "..." and not any(pattern(line).fullmatch(printed) for printed in lines)
        ]  # fmt: skip
    if len(lines) != len(wanted):
        return [f"{len(lines)} lines: {output}"]
    return [
        f"{line!r} is {printed!r}"
        for line, printed in zip(wanted, lines, strict=True)
        if not pattern(line).fullmatch(printed)
    ]


def follow(page: str, folder: Path, below: Mapping[str, str]) -> None:
    """Do what a page says; ``below`` has the folder in which a program runs."""
    for what, content in Example(text_of(page)).steps:
        if what.startswith("$ "):
            words = shlex.split(what[2:])
            ended = run(words, folder / below.get(words[0], ""))
            assert ended.returncode == 0, f"{what}\n{ended.stdout}{ended.stderr}"
            assert differences(content, ended.stdout + ended.stderr) == [], what
        else:
            path = folder / what
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")


def test_getting_started_can_be_followed(tmp_path: Path) -> None:
    follow("docs/getting-started.md", tmp_path, {})
    assert {p.name for p in tmp_path.iterdir()} >= {"toolkit.yml", "lineage.json", "report.html"}


def test_the_readme_can_be_followed(tmp_path: Path) -> None:
    """In a copy whose environment is this one, so that make installs nothing."""
    if shutil.which("make") is None:
        pytest.skip("make is not on PATH")
    for name in ("dbt_project", "connectors"):
        shutil.copytree(REPOSITORY / name, tmp_path / name, ignore=OUTPUTS)
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(REPOSITORY / name, tmp_path)
    programs = tmp_path / ".venv" / "bin"
    programs.mkdir(parents=True)
    (programs / "python").symlink_to(sys.executable)
    launcher = programs / "toolkit"
    launcher.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m toolkit.cli "$@"\n')
    launcher.chmod(0o755)
    (tmp_path / ".venv" / ".ready").touch()
    follow("README.md", tmp_path, {"toolkit": "dbt_project"})


@pytest.mark.parametrize(
    ("shown", "printed", "same"),
    [
        ("11:41:24  1 of 4  OK  0.06 s", "12:00:00  2 of 4  OK     3 min 05 s", True),
        ("11:41:24  1 of 4  OK  0.06 s", "12:00:00  2 of 5  OK  0.06 s", False),
        ("4 rows", "5 rows", False),
        ("Run 20261121T114122-3ec37e.", "Run 20270101T000000-abcdef.", True),
        ("...\nlast", "first\nlast", True),
        ("...\nlast", "first", False),
        ("first", "first\nlast", False),
        ("a  ...", "a  b c", True),
    ],
)
def test_shown_output_is_compared(shown: str, printed: str, same: bool) -> None:
    assert (differences(shown, printed) == []) is same


# ---- the command line ----


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


SECTIONS = sections(text_of("docs/cli.md"))
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
    [row] = re.findall(r"^\| \*\*kind\*\* \|.*$", text_of("docs/glossary.md"), re.MULTILINE)
    assert set(re.findall(r"`(\w+)`", row)) == set(get_args(Kind))
