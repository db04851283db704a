"""Declared columns of a Python asset: types, inputs and tests."""

from collections.abc import Mapping
from typing import Any

from toolkit.graph import Column
from toolkit.integrations.python.declared.bind import Bound
from toolkit.integrations.python.declared.validate import reject, texts
from toolkit.integrations.python.definitions import AssetDefinition

_OPTIONS = ("type", "description", "inputs", "tags", "meta", "tests")


def columns(definition: AssetDefinition, bound: Bound, who: str) -> dict[str, Column]:
    """Columns as declared, in order."""
    found: dict[str, Column] = {}
    folded: dict[str, str] = {}
    for name, given in definition.columns.items():
        options = _options(name, given, who)
        twin = folded.setdefault(str(name).casefold(), name)
        if twin != name:
            raise reject(
                who,
                f"it declares the columns {twin!r} and {name!r}, which are one for the warehouse.",
                "Remove one of them.",
            )
        found[name] = Column(
            name=name,
            type=options.get("type"),
            description=options.get("description", ""),
            tags=texts(options.get("tags", ()), f"columns[{name!r}]['tags']", who),
            meta=options.get("meta", {}),
            inputs=_inputs(name, options, bound, who),
        )
    return found


def _options(name: object, given: object, who: str) -> Mapping[str, Any]:
    if not isinstance(name, str) or not name:
        raise reject(who, f"a declared column is called {name!r}, which is no name.", "Use a text.")
    if isinstance(given, str):
        return {"type": given}
    if not isinstance(given, Mapping):
        raise reject(
            who,
            f"columns[{name!r}] is {given!r}, neither a type nor a dict.",
            "Write the type, or a dict with 'type'.",
        )
    for option in given:
        if option not in _OPTIONS:
            raise reject(
                who,
                f"columns[{name!r}] has the unknown option {option!r}.",
                f"The options are {', '.join(_OPTIONS)}.",
            )
    for option in ("type", "description"):
        if not isinstance(given.get(option, ""), str):
            raise reject(
                who, f"columns[{name!r}][{option!r}] is not a text.", "Write it in quotes."
            )
    return given


def _inputs(
    column: str, options: Mapping[str, Any], bound: Bound, who: str
) -> tuple[tuple[str, str], ...]:
    names: dict[str, str] = {}
    for item in bound.callee.inputs:
        names |= {item.key: item.key, item.name: item.key}
    # A parameter's name wins over the name of an asset that another parameter reads.
    names |= {item.parameter: item.key for item in bound.callee.inputs}
    pairs = []
    for text in texts(options.get("inputs", ()), f"columns[{column!r}]['inputs']", who):
        asset, dot, source = text.rpartition(".")
        if not dot or asset not in names:
            inputs = ", ".join(item.parameter for item in bound.callee.inputs) or "none"
            raise reject(
                who,
                f"the column {column!r} is said to be made from {text!r}, but the inputs "
                f"of this asset are: {inputs}.",
                "Write '<input>.<column>'.",
            )
        pairs.append((names[asset], source))
    return tuple(pairs)
