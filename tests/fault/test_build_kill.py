"""kill -9 of a whole build at a random moment, then ``build --resume``: nothing is lost.

Two copies of one shop read one source. Before each run the source changes a little. One copy is
built undisturbed. In the other the build's process group is killed at a uniformly random time
within what an undisturbed build takes, and then resumed until it ends; a resumed build may be
killed as well. Then every table of the two must be equal, and the ledger must have been right
at each moment. TOOLKIT_BUILD_KILLS says how many runs (default 2, each forked from a process
that has imported dbt already; `make fault` starts the real command each time).
"""

import os
import random
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.fault, pytest.mark.timeout(6 * 3600)]

PIPELINE = sys.modules["fault_pipeline"]
HARNESS = sys.modules["fault_harness"]
TWINS = sys.modules["fault_twins"]

RUNS = int(os.environ.get("TOOLKIT_BUILD_KILLS", "1"))
SEED = int(os.environ.get("TOOLKIT_FAULT_SEED", "1"))
LONG = RUNS > 5
KILLED_AGAIN = 0.25  # how often a resumed build is killed, too


def test_kill_9_at_random_moments_and_resume(
    tmp_path: Path, make_twins: Any, request: pytest.FixtureRequest
) -> None:
    warm = None if LONG else request.getfixturevalue("warm")
    twins = make_twins(tmp_path, PIPELINE.write_shop, warm, SEED, again=KILLED_AGAIN)
    outcomes = []
    for number in range(RUNS):
        outcomes.append(twins.run(TWINS.Twins.at_random))
        if LONG:
            print(f"run {number + 1}: {outcomes[-1]}", flush=True)
    wrong = {n: outcome.wrong for n, outcome in enumerate(outcomes, start=1) if outcome.wrong}
    kills = sum(outcome.kills for outcome in outcomes)
    print(
        f"\nkill -9 and resume: {RUNS} runs, {kills} kills, "
        f"{sum(outcome.too_late for outcome in outcomes)} came too late, {len(wrong)} failures, "
        f"at most {max(outcome.repeated for outcome in outcomes)} steps repeated, seed {SEED}\n"
        f"undisturbed build: {HARNESS.spread(twins.seconds)}\n"
        f"start of a resumed build to its first step: "
        f"{HARNESS.spread([s for outcome in outcomes for s in outcome.start])}\n"
        f"kill to the last process's end: "
        f"{HARNESS.spread([s for outcome in outcomes for s in outcome.gone])}"
    )
    assert not wrong
    assert kills


@pytest.mark.soak
def test_kill_9_of_the_first_build(tmp_path: Path, warm: Any) -> None:
    """Nothing is there yet: no ledger, no DuckDB file, no parsed project."""
    rng = random.Random(SEED)
    source = PIPELINE.Source(tmp_path / "source", SEED)
    PIPELINE.install_source(tmp_path / "cache")
    calm = HARNESS.Shop(tmp_path / "calm", tmp_path / "cache", warm)
    PIPELINE.write_small(calm.folder, source.folder)
    seconds = calm.build()
    expected = calm.tables()
    count = max(1, RUNS // 5)
    wrong = {}
    for number in range(count):
        shop = HARNESS.Shop(tmp_path / f"killed{number}", tmp_path / "cache", warm)
        PIPELINE.write_small(shop.folder, source.folder)
        process = shop.start("build")
        process.wait(rng.uniform(0, seconds))
        process.kill_group()
        shop.gone()
        done = shop.run(*TWINS.RESUME)
        if done.code != 0 or HARNESS.differences(shop.tables(), expected):
            wrong[number] = done.err[-500:] or HARNESS.differences(shop.tables(), expected)
    print(f"\nkill -9 of a first build: {count} runs, {len(wrong)} failures, seed {SEED}")
    assert not wrong
