"""The rooms in docs/how-it-works.md are those whose imports are checked, in the same order."""

import re
import tomllib
from pathlib import Path

REPOSITORY = Path(__file__).parents[3]


def test_the_rooms_are_those_of_the_import_rules() -> None:
    text = (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
    layers = tomllib.loads(text)["tool"]["importlinter"]["contracts"][0]["layers"]
    wanted = [re.findall(r"toolkit\.(\w+)", layer) for layer in layers]
    page = (REPOSITORY / "docs" / "how-it-works.md").read_text(encoding="utf-8")
    table = page.split("| rooms ")[1].split("\n\n")[0]
    rows = [row.split("|")[1] for row in table.splitlines()[2:]]
    assert [re.findall(r"`(\w+)`", row) for row in rows] == wanted
