"""How much of the rooms that decide is run by their own tests, and how little it may be.

``make coverage`` measures and then calls this: ``python -m tools.coverage_floors``. A floor only
goes up: raise it with the tests that you add.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
FLOORS = {"graph": 97, "lineage": 95, "plan": 98, "ledger": 97}
"""Percent of lines, for each room."""


def measured(room: str) -> float:
    """Percent of the room's lines that ran, by the file ``.coverage``."""
    from coverage import Coverage

    coverage = Coverage(data_file=str(ROOT / ".coverage"))
    coverage.load()
    lines = missed = 0
    for file in (ROOT / "toolkit" / room).rglob("*.py"):
        _, statements, _, missing, _ = coverage.analysis2(str(file))
        lines += len(statements)
        missed += len(missing)
    return 100 * (lines - missed) / lines


def main() -> int:
    """Print each room beside its floor; 1 where one is under it."""
    low = False
    for room, floor in FLOORS.items():
        percent = measured(room)
        low |= percent < floor
        word = "under its floor of" if percent < floor else "of lines, at least"
        print(f"toolkit/{room}: {percent:.1f} % {word} {floor} %")
    return int(low)


if __name__ == "__main__":
    sys.exit(main())
