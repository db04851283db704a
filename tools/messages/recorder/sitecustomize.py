"""Note which test triggers which message, in every Python process that a test starts.

Python imports this module at start where its folder is on PYTHONPATH; ``record.py`` puts it
there. Where ``TOOLKIT_MESSAGES`` names a file, each construction of an error or a problem
appends one line to it: the running test and the frames of ours it came from, innermost first.
The product has no hook for this: the two classes are changed from here.
"""

import json
import os
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from types import FrameType, ModuleType

_FILE = os.environ.get("TOOLKIT_MESSAGES", "")
_DEPTH = 6
_seen: set[str] = set()


def _note(code: str | None = None) -> None:
    """One line for the message that is being made, unless this process has said it already."""
    test = os.environ.get("PYTEST_CURRENT_TEST", "")  # pytest sets it; child processes inherit it
    if not test:
        return
    frame: FrameType | None = sys._getframe(2)
    places: list[tuple[str, int]] = []
    while frame is not None and len(places) < _DEPTH:
        _, found, inner = frame.f_code.co_filename.rpartition("/toolkit/")
        if found:
            places.append((f"toolkit/{inner}", frame.f_lineno))
        frame = frame.f_back
    name = test.rsplit(" ", 1)[0].split("[")[0]
    line = json.dumps({"test": name, "places": places, "code": code})
    if line not in _seen:
        _seen.add(line)
        target = os.open(_FILE, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.write(target, line.encode() + b"\n")
        os.close(target)


def _watch(errors: ModuleType) -> None:
    """Let the errors and the problems of this process be noted."""
    made = errors.ToolkitError.__init__

    def init(self: object, *given: object, **named: object) -> None:
        _note()
        made(self, *given, **named)

    errors.ToolkitError.__init__ = init  # type: ignore[method-assign]
    named = {
        "__module__": errors.__name__,
        "__qualname__": "Problem",
        "__annotations__": {},
        "__doc__": errors.Problem.__doc__,
        "__post_init__": lambda problem: _note(problem.code),
    }
    base = errors.Problem
    watched = type(base)("Problem", (base,), named, frozen=True, kw_only=True)
    errors.Problem = watched  # type: ignore[attr-defined]


def _watch_unreadable(parse: ModuleType) -> None:
    """What makes a query opaque, which is a problem only later."""
    made = parse.Unreadable.__init__

    def init(self: object, code: str, *given: object) -> None:
        _note(code)
        made(self, code, *given)

    parse.Unreadable.__init__ = init  # type: ignore[method-assign]


def _watch_losses(context: ModuleType) -> None:
    """What is lost of a query's lineage, likewise."""
    lost = context.Context.lose

    def lose(self: object, code: str, *given: object) -> None:
        _note(code)
        lost(self, code, *given)

    context.Context.lose = lose  # type: ignore[method-assign]


_WATCHED = {
    "toolkit.errors": _watch,
    "toolkit.lineage.sql.parse": _watch_unreadable,
    "toolkit.lineage.sql.context": _watch_losses,
}


class _Finder(PathFinder):
    """Finds modules of ours as ever, and watches some once they are loaded."""

    @classmethod
    def find_spec(
        cls,
        fullname: str,
        path: Sequence[str] | None = None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        if fullname not in _WATCHED:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is None or spec.loader is None:
            return None
        execute = spec.loader.exec_module

        def exec_module(module: ModuleType) -> None:
            execute(module)
            _WATCHED[fullname](module)

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


if _FILE:
    sys.meta_path.insert(0, _Finder)
