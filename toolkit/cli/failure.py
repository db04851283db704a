"""How the command line tells of an error that ended it: as text, or as one JSON line.

The command and its options are gone by then; ``told`` holds those that matter here, as far
as click had read them, and the words of the command line and the environment are asked for
the rest.
"""

import os
import sys
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from toolkit.errors import ToolkitError

if TYPE_CHECKING:
    from toolkit.masking import Masker

INTERNAL = 2  # as dbt's "unhandled error"; 1 would say that an asset failed


def usage_error(error: click.ClickException, told: Mapping[str, Any], words: Sequence[str]) -> int:
    """A command line that click refuses."""
    if _wants_json(told, words):
        from toolkit.cli.console import json_line

        json_line("error", message=error.format_message(), exit_code=ToolkitError.exit_code)
    else:
        error.show()
    return ToolkitError.exit_code


def failure(error: Exception, told: Mapping[str, Any], words: Sequence[str]) -> int:
    """Any other error: its three parts, after its traceback with ``--debug``."""
    mask = _masker(told).mask
    if told.get("debug", "--debug" in words or "-d" in words):
        click.echo(mask("".join(traceback.format_exception(error))), err=True, nl=False)
    if isinstance(error, ToolkitError):
        explained = error
    elif isinstance(error, OSError):
        explained = _unusable(error)
    else:
        explained = _bug(error)
    code = explained.exit_code if explained is error else INTERNAL
    explained.fact = mask(explained.fact)
    explained.consequence = mask(explained.consequence)
    explained.next_step = mask(explained.next_step)
    if _wants_json(told, words):
        from toolkit.cli.console import json_line

        json_line(
            "error", message=explained.fact, consequence=explained.consequence,
            next=explained.next_step, exit_code=code,
        )  # fmt: skip
    else:
        from toolkit.cli.console import show_error

        show_error(explained)
    return code


def _masker(told: Mapping[str, Any]) -> "Masker":
    """Hides the project's secrets; where there is no project yet, the environment's."""
    from toolkit.masking import Masker
    from toolkit.settings.confidential import secret_environment

    return Masker(told.get("secrets", ()) or secret_environment(os.environ))


def interrupted(cause: BaseException | None, told: Mapping[str, Any], words: Sequence[str]) -> int:
    """Say so; 143 for SIGTERM, 130 for Ctrl-C."""
    kept, run = "", told.get("run")
    if run is not None and run.published:
        kept = " What had ended is kept; `toolkit build` makes the rest."
    elif run is not None:
        kept = " Nothing was published."
    code = 143 if type(cause).__name__ == "Terminated" else 130
    if _wants_json(told, words):
        from toolkit.cli.console import json_line

        json_line("error", message="Interrupted." + kept, exit_code=code)
    else:
        after = "\n" if sys.stderr.isatty() else ""  # what the terminal shows of Ctrl-C
        click.echo(f"{after}Interrupted.{kept}", err=True)
    return code


def _unusable(error: OSError) -> ToolkitError:
    return ToolkitError(
        f"{error.filename or 'Standard output'} cannot be used: {error.strerror or error}.",
        "The command stopped there.",
        "Check the path, its permissions and the room on the disk.",
    )


def _bug(error: Exception) -> ToolkitError:
    """What was not foreseen: ours to mend, and no reason for a traceback in a user's face."""
    frames = traceback.extract_tb(error.__traceback__)
    package = Path(__file__).parents[1]
    ours = [f for f in frames if Path(f.filename).is_relative_to(package)]
    place = ""
    if ours:
        file = Path(ours[-1].filename).relative_to(package.parent)
        place = f" ({file}:{ours[-1].lineno})"
    said = str(error).strip()
    return ToolkitError(
        f"An internal error: {type(error).__name__}{f': {said}' if said else ''}{place}.",
        "This is a mistake in toolkit; the command stopped there.",
        "Run it again with --debug, and report what it prints.",
    )


def _wants_json(told: Mapping[str, Any], words: Sequence[str]) -> bool:
    if "log_format" in told:
        return bool(told["log_format"] == "json")
    pairs = zip(words, [*words[1:], ""], strict=False)  # there may be no words
    asked = any(w == "--log-format=json" or (w, v) == ("--log-format", "json") for w, v in pairs)
    names = ("DBT_ENGINE_LOG_FORMAT", "DBT_LOG_FORMAT")
    return asked or next((os.environ[n] for n in names if os.environ.get(n)), "") == "json"


def open_streams() -> None:
    """Put the null device where the caller closed a standard stream (``2>&-``).

    Else the next file that is opened, the ledger perhaps, would get its number, and what a
    child process prints would be written into it.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free: this one
    # Python made its streams before, and has None for what was closed then.
    sys.stdin = sys.stdin or open(os.devnull, encoding="utf-8")  # noqa: SIM115 - for good
    sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
