"""``python -m tools.messages [PYTEST ARGUMENTS]``."""

import json
import sys
from dataclasses import replace
from pathlib import Path

from tools.messages.catalog import entries, save, triggered, with_tests
from tools.messages.page import PAGE, page
from tools.messages.record import run

REASONS = Path(__file__).with_name("untested.json")


def main(arguments: list[str]) -> int:
    """Write the page; 1 where a message has neither a test nor a reason to have none."""
    found = with_tests(entries())
    if arguments:
        hits = triggered(found, run(arguments))
        found = [replace(e, test=e.test or hits.get(e.name, "")) for e in found]
    save(found)
    reasons = json.loads(REASONS.read_text(encoding="utf-8"))
    PAGE.write_text(page(found, reasons), encoding="utf-8")
    missing = [e for e in found if not e.test and e.name not in reasons]
    for entry in missing:
        print(f"No test triggers {entry.name} ({entry.where}).", file=sys.stderr)
    print(f"{len(found)} messages, {len(missing)} without a test: {PAGE}")
    return int(bool(missing))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
