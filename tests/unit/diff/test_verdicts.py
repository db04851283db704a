"""Verdicts on changes against those that people wrote down (tests/golden/diff/verdicts.yml)."""

from typing import Any

import pytest
from diff_project import SUITE, diff_of

CASES = SUITE["cases"]


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_the_verdict_is_the_one_that_was_written_down(case: dict[str, Any]) -> None:
    diff = diff_of(SUITE["project"], case)
    found = {
        change.key.rsplit(".", 1)[-1]: f"{change.extent} {change.verdict}"
        for change in diff.changes
    }
    said = "\n".join(f"{change.key}: {change.reason}" for change in diff.changes)
    assert found == case["expect"], said
    assert {c.name: c.verdict for c in diff.checks} == case.get("checks", {})
    fails = {f.key.rsplit(".", 1)[-1] for change in diff.changes for f in change.fails}
    assert fails == set(case.get("fails", ())), said
    if "reaches" in case:
        reached = {one.key.rsplit(".", 1)[-1] for c in diff.changes for one in c.reached}
        assert reached == set(case["reaches"])


def test_there_are_enough_of_them() -> None:
    assert len(CASES) >= 40
    assert len({case["name"] for case in CASES}) == len(CASES)
