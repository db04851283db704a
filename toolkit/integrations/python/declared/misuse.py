"""Mistakes that Python lets pass: decorators in the wrong order, results that nobody can write,
circles. Each is told when a project is loaded, with the places of all that have a part in it."""

import inspect
import sys
import types
import typing
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from toolkit.errors import AssetError, CycleError
from toolkit.graph import Asset
from toolkit.integrations.python.declared.annotations import KNOWN, form_of
from toolkit.integrations.python.declared.modules import AnyFound, Found
from toolkit.integrations.python.declared.validate import NOTHING_DONE, reject
from toolkit.integrations.python.definitions import (
    AssetDefinition,
    Called,
    CheckDefinition,
    ResourceDefinition,
)
from toolkit.integrations.python.registry import PythonAsset

_WORD: Mapping[type, str] = {
    AssetDefinition: "@asset",
    CheckDefinition: "@check",
    ResourceDefinition: "@resource",
}


def refuse_two_kinds(found: Iterable[AnyFound]) -> None:
    """No function is an asset and a check, or the like.

    Raises:
        AssetError: one is.
    """
    seen: dict[int, AnyFound] = {}
    for item in found:
        other = seen.setdefault(id(inspect.unwrap(item.definition.function)), item)
        one, two = _WORD[type(other.definition)], _WORD[type(item.definition)]
        if one != two:
            raise AssetError(
                f"{item.place}: {item.definition.name} is decorated as {one} and as {two}.",
                NOTHING_DONE,
                "Write two functions; one may call the other.",
            )


def refuse_decorators_above(found: AnyFound) -> None:
    """What toolkit calls is what stands in the module: nothing decorates it once more.

    Raises:
        AssetError: something does, and would not be called.
    """
    function = found.definition.function
    module = sys.modules.get(getattr(function, "__module__", "") or "")
    value = getattr(module, getattr(function, "__name__", ""), None)
    if value is None or value is function or not callable(value):
        return
    cells = getattr(value, "__closure__", None) or ()
    wraps = inspect.unwrap(value) is inspect.unwrap(function)
    if wraps or any(_holds(cell, function) for cell in cells):
        word = _WORD[type(found.definition)]
        raise reject(
            found.who,
            f"another decorator stands above {word}, so that it would not be called.",
            f"Put {word} on top.",
        )


def _holds(cell: types.CellType, function: object) -> bool:
    try:
        return cell.cell_contents is function
    except ValueError:  # nothing was put into it yet
        return False


_OF_CHECK = "Return a bool, a CheckResult, or a table of failing rows."


def refuse_result(found: Found[Called]) -> None:
    """The annotation of what is returned names something that can be written or judged.

    One that cannot be understood here (an import for type checkers only) is let pass.

    Raises:
        AssetError: it plainly does not.
    """
    definition, who = found.definition, found.who
    function = definition.function
    ours = str(getattr(function, "__module__", "")).startswith("toolkit.integrations.")
    if ours or (isinstance(definition, AssetDefinition) and definition.sql):
        return  # a notebook, a script or SQL: no function of the user's
    try:
        hint = typing.get_type_hints(inspect.unwrap(function)).get("return", Any)
    except (NameError, TypeError, AttributeError, SyntaxError):
        return
    hint = type(None) if hint is None else hint
    forms = [_form(arm, function) for arm in _arms(hint) if arm is not type(None)]
    written = "None" if hint is type(None) else inspect.formatannotation(hint)
    if isinstance(definition, CheckDefinition):
        if not any(form in ("any", "verdict", "table") for form in forms):
            raise reject(who, f"it is said to return {written}.", _OF_CHECK)
    elif definition.kind == "ml_model":
        if forms and all(form == "table" for form in forms):
            raise reject(
                who,
                f"it is an ml_model and said to return {written}, a table.",
                "Return an estimator or an MLModel, or use kind='python'.",
            )
    elif forms and all(form == "model" for form in forms):
        raise reject(who, f"it is said to return {written}.", "Say kind='ml_model'.")
    elif not any(form in ("any", "table") for form in forms):
        raise reject(
            who, f"it is said to return {written}, which is no table.", f"Return one of {KNOWN}."
        )


def _arms(hint: Any) -> Sequence[Any]:  # noqa: ANN401  # any annotation
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return typing.get_args(hint)
    return (hint,)


def _form(hint: Any, function: Any) -> str:  # noqa: ANN401  # any annotation
    """``table``, ``model``, ``verdict`` (of a check), ``any``, or ``other``."""
    if hint is Any or hint is object or isinstance(hint, str | typing.TypeVar):
        return "any"
    kind = typing.get_origin(hint) or hint
    if kind is typing.Annotated:
        return _form(typing.get_args(hint)[0], function)
    if not inspect.isclass(kind):
        return "any"
    if kind.__module__.partition(".")[0] == "numpy" and kind.__name__ in ("bool", "bool_"):
        return "verdict"
    if kind is bool or kind.__name__ == "CheckResult":
        return "verdict"
    for base in kind.__mro__:
        form = form_of(base, function)
        if form is not None:
            return "model" if form == "mlmodel" else "any" if form == "any" else "table"
    return "other"


def refuse_circles(assets: Mapping[str, PythonAsset], known: Mapping[str, Asset]) -> None:
    """No Python asset needs itself, by way of others or of dbt's models.

    A dbt source over the table that a Python asset writes is that asset.

    Raises:
        CycleError: one does; with the place of each function on the circle.
    """
    writers = {
        item.asset.relation.folded(): key
        for key, item in assets.items()
        if item.asset.relation is not None
    }
    reads: dict[str, tuple[str, ...]] = {k: item.asset.depends_on for k, item in assets.items()}
    for key, asset in known.items():
        writer = writers.get(asset.relation.folded()) if asset.relation else None
        reads[key] = (writer,) if asset.kind == "source" and writer else asset.depends_on
    done: set[str] = set()
    for start in assets:
        circle = _circle(start, reads, done)
        if circle:
            raise _circle_error(circle, assets, known)


def _circle(
    start: str, reads: Mapping[str, tuple[str, ...]], done: set[str]
) -> tuple[str, ...] | None:
    """A circle that ``start`` leads to, first = last; walks without recursion."""
    path: list[str] = []
    on_path: set[str] = set()
    stack: list[tuple[str, bool]] = [(start, False)]
    while stack:
        key, left = stack.pop()
        if left:
            path.pop()
            on_path.discard(key)
            done.add(key)
            continue
        if key in on_path:
            return (*path[path.index(key) :], key)
        if key in done:
            continue
        path.append(key)
        on_path.add(key)
        stack.append((key, True))
        stack += [(need, False) for need in reads.get(key, ())]
    return None


def _circle_error(
    circle: tuple[str, ...], assets: Mapping[str, PythonAsset], known: Mapping[str, Asset]
) -> CycleError:
    def shown(key: str) -> str:
        place = assets[key].callee.place if key in assets else known[key].path
        return f"{key} ({place})" if place else key

    # They are found from who reads to what is read; people follow the data.
    in_order = circle[::-1]
    first = next((n for n, key in enumerate(in_order[:-1]) if key in assets), 0)
    in_order = (*in_order[first:-1], *in_order[:first], in_order[first])
    error = CycleError(in_order)
    error.fact = (
        "The assets depend on each other in a circle: " + " -> ".join(map(shown, in_order)) + "."
    )
    return error
