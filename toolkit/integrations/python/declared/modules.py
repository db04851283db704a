"""Importing the files that ``assets:`` in toolkit.yml names, and nothing when it names none."""

import contextlib
import hashlib
import importlib
import importlib.util
import re
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Generic, TypeVar, cast

from toolkit.errors import AssetError, ToolkitError
from toolkit.integrations.python.declared.confided import hide_secrets_of
from toolkit.integrations.python.declared.places import place_of
from toolkit.integrations.python.declared.places import relative as relative
from toolkit.integrations.python.definitions import (
    CheckDefinition,
    Definition,
    ResourceDefinition,
    collecting,
)
from toolkit.integrations.python.registry import Origin

D_co = TypeVar("D_co", bound=Definition, covariant=True)


@dataclass(frozen=True)
class Found(Generic[D_co]):
    """A definition and where it stands.

    Attributes:
        definition: what the decorator was told.
        file: absolute.
        module: the file whose import gave it; usually the same one. Absolute.
        folder: the entry of ``assets:`` that it came by (the file's own folder for a file).
        path: of the file, relative to the project folder, with forward slashes.
        line: 1-based, of the first decorator.
        yaml_path: the file that describes it further, as ``path``.
    """

    definition: D_co
    file: Path
    module: Path
    folder: Path
    path: str
    line: int
    yaml_path: str | None = None

    @property
    def place(self) -> str:
        """``path:line``, as editors understand it."""
        return f"{self.path}:{self.line}"

    @property
    def who(self) -> str:
        """What it is, by name and place, as messages begin."""
        kind = {CheckDefinition: "check ", ResourceDefinition: "resource "}
        return f"{kind.get(type(self.definition), 'python.')}{self.definition.name} ({self.place})"

    @property
    def origin(self) -> Origin:
        """Where another process finds the function."""
        return Origin(
            folder=str(self.folder),
            module=str(self.module),
            file=str(self.file),
            line=self.line,
            name=self.definition.name,
        )


AnyFound = Found[Definition]
D = TypeVar("D", bound=Definition)


def of_kind(found: Iterable[AnyFound], kind: type[D]) -> list[Found[D]]:
    """Those with definitions of this kind."""
    return [cast("Found[D]", item) for item in found if isinstance(item.definition, kind)]


def find(entries: Sequence[Path], project_dir: Path) -> list[AnyFound]:
    """Import every file of ``entries`` and give what their decorators declared.

    Raises:
        AssetError: an entry is missing, or a file cannot be imported.
    """
    found: dict[tuple[str, str, int, str], AnyFound] = {}
    for entry in entries:
        folder, files = _files(entry, project_dir)
        # What a module prints while it is imported must not get between us and whoever
        # reads our standard output.
        with _importable(folder, project_dir), contextlib.redirect_stdout(sys.stderr):
            package = _package(folder, project_dir)
            for file in files:
                hide_secrets_of(file)
                for definition in _import(file, folder, package, project_dir):
                    item = _found(definition, file, folder, project_dir)
                    kind = type(definition).__name__
                    found.setdefault((kind, str(item.file), item.line, definition.name), item)
    return list(found.values())


def find_again(origins: Sequence[Origin], project_dir: Path) -> list[Callable[..., Any]]:
    """Import, in another process, just the files of these functions; gives them in order.

    Raises:
        AssetError: a file cannot be imported any more, or declares something else.
    """
    found: dict[tuple[str, int, str], Callable[..., Any]] = {}
    for folder in dict.fromkeys(Path(origin.folder) for origin in origins):
        with _importable(folder, project_dir):
            package = _package(folder, project_dir)
            for module in dict.fromkeys(o.module for o in origins if o.folder == str(folder)):
                for definition in _import(Path(module), folder, package, project_dir):
                    item = _found(definition, Path(module), folder, project_dir)
                    key = (str(item.file), item.line, definition.name)
                    found.setdefault(key, definition.function)
    try:
        return [found[origin.file, origin.line, origin.name] for origin in origins]
    except KeyError as error:
        file, line, name = error.args[0]
        raise AssetError(
            f"{relative(Path(file), project_dir)}:{line} does not declare {name!r} any more.",
            "It was not run.",
            "Run the same command again: it starts from what the files declare now.",
        ) from None


def _files(entry: Path, project_dir: Path) -> tuple[Path, list[Path]]:
    if entry.is_file():
        return entry.parent, [entry]
    if not entry.is_dir():
        raise AssetError(
            f"toolkit.yml names {relative(entry, project_dir)} under `assets`, which is not there.",
            "Its Python assets would be missing from the graph, so nothing was done.",
            "Correct the path, or create the file or folder.",
        )
    return entry, sorted(walked(entry, _is_module))


def walked(folder: Path, wanted: Callable[[str], bool]) -> Iterator[Path]:
    """Files below ``folder`` whose names are wanted, but nothing hidden and no environments."""
    if (folder / "pyvenv.cfg").exists():
        return
    for path in folder.iterdir():
        name = path.name
        if name.startswith(".") or name == "__pycache__":
            continue
        if path.is_dir():
            yield from walked(path, wanted)
        elif wanted(name):
            yield path


def _is_module(name: str) -> bool:
    return (
        name.endswith(".py")
        and name not in ("__init__.py", "conftest.py", "setup.py")
        and not name.startswith("test_")
        and not name.endswith("_test.py")
    )


@contextlib.contextmanager
def _importable(folder: Path, project_dir: Path) -> Iterator[None]:
    """Let a file import its neighbours by plain name while it is being imported.

    The folders come last on ``sys.path``, so that a file called ``queue.py`` shadows nothing.
    Afterwards the neighbours are forgotten: another folder may have one of the same name.
    """
    before, path = set(sys.modules), list(sys.path)
    bytecode = sys.dont_write_bytecode
    sys.path += [str(folder), str(project_dir)]
    sys.dont_write_bytecode = True
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path[:] = path
        sys.dont_write_bytecode = bytecode
        for name in set(sys.modules) - before:
            file = getattr(sys.modules[name], "__file__", None)
            if (
                file
                and not name.startswith(_PREFIX)
                and Path(file).is_relative_to(folder)
                and "site-packages" not in file
            ):
                del sys.modules[name]


_PREFIX = "toolkit_assets_"


def _package(folder: Path, project_dir: Path) -> str:
    """A private package whose modules are the folder's files; gives its name.

    The name depends on the folder's place in the project only: a model file that holds a
    class of the user's names its module, and must load in the next process too.
    """
    name = package_name(folder, project_dir)
    for loaded in [m for m in sys.modules if m == name or m.startswith(name + ".")]:
        del sys.modules[loaded]
    package = ModuleType(name, f"Python assets in {relative(folder, project_dir)}.")
    package.__path__ = [str(folder)]
    sys.modules[name] = package
    return name


def package_name(folder: Path, project_dir: Path) -> str:
    """The name of the private package of a folder."""
    path = relative(folder, project_dir)
    slug = re.sub(r"\W", "_", path)
    if slug != path:
        slug += "_" + hashlib.sha256(path.encode()).hexdigest()[:8]
    return _PREFIX + slug


def _import(file: Path, folder: Path, package: str, project_dir: Path) -> list[Definition]:
    path = relative(file, project_dir)
    parts = file.relative_to(folder).with_suffix("").parts
    if any("." in part for part in parts):
        raise AssetError(
            f"{path} has a dot in its name, so Python cannot import it.",
            "Its assets would be missing from the graph, so nothing was done.",
            "Rename it.",
        )
    name = ".".join((package, *parts))
    with collecting() as definitions:
        try:
            # What a module prints is no answer of ours: standard output may be JSON.
            with contextlib.redirect_stdout(sys.stderr):
                importlib.import_module(name)
        except ToolkitError:
            raise
        except SyntaxError as error:
            where = relative(Path(error.filename), project_dir) if error.filename else path
            raise _import_error(f"{where}:{error.lineno}", error) from error
        except (Exception, SystemExit) as error:  # the user's module may raise anything
            line = line_in(error, [folder]) or (file, 1)
            raise _import_error(f"{relative(line[0], project_dir)}:{line[1]}", error) from error
    return definitions


def line_in(error: BaseException, folders: Sequence[Path]) -> tuple[Path, int] | None:
    """The innermost line of a traceback that stands in one of these folders."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        file = Path(frame.filename)
        if any(file.is_relative_to(folder) for folder in folders) and (
            "site-packages" not in file.parts
        ):
            return file, frame.lineno or 1
    return None


def _import_error(place: str, error: BaseException) -> AssetError:
    last = "".join(traceback.format_exception_only(error)).strip().splitlines()[-1]
    return AssetError(
        f"{place} cannot be imported: {last}",
        "Its assets would be missing from the graph, so nothing was done.",
        "Mend that line; `toolkit ls --debug` shows the whole traceback.",
    )


def _found(definition: Definition, file: Path, folder: Path, project_dir: Path) -> AnyFound:
    source, line = place_of(definition, file, project_dir)
    return Found(definition, source, file, folder, relative(source, project_dir), line)
