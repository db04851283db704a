"""What each direct dependency weighs: its files, its import, and what it brings along.

    python -m benchmarks.bench_dependencies [--rounds 5]

Size is of the package's own files; "with all" of it and of everything that it needs and that
nothing before it in the list needs. Import time is of a process that imports it, less that of
one that imports nothing, the median of the rounds.
"""

import argparse
import re
import statistics
import subprocess
import sys
import time
import tomllib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
# Where the module is called unlike the package.
MODULES = {
    "dbt-core": "dbt.cli.main", "dbt-duckdb": "dbt.adapters.duckdb", "python-hcl2": "hcl2",
    "pyyaml": "yaml", "scikit-learn": "sklearn", "airbyte-api": "airbyte_api",
    "mlflow-skinny": "mlflow", "mkdocs-material": "material",
}  # fmt: skip


def name_of(requirement: str) -> str:
    """``sqlglot`` of ``sqlglot[c]>=30``."""
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert found is not None, requirement
    return found[0].lower()


def direct() -> list[tuple[str, str]]:
    """``(extra, package)`` of what pyproject.toml asks for, without development."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    found = [("", name_of(one)) for one in project["dependencies"]]
    for extra, listed in project["optional-dependencies"].items():
        if extra != "dev":
            found += [(extra, name_of(one)) for one in listed]
    return found


def size(package: str) -> int:
    """Bytes of a package's own files."""
    files = distribution(package).files or []
    paths = [Path(str(file.locate())) for file in files]
    return sum(path.stat().st_size for path in paths if path.is_file())


def closure(package: str, seen: set[str]) -> list[str]:
    """A package and what it needs, but for what was seen; all are seen afterwards."""
    key = re.sub(r"[-_.]+", "-", package).lower()
    if key in seen:
        return []
    try:
        needs = distribution(package).requires or []
    except PackageNotFoundError:  # an optional one, or of another system
        return []
    seen.add(key)
    found = [package]
    for need in needs:
        if "extra ==" not in need.replace("'", '"'):
            found += closure(name_of(need), seen)
    return found


def import_seconds(module: str | None, rounds: int) -> float:
    """Of a process that imports this module, or nothing."""
    code = f"import {module}" if module else ""
    taken = []
    for _ in range(rounds):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    nothing = import_seconds(None, rounds)
    seen: set[str] = set()
    print(f"{'package':<16}{'extra':<11}{'version':<10}{'MB':>7}{'with all':>10}{'import s':>10}")
    for extra, package in direct():
        module = MODULES.get(package, package)
        taken = max(0.0, import_seconds(module, rounds) - nothing)
        all_of_it = sum(size(one) for one in closure(package, seen))
        print(
            f"{package:<16}{extra:<11}{distribution(package).version:<10}"
            f"{size(package) / 1e6:7.1f}{all_of_it / 1e6:10.1f}{taken:10.2f}",
            flush=True,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
