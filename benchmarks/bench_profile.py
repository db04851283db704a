"""What profiles cost: a build with them against the same build without.

    python -m benchmarks.bench_profile [--quick] [--models 200] [--rows 10000000]

Two parts. A build of generated models whose rows are others each time (a build that makes the same
again counts nothing), with ``profile: off``, ``sample`` (the default) and ``on``, in turn. And one
table of eight columns and many rows, in this process: the time to make it, to hash it as every
build does, and to count it, by us and by DuckDB's ``SUMMARIZE``.
"""

import argparse
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import duckdb

from benchmarks.generate import generate
from benchmarks.measure import BIN, Contender, measure, run
from toolkit.graph import Relation
from toolkit.warehouse import content_hash
from toolkit.warehouse.profile import profile_table

MODES = ("off", "sample", "on")
_TABLE = (
    "CREATE OR REPLACE TABLE big AS SELECT i AS id, i % 7 AS part, 'n' || (i % 100000) AS name, "
    "random() AS chance, DATE '2026-01-01' + (i % 365)::INT AS day, i % 2 = 0 AS even, "
    "i::DOUBLE AS number, (i * 3)::VARCHAR AS text FROM range({rows}) AS t(i)"
)


def build_contenders(project: Path, folder: Path) -> list[Contender]:
    """One for each mode; before each run the first layer gets other rows."""
    found = []
    for mode in MODES:
        copy = folder / mode
        shutil.copytree(project, copy)
        (copy / "toolkit.yml").write_text(f"version: 1\nprofile: '{mode}'\n")
        contender = Contender(f"profile: {mode}", [BIN / "toolkit", "build", "--force"], copy)
        contender.before = _other_rows(copy)
        run(contender)
        found.append(contender)
    return found


def _other_rows(folder: Path) -> Callable[[], None]:
    """Make the next run's rows differ from those of the last one, the SQL being as long."""
    turn = [10]

    def change() -> None:
        turn[0] += 1
        for path in (folder / "models").glob("*.sql"):
            text = path.read_text()
            if "from range(" in text:
                head = text.partition("select range")[0]
                rows = f"select range as id, range * {turn[0]} as value from range(50)\n"
                path.write_text(head + rows)

    return change


def measure_table(rows: int, rounds: int) -> None:
    """Print what one large table costs, round by round in turn; medians of the ratios."""
    with tempfile.TemporaryDirectory() as name, duckdb.connect(str(Path(name, "x.duckdb"))) as link:
        link.execute("SET threads = 2")
        big = Relation(None, "main", "big")
        parts: dict[str, Callable[[], object]] = {
            "make": lambda: link.execute(_TABLE.format(rows=rows)),
            "hash": lambda: content_hash(link, big),
            "profile: sample": lambda: profile_table(link, big),
            "profile: on": lambda: profile_table(link, big, sample=None),
            "SUMMARIZE": lambda: link.execute("SUMMARIZE big").fetchall(),
        }
        took: dict[str, list[tuple[float, float]]] = {part: [] for part in parts}
        for _ in range(rounds):
            for part, do in parts.items():
                wall, cpu = time.perf_counter(), time.process_time()
                do()
                took[part].append((time.perf_counter() - wall, time.process_time() - cpu))
    print(f"\n## One table of {rows:,} rows and 8 columns, {rounds} rounds\n")
    print("| part | wall s | CPU s | wall / make | CPU / make |\n|---|---|---|---|---|")
    for part, runs in took.items():
        ratios = [
            statistics.median(a[i] / b[i] for a, b in zip(runs, took["make"], strict=True))
            for i in (0, 1)
        ]
        wall, cpu = (statistics.median(run[i] for run in runs) for i in (0, 1))
        print(f"| {part} | {wall:.2f} | {cpu:.2f} | {ratios[0]:.3f} | {ratios[1]:.3f} |")


def main() -> None:
    """Print both parts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="1 round, 40 models, a small table")
    parser.add_argument("--models", type=int, default=200)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--only", choices=["build", "table"])
    options = parser.parse_args()
    rounds = 1 if options.quick else 5
    models, rows = (40, 2_000_000) if options.quick else (options.models, options.rows)
    if options.only != "table":
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            generated = generate(folder / "generated", models)
            measure(f"{models} generated models", build_contenders(generated, folder), rounds)
    if options.only != "build":
        measure_table(rows, 1 if options.quick else 3)


if __name__ == "__main__":
    main()
