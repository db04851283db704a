"""What is to be known of a function's code: fingerprint, why it is volatile, which files it is."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple, Protocol

from toolkit.integrations.python.code.code_version import code_version
from toolkit.integrations.python.code.libraries import Libraries
from toolkit.integrations.python.code.sources import imported, reach
from toolkit.integrations.python.code.volatile import volatile
from toolkit.integrations.python.declared.modules import AnyFound, Found
from toolkit.integrations.python.definitions import Called
from toolkit.integrations.python.registry import Callee, Stamp, stamp
from toolkit.settings import Settings


class Judged(NamedTuple):
    """What is known of one function's code.

    Attributes:
        version: fingerprint of how it makes what it makes.
        volatile: why it may make something else of the same inputs; empty if not.
        stamps: of the project's files that it can reach, as they are now.
        libraries: names of the packages that it imports.
    """

    version: str
    volatile: str
    stamps: dict[str, Stamp]
    libraries: tuple[str, ...] = ()


class JudgesCode(Protocol):
    """Who judges the functions of one load."""

    def judge(self, found: Found[Called], callee: Callee, extra: object) -> Judged:
        """Judge one function."""

    def watched(self) -> dict[str, Stamp]:
        """Stamps of all files that counted and are in no folder of ``assets:``."""


class NoJudge:
    """For who runs functions and keeps nothing of it."""

    def judge(self, found: Found[Called], callee: Callee, extra: object) -> Judged:
        """Nothing is known, nothing is read."""
        return Judged("", "", {})

    def watched(self) -> dict[str, Stamp]:
        """No file counts."""
        return {}


class CodeJudge:
    """Judges the functions of one load.

    Args:
        settings: of the project.
        found: all decorated functions.
    """

    def __init__(self, settings: Settings, found: Iterable[AnyFound]) -> None:
        self._project_dir = settings.project_dir
        self._entries = settings.assets
        self._libraries = Libraries()
        self._lines: dict[Path, set[int]] = {}
        self._seen: dict[str, Stamp] = {}
        for item in found:
            self._lines.setdefault(item.file, set()).add(item.line)

    def judge(self, found: Found[Called], callee: Callee, extra: object) -> Judged:
        """Judge one function.

        Args:
            extra: what else decides what it makes; JSON.
        """
        folders = (found.folder, self._project_dir)
        lines = frozenset(self._lines[found.file])
        reached = reach(found.file, found.line, found.module, folders, lines)
        names = {name for _, statements in reached.parts() for name in imported(statements)}
        local = [name for name in names if _is_local(name, folders)]
        environment = callee.isolate.environment if callee.isolate is not None else None
        if environment is None:
            libraries = self._libraries.versions(names, local)
        else:  # what is installed here is not what it runs with
            libraries = {"": repr(environment.requirements)}
        version = code_version(reached, libraries, json.dumps(extra))
        stamps = {str(file): stamp(file) for file in (reached.file, *reached.modules)}
        self._seen |= stamps
        if callee.program is not None:  # a notebook: what was read is a copy of its code
            stamps = {**stamps, callee.program.path: stamp(Path(callee.program.path))}
        why = volatile(found.definition.volatile, callee, reached, self._project_dir)
        return Judged(version, why, stamps, tuple(sorted(filter(None, libraries))))

    def watched(self) -> dict[str, Stamp]:
        """Stamps of all files that counted and are in no folder of ``assets:``."""
        files = {**self._seen, **{str(file): stamp(file) for file in self._libraries.watched}}
        return {
            file: found
            for file, found in files.items()
            if not any(Path(file).is_relative_to(entry) for entry in self._entries)
        }


def _is_local(module: str, folders: Iterable[Path]) -> bool:
    return any(
        (folder / f"{module}.py").is_file() or any((folder / module).glob("*.py"))
        for folder in folders
    )
