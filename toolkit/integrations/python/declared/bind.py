"""What each parameter of a decorated function is: an asset, a resource, or its default."""

import inspect
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from toolkit.errors import AssetError
from toolkit.integrations.python.declared import annotations
from toolkit.integrations.python.declared.directory import Directory, Entry
from toolkit.integrations.python.declared.modules import Found
from toolkit.integrations.python.declared.validate import NOTHING_DONE, parameters, reject, texts
from toolkit.integrations.python.definitions import AssetDefinition, Called
from toolkit.integrations.python.isolation.limits import check_environment, isolate_of
from toolkit.integrations.python.registry import PROGRAM, Callee, Input, Wanted
from toolkit.text import with_article

# What a check of an ML model may ask for besides the model itself, by its parameter's name.
OF_MODEL_CHECKS: dict[str, Wanted] = {
    "metrics": "metrics",
    "promoted": "promoted",
    "promoted_metrics": "promoted_metrics",
}


class Names(msgspec.Struct, frozen=True, kw_only=True):
    """All that a parameter may name.

    Attributes:
        directory: assets.
        resources: that this target has.
        other_targets: resources that only other targets have.
        disabled: places of Python assets that this target does not have, by name.
    """

    directory: Directory
    resources: frozenset[str]
    other_targets: frozenset[str]
    disabled: Mapping[str, str] = {}


class Bound(msgspec.Struct, frozen=True, kw_only=True):
    """A function with its parameters understood; ``order`` are keys that it must only follow."""

    callee: Callee
    order: tuple[str, ...] = ()

    @property
    def keys(self) -> tuple[str, ...]:
        """Keys of all assets that must be made before, sorted."""
        return tuple(sorted({*(item.key for item in self.callee.inputs), *self.order}))


def bind(found: Found[Called], names: Names, about: Entry | None = None) -> Bound:
    """Understand a function's parameters.

    Args:
        found: the decorated function.
        names: all that a parameter may name.
        about: for a check, the asset that it checks.

    Raises:
        AssetError: a parameter names nothing, or too much, or is annotated wrongly.
    """
    definition, who = found.definition, found.who
    function = definition.function
    signature = parameters(function, who)
    mapped, order = _deps(definition.deps, who)
    _no_strangers(mapped, signature, who)
    inputs: list[Input] = []
    resources: list[str] = []
    values = definition.config or {}
    batched = isinstance(definition, AssetDefinition) and definition.batch_size
    for parameter in signature:
        name = parameter.name
        if name in values or (name == "batch" and batched):
            continue
        if about is not None and name in OF_MODEL_CHECKS and about.kind == "ml_model":
            inputs.append(_input(parameter, about, OF_MODEL_CHECKS[name]))
        elif about is not None and name == about.name and name not in mapped:
            inputs.append(_asset_input(parameter, about, found))
        elif name not in mapped and _is_resource(parameter, names, who):
            resources.append(name)
        else:
            entry = _entry(parameter, mapped, names, who)
            if entry is not None:
                inputs.append(_asset_input(parameter, entry, found))
    isolate = isolate_of(found)
    check_environment(isolate, definition, inputs, who)
    callee = Callee(
        function=function,
        place=found.place,
        folder=str(found.folder),
        inputs=tuple(inputs),
        resources=tuple(resources),
        values=values,
        origin=found.origin,
        isolate=isolate,
        program=getattr(function, PROGRAM, None),
    )
    return Bound(callee=callee, order=tuple(_orders(order, names, who)))


def _deps(deps: Any, who: str) -> tuple[Mapping[str, str], tuple[str, ...]]:  # noqa: ANN401  # whatever the user wrote
    if deps is None:
        return {}, ()
    if isinstance(deps, Mapping):
        texts(list(deps.values()), "deps", who)
        return deps, ()
    return {}, texts(deps, "deps", who)


def _no_strangers(
    mapped: Mapping[str, str], signature: Iterable[inspect.Parameter], who: str
) -> None:
    names = [parameter.name for parameter in signature]
    for stranger in [name for name in mapped if name not in names]:
        raise reject(
            who,
            f"deps names a parameter {stranger!r}, but the parameters are "
            f"{', '.join(names) or 'none'}.",
            "deps is {parameter: asset}; for an asset that must only be made before, use a list.",
        )


def _orders(order: Iterable[str], names: Names, who: str) -> Iterable[str]:
    for name in order:
        if name in names.directory.by_key:
            yield name
        else:
            _refuse_disabled(name, f"deps entry {name!r}", names, who)
            yield names.directory.find(name, who=who, what=f"deps entry {name!r}").key


def _is_resource(parameter: inspect.Parameter, names: Names, who: str) -> bool:
    name = parameter.name
    assets = names.directory.named(name)
    if name in names.resources and assets:
        raise reject(
            who,
            f"its parameter {name!r} could mean the resource or the asset {assets[0].key}.",
            f"Rename the resource, or say deps={{{name!r}: {assets[0].key!r}}} for the asset.",
        )
    if name in names.other_targets and not assets and parameter.default is parameter.empty:
        raise reject(
            who,
            f"its parameter {name!r} is a resource that this target does not have.",
            f"Add @resource({name!r}) without a target, or one for this target.",
        )
    return name in names.resources


def _entry(
    parameter: inspect.Parameter, mapped: Mapping[str, str], names: Names, who: str
) -> Entry | None:
    name = mapped.get(parameter.name, parameter.name)
    optional = parameter.default is not parameter.empty and parameter.name not in mapped
    if optional and not names.directory.named(name):
        return None
    what = f"its parameter {parameter.name!r}"
    if name != parameter.name:
        what += f" (deps says {name!r})"
    _refuse_disabled(name, what, names, who)
    others = (*names.resources, *names.other_targets)
    return names.directory.find(name, who=who, what=what, others=others)


def _refuse_disabled(name: str, what: str, names: Names, who: str) -> None:
    place = names.disabled.get(name.removeprefix("python."))
    if place is not None and not names.directory.named(name):
        raise reject(
            who,
            f"{what} is the asset declared at {place}, which is not enabled for this target.",
            "Enable it, disable this one too, or give the parameter a default.",
        )


def _asset_input(parameter: inspect.Parameter, entry: Entry, found: Found[Called]) -> Input:
    who, form = found.who, annotations.form_of(parameter.annotation, found.definition.function)
    if entry.kind == "ml_model":
        # An estimator's class is the user's business; a table's class would be a mistake.
        if parameter.annotation in (bytes, "bytes"):
            return _input(parameter, entry, "bytes")
        if form not in (None, "any", "mlmodel", "path"):
            raise _mismatch(parameter, entry, "an ML model, not a table", who)
        return _input(parameter, entry, form if form in ("mlmodel", "path") else "any")
    if form is None:
        raise reject(
            who,
            f"its parameter {str(parameter)!r} asks for a type that we cannot hand over.",
            f"Use one of {annotations.KNOWN}, or no annotation for a pyarrow.Table.",
        )
    if form == "mlmodel":
        raise _mismatch(parameter, entry, "a table, not an ML model", who)
    if entry.relation is None or entry.materialized == "ephemeral":
        what = "ephemeral" if entry.materialized == "ephemeral" else with_article(entry.kind)
        raise reject(
            who,
            f"its parameter {parameter.name!r} reads {entry.key}, which is {what} and has no "
            "table in the warehouse.",
            "Materialize it as a view or a table, or read another asset.",
        )
    return _input(parameter, entry, form)


def _mismatch(parameter: inspect.Parameter, entry: Entry, what: str, who: str) -> AssetError:
    return AssetError(
        f"{who}: its parameter {str(parameter)!r} reads {entry.key}, which is {what}.",
        NOTHING_DONE,
        "Change the annotation.",
    )


def _input(parameter: inspect.Parameter, entry: Entry, form: Wanted) -> Input:
    return Input(
        parameter=parameter.name,
        key=entry.key,
        name=entry.name,
        kind=entry.kind,
        relation=entry.relation,
        form=form,
        event_time=entry.event_time,
    )
