"""The command line. Nothing is imported here: a build that has nothing to do needs nothing."""

import sys
from typing import Any


def program() -> None:
    """The command line as a process of its own; see :func:`toolkit.cli.app.program`."""
    if sys.argv[1:2] == ["build"]:
        from toolkit.cli.quick import nothing_to_do

        if nothing_to_do(sys.argv[1:]):
            return
    from toolkit.cli.app import program

    program()


def main(args: list[str] | None = None) -> None:
    """Run the command line and leave with the promised exit code (docs/cli.md)."""
    from toolkit.cli.app import main

    main(args)


def __getattr__(name: str) -> Any:  # noqa: ANN401 - click's group of commands
    if name != "cli":
        raise AttributeError(name)
    from toolkit.cli.app import cli

    return cli
