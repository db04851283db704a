"""What is unusual, and what is not, whatever the history is."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.integrations.anomalies.judge import judge, told
from toolkit.settings import Metric

METRICS: list[Metric] = ["row_count", "null_share", "distinct", "mean"]
metrics = st.sampled_from(METRICS)
numbers = st.floats(-1e9, 1e9)
anything = st.one_of(st.none(), st.floats())


@given(metrics, anything, st.lists(anything, max_size=30), st.lists(anything, max_size=3))
def test_whatever_it_is_given_it_says_something_sane(
    metric: Metric,
    value: float | None,
    history: list[float | None],
    accepted: list[float | None],
) -> None:
    found = judge(metric, value, history, accepted=accepted, least=3, threshold=6)
    if found is not None:
        assert value is not None
        assert math.isfinite(value)
        assert found.builds >= 3
        assert found.deviations > 6
        assert "nan" not in told(metric, "amount", found)


@given(metrics, st.lists(numbers, min_size=3, max_size=20))
def test_the_median_itself_is_usual(metric: Metric, history: list[float]) -> None:
    median = sorted(history)[len(history) // 2] if len(history) % 2 else None
    assert judge(metric, median, history, least=3, threshold=0.5) is None


@given(metrics, numbers, st.lists(numbers, min_size=3, max_size=20))
def test_what_is_accepted_is_usual(metric: Metric, value: float, history: list[float]) -> None:
    assert judge(metric, value, history, accepted=[value], least=3, threshold=6) is None


@given(metrics, numbers, st.lists(numbers, max_size=6))
def test_a_short_history_says_nothing(metric: Metric, value: float, history: list[float]) -> None:
    assert judge(metric, value, history, least=7, threshold=0.001) is None


@given(st.permutations([100.0, 101, 103, 99, 100, 98, 102, 5000]))
def test_neither_order_nor_one_odd_build_counts(history: list[float]) -> None:
    assert judge("row_count", 104, history, least=7, threshold=6) is None
    assert judge("row_count", 200, history, least=7, threshold=6) is not None


CASES = [
    # metric, value, history, what is said
    ("row_count", 100, [100] * 7, None),
    ("row_count", 105, [100] * 7, None),
    ("row_count", 107, [100] * 7, "row count 107 is 7.0 MADs above the median 100 of 7 builds"),
    ("row_count", 0, [1000, 1010, 990, 1005, 995, 1000, 1008],
     "row count 0 is 100.0 MADs below the median 1,000 of 7 builds"),
    ("row_count", 6, [0] * 7, None),
    ("row_count", 7, [0] * 7, "row count 7 is 7.0 MADs above the median 0 of 7 builds"),
    ("row_count", 1600, [100 * n for n in range(2, 16)], None),  # it grows as it always did
    ("null_share", 0.05, [0.0] * 7, None),
    ("null_share", 0.5, [0.0] * 7,
     "share of nulls of email 50.0% is 50.0 MADs above the median 0.0% of 7 builds"),
    ("distinct", 120, [100] * 7, None),
    ("distinct", 2, [100] * 7,
     "distinct values of email 2 is 19.6 MADs below the median 100 of 7 builds"),
    ("mean", 0.1, [0.0] * 7, "mean of email 0.1 differs from the 0 of all 7 builds"),
    ("mean", float("nan"), [1.0] * 7, None),
    ("mean", None, [1.0] * 7, None),
    ("mean", 3.0, [float("nan")] * 7, None),
]  # fmt: skip


@pytest.mark.parametrize(("metric", "value", "history", "said"), CASES)
def test_cases(
    metric: Metric, value: float | None, history: list[float | None], said: str | None
) -> None:
    found = judge(metric, value, history, least=7, threshold=6)
    column = None if metric == "row_count" else "email"
    assert (told(metric, column, found) if found is not None else None) == said
