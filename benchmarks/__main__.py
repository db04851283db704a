"""Run all benchmarks, each in a process of its own.

python -m benchmarks [--quick] [NAME ...]
"""

import argparse
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
# Less of everything: to see that they run, not to quote.
QUICK = {
    "bench_build": ["--quick"],
    "bench_runner": ["--quick"],
    "bench_profile": ["--quick"],
    "bench_startup": ["--quick"],
    "bench_diff": ["--repeat", "1"],
    "bench_loader": ["--rows", "5000", "--rounds", "1"],
    "bench_python": ["--rows", "100000", "--rounds", "1"],
    "bench_dependencies": ["--rounds", "1"],
    "bench_report": ["--assets", "500"],
    "bench_selection": ["--assets", "500", "--repeat", "3"],
}


def main() -> int:
    """List them, then run those that are named (all by default)."""
    names = sorted(path.stem for path in Path(__file__).parent.glob("bench_*.py"))
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(names)}")
    parser.add_argument("--quick", action="store_true", help="small sizes: only see that they run")
    parser.add_argument("--list", action="store_true", help="only list them")
    options = parser.parse_args()
    unknown = set(options.names) - set(names)
    if unknown:
        parser.error(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    failed = []
    for name in options.names or names:
        if options.list:
            print(name)
            continue
        print(f"\n==== {name} ====", flush=True)
        words = QUICK.get(name, []) if options.quick else []
        run = subprocess.run(
            [sys.executable, "-m", f"benchmarks.{name}", *words], cwd=REPOSITORY, check=False
        )
        if run.returncode != 0:
            failed.append(name)
    if failed:
        print(f"\nFailed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
