"""Which maker serves each resource for the target, and what it needs in its turn."""

import inspect
from collections.abc import Iterable, Mapping

from toolkit.integrations.python.declared.modules import AnyFound, Found, of_kind
from toolkit.integrations.python.declared.validate import check_name, parameters, reject
from toolkit.integrations.python.definitions import ResourceDefinition
from toolkit.integrations.python.registry import PythonResource
from toolkit.text import nearest


def choose_resources(found: Iterable[AnyFound], target: str) -> dict[str, PythonResource]:
    """One maker for each resource name: the target's own, else the one without a target.

    Raises:
        AssetError: two for one target; a parameter that is neither a resource nor has a value;
            a circle; an async function.
    """
    by_name: dict[str, dict[str | None, Found[ResourceDefinition]]] = {}
    for item in of_kind(found, ResourceDefinition):
        definition = item.definition
        check_name(item)
        if inspect.iscoroutinefunction(definition.function) or inspect.isasyncgenfunction(
            definition.function
        ):
            raise reject(item.who, "it is an async function.", "Make it a plain `def`.")
        other = by_name.setdefault(definition.name, {}).setdefault(definition.target, item)
        if other is not item:
            raise reject(
                item.who,
                f"{other.place} has a resource of this name for the same target.",
                "Rename one, or give one a `target`.",
            )
    chosen = {
        name: maker
        for name, by_target in by_name.items()
        if (maker := by_target.get(target) or by_target.get(None)) is not None
    }
    made = {name: _maker(name, item, chosen) for name, item in chosen.items()}
    for name in made:
        _refuse_circle(name, made, ())
    return made


def _maker(
    name: str, item: Found[ResourceDefinition], chosen: Mapping[str, AnyFound]
) -> PythonResource:
    """The maker, with what its parameters are: resources, declared values, or defaults."""
    definition = item.definition
    values = definition.config or {}
    needs = []
    for parameter in parameters(definition.function, item.who):
        if parameter.name in values:
            continue
        if parameter.name in chosen:
            needs.append(parameter.name)
        elif parameter.default is parameter.empty:
            raise reject(
                item.who,
                f"its parameter {parameter.name!r} is no resource of this target and has no value.",
                f"{nearest(parameter.name, chosen)}Say config={{{parameter.name!r}: <value>}}, "
                "give it a default, or read the environment: toolkit.secret('<NAME>').",
            )
    return PythonResource(
        name=name,
        function=definition.function,
        place=item.place,
        origin=item.origin,
        needs=tuple(needs),
        values=values,
    )


def _refuse_circle(name: str, made: Mapping[str, PythonResource], path: tuple[str, ...]) -> None:
    if name in path:
        circle = [*path[path.index(name) :], name]
        shown = " -> ".join(f"{step} ({made[step].place})" for step in circle)
        raise reject(
            f"resource {name} ({made[name].place})",
            f"it needs itself: {shown}.",
            "Remove one of these parameters.",
        )
    for need in made[name].needs:
        _refuse_circle(need, made, (*path, name))


def with_needs(names: Iterable[str], made: Mapping[str, PythonResource]) -> list[PythonResource]:
    """These resources and all that they need, each once."""
    found: dict[str, PythonResource] = {}

    def add(name: str) -> None:
        if name not in found:
            for need in made[name].needs:
                add(need)
            found[name] = made[name]

    for name in names:
        add(name)
    return list(found.values())
