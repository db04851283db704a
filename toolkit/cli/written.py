"""In which form a result is given: ``--format``, ``--output`` and ``--write FORMAT=FILE``.

Every command that prints data takes ``--format``, and ``--json`` for short. ``--output`` names a
file; of ``ls`` and ``profile``, which write none, it is dbt's word for ``--format``.
"""

from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import Any

import click


class Written(click.ParamType[tuple[str, Path]]):
    """``FORMAT=FILE``, with one of these formats."""

    name = "FORMAT=FILE"

    def __init__(self, formats: Sequence[str]) -> None:
        self._formats = formats

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, Path]:
        """The format and the file."""
        if isinstance(value, tuple):
            return value
        form, _, file = str(value).partition("=")
        if form not in self._formats or not file:
            wanted = ", ".join(self._formats)
            self.fail(f"{value!r} is not FORMAT=FILE with one of {wanted}.", param, ctx)
        return form, Path(file)


class OutputFile(click.Path):
    """The file of ``--output``; not a format, which ``dbt ls --output json`` takes there."""

    def __init__(self, formats: Sequence[str]) -> None:
        super().__init__(path_type=Path, dir_okay=False)
        self._formats = formats

    def convert(
        self,
        value: Any,  # noqa: ANN401  # click's own
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> Any:  # noqa: ANN401
        """The path."""
        if str(value) in self._formats:
            self.fail(
                f"{value!r} is a format, and this names a file: --format {value}, "
                f"or ./{value} for a file of that name.", param, ctx,
            )  # fmt: skip
        return super().convert(value, param, ctx)


def give(text: str, output: Path | None) -> None:
    """Print data, or write it to the file that ``--output`` names.

    Raises:
        OSError: the file cannot be written.
    """
    if output is None:
        click.echo(text, nl=not text.endswith("\n"))
        return
    from toolkit.report.files import write_atomically

    write_atomically(output, text)


def format_options(
    formats: Sequence[str] = ("text", "json"), told: str = "How to print it.", *, dbt: bool = False
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """``--format`` of these (the first one by default), and ``--json``; gives the command ``form``.

    Args:
        told: what ``--help`` says of ``--format``.
        dbt: ``--output`` means the same, as it does for ``dbt ls``.
    """

    def add(command: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(command)
        def called(*args: Any, form: str, as_json: bool, **options: Any) -> Any:  # noqa: ANN401
            if as_json and form not in (formats[0], "json"):
                raise click.UsageError(f"--json and --format {form} do not go together.")
            return command(*args, form="json" if as_json else form, **options)

        names = ["--format", "--output"] if dbt else ["--format"]
        for option in (
            click.option("--json", "as_json", is_flag=True, help="Short for --format json."),
            click.option(
                "form", *names, type=click.Choice(formats), default=formats[0], show_default=True,
                help=told,
            ),
        ):  # fmt: skip
            called = option(called)
        return called

    return add


def written_options(formats: Sequence[str]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Options that say in which formats a result is written, and where (``form``, ``output``, and
    ``write``)."""

    def add(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in (
            click.option(
                "--write", type=Written(formats), multiple=True, metavar="FORMAT=FILE",
                help="Write this format to a file too; may be given more than once.",
            ),
            click.option(
                "--output", "-o", type=OutputFile(formats), metavar="FILE",
                help="Write to this file instead of standard output.",
            ),
            format_options(formats),
        ):  # fmt: skip
            command = option(command)
        return command

    return add
