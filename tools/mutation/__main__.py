"""Put small faults into ``plan`` and ``lineage``, one at a time, and run the room's fast tests.

    python -m tools.mutation [--seed 8] [--plan 80] [--lineage 120]

Which faults is drawn from all that we know to make (``mutants.py``), by the seed. Against each
run the tests that reach its line, until one fails; a fault that none notices is printed as a
survivor. A script of our own, because it needs a drawn sample, and because it takes seconds
for a fault and not a minute: the process that runs the tests is a fork of one that has
imported all but the product, and runs no test that does not reach the fault.
"""

import argparse
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from types import CodeType
from typing import Any, NamedTuple

import pytest

from tools.mutation.mutants import Mutant, mutants

ROOT = Path(__file__).parents[2]
TESTS = {
    "plan": ["tests/unit/plan"],
    "lineage": ["tests/unit/lineage", "tests/golden/lineage"],
}
FAST = ["-q", "-p", "no:cacheprovider", "-m", "not slow and not soak", "--hypothesis-seed=0"]
CPU_SECONDS = 240  # a fault that loops is found, too
MEMORY = 8 << 30


class Drawn(NamedTuple):
    """A fault of the sample, and the tests that reach its line."""

    file: Path
    mutant: Mutant
    tests: frozenset[str]

    def __str__(self) -> str:
        """Where it is, and what was changed into what."""
        place = f"{self.file.relative_to(ROOT)}:{self.mutant.line}"
        return f"{place}: {self.mutant.was[:120]}  ->  {self.mutant.now[:120]}"


def main() -> int:
    """Draw, try, and print what survived; the count is the exit code's business, not a failure."""
    options = argparse.ArgumentParser(prog="python -m tools.mutation")
    options.add_argument("--seed", type=int, default=8)
    options.add_argument("--plan", type=int, default=80, help="how many faults in plan")
    options.add_argument("--lineage", type=int, default=120, help="how many faults in lineage")
    asked = options.parse_args()
    os.chdir(ROOT)
    _import_others()
    for room in (room for room in TESTS if getattr(asked, room)):
        started = time.monotonic()
        sample = draw(room, getattr(asked, room), asked.seed)
        counts: Counter[str] = Counter()
        for one in sample:
            outcome = tried(one) if one.tests else "survived: no test reaches it"
            counts[outcome.partition(":")[0]] += 1
            if outcome != "killed":
                print(f"{outcome}  {one}", flush=True)
        print(
            f"{room}: {len(sample)} faults (seed {asked.seed}), {counts['killed']} killed, "
            f"{counts['survived']} survived, {time.monotonic() - started:.0f} s",
            flush=True,
        )
    return 0


def draw(room: str, count: int, seed: int) -> list[Drawn]:
    """``count`` faults in ``toolkit/<room>``, the same ones for the same seed and source."""
    reached = _reached(room)
    every = []
    for file in sorted((ROOT / "toolkit" / room).rglob("*.py")):
        lines = reached.get(str(file), {})
        whole = frozenset().union(*lines.values())
        for mutant in mutants(file.read_text(encoding="utf-8")):
            at = _at(mutant, lines)
            # What runs at import is reached by every test of the module.
            every.append(Drawn(file, mutant, whole if at == {""} else at - {""}))
    drawn = random.Random(seed).sample(range(len(every)), min(count, len(every)))
    return [every[number] for number in sorted(drawn)]


def _at(mutant: Mutant, lines: dict[int, frozenset[str]]) -> frozenset[str]:
    """Who reaches a fault: of a statement over many lines, only some are noted as reached."""
    back = range(mutant.line, mutant.begins - 1, -1)
    return next((lines[line] for line in back if lines.get(line)), frozenset())


def _reached(room: str) -> dict[str, dict[int, frozenset[str]]]:
    """File -> line -> the tests that reach it; ``""`` for what runs at import."""
    from coverage import CoverageData

    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "coverage"
        command = [sys.executable, "-m", "pytest", *FAST, *TESTS[room]]
        command += [f"--cov=toolkit/{room}", "--cov-context=test", "--cov-report="]
        command += ["--cov-config=/dev/null"]
        environment = os.environ | {"COVERAGE_FILE": str(data)}
        subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)
        read = CoverageData(str(data))
        read.read()
        together: dict[str, set[str]] = {}
        for context in read.measured_contexts():
            together.setdefault(context.partition("::")[0], set()).add(context.partition("|")[0])
        return {
            file: {
                line: frozenset().union(*(_tests(context, together) for context in contexts))
                for line, contexts in read.contexts_by_lineno(file).items()
            }
            for file in read.measured_files()
        }


def _tests(context: str, together: dict[str, set[str]]) -> set[str]:
    """Who reaches what ``context`` does: a fixture may serve all tests of its file."""
    test, _, phase = context.partition("|")
    return together[test.partition("::")[0]] if phase == "setup" else {test}


def tried(one: Drawn) -> str:
    """``killed`` or ``survived``: the tests run in a child that has the fault."""
    child = os.fork()
    if child == 0:
        status = 70
        try:
            status = _in_child(one)
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    if code == pytest.ExitCode.NO_TESTS_COLLECTED:
        raise SystemExit(f"no test ran against {one}")
    return "survived" if code == 0 else "killed"


def _in_child(one: Drawn) -> int:
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    sys.meta_path.insert(0, _Faulty(one))
    files = sorted({test.partition("::")[0] for test in one.tests})
    return int(pytest.main([*FAST, "-x", *files], plugins=[_Only(one.tests)]))


class _Only:
    """Of what is collected, the tests that reach the fault."""

    def __init__(self, tests: frozenset[str]) -> None:
        self._tests = tests

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        items[:] = [item for item in items if item.nodeid in self._tests]


class _Faulty(MetaPathFinder):
    """Finds the module that has the fault, and no other."""

    def __init__(self, one: Drawn) -> None:
        parts = one.file.relative_to(ROOT).with_suffix("").parts
        self._name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        self._one = one

    def find_spec(self, fullname: str, *_: object) -> ModuleSpec | None:
        if fullname != self._name:
            return None
        file = str(self._one.file)
        loader = _Loader(fullname, file)
        loader.source = self._one.mutant.source
        return spec_from_file_location(fullname, file, loader=loader)


class _Loader(SourceFileLoader):
    """Reads neither the file nor its bytecode."""

    source = ""

    def get_code(self, fullname: str) -> CodeType:
        return compile(self.source, self.path, "exec")


def _import_others() -> None:
    """What all tests import, but nothing of the product: that is imported with the fault."""
    import duckdb
    import msgspec
    import networkx
    import sqlglot.optimizer.qualify

    assert "toolkit" not in sys.modules, (duckdb, msgspec, networkx, sqlglot)


if __name__ == "__main__":
    sys.exit(main())
