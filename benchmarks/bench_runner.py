"""The runner beside dbt, a plain script, Dagster and the bare SQL; each part is interleaved.

    python -m benchmarks.bench_runner [--quick] [--models 200 1000] [--repeat 3]
        [--only PART ...] [--dagster PYTHON] [--json FILE] [--folder FOLDER]

Parts: ``dbt`` (generated dbt projects of each size), ``mixed`` (10 streams, 4 Python assets between
the layers) and ``journal`` (what the ledger costs) at the smallest size; ``unchanged`` and ``leaf``
(nothing, or one leaf, has changed) at the biggest. All of it takes the better part of an hour on
two cores.

``--dagster`` (or the variable ``BENCH_DAGSTER``, for ``make bench``) names a Python in whose
environment Dagster is installed, with dbt and DuckDB as here:
``pip install dagster==1.13.27 dagster-dbt==0.29.27 dbt-duckdb pyarrow``.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

from benchmarks.measure import Measured
from benchmarks.runner.dbt_only import measure_dbt
from benchmarks.runner.journal import measure_journal
from benchmarks.runner.mixed_tools import measure_mixed
from benchmarks.runner.projects import Size
from benchmarks.runner.unchanged import measure_leaf, measure_unchanged

PARTS = ("dbt", "mixed", "unchanged", "leaf", "journal")


def main() -> None:
    """Print the comparisons."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="1 round, and 40 models")
    parser.add_argument("--models", type=int, nargs="+", default=[200, 1000])
    parser.add_argument("--repeat", type=int, default=3, help="rounds (default: 3)")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, metavar="PART")
    parser.add_argument(
        "--dagster", type=Path, metavar="PYTHON", default=os.environ.get("BENCH_DAGSTER")
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="every single run, as JSON")
    parser.add_argument("--folder", type=Path, help="keep the projects there (must be empty)")
    options = parser.parse_args()
    models, rounds = ([40], 1) if options.quick else (sorted(options.models), options.repeat)
    dagster = options.dagster.absolute() if options.dagster else None
    say_versions(dagster)
    with tempfile.TemporaryDirectory() as temporary:
        folder = (options.folder or Path(temporary)).absolute()
        size = Size(rounds, dagster, folder)
        parts: dict[str, Callable[[], list[Measured]]] = {
            "dbt": lambda: [measure_dbt(number, size) for number in models],
            "mixed": lambda: [measure_mixed(models[0], size)],
            "unchanged": lambda: [measure_unchanged(models[-1], size)],
            "leaf": lambda: [measure_leaf(models[-1], size)],
            "journal": lambda: [measure_journal(models[0], size)],
        }
        found: list[Measured] = []
        for name in PARTS:
            if name in options.only:
                found += parts[name]()
    if options.json:
        options.json.write_text(json.dumps([one.document() for one in found], indent=1))


def say_versions(dagster: Path | None) -> None:
    """What is measured here, and on what."""
    names = ("toolkit", "dbt-core", "dbt-duckdb", "duckdb")
    print(f"Python {sys.version.split()[0]}, {os.cpu_count()} cores", end="")
    print("".join(f", {name} {version(name)}" for name in names))
    if dagster is not None:
        code = "from importlib.metadata import version as v; " + "print(*map(v, {}), sep=', ')"
        peers = ("dagster", "dagster-dbt", *names[1:])
        done = subprocess.run(
            [dagster, "-c", code.format(peers)], stdout=subprocess.PIPE, check=True, text=True
        )
        print(f"{', '.join(peers)} for Dagster: {done.stdout.strip()}")


if __name__ == "__main__":
    main()
