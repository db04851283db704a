"""Ask a database of vulnerabilities about what is pinned: ``make audit``.

    python -m tools.audit path/to/pip-audit constraints.txt

Whoever cannot reach the database is told so (exit code 2), and never that all is well: pip-audit
itself takes a package that it cannot look up for one without vulnerabilities.
"""

import json
import subprocess
import sys
from pathlib import Path

FIRST = "packaging"  # that is everywhere: whether anybody answers is asked with it alone


def main(audit: str, pins: str) -> int:
    """0: nothing known; 1: vulnerabilities, which are printed; 2: nobody could be asked."""
    lines = Path(pins).read_text(encoding="utf-8").splitlines()
    wanted = [line for line in lines if line and not line.startswith("#")]
    try:
        unknown, _ = asked(audit, [line for line in wanted if line.startswith(f"{FIRST}==")])
        if not unknown:
            unknown, found = asked(audit, wanted)
    except Unreachable as error:
        unknown, found = [str(error)], []
    if unknown:
        print(
            "No database of vulnerabilities could be asked from here, so nothing is known of:\n  "
            + "\n  ".join(unknown[:5])
            + "\nRun make audit where the network allows it.",
            file=sys.stderr,
        )
        return 2
    print("\n".join(found) or f"No known vulnerability in {len(wanted)} pinned packages.")
    return int(bool(found))


class Unreachable(Exception):
    """The database did not answer, with the last line of what pip-audit said."""


def asked(audit: str, pins: list[str]) -> tuple[list[str], list[str]]:
    """Packages that could not be looked up, with why; and the vulnerabilities of the others."""
    done = subprocess.run(
        [audit, "--no-deps", "--disable-pip", "--format=json", "--progress-spinner=off",
         "--requirement=/dev/stdin"],
        input="\n".join(pins), capture_output=True, text=True, check=False,
    )  # fmt: skip
    try:
        packages = json.loads(done.stdout)["dependencies"]
    except ValueError:
        raise Unreachable(done.stderr.strip().rpartition("\n")[2]) from None
    unknown = [one["skip_reason"] for one in packages if "skip_reason" in one]
    found = [
        f"{one['name']} {one['version']}: {fault['id']}, fixed in {fault['fix_versions']}"
        for one in packages
        for fault in one.get("vulns", ())
    ]
    return unknown, found


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
