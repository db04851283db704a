"""One result in several formats: ``--format``, ``--output`` and ``--write FORMAT=FILE``."""

from collections.abc import Callable, Sequence
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
            click.option(
                "--format", "form", type=click.Choice(formats), default="text", show_default=True
            ),
        ):  # fmt: skip
            command = option(command)
        return command

    return add
