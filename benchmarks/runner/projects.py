"""Copies of a project for each contender, and what must be true after a run."""

import json
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from benchmarks.measure import BIN, Contender, run

TOOLKIT, DBT = BIN / "toolkit", BIN / "dbt"
# Everything, up to date or not.
BUILD = [TOOLKIT, "build", "--force"]
PEERS = Path(__file__).parents[1] / "peers"
DATABASE = "big.duckdb"

# How many tables there are, and the sum of all values of models and Python assets that are tables.
TOTALS = """
import sys, duckdb
with duckdb.connect(sys.argv[1], read_only=True) as connection:
    tables = connection.execute(
        "select schema_name, table_name from duckdb_tables() where schema_name in ('main', 'ml')"
    ).fetchall()
    sums = [connection.execute(f"select sum(value) from {s}.{t}").fetchone() for s, t in tables]
    print(len(tables), sum(value for (value,) in sums))
"""


@dataclass
class Size:
    """How much is measured, and with what."""

    rounds: int
    dagster: Path | None
    folder: Path
    seen: dict[str, str] = field(default_factory=dict)


def copy_for(project: Path, folder: Path, name: str) -> Path:
    """A contender's own copy: caches, tables and ledgers of others do not help or hurt it."""
    copy = folder / "".join(c if c.isalnum() else "-" for c in name)
    shutil.copytree(project, copy)
    return copy


def warm(contender: Contender) -> Contender:
    """Run it once, unmeasured: parse caches and tables are there."""
    run(contender)
    return contender


def contender(
    name: str,
    command: list[str | Path],
    project: Path,
    size: Size,
    env: Mapping[str, str] | None = None,
    results: str | None = None,
) -> Contender:
    """A contender in a copy of its own that must leave the same tables as all others.

    Args:
        results: a run_results.json that must say of every node that it ran well.
    """
    copy = copy_for(project, project.parent, name)
    made = Contender(name, command, copy, env or {})
    made.after = partial(check, made, project.parent, size.seen, results)
    return warm(made)


def check(made: Contender, group: Path, seen: dict[str, str], results: str | None) -> None:
    """See that a run did what the others did; else the benchmark ends."""
    found = ask(made.folder, TOTALS)
    expected = seen.setdefault(str(group), found)
    if found != expected:
        sys.exit(f"{made.name}: tables and sum are {found!r}, of the others {expected!r}")
    if results is not None:
        said = Counter(
            result["status"]
            for result in json.loads((made.folder / results).read_text())["results"]
        )
        if set(said) - {"success", "pass"}:
            sys.exit(f"{made.name}: not everything ran: {dict(said)}")
        count = str(said.total())
        expected = seen.setdefault(f"{group} nodes", count)
        if count != expected:
            sys.exit(f"{made.name}: {count} nodes ran, of the others {expected}")


DBT_RESULTS = "target/run_results.json"
TOOLKIT_RESULTS = "target/toolkit/run_results.json"


def ask(folder: Path, code: str, *words: str) -> str:
    """What ``code`` prints of the folder's database; in a process of its own, to stay small."""
    done = subprocess.run(
        [sys.executable, "-c", code, folder / DATABASE, *words],
        stdout=subprocess.PIPE, check=True, text=True,
    )  # fmt: skip
    return done.stdout.strip()
