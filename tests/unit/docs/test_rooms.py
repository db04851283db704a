"""What the pages say of the repository is there: rooms, files, folders, make targets."""

import re
import tomllib
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[3]
PAGES = sorted(
    [
        *(REPOSITORY / "docs").rglob("*.md"),
        *REPOSITORY.glob("*.md"),
        REPOSITORY / "benchmarks" / "README.md",
    ]
)
PLACE = re.compile(r"`((?:toolkit|tests|benchmarks|tools|docs|dbt_project)/[\w./-]*)`")


def test_the_rooms_are_those_of_the_import_rules() -> None:
    text = (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
    layers = tomllib.loads(text)["tool"]["importlinter"]["contracts"][0]["layers"]
    wanted = [re.findall(r"toolkit\.(\w+)", layer) for layer in layers]
    page = (REPOSITORY / "docs" / "how-it-works.md").read_text(encoding="utf-8")
    table = page.split("| rooms ")[1].split("\n\n")[0]
    rows = [row.split("|")[1] for row in table.splitlines()[2:]]
    assert [re.findall(r"`(\w+)`", row) for row in rows] == wanted


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_files_that_are_named_are_there(page: Path) -> None:
    named = set(PLACE.findall(page.read_text(encoding="utf-8")))
    # What a build writes, and where the report's JSON goes.
    written = {"toolkit/", "dbt_project/target/toolkit/report.html"}
    assert {name for name in named - written if not (REPOSITORY / name).exists()} == set()


def test_targets_of_make_that_are_named_are_there() -> None:
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z0-9-]+):", makefile, re.MULTILINE))
    named = {
        target
        for page in PAGES
        for target in re.findall(r"`make ([a-z0-9-]+)", page.read_text(encoding="utf-8"))
    }
    assert named - targets == set()
    assert len(named) >= 5
