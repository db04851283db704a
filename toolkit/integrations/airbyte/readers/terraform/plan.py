"""What a plan's configuration says of links: which destination a connection that is new goes to.

A plan knows no ids of what it would create, and its ``configuration`` has the expressions of the
HCL: of these only the names that they refer to are decoded, never a constant.
"""

import re
from collections.abc import Container, Iterator, Mapping

import msgspec

_MODULE = re.compile(r"module\.(?P<name>[^.\[]+)(?P<key>\[(?:\d+|\"(?:[^\"\\]|\\.)*\")\])?\.")
_KEY = re.compile(r"\[(?:\d+|\"(?:[^\"\\]|\\.)*\")\]$")
_DEEPEST = 20


class _Names(msgspec.Struct):
    references: list[str] = []


class _Links(msgspec.Struct):
    source_id: _Names = msgspec.field(default_factory=_Names)
    destination_id: _Names = msgspec.field(default_factory=_Names)


class _Resource(msgspec.Struct):
    address: str
    expressions: _Links = msgspec.field(default_factory=_Links)


class _Output(msgspec.Struct):
    expression: _Names = msgspec.field(default_factory=_Names)


class _Called(msgspec.Struct):
    expressions: dict[str, _Names] = {}
    module: "ConfiguredModule" = msgspec.field(default_factory=lambda: ConfiguredModule())


class ConfiguredModule(msgspec.Struct):
    """A module of a plan's ``configuration``, as far as it links resources."""

    resources: list[_Resource] = []
    module_calls: dict[str, _Called] = {}
    outputs: dict[str, _Output] = {}


class Configuration(msgspec.Struct):
    """A plan's ``configuration``."""

    root_module: ConfiguredModule = msgspec.field(default_factory=ConfiguredModule)


class _Place(msgspec.Struct, frozen=True):
    """A module with its instance's address, and the one that calls it."""

    module: ConfiguredModule
    address: str = ""
    name: str = ""
    above: "_Place | None" = None


def linked(
    configuration: Configuration, address: str, attribute: str, known: Container[str]
) -> str | None:
    """The resource that an attribute of a connection refers to.

    Args:
        address: of the connection.
        attribute: ``source_id`` or ``destination_id``.
        known: addresses of resources that there are.
    """
    place, rest = _place(configuration.root_module, address)
    name = _KEY.sub("", rest)
    key = rest[len(name) :]
    for resource in place.module.resources:
        if resource.address == name:
            links: _Names = getattr(resource.expressions, attribute)
            found = _followed(place, links, known, key, 0)
            return next(found, None)
    return None


def _place(root: ConfiguredModule, address: str) -> tuple[_Place, str]:
    place = _Place(root)
    while (step := _MODULE.match(address)) is not None:
        called = place.module.module_calls.get(step["name"])
        place = _Place(
            called.module if called is not None else ConfiguredModule(),
            f"{place.address}{step[0]}",
            step["name"],
            place,
        )
        address = address[step.end() :]
    return place, address


def _followed(
    place: _Place, names: _Names, known: Container[str], key: str, depth: int
) -> Iterator[str]:
    """Addresses among ``known``; inputs are followed to the caller, outputs into the module."""
    if depth > _DEEPEST:
        return
    for name in names.references:
        parts = name.split(".")
        if parts[0] == "var" and place.above is not None and len(parts) > 1:
            given = _inputs(place.above, place.name).get(parts[1], _Names())
            yield from _followed(place.above, given, known, key, depth + 1)
        elif parts[0] == "module" and len(parts) > 2:
            yield from _given_out(place, name, known, key, depth)
        else:
            for address in (f"{place.address}{name}", f"{place.address}{name}{key}"):
                if address in known:
                    yield address


def _inputs(caller: _Place, name: str) -> Mapping[str, _Names]:
    called = caller.module.module_calls.get(name)
    return called.expressions if called is not None else {}


def _given_out(
    place: _Place, name: str, known: Container[str], key: str, depth: int
) -> Iterator[str]:
    step = _MODULE.match(name)
    called = place.module.module_calls.get(step["name"]) if step is not None else None
    if step is None or called is None:
        return
    output = called.module.outputs.get(name[step.end() :].split(".")[0], _Output())
    inside = _Place(called.module, f"{place.address}{step[0]}", step["name"], place)
    yield from _followed(inside, output.expression, known, key, depth + 1)
