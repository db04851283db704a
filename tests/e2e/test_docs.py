"""The pages can be followed: their files written, their commands run, what they show compared."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

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


def test_the_first_pages_can_be_followed(tmp_path: Path) -> None:
    """One project, from an empty folder to what the concepts are shown on."""
    for page in ("getting-started.md", "tutorial.md", "concepts.md", "looking.md"):
        follow(f"docs/{page}", tmp_path, {})
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
