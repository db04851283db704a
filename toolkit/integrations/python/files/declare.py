"""Notebooks and scripts of ``assets:`` -> what a decorated function would have declared."""

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from toolkit.integrations.python.api import asset
from toolkit.integrations.python.declared.modules import AnyFound, Found, relative
from toolkit.integrations.python.declared.validate import reject
from toolkit.integrations.python.definitions import collecting
from toolkit.integrations.python.files.cells import code_of
from toolkit.integrations.python.registry import PROGRAM, Program
from toolkit.settings import Settings
from toolkit.settings.types import AssetFile


def declared(settings: Settings) -> list[AnyFound]:
    """What the files that are assets themselves declare; none of them is run.

    Raises:
        AssetError: a notebook cannot be read or is not in Python; an option makes no sense.
    """
    return [_found(entry, settings) for entry in settings.asset_files]


def _found(entry: AssetFile, settings: Settings) -> AnyFound:
    path = relative(entry.path, settings.project_dir)
    is_notebook = entry.path.suffix == ".ipynb"
    file = code_of(entry.path, settings) if is_notebook else entry.path
    options = dict(entry.options)
    who = f"{path} ({entry.where})"
    deps = _deps(options.pop("deps", None), who)
    given: dict[str, Any] = {
        "isolate": True,
        "description": f"Made by {path}.",
        "name": _name(entry.path),
    }
    given |= options
    if given["isolate"] is False:
        raise reject(
            who,
            "isolate: false is not possible, a notebook or script has its own process.",
            "Remove it.",
        )
    config = _mapping(given.get("config"))
    for target in _mapping(given.get("targets")).values():
        config = {**config, **_mapping(_mapping(target).get("config"))}
    function = _function(deps, config)
    kind: Literal["notebook", "script"] = "notebook" if is_notebook else "script"
    setattr(function, PROGRAM, Program(kind=kind, path=str(entry.path)))
    with collecting() as definitions:
        asset(**{**given, "deps": deps})(function)
    return Found(
        definition=definitions[0],
        file=file,
        module=file,
        folder=entry.path.parent,
        path=path,
        line=1,
    )


def _name(path: Path) -> str:
    """The file's name, as a table's."""
    return re.sub(r"\W", "_", path.stem)


def _mapping(value: object) -> Mapping[str, Any]:
    """A mapping; whoever judges options says so if it is none."""
    return value if isinstance(value, Mapping) else {}


def _deps(value: Any, who: str) -> dict[str, str]:  # noqa: ANN401  # whatever the user wrote
    """``{name to load by: asset}`` of a mapping, or of a list of names."""
    if value is None:
        return {}
    if isinstance(value, Mapping) and all(isinstance(v, str) for v in value.values()):
        found = {str(key): str(text) for key, text in value.items()}
    elif isinstance(value, Sequence) and not isinstance(value, str):
        found = {_parameter(str(item)): str(item) for item in value}
        if len(found) < len(value):
            raise reject(
                who,
                "two of its deps have the same name.",
                "Give each one a name: `deps: {a: raw.orders, b: shop.orders}`.",
            )
    else:
        raise reject(
            who,
            f"deps={value!r} is no list of assets.",
            "Write `deps: [orders, raw.customers]`.",
        )
    wrong = [name for name in found if not name.isidentifier()]
    if wrong:
        raise reject(
            who,
            f"deps: {wrong[0]!r} cannot be a name.",
            "Use letters, digits and underscores.",
        )
    return found


def _parameter(reference: str) -> str:
    last = reference.rpartition(".")[2]
    return reference if reference.isidentifier() else re.sub(r"\W", "_", last)


def _function(deps: Mapping[str, str], config: Mapping[str, Any]) -> Callable[..., Any]:
    """Stands for the file: its parameters are what it reads, and what ``config`` gives it."""

    def stands_for_a_file(**_: object) -> Any:  # noqa: ANN401  # of nothing
        raise AssertionError("a notebook or script is run in a process of its own")

    keyword = inspect.Parameter.KEYWORD_ONLY
    inputs = [inspect.Parameter(name, keyword) for name in deps]
    values = [inspect.Parameter(name, keyword, default=None) for name in config]
    stands_for_a_file.__signature__ = inspect.Signature(  # type: ignore[attr-defined]  # PEP 362
        [*inputs, *(item for item in values if item.name not in deps)]
    )
    return stands_for_a_file
