"""Two copies of one shop, of which one is struck down; afterwards they must be equal."""

import random
import shutil
import signal
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

PIPELINE = sys.modules["fault_pipeline"]
HARNESS = sys.modules["fault_harness"]

WORKERS = 4  # two threads of dbt's and two for everything else
RESUME = ("build", "--resume")
RAN = frozenset({"success", "pass", "warn", "error", "fail", "running"})
# Starts a build with these words and strikes it down; whether it lives on is seen by its code.
Strike = Callable[["Twins", tuple[str, ...]], Any]


class Outcome(msgspec.Struct):
    """What one run showed; lists of what is wrong."""

    kills: int = 0
    too_late: int = 0
    wrong: list[str] = []
    repeated: int = 0
    gone: list[float] = []
    start: list[float] = []


class Twins:
    """Two copies of a shop that read one source; ``killed`` is the one that is struck down.

    Args:
        write: writes the project: ``write_shop`` or ``write_small``.
        warm: see :class:`Shop`.
        again: how often a resumed build is struck down as well.
        codes: how a build that is struck down may end.
    """

    def __init__(
        self, folder: Path, write: Callable[[Path, Path], None], warm: Any, seed: int,
        again: float = 0.0, codes: tuple[int, ...] = (-signal.SIGKILL,),
    ) -> None:  # fmt: skip
        self.random = random.Random(seed)
        self.codes = codes
        self.again = again
        self.source = PIPELINE.Source(folder / "source", seed)
        PIPELINE.install_source(folder / "cache")
        self.calm, self.killed = (
            HARNESS.Shop(folder / name, folder / "cache", warm) for name in ("calm", "killed")
        )
        for shop in (self.calm, self.killed):
            write(shop.folder, self.source.folder)
        self.seconds: list[float] = []
        self._resident = self.calm.stay() if warm is not None else None
        self.build_calm()
        self.killed.build()
        self.source.change()
        self.build_calm()
        self.seconds = [self.killed.build()]  # the first were slower: they parsed
        self.settle()

    def run(self, strike: Strike) -> Outcome:
        """Change the source, build one copy, strike down and resume the other; compare."""
        self.source.change()
        self.build_calm()
        expected = self.calm.tables()
        before = {run.id for run in self.killed.ledger()[0]}
        kept = self._keep()
        outcome = Outcome()
        words: tuple[str, ...] = ("build",)
        for attempt in range(10):
            if attempt == 0 or self.random.random() < self.again:
                ended = self._strike(strike, words, outcome, before, expected)
            else:
                ended = self._resume(words, outcome, before)
            if ended:
                break
            words = RESUME
        else:
            outcome.wrong.append("ten builds did not bring it to an end")
        wrong = HARNESS.differences(self.killed.tables(), expected)
        if wrong:
            outcome.wrong.append(f"tables differ: {wrong}")
            self._restore(kept)
        return outcome

    def build_calm(self) -> None:
        """Build the copy that is not struck down."""
        if self._resident is not None:
            self._resident.build()
        else:
            self.seconds.append(self.calm.build())

    def close(self) -> None:
        """Let go of the process that builds the copy."""
        if self._resident is not None:
            self._resident.close()
        self.calm.gone()

    def settle(self) -> None:
        """Both have seen the same: then they are equal."""
        wrong = HARNESS.differences(self.killed.tables(), self.calm.tables())
        assert not wrong, wrong
        self.killed.gone()

    def at_random(self, words: tuple[str, ...]) -> Any:
        """A strike: kill -9 of the group, uniformly within what an undisturbed build takes."""
        process = self.killed.start(*words)
        # the last ones: a machine may be busier now than before
        process.wait(self.random.uniform(0, statistics.median(self.seconds[-5:])))
        if process.code is None:
            process.kill_group()
        return process

    def _strike(
        self, strike: Strike, words: tuple[str, ...], outcome: Outcome, before: set[str],
        expected: dict[str, str],
    ) -> bool:  # fmt: skip
        """Begin a build that is struck down; whether it ended before that."""
        process = strike(self, words)
        if process.code == 0:
            outcome.too_late += 1
            return True
        if process.code not in self.codes:
            outcome.wrong.append(f"exit {process.code}: {process.err[-500:]}")
        outcome.kills += 1
        outcome.gone.append(self.killed.gone())
        self._check_ledger(outcome, before, expected)
        return False

    def _check_ledger(self, outcome: Outcome, before: set[str], expected: dict[str, str]) -> None:
        """What it calls done is there, as an undisturbed build has it."""
        runs, steps = self.killed.ledger()
        done = {
            key for run in runs if run.id not in before for key in HARNESS.finished(steps, run.id)
        }
        tables = self.killed.tables()
        for key in sorted(done):
            for table in tables_of(key) & expected.keys():
                if tables.get(table) != expected[table]:
                    outcome.wrong.append(f"{key} is called done, but {table} is not")

    def _resume(self, words: tuple[str, ...], outcome: Outcome, before: set[str]) -> bool:
        runs, steps = self.killed.ledger()
        # one that had noted its end before it was killed is not to be resumed
        fresh = [run.id for run in runs if run.id not in before and run.status != "success"]
        done = {key for run in fresh for key in HARNESS.finished(steps, run)}
        begun = {
            key for (run, key), row in steps.items() if run in fresh and row.status == "running"
        }
        began = time.time()
        process = self.killed.run(*words)
        if process.code != 0:
            outcome.wrong.append(f"exit {process.code}: {process.err[-500:]}")
            return False
        known = {run.id for run in runs}
        _, steps = self.killed.ledger()
        ran = {
            key: row.started_at
            for (run, key), row in steps.items()
            if run not in known and row.started_at is not None and row.status in RAN
        }
        if again := sorted(ran.keys() & done):
            outcome.wrong.append(f"ran again though done: {', '.join(again)}")
        repeated = ran.keys() & begun
        outcome.repeated = max(outcome.repeated, len(repeated))
        if len(repeated) > WORKERS:
            outcome.wrong.append(f"{len(repeated)} steps ran twice: {', '.join(sorted(repeated))}")
        if ran:
            outcome.start.append(min(ran.values()) - began)
        return True

    def _keep(self) -> Path:
        """A copy of the killed shop as it was before the run, should it be needed again."""
        kept = self.killed.scratch / "kept"
        shutil.rmtree(kept, ignore_errors=True)
        return Path(shutil.copytree(self.killed.folder, kept))

    def _restore(self, kept: Path) -> None:
        """After a run that went wrong: as it was before, and then built undisturbed."""
        shutil.copytree(self.killed.folder, self.killed.scratch / f"wrong{len(self.seconds)}")
        for path in self.killed.folder.rglob("*"):
            if not path.is_dir() or path.is_symlink():  # a folder may be where a disk is mounted
                path.unlink()
        shutil.copytree(kept, self.killed.folder, dirs_exist_ok=True)
        self.killed.build()


def tables_of(step: str) -> set[str]:
    """Tables that a step may make."""
    kind, _, rest = step.partition(".")
    if kind == "sync":
        return {f"raw.{stream}" for stream in PIPELINE.CONNECTIONS[rest]}
    return {f"main.{rest.rpartition('.')[2]}"}
