"""docs/lineage.md names every code that can be met, and no other."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
KEBAB = re.compile(r'"([a-z]+(?:-[a-z]+)+)"')


def test_every_problem_code_is_explained() -> None:
    said = "\n".join(p.read_text() for p in sorted((ROOT / "toolkit/lineage").rglob("*.py")))
    codes = set(KEBAB.findall(said))
    text = (ROOT / "docs/lineage.md").read_text()
    table = text.split("| code | status | means |")[1].split("\n\n")[0]
    first_cells = " ".join(line.split("|")[1] for line in table.splitlines()[2:])
    assert set(re.findall(r"`([a-z-]+)`", first_cells)) == codes
