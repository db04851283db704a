"""Measuring programs against each other: interleaved, so that a busy machine hurts all alike."""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

BIN = Path(sys.executable).parent
# Nothing of the caller's shell may change what dbt does, and nothing calls out.
ENVIRONMENT = {
    **{k: v for k, v in os.environ.items() if not k.startswith(("DBT_", "SHOP_"))},
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
}


class Cost(NamedTuple):
    """Seconds of one run of a program and all its children."""

    wall: float
    cpu: float


@dataclass
class Contender:
    """A command that is measured.

    Attributes:
        before: called before each run, unmeasured.
    """

    name: str
    command: Sequence[str | Path]
    folder: Path
    env: Mapping[str, str] = field(default_factory=dict)
    before: Callable[[], object] = lambda: None


def run(contender: Contender) -> Cost:
    """Run it once; an exit code other than 0 ends the benchmark with what it said."""
    contender.before()
    log = contender.folder / ".bench.log"
    with log.open("wb") as file:
        started = time.perf_counter()
        process = subprocess.Popen(
            contender.command, cwd=contender.folder, env={**ENVIRONMENT, **contender.env},
            stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT,
        )  # fmt: skip
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"{contender.name} failed ({process.returncode}):\n{log.read_text()[-3000:]}")
    return Cost(wall, usage.ru_utime + usage.ru_stime)


def compare(title: str, contenders: Sequence[Contender], rounds: int) -> None:
    """Run all in turn, ``rounds`` times, and print medians and ratios to the first.

    A ratio is the median of the ratios within each round.
    """
    costs: dict[str, list[Cost]] = {c.name: [] for c in contenders}
    for _ in range(rounds):
        for contender in contenders:
            costs[contender.name].append(run(contender))
    base = costs[contenders[0].name]
    print(f"\n{title} ({rounds} interleaved rounds, medians; ratios to the first)")
    width = max(len(name) for name in costs)
    for name, found in costs.items():
        wall, cpu = (statistics.median(values) for values in zip(*found, strict=True))
        ratios = [
            statistics.median(a[i] / b[i] for a, b in zip(found, base, strict=True)) for i in (0, 1)
        ]
        print(
            f"  {name:<{width}}  wall {wall:7.2f} s  cpu {cpu:7.2f} s"
            f"  wall x{ratios[0]:.2f}  cpu x{ratios[1]:.2f}",
            flush=True,
        )
