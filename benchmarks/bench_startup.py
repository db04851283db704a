"""What it costs to start: help, and listing a project that has not changed.

    python -m benchmarks.bench_startup [--quick]

``toolkit ls`` and ``dbt ls`` both list the example shop from a manifest that is current; for
toolkit that includes the streams and the Python assets.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks.example import copied
from benchmarks.measure import BIN, Contender, measure, run


def main() -> None:
    """Print the comparisons."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="3 rounds instead of 9")
    rounds = 3 if parser.parse_args().quick else 9
    with tempfile.TemporaryDirectory() as folder:
        # a copy for each: toolkit parses again where someone else wrote the manifest
        project, other = copied(Path(folder, "ours")), copied(Path(folder, "theirs"))
        ours = Contender("toolkit ls", [BIN / "toolkit", "ls", "-q"], project)
        theirs = Contender("dbt ls", [BIN / "dbt", "ls", "-q"], other)
        run(ours), run(theirs)  # both parse once
        measure(
            "Start",
            [
                Contender("python -c pass", [sys.executable, "-c", "pass"], project),
                Contender("toolkit --help", [BIN / "toolkit", "--help"], project),
                Contender("dbt --help", [BIN / "dbt", "--help"], project),
            ],
            rounds,
        )
        measure("List the unchanged example", [theirs, ours], rounds)


if __name__ == "__main__":
    main()
