"""Measuring programs against each other: interleaved, so that a busy machine hurts all alike."""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

BIN = Path(sys.executable).parent
# Nothing of the caller's shell may change what dbt does, and nothing calls out.
ENVIRONMENT = {
    **{k: v for k, v in os.environ.items() if not k.startswith(("DBT_", "SHOP_", "TOOLKIT_"))},
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
}


class Cost(NamedTuple):
    """What one run of a program and all its children took.

    ``cpu`` is user + system of the whole tree, in seconds; ``memory`` the peak (MB, resident) of
    the *largest one* of its processes. Both as the kernel gives them to ``wait4``, so a child that
    nobody waited for is not in them.
    """

    wall: float
    cpu: float
    memory: float


@dataclass
class Contender:
    """A command that is measured.

    Attributes:
        before: called before each run, unmeasured.
        after: called after each run, unmeasured, to see that it did what it should have.
    """

    name: str
    command: Sequence[str | Path]
    folder: Path
    env: Mapping[str, str] = field(default_factory=dict)
    before: Callable[[], object] = lambda: None
    after: Callable[[], object] = lambda: None


@dataclass(frozen=True)
class Measured:
    """The runs of all contenders, round by round."""

    title: str
    costs: Mapping[str, Sequence[Cost]]
    load: tuple[float, float]  # of the machine over a minute, before and after

    def ratio(self, what: str, name: str, base: str) -> float:
        """Median over the rounds of ``name``'s cost as a multiple of ``base``'s."""
        return statistics.median(
            getattr(a, what) / getattr(b, what)
            for a, b in zip(self.costs[name], self.costs[base], strict=True)
        )

    def median(self, what: str, name: str) -> float:
        return statistics.median(getattr(cost, what) for cost in self.costs[name])

    def document(self) -> dict[str, Any]:
        """Every single run, for a JSON file."""
        costs = {name: [cost._asdict() for cost in found] for name, found in self.costs.items()}
        return {"title": self.title, "load": self.load, "runs": costs}


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
    contender.after()
    unit = 1024**2 if sys.platform == "darwin" else 1024
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / unit)


def measure(
    title: str, contenders: Sequence[Contender], rounds: int, base: str | None = None
) -> Measured:
    """Run all in turn, ``rounds`` times; print medians, extremes, ratios to ``base`` (the first).

    A ratio is the median of the ratios within each round.
    """
    costs: dict[str, list[Cost]] = {c.name: [] for c in contenders}
    before = os.getloadavg()[0]
    for _ in range(rounds):
        for contender in contenders:
            costs[contender.name].append(run(contender))
    measured = Measured(title, costs, (before, os.getloadavg()[0]))
    _print(measured, base or contenders[0].name, rounds)
    return measured


def _print(measured: Measured, base: str, rounds: int) -> None:
    load = " to ".join(f"{value:.1f}" for value in measured.load)
    print(
        f"\n{measured.title}\n  {rounds} interleaved rounds: median (least to most); x = times "
        f"{base!r}, median of the rounds; load {load}"
    )
    width = max(len(name) for name in measured.costs)
    titles = ("wall s", "CPU s", "peak MB")
    print(f"  {'':{width}}" + "".join(f"  {title:>24}        x" for title in titles))
    for name, found in measured.costs.items():
        line = f"  {name:{width}}"
        for what, digits in (("wall", 2), ("cpu", 2), ("memory", 0)):
            values = [getattr(cost, what) for cost in found]
            spread = f"({min(values):.{digits}f} to {max(values):.{digits}f})"
            line += f"  {statistics.median(values):8.{digits}f} {spread:>15}"
            line += f" {measured.ratio(what, name, base):8.2f}"
        print(line, flush=True)


def aim(what: str, value: float, limit: float, *, least: bool = False, unit: str = "") -> None:
    """Print whether a figure is as it should be: at most ``limit``, or at least."""
    met = value >= limit if least else value <= limit
    word = "at least" if least else "at most"
    print(
        f"  {'met   ' if met else 'MISSED'} {what}: {value:.2f}{unit}"
        f" (aim: {word} {limit:.2f}{unit})"
    )
