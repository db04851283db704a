"""When nothing, or one leaf, has changed: what does it cost to find out and do the rest?"""

import re
import shutil
import statistics
import sys
from functools import partial
from pathlib import Path

from benchmarks.generate import generate, leaf_of
from benchmarks.measure import Contender, Measured, aim, measure, run
from benchmarks.runner.projects import DATABASE, DBT, TOOLKIT, Size, ask, copy_for, warm

LEAST = """
import sys, duckdb
with duckdb.connect(sys.argv[1], read_only=True) as connection:
    print(connection.execute(f"select min(value) from main.{sys.argv[2]}").fetchone()[0])
"""


def measure_unchanged(models: int, size: Size) -> Measured:
    """A second build, a plan; the peer is dbt with the state of its last build."""
    project = generate(size.folder / f"unchanged{models}" / "project", models)
    ours = copy_for(project, project.parent, "ours")
    theirs = copy_for(project, project.parent, "theirs")
    build = Contender("toolkit build", [TOOLKIT, "build"], ours)
    warm(build), warm(build)
    build.before, build.after = _untouched(ours)
    state = ["--select", "state:modified+", "--state", "state"]
    run(Contender("dbt build", [DBT, "build"], theirs))
    (theirs / "state").mkdir()
    shutil.copy(theirs / "target" / "manifest.json", theirs / "state")
    # python first, in the small folder: nothing in it is read
    found = measure(
        f"{models} models, nothing changed",
        [
            build,
            warm(Contender("toolkit plan", [TOOLKIT, "plan"], ours)),
            Contender("python -c pass (floor)", [sys.executable, "-c", "pass"], ours),
            warm(Contender("dbt build, state:modified+", [DBT, "build", *state], theirs)),
            Contender("dbt ls, state:modified+", [DBT, "ls", *state], theirs),
        ],
        size.rounds,
    )
    aim("wall of a build with nothing to do", found.median("wall", build.name), 0.1, unit=" s")
    return found


def _untouched(folder: Path) -> tuple[partial[None], partial[None]]:
    """Before and after a run: it must not write the DuckDB file."""
    seen: list[int] = []

    def note() -> None:
        seen[:] = [(folder / DATABASE).stat().st_mtime_ns]

    def compare() -> None:
        if seen != [(folder / DATABASE).stat().st_mtime_ns]:
            print("  NOTE: toolkit build has written the DuckDB file, though nothing changed")

    return partial(note), partial(compare)


def measure_leaf(models: int, size: Size) -> Measured:
    """The SQL of a model that nothing reads is edited before each run."""
    project = generate(size.folder / f"leaf{models}" / "project", models)
    leaf = leaf_of(project, models)
    commands = {
        f"dbt run --select {leaf.stem}": [DBT, "run", "--select", leaf.stem],
        "toolkit build": [TOOLKIT, "build"],
    }
    contenders = []
    for name, command in commands.items():
        folder = copy_for(project, project.parent, name)
        run(Contender(f"{command[0]} build", [command[0], "build"], folder))
        contenders.append(_edited(name, command, folder, leaf.stem))
        warm(contenders[-1])
    theirs, ours = contenders
    found = measure(f"{models} models, one leaf edited", contenders, size.rounds)
    more = statistics.median(
        a.wall - b.wall
        for a, b in zip(found.costs[ours.name], found.costs[theirs.name], strict=True)
    )
    aim("wall that toolkit needs more than dbt for that one model", more, 1, unit=" s")
    return found


def _edited(name: str, command: list[str | Path], folder: Path, leaf: str) -> Contender:
    """A contender whose leaf has another constant in each run, which its table must then show."""
    path = folder / "models" / f"{leaf}.sql"
    rounds = 0

    def edit() -> None:
        nonlocal rounds
        rounds += 1
        path.write_text(re.sub(r"( \+ \d+)? as value", f" + {rounds} as value", path.read_text()))

    def compare() -> None:
        found = ask(folder, LEAST, leaf)
        if found != str(rounds):  # the first row of every model is 0
            sys.exit(f"{name}: the least value of {leaf} is {found}, not {rounds}")

    return Contender(name, command, folder, before=edit, after=compare)
