"""Where the time of a run went."""

import pytest

from toolkit.ledger import Run, StepRow
from toolkit.ledger.timing import timing

RUN = Run(id="r", command="build", target="dev", started_at=100.0, finished_at=150.0)


def row(
    key: str, begin: float | None, end: float | None, after: str = "", status: str = "success"
) -> StepRow:
    return StepRow(
        run_id="r", step=key, kind="dbt", name=key, integration="dbt", status=status,
        started_at=begin, finished_at=end, waited_for=after or None,
    )  # fmt: skip


STEPS = [
    row("sync", 101.0, 111.0),
    row("a", 111.5, 113.0, "sync"),
    row("check", 113.0, 113.0, "a", status="no-op"),
    row("b", 114.0, 120.0, "check"),
    row("c", 115.0, 119.0, "a", status="fail"),
    row("score", 120.0, 140.0, "b"),
    row("gone", None, None, "c", status="skipped"),
    row("fresh", None, None, status="no-op"),
]


def test_the_path_goes_back_from_the_last_end() -> None:
    found = timing(RUN, STEPS)
    assert found.path == ("sync", "a", "b", "score")
    assert found.path_seconds == 10 + 1.5 + 6 + 20
    assert found.wall == 50.0
    assert found.waited == {"sync": 1.0, "a": 0.5, "b": 1.0, "c": 2.0, "score": 0.0}


@pytest.mark.parametrize("steps", [[], STEPS[-2:], [row("x", 101.0, None, status="running")]])
def test_without_any_end_there_is_no_path(steps: list[StepRow]) -> None:
    assert timing(RUN, steps).path == ()


def test_a_run_that_goes_on_ends_with_its_last_step() -> None:
    run = Run(id="r", command="build", target="dev", started_at=100.0)
    assert timing(run, STEPS).wall == 40.0
    assert timing(run, []).wall == 0.0


def test_rows_that_wait_for_each_other_end_all_the_same() -> None:
    """A ledger can be damaged; nobody may hang because of that."""
    steps = [row("a", 101.0, 102.0, "b"), row("b", 102.0, 103.0, "a")]
    assert timing(RUN, steps).path == ("a", "b")
