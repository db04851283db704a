"""Many builds of one project, in one process and as commands: nothing grows, nothing slows down.

TOOLKIT_SOAK says how many (default 14, and 8 as commands; `make fault` does 500). What grows is
judged by the slope of a line through all builds after the warm-up, times their number.
"""

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.fault, pytest.mark.timeout(3 * 3600)]

PIPELINE = sys.modules["fault_pipeline"]
HARNESS = sys.modules["fault_harness"]

COUNT = int(os.environ.get("TOOLKIT_SOAK", "8"))
LONG = COUNT >= 100
WARM_UP = max(4, COUNT // 10)


def growth(values: Sequence[float]) -> float:
    """Slope of the line through the values, times how many there are."""
    return statistics.linear_regression(range(len(values)), values).slope * len(values)


def report(name: str, measured: list[dict[str, float]]) -> dict[str, float]:
    """Print and give what the builds after the warm-up have added."""
    # the ledger and the logs keep a hundred runs: only then can they stop growing
    steady = measured[len(measured) // 2 if LONG else WARM_UP :]
    grown = {key: growth([found[key] for found in steady]) for key in steady[0]}
    seconds = [found["seconds"] for found in steady]
    shown = ", ".join(
        f"{key} {steady[0][key]:,.0f} {grown[key]:+,.0f}" for key in grown if key != "seconds"
    )
    print(f"\n{name}: {len(measured)} builds, {HARNESS.spread(seconds)}; {shown}")
    return grown


def p95(values: Sequence[float]) -> float:
    return sorted(values)[round(0.95 * (len(values) - 1))]


@pytest.mark.soak
def test_many_builds_in_one_process(tmp_path: Path) -> None:
    shop = HARNESS.Shop(tmp_path / "shop", tmp_path / "cache")
    PIPELINE.install_source(tmp_path / "cache")
    PIPELINE.write_small(shop.folder, tmp_path / "source")
    script = Path(__file__).with_name("soak.py")
    pipeline = Path(PIPELINE.__file__)
    words = [str(word) for word in (script, pipeline, shop.folder, tmp_path / "source", COUNT)]
    done = subprocess.run(
        [sys.executable, *words], env=shop.environment, text=True, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    measured = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert len(measured) == COUNT
    grown = report("builds in one process", measured)
    assert grown["descriptors"] < 1
    assert grown["threads"] < 1
    # the allocator keeps what it was given once; a leak of a build's own data would show
    assert grown["memory"] < (0.05 if LONG else 0.25) * measured[WARM_UP]["memory"]
    if LONG:
        assert grown["ledger"] < 0.1 * measured[-1]["ledger"]
        tenth = COUNT // 10
        seconds = [found["seconds"] for found in measured]
        assert p95(seconds[-tenth:]) < 1.2 * p95(seconds[WARM_UP : WARM_UP + tenth])
    shop.gone()


@pytest.mark.soak
def test_many_builds_as_commands(tmp_path: Path, warm: Any) -> None:
    shop = HARNESS.Shop(tmp_path / "shop", tmp_path / "cache", warm)
    PIPELINE.install_source(tmp_path / "cache")
    source = PIPELINE.Source(tmp_path / "source", 1)
    PIPELINE.write_small(shop.folder, source.folder)
    measured = []
    for _ in range(COUNT if LONG else 2 * WARM_UP):
        source.change(0)
        seconds = shop.build()
        files = [path for path in shop.folder.rglob("*") if path.is_file()]
        measured.append(
            {
                "seconds": seconds,
                "ledger": sum(p.stat().st_size for p in files if p.name.startswith("ledger.db")),
                "warehouse": (shop.folder / "shop.duckdb").stat().st_size,
                "files": len(files),
            }
        )
    grown = report("builds as commands", measured)
    assert measured[-1]["ledger"] < 40_000 * len(measured)
    if LONG:
        assert grown["ledger"] < 0.1 * measured[-1]["ledger"]
        assert grown["files"] < 0.1 * measured[-1]["files"]
        tenth = COUNT // 10
        seconds = [found["seconds"] for found in measured]
        assert p95(seconds[-tenth:]) < 1.2 * p95(seconds[WARM_UP : WARM_UP + tenth])
    shop.gone()
