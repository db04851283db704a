"""``--write FORMAT=FILE``: one call, several formats."""

from collections.abc import Sequence
from pathlib import Path

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
