"""Calls one function in an environment that has no toolkit: inputs in, the call, the result out.

It does there what ``isolation.child`` does in toolkit's own environment, with the standard
library and pyarrow. The answer has the shape of ``exchange.Answer``.
"""

import contextlib
import functools
import importlib
import inspect
import json
import os
import runpy
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

# Relative: this package is called `toolkit` here, and something else where toolkit is.
from . import _process, _values, declared

_UNTOUCHED = "What it makes is as it was before."
_PARTS = ("fact", "consequence", "next_step")
_AGAIN = "Mend it, then `toolkit build` again."
_LOCKED = (
    "The build holds the warehouse's file, so nobody else can open it: take its tables as "
    "parameters, and return what is to be written."
)


class _FailedError(Exception):
    """What toolkit is to say: fact, consequence, next step."""


def main(folder: str) -> NoReturn:
    """Do the job in ``folder``."""
    _process.main(folder, _work)


def _work(place: Path, data: bytes) -> bytes:
    job = json.loads(data)
    unclosed: list[tuple[str, str]] = []
    try:
        answer = _answer(job, place, unclosed)
    except _FailedError as error:
        if error.__cause__ is not None:
            traceback.print_exception(error.__cause__)
        answer = {"failure": dict(zip(_PARTS, error.args, strict=False))}
    except Exception as error:  # noqa: BLE001  # Arrow, skops on what the user gave
        traceback.print_exception(error)
        answer = {"failure": {"fact": f"{type(error).__name__}: {error}"}}
    return json.dumps({**answer, "unclosed": unclosed}).encode()


def _answer(job: dict[str, Any], place: Path, unclosed: list[tuple[str, str]]) -> dict[str, Any]:
    if job["program"] is not None:
        return _run(job, place)
    origins = [job["origin"], *(maker["origin"] for maker in job["resources"])]
    functions = [_function(job, origin) for origin in origins]
    with contextlib.ExitStack() as stack:
        arguments: dict[str, Any] = dict(job["values"])
        makers = {maker["name"]: maker for maker in job["resources"]}
        made = dict(zip(makers, functions[1:], strict=True))
        pool: dict[str, Any] = {}

        def opened(name: str) -> Any:  # noqa: ANN401  # whatever it is
            if name not in pool:
                needs = {other: opened(other) for other in makers[name]["needs"]}
                call = functools.partial(made[name], **makers[name]["values"], **needs)
                pool[name] = _opened(makers[name], call, stack, unclosed)
            return pool[name]

        arguments |= {name: opened(name) for name in job["needs"]}
        for handed in job["arguments"]:
            try:
                arguments[handed["parameter"]] = _values.handed(place, handed)
            except ImportError as error:
                raise _FailedError(
                    f"Its input {handed['parameter']} is to be handed over as {handed['form']}, "
                    f"but its environment has no {error.name}.",
                    "It was not run.",
                    "Add it to the requirements.",
                ) from error
        with _told_with_line(job):
            value = functions[0](**arguments)
        with _told_with_line(job, if_there_is_one=True):  # a reader runs the user's code
            try:
                return dict(_values.taken(value, place, job["wants"]))
            except _values.NoValueError as error:
                raise _FailedError(*error.args) from error.__cause__


def _run(job: dict[str, Any], place: Path) -> dict[str, Any]:
    """Run a script; what it saved is its result."""
    script = Path(job["program"]["path"])
    os.environ[_process.NOTEBOOK_FOLDER] = str(place)
    os.chdir(job["project_dir"])
    sys.argv = [str(script)]
    sys.path.insert(0, str(script.parent))
    with _told_with_line(job):
        try:
            runpy.run_path(str(script), run_name="__main__")
        except SystemExit as error:
            if error.code not in (None, 0):
                raise
    table, parquet = (place / f"{_process.SAVED}.{ending}" for ending in ("arrow", "parquet"))
    if parquet.exists():
        return {"parquet": parquet.read_text(encoding="utf-8")}
    if not table.exists():
        raise _FailedError(_process.NOT_SAVED, _UNTOUCHED, _process.SAVE)
    table.rename(place / _process.TABLE)
    return {"table": True}


def _function(job: dict[str, Any], origin: dict[str, Any]) -> Any:  # noqa: ANN401  # the user's
    folder, module = Path(origin["folder"]), Path(origin["module"])
    package = job["packages"][origin["folder"]]
    if package not in sys.modules:
        sys.path += [str(folder), job["project_dir"]]
        made = ModuleType(package, f"Python assets in {folder}.")
        made.__path__ = [str(folder)]
        sys.modules[package] = made
    parts = module.relative_to(folder).with_suffix("").parts
    try:
        importlib.import_module(".".join((package, *parts)))
    except (Exception, SystemExit) as error:  # the user's module may raise anything
        last = "".join(traceback.format_exception_only(error)).strip().splitlines()[-1]
        line = _line(error, job)
        at = f"{_relative(line[0], job)}:{line[1]}" if line else _relative(module, job)
        raise _FailedError(
            f"{at} cannot be imported in its environment: {last}",
            "It was not run.",
            "Add what it needs to the requirements, or import it inside of the functions that "
            "need it.",
        ) from error
    for function, name in declared:
        code = inspect.unwrap(function).__code__
        if (name, code.co_filename, code.co_firstlineno) == (
            origin["name"], origin["file"], origin["line"]
        ):  # fmt: skip
            return function
    raise _FailedError(
        f"{_relative(Path(origin['file']), job)}:{origin['line']} does not declare "
        f"{origin['name']!r} in its environment.",
        "It was not run.",
        "Declare it in the same way whatever is installed.",
    )


def _opened(
    maker: dict[str, Any],
    make: Any,  # noqa: ANN401  # the user's
    stack: contextlib.ExitStack,
    unclosed: list[tuple[str, str]],
) -> Any:  # noqa: ANN401  # whatever it is
    try:
        made = make()
        if not inspect.isgenerator(made):
            return made
        value = next(made)
    except (Exception, SystemExit) as error:  # the user's function may raise anything
        raise _FailedError(
            f"The resource {maker['name']} ({maker['place']}) cannot be opened: "
            f"{type(error).__name__}: {error}",
            "It was not run.",
            _AGAIN,
        ) from error

    def close() -> None:
        try:
            next(made, None)
        except (Exception, SystemExit) as error:  # noqa: BLE001  # as above
            line = f"The resource {maker['name']} ({maker['place']}) did not close: {error}"
            unclosed.append((line, "".join(traceback.format_exception(error))))

    stack.callback(close)
    return value


@contextlib.contextmanager
def _told_with_line(job: dict[str, Any], *, if_there_is_one: bool = False) -> Iterator[None]:
    """Code of the user's runs within; what it raises is told with the line in its folder.

    Args:
        if_there_is_one: what has none is not the user's, and raised as it is.
    """
    try:
        yield
    except _FailedError:
        raise
    except (Exception, SystemExit) as error:  # the user's code may raise anything
        if if_there_is_one and _line(error, job) is None:
            raise
        raise _raised(error, job) from error


def _raised(error: BaseException, job: dict[str, Any]) -> _FailedError:
    line = _line(error, job)
    at = f" at {_relative(line[0], job)}:{line[1]}" if line else ""
    if isinstance(error, SystemExit):
        return _FailedError(f"It called sys.exit({error.code!r}){at}.", _UNTOUCHED, _AGAIN)
    text = " ".join(str(error).split())
    kind = type(error).__name__
    step = _LOCKED if "Could not set lock on file" in text else _AGAIN
    return _FailedError(f"It raised {kind}{f': {text}' if text else ''}{at}", _UNTOUCHED, step)


def _line(error: BaseException, job: dict[str, Any]) -> tuple[Path, int] | None:
    """The innermost line of a traceback that stands in the user's folder."""
    found: Iterator[tuple[Path, int]] = (
        (Path(frame.filename), frame.lineno or 1)
        for frame in reversed(traceback.extract_tb(error.__traceback__))
    )
    return next(
        (
            (file, line)
            for file, line in found
            if file.is_relative_to(job["folder"]) and "site-packages" not in file.parts
        ),
        None,
    )


def _relative(path: Path, job: dict[str, Any]) -> str:
    try:
        return path.relative_to(job["project_dir"]).as_posix()
    except ValueError:
        return path.as_posix()
