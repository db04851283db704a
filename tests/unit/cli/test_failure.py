"""How the command line ends when something went wrong: message, traceback or not, exit code."""

import importlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import click
import pytest

from toolkit.cli import main
from toolkit.cli.failure import interrupted
from toolkit.cli.options import RESOURCE_TYPES, output_options
from toolkit.errors import SettingsError
from toolkit.graph import Kind
from toolkit.ledger import Run
from toolkit.text import printable

ls = importlib.import_module("toolkit.cli.commands.ls")


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException], None]:
    """Let ``toolkit ls`` raise."""

    def raises(error: BaseException) -> None:
        @click.command()
        @output_options
        def command(**_: object) -> None:
            raise error

        monkeypatch.setattr(ls, "ls", command)

    return raises


def ended(*words: str) -> object:
    with pytest.raises(SystemExit) as left:
        main(["ls", *words])
    return left.value.code


ERRORS: list[tuple[BaseException, int, str]] = [
    (SettingsError("a.yml:2: no.", "Nothing was run.", "Mend it."), 2, "Error: a.yml:2: no.\n"),
    (KeyError("x"), 2, "Error: An internal error: KeyError: 'x'"),
    (AssertionError(), 2, "Error: An internal error: AssertionError ("),
    (PermissionError(13, "Permission denied", "f"), 2, "Error: f cannot be used: Permission den"),
    (KeyboardInterrupt(), 130, "Interrupted.\n"),
    (SettingsError("a \x1b[31m[/]"), 2, "Error: a \\x1b[31m[/]\n"),
]


@pytest.mark.parametrize(("error", "code", "text"), ERRORS)
def test_one_message_and_the_code(
    broken: Callable[[BaseException], None], capsys: pytest.CaptureFixture[str],
    error: BaseException, code: int, text: str,
) -> None:  # fmt: skip
    broken(error)
    assert ended() == code
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(text)
    assert "Traceback" not in err
    if "internal" in text:
        assert "Next: Run it again with --debug, and report what it prints." in err


@pytest.mark.parametrize(("error", "code", "text"), ERRORS)
def test_the_same_as_json(
    broken: Callable[[BaseException], None], capsys: pytest.CaptureFixture[str],
    error: BaseException, code: int, text: str,
) -> None:  # fmt: skip
    broken(error)
    assert ended("--log-format", "json") == code
    [line] = capsys.readouterr().err.splitlines()
    record = json.loads(line)
    assert (record["event"], record["exit_code"]) == ("error", code)
    assert record["message"].startswith(text.removeprefix("Error: ").split(" \\x1b")[0].strip())


@pytest.mark.parametrize("words", [("--debug",), ("-d",), ("-qd",), ()])
def test_debug_shows_the_traceback_and_keeps_the_code(
    broken: Callable[[BaseException], None], capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...],
) -> None:  # fmt: skip
    if not words:
        monkeypatch.setenv("DBT_DEBUG", "1")
    for error in (KeyError("x"), SettingsError("no")):
        broken(error)
        assert ended(*words) == 2
        err = capsys.readouterr().err
        assert err.startswith("Traceback")
        assert "Error: " in err


def test_a_usage_error_is_json_where_that_is_asked(capsys: pytest.CaptureFixture[str]) -> None:
    assert ended("--log-format=json", "--no-such-option") == 2
    record = json.loads(capsys.readouterr().err)
    assert (record["event"], record["exit_code"]) == ("error", 2)
    assert "--no-such-option" in record["message"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, äöü\n\ttabs", "plain, äöü\n\ttabs"),
        ("\x1b]0;x\x07", r"\x1b]0;x\x07"),
        ("a\r\nb\rc", "a\nb\\rc"),
        ("\x9b1m \u202e \ud800", r"\x9b1m \u202e \ud800"),
    ],
)
def test_text_is_made_fit_for_a_terminal(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_every_kind_of_asset_is_a_resource_type() -> None:
    assert set(get_args(Kind)) <= set(RESOURCE_TYPES)


def test_streams_that_were_closed_are_the_null_device(tmp_path: Path) -> None:
    """In a child: else what it opens next gets the number of a standard stream."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        for number in (0, 1, 2):
            os.close(number)
        from toolkit.cli.failure import open_streams

        open_streams()
        file = os.open(tmp_path / "file", os.O_CREAT | os.O_RDWR)
        os.write(writer, b"%d" % file)
        os._exit(0)
    os.close(writer)
    os.waitpid(child, 0)
    assert int(os.read(reader, 10)) > 2
    os.close(reader)


@pytest.mark.parametrize(
    ("published", "says"),
    [(None, ""), (True, " What had ended is kept; `toolkit build` makes the rest."),
     (False, " Nothing was published.")],
)  # fmt: skip
def test_what_an_interruption_leaves(
    capsys: pytest.CaptureFixture[str], published: bool | None, says: str
) -> None:
    run = Run(id="r", command="build", target="dev", started_at=0.0, published=published is True)
    told = {"run": run} if published is not None else {}
    assert interrupted(KeyboardInterrupt(), told, []) == 130
    assert capsys.readouterr().err == f"Interrupted.{says}\n"
