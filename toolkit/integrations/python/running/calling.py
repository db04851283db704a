"""Calling a user's function, in whichever process."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from toolkit.errors import AssetFailedError
from toolkit.integrations.python.declared.modules import line_in, relative
from toolkit.integrations.python.registry import Callee

UNTOUCHED = "What it makes is as it was before."
AGAIN = "Mend it, then `toolkit build` again."
LOCKED = (
    "The build holds the warehouse's file, so nobody else can open it: take its tables as "
    "parameters, and return what is to be written."
)
_LOCK = "Could not set lock on file"  # as DuckDB says it


def call(callee: Callee, arguments: Mapping[str, Any], project_dir: Path) -> Any:  # noqa: ANN401  # whatever it returns
    """Call it.

    Raises:
        AssetFailedError: it raised; with the line in the user's file.
    """
    with told_with_line(callee.folder, project_dir):
        value = callee.function(**{**callee.values, **arguments})
        # What is computed only now is the function's work still, and so are its errors.
        return value.collect() if _is_lazy(value) else value


@contextmanager
def told_with_line(folder: str, project_dir: Path) -> Iterator[None]:
    """Code of the user's runs within; what it raises is told with the line in its folder.

    Raises:
        AssetFailedError: it raised.
    """
    try:
        yield
    except BaseException as error:  # the user's code may raise anything
        ours = type(error).__module__.startswith("toolkit.")  # the step is to stop
        if ours or isinstance(error, KeyboardInterrupt):
            raise
        raise raised(error, folder, project_dir) from error


def _is_lazy(value: object) -> bool:
    kind = type(value)
    return kind.__name__ == "LazyFrame" and kind.__module__.partition(".")[0] == "polars"


def raised(error: BaseException, folder: str, project_dir: Path) -> AssetFailedError:
    """What is said of an exception of the user's."""
    where = line_in(error, [Path(folder)])
    at = f" at {relative(where[0], project_dir)}:{where[1]}" if where else ""
    if isinstance(error, SystemExit):
        fact = f"It called sys.exit({error.code!r}){at}."
    else:
        text = " ".join(str(error).split())
        fact = f"It raised {type(error).__name__}{f': {text}' if text else ''}{at}"
    return AssetFailedError(fact, UNTOUCHED, LOCKED if _LOCK in str(error) else AGAIN)
