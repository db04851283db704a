"""What the ledger costs: the time inside of it, summed over one build.

The one benchmark that knows more of toolkit than its command line: ``instrumented.py`` wraps the
methods of ``toolkit.ledger.Ledger`` with clocks.
"""

import json
import statistics
import sys
from pathlib import Path
from typing import Any

from benchmarks.generate import generate
from benchmarks.measure import Contender, Measured, aim, measure
from benchmarks.runner.projects import BUILD, Size, copy_for, warm

INSTRUMENTED = Path(__file__).with_name("instrumented.py")


def measure_journal(models: int, size: Size) -> Measured:
    """The same build with and without clocks: they must not be what is measured."""
    project = generate(size.folder / f"journal{models}" / "project", models)
    plain = warm(Contender("toolkit build --force", BUILD, _copy(project, "plain")))
    folder = _copy(project, "clocks")
    clocks = Contender("the same with clocks", [sys.executable, INSTRUMENTED, *BUILD[1:]], folder)
    said: list[dict[str, Any]] = []
    warm(clocks)
    clocks.after = lambda: said.append(json.loads((folder / "ledger-clocks.json").read_text()))
    found = measure(f"{models} models, the ledger's share", [plain, clocks], size.rounds)
    costs = found.costs[clocks.name]
    for what in ("writes", "reads"):
        median = {
            key: statistics.median(one[what][key] for one in said)
            for key in ("calls", "wall", "cpu")
        }
        print(
            f"  {what}: {median['calls']:.0f} calls, {median['wall'] * 1000:.0f} ms wall, "
            f"{median['cpu'] * 1000:.0f} ms CPU"
        )
    for key in ("wall", "cpu"):
        share = statistics.median(
            100 * one["writes"][key] / getattr(cost, key)
            for one, cost in zip(said, costs, strict=True)
        )
        aim(f"share of the ledger's writes in the build's {key}", share, 1, unit=" %")
    return found


def _copy(project: Path, name: str) -> Path:
    return copy_for(project, project.parent, name)
