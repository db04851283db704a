"""``toolkit build --force`` against ``dbt build`` of the same plain dbt project.

    python -m benchmarks.bench_build [--quick] [--models 200] [--only example|generated]

Two projects: the dbt part of the example shop (without toolkit.yml; raw and scored tables are
there already), and a generated one of 200 models. Each contender has a copy of its own. "First"
builds into a new DuckDB file, "again" over what is there; both with dbt's partial parse warm.
What toolkit does beside dbt: its graph, plan, ledger, row counts, run results, JUnit. The last
contenders show what dbt's debug log file costs.
"""

import argparse
import shutil
import tempfile
from functools import partial
from pathlib import Path

from benchmarks.example import built, dbt_part
from benchmarks.generate import generate
from benchmarks.measure import BIN, Contender, measure, run

NO_FILE_LOG = {"DBT_LOG_LEVEL_FILE": "none"}


def contenders(project: Path, folder: Path) -> list[Contender]:
    """Each in a copy of ``project``, built once: parse caches and tables are warm."""
    found = [
        Contender(name, [BIN / tool, "build", *words], folder / f"copy{number}", env)
        for number, (name, tool, words, env) in enumerate((
            ("dbt build", "dbt", (), {}),
            ("toolkit build", "toolkit", ("--force",), {}),
            ("dbt build, no log file", "dbt", (), NO_FILE_LOG),
            ("toolkit build, no log file", "toolkit", ("--force",), NO_FILE_LOG),
        ))
    ]  # fmt: skip
    for contender in found:
        shutil.copytree(project, contender.folder)
        run(contender)
    return found


def main() -> None:
    """Print the comparisons."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="1 round, and 40 models")
    parser.add_argument("--models", type=int, default=200)
    parser.add_argument("--only", choices=["example", "generated"], help="one of the two projects")
    options = parser.parse_args()
    rounds, models = (1, 40) if options.quick else (5, options.models)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if options.only != "generated":
            plain = dbt_part(built(folder / "example"), folder / "plain")
            measure("The example's dbt part, again", contenders(plain, folder / "shop"), rounds)
        if options.only != "example":
            generated = generate(folder / "generated", models)
            again = contenders(generated, folder / "big")
            measure(f"{models} generated models, again", again, rounds)
            for contender in again[:2]:
                database = contender.folder / "big.duckdb"
                contender.before = partial(database.unlink, missing_ok=True)
            measure(f"{models} generated models, first", again[:2], rounds)


if __name__ == "__main__":
    main()
