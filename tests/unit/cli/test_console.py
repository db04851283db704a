"""What commands print: durations, ages, counts, problems, errors."""

import pytest

from toolkit.cli.console import ago, plural, seconds, show_error, show_problems
from toolkit.errors import Problem, SettingsError, ToolkitError


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0.00 s"), (0.126, "0.13 s"), (9.99, "9.99 s"), (9.999, "10 s"), (10, "10 s"),
        (59.4, "59 s"), (59.6, "1 min 00 s"), (65.2, "1 min 05 s"), (3599.7, "1 h 00 min"),
        (3600, "1 h 00 min"), (7800, "2 h 10 min"), (360000, "100 h 00 min"),
    ],
)  # fmt: skip
def test_seconds(value: float, text: str) -> None:
    assert seconds(value) == text


@pytest.mark.parametrize(
    ("age", "text"),
    [
        (-5, "0 s"), (0, "0 s"), (119.4, "119 s"), (120, "2 min"), (7199, "120 min"),
        (7200, "2 h"), (172799, "48 h"), (172800, "2 d"), (86400 * 9, "9 d"),
    ],
)  # fmt: skip
def test_ago(age: float, text: str) -> None:
    assert ago(1_000_000 - age, 1_000_000) == text


@pytest.mark.parametrize(
    ("count", "words", "text"),
    [
        (1, ("asset",), "1 asset"), (0, ("asset",), "0 assets"),
        (1200, ("asset",), "1,200 assets"), (2, ("query", "queries"), "2 queries"),
        (1, ("query", "queries"), "1 query"),
    ],
)  # fmt: skip
def test_plural(count: int, words: tuple[str, ...], text: str) -> None:
    assert plural(count, *words) == text


PROBLEMS = (
    Problem(asset=None, code="note", message="Not shown.", severity="info"),
    Problem(asset="a", code="odd", message="Odd.", path="m/a.sql", line=3),
    Problem(asset="b", code="bad", message="Bad.", severity="error", path="m/b.sql"),
    Problem(asset="c", code="strange", message="Strange."),
)


def test_problems_worst_first(capsys: pytest.CaptureFixture[str]) -> None:
    show_problems(PROBLEMS)
    out, err = capsys.readouterr()
    assert out == ""
    assert err == (
        "error bad: Bad. [m/b.sql]\nwarning odd: Odd. [m/a.sql:3]\nwarning strange: Strange.\n"
    )


def test_problems_beyond_the_limit_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    show_problems(PROBLEMS, limit=1)
    _, err = capsys.readouterr()
    assert err == (
        "error bad: Bad. [m/b.sql]\n... and 2 more; `toolkit debug` lists all of them.\n"
    )
    show_problems(PROBLEMS[:1])
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (
            SettingsError("toolkit.yml:2: no.", "Nothing was done.", "Mend it."),
            "Error: toolkit.yml:2: no.\nNothing was done.\nNext: Mend it.\n",
        ),
        (ToolkitError("Only a fact."), "Error: Only a fact.\n"),
    ],
)
def test_an_error(error: ToolkitError, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    show_error(error)
    assert capsys.readouterr() == ("", text)
