"""How long the rest of a run takes at least: the longest chain, never more than all of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.plan.forecast import Forecast, Left, chains

# sync 10 s -> a 2 s -> b 3 s -> score 20 s
#           -> c 8 s -------------^
AFTER = {
    "sync": [], "a": ["sync"], "c": ["sync"], "b": ["a"], "score": ["b", "c"],
}  # fmt: skip
SECONDS = {"sync": 10.0, "a": 2.0, "b": 3.0, "c": 8.0, "score": 20.0}
TOOLS = {"sync": "airbyte", "a": "dbt", "b": "dbt", "c": "dbt", "score": "python"}


def where(forecast: Forecast, waiting: str) -> Forecast:
    """With only these steps waiting."""
    for key in AFTER.keys() - {*waiting.split()}:
        forecast.waits_no_longer(key)
    return forecast


def test_chains() -> None:
    assert chains(AFTER, SECONDS) == {
        "sync": 38.0, "a": 25.0, "b": 23.0, "c": 28.0, "score": 20.0,
    }  # fmt: skip


def test_what_is_no_step_does_not_count() -> None:
    assert chains({"a": ["elsewhere"], "b": ["a"]}, {"a": 1.0, "b": 1.0, "elsewhere": 9.0}) == {
        "a": 2.0, "b": 1.0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("waiting", "running", "left"),
    [
        ("sync a b c score", {}, 38.0),
        ("a b c score", {"sync": 4.0}, 34.0),
        ("a b c score", {"sync": 99.0}, 28.0),  # late: it may end at any moment
        ("b score", {"a": 1.0, "c": 1.0}, 27.0),
        ("b score", {"a": 1.0, "c": 7.5}, 24.0),
        ("", {"score": 5.0}, 15.0),
        ("", {}, 0.0),
    ],
)
def test_the_longest_chain_of_what_is_left(
    waiting: str, running: dict[str, float], left: float
) -> None:
    forecast = where(Forecast(AFTER, SECONDS, TOOLS), waiting)
    since = {key: 1000.0 - spent for key, spent in running.items()}
    assert forecast.left(since, 1000.0) == Left(left)


@pytest.mark.parametrize(("threads", "left"), [(0, 1.0), (1, 12.0), (4, 3.0), (100, 1.0)])
def test_many_short_steps_share_the_threads_of_their_tool(threads: int, left: float) -> None:
    keys = [f"m{n}" for n in range(12)]
    forecast = Forecast(
        {k: [] for k in keys} | {"p": []}, dict.fromkeys([*keys, "p"], 1.0),
        {**dict.fromkeys(keys, "dbt"), "p": "python"}, threads,
    )  # fmt: skip
    assert forecast.left({}, 0.0).seconds == left


def test_what_was_never_timed_is_counted() -> None:
    forecast = where(Forecast(AFTER, {"a": 2.0}, TOOLS), "sync a b")
    assert forecast.left({"c": 0.0}, 5.0) == Left(2.0, untimed=3)
    forecast.waits_no_longer("sync")
    forecast.waits_no_longer("sync")  # said again
    assert forecast.left({}, 5.0) == Left(2.0, untimed=1)


def test_where_the_threads_are_not_known_only_chains_count() -> None:
    keys = [f"m{n}" for n in range(12)]
    forecast = Forecast(
        {key: [] for key in keys}, dict.fromkeys(keys, 1.0), dict.fromkeys(keys, "dbt")
    )
    assert forecast.left({}, 0.0) == Left(1.0)


@given(
    st.lists(st.tuples(st.floats(0, 100), st.sets(st.integers(0, 19), max_size=4)), max_size=20),
    st.integers(0, 4),
)
def test_never_more_than_all_of_it_and_never_less_than_the_longest_step(
    steps: list[tuple[float, set[int]]], threads: int
) -> None:
    after = {str(n): [str(p) for p in parents if p < n] for n, (_, parents) in enumerate(steps)}
    seconds = {str(n): took for n, (took, _) in enumerate(steps)}
    left = Forecast(after, seconds, dict.fromkeys(after, "dbt"), threads).left({}, 0.0)
    assert left.seconds <= sum(seconds.values()) + 1e-6
    assert left.seconds >= max(seconds.values(), default=0.0)
