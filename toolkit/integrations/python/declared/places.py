"""Where a decorated thing stands, and what is said of one that cannot be called by name."""

import inspect
from pathlib import Path

from toolkit.errors import AssetError
from toolkit.integrations.python.definitions import Definition, ResourceDefinition


def relative(path: Path, project_dir: Path) -> str:
    """``path`` as people write it from the project folder; absolute where it is elsewhere."""
    try:
        return path.relative_to(project_dir).as_posix()
    except ValueError:
        try:
            return Path("..", path.relative_to(project_dir.parent)).as_posix()
        except ValueError:
            return path.as_posix()


def place_of(definition: Definition, file: Path, project_dir: Path) -> tuple[Path, int]:
    """File and line of a function, or of a resource's class; of its first decorator.

    Args:
        file: whose import gave it.

    Raises:
        AssetError: it is neither.
    """
    function = inspect.unwrap(definition.function)
    code = getattr(function, "__code__", None)
    if code is not None:
        return Path(code.co_filename), code.co_firstlineno
    line = None
    if inspect.isclass(function):
        try:
            line = inspect.getsourcelines(function)[1]
        except (OSError, TypeError):
            line = None  # made by a call, type(...), so no class statement is found
        if line is not None and isinstance(definition, ResourceDefinition):
            return Path(inspect.getsourcefile(function) or file), line
    at = f"{relative(file, project_dir)}:{line}" if line else relative(file, project_dir)
    raise AssetError(
        f"{at} decorates {_described(function)}, which is not a function.",
        "It cannot be an asset, a check or a resource, so nothing was done.",
        _instead(function),
    )


def _described(function: object) -> str:
    if inspect.isclass(function):
        return f"the class {function.__name__}"
    name = getattr(getattr(function, "func", None), "__name__", "")  # functools.partial
    named = f" of {name}()" if name else ""
    return f"a {type(function).__name__}{named}"


def _instead(function: object) -> str:
    if hasattr(function, "func") and hasattr(function, "keywords"):
        return "Decorate the function itself, and give values by config={'<parameter>': <value>}."
    return "Decorate a function that is made with `def`."
