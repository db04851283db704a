"""A crash at every write of the journal: before it, within it, after it. Then resume.

The process kills itself at the n-th transaction of the ledger (driver.py wraps it; the product
has no hook for that). TOOLKIT_CRASH_POINTS says how many of the three times n points are tried
(default 5, chosen by the seed), or `all`.
"""

import os
import random
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.fault, pytest.mark.timeout(3600)]

PIPELINE = sys.modules["fault_pipeline"]
HARNESS = sys.modules["fault_harness"]

POINTS = os.environ.get("TOOLKIT_CRASH_POINTS", "3")
SEED = int(os.environ.get("TOOLKIT_FAULT_SEED", "1"))
MOMENTS = ("before", "within", "after")


@pytest.mark.soak
def test_a_crash_at_every_write_of_the_journal(tmp_path: Path, make_twins: Any, warm: Any) -> None:
    twins = make_twins(tmp_path, PIPELINE.write_small, warm, SEED)
    # what one build writes, after a change as in the runs below
    twins.source.change()
    counted = tmp_path / "count"
    assert twins.killed.run("build", count=str(counted)).code == 0
    twins.build_calm()
    transactions = int(counted.read_text())
    assert transactions > 20  # a start and an end of each of 13 steps, and the run's own

    points = [(n, when) for n in range(1, transactions + 1) for when in MOMENTS]
    if POINTS != "all":
        points = sorted(random.Random(SEED).sample(points, int(POINTS)))
    outcomes = {}
    for point in points:

        def crash(twins: Any, words: tuple[str, ...], point: tuple[int, str] = point) -> Any:
            process = twins.killed.start(*words, crash_at=point)
            process.wait()
            return process

        outcomes[point] = twins.run(crash)
        if len(points) > 10:
            print(f"crash {point[1]} write {point[0]}: {outcomes[point]}", flush=True)
    wrong = {point: outcome.wrong for point, outcome in outcomes.items() if outcome.wrong}
    missed = [point for point, outcome in outcomes.items() if not outcome.kills]
    print(
        f"\ncrash points: {len(points)} of {transactions * len(MOMENTS)}, {len(wrong)} failures, "
        f"{len(missed)} not reached, at most {max(o.repeated for o in outcomes.values())} steps "
        f"repeated, seed {SEED}; undisturbed build: {HARNESS.spread(twins.seconds)}"
    )
    assert not wrong
    # threads write in any order, but not more or fewer times
    assert len(missed) <= len(MOMENTS), missed
