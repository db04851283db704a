"""The command line: one module a command; nothing heavy is imported at the top.

A command's module is imported only when that command runs, so that ``toolkit --help``
costs no more than click.
"""

import atexit
import difflib
import os
import signal
import sys
import threading
from contextlib import suppress
from importlib import import_module
from importlib.metadata import version
from typing import Any

import click

# name -> (module, one line for the overview); the module holds a command of that name
_COMMANDS = {
    "init": "Write a commented toolkit.yml for the dbt project here.",
    "debug": "Check that all is in place, and say what to do.",
    "ls": "List assets by selection.",
    "plan": "Show what build would run, each step with its reason.",
    "build": "Bring assets up to date, in dependency order over all tools.",
    "rollback": "Bring back the DuckDB file as it was before it was published.",
    "lineage": "Trace columns: where they come from, and who uses them.",
    "diff": "Say what a change breaks, against a commit or artifacts.",
    "lint": "Check rules: owners, tags, contracts, what nothing reads.",
    "report": "Write the one-file HTML report and its JSON.",
    "status": "Say of each asset whether it is fresh, and why not.",
    "profile": "Show what is in a table, column by column, and over time.",
    "runs": "Show the history of runs, or one run's steps.",
    "models": "List, show, promote and roll back the versions of ML models.",
    "environments": "List and remove the environments that Python assets have.",
    "connectors": "List, install and try the Airbyte connectors.",
}

_READER_GONE = 141  # as a shell says of a program that SIGPIPE ended: `toolkit ls | head -1`
_INTERRUPTED = 128 + signal.SIGINT


class _Stopped(BaseException):
    """Ctrl-C or SIGTERM, which is its cause; click prints an empty line for those itself."""


class _Commands(click.Group):
    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - what a command gives
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as error:
            raise _Stopped from error

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module = import_module(f"toolkit.cli.commands.{cmd_name}")
        command: click.Command = getattr(module, cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            near = difflib.get_close_matches(args[0], _COMMANDS, n=1) if args else []
            if not near:
                raise
            raise click.UsageError(
                f"{error.format_message()} Did you mean `toolkit {near[0]}`?", ctx
            ) from error


def _version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        click.echo(f"toolkit {version('toolkit')}")
        ctx.exit()


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_version,
    help="Show the version and leave.",
)  # fmt: skip
def cli() -> None:
    """What is there, what depends on what, and bring it up to date: Airbyte + dbt + Python."""


def main(args: list[str] | None = None) -> None:
    """Run the command line and leave with the promised exit code (docs/cli.md)."""
    from toolkit.cli.failure import failure, interrupted, open_streams, usage_error

    open_streams()
    words = sys.argv[1:] if args is None else args
    told: dict[str, Any] = {"words": words}  # and what the command's options said of errors
    try:
        color = False if os.environ.get("NO_COLOR") else None  # None: as the terminal can
        code = cli.main(
            args=words, prog_name="toolkit", standalone_mode=False, color=color, obj=told
        )
    except click.ClickException as error:
        code = usage_error(error, told, words)
    except _Stopped as error:
        code = interrupted(error.__cause__, told, words)
    except (KeyboardInterrupt, click.Abort) as error:  # before a command began
        code = interrupted(error, told, words)
    except SystemExit as error:  # 1 is what click makes of a broken pipe
        code = _READER_GONE if error.code == 1 else error.code
    except BrokenPipeError:
        code = _READER_GONE
    except Exception as error:  # noqa: BLE001 - the last one to hear of it: a bug gets a message, too
        code = failure(error, told, words)
    _leave(code if isinstance(code, int) else 0)


def program() -> None:
    """:func:`main` as a process of its own.

    Where Ctrl-C comes while Python executes a string (a dataclass is made so), Python remembers
    it, and at its regular end kills itself by SIGINT, whatever the exit code.
    """
    try:
        try:
            main()
        except SystemExit as left:
            _end(left.code if isinstance(left.code, int) else 0)
    except KeyboardInterrupt:  # once more, while the end of the first is told
        os._exit(_INTERRUPTED)


def _end(code: int) -> None:
    """End the process as Python does, but without taking apart what is in its memory.

    Of a large project that is most of a second in which nothing happens any more.
    """
    if code != _INTERRUPTED:
        threading._shutdown()  # type: ignore[attr-defined]  # waits for threads
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


def _leave(code: int) -> None:
    """Exit; at once where a thread that was told to stop does not listen.

    A step that nobody could stop when its time was over runs in such a thread, too, perhaps
    in a query: Python's regular end would wait for it, or fall over it.
    """
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError as error:  # what is printed is lost; Python must not try again
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
            code = code or _lost(error)
    stuck = [
        thread
        for thread in threading.enumerate()
        if thread is not threading.main_thread() and not thread.daemon
    ]
    left_behind = any(t.name.startswith("left behind") for t in threading.enumerate())
    if left_behind or (code in (130, 143) and stuck):
        os._exit(code)
    sys.exit(code)


def _lost(error: OSError) -> int:
    """Say that what was printed could not be written; nothing where the reader went away."""
    if isinstance(error, BrokenPipeError):
        return _READER_GONE
    from toolkit.cli.failure import failure

    return failure(error, {}, ())
