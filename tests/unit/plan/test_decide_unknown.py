"""Whatever is not known counts as changed, whatever the graph."""

from collections.abc import Mapping
from typing import Literal

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from plan_world import World, asset, check

from toolkit.graph import Asset, Check
from toolkit.plan import Seen

Unknown = Literal["latest", "last", "version", "code", "input", "outside", "found", "check"]
UNKNOWNS: tuple[Unknown, ...] = (
    "latest", "last", "version", "code", "input", "outside", "found", "check",
)  # fmt: skip


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Random graphs of tables, views, ephemeral models and checks, all of it up to date."""
    size = draw(st.integers(1, 7))
    things: list[Asset | Check] = []
    for index in range(size):
        kind = draw(st.sampled_from(["source", "table", "table", "view"]))
        reads = [f"n{i}" for i in range(index) if draw(st.booleans())]
        if kind == "source":
            things.append(asset(f"n{index}", kind="source", materialized=None))
        else:
            things.append(asset(f"n{index}", " ".join(reads), materialized=kind))
        if draw(st.booleans()):
            things.append(check(f"c{index}", f"n{index}"))
    return World(*things)


def forget(world: World, key: str, what: Unknown) -> set[str]:
    """Take something out of what is known; the steps that may not be skipped then."""
    one = world.assets.get(key)
    readers = {a.key for a in world.assets.values() if key in a.depends_on}
    readers |= {c.key for c in world.checks.values() if key in c.assets}
    if what == "check":
        if f"c{key[1:]}" not in world.checks:
            return set()
        del world.passed[f"c{key[1:]}"]
        return {f"c{key[1:]}"}
    assert one is not None
    if world.is_outside(one):
        if what != "outside":
            return set()
        left = {k: v for k, v in world.seen.outside.items() if k != key}
        found = {k: v for k, v in world.seen.found.items() if k != key}
        world.seen = msgspec.structs.replace(world.seen, outside=left, found=found)
        return readers
    match what:
        case "latest":
            del world.latest[key]
            return {key, *readers}
        case "last":
            world.last.pop(key, None)
        case "version":
            world.made(key, data_version=None, metadata={})
        case "code":
            world.made(key, code_version="")
        case "input":
            if not world.latest[key].inputs:
                return set()
            world.made(key, inputs=dict([*world.latest[key].inputs.items()][1:]))
        case "found":
            gone = {k for k in world.latest if world.seen.found and k not in world.seen.found}
            world.looked(**dict.fromkeys({key, *gone}))
        case "outside":
            return set()
    return {key}


@given(worlds(), st.data())
def test_whatever_is_unknown_is_never_skipped(world: World, data: st.DataObject) -> None:
    assert {action for action, _ in world.decided().values()} <= {"skip"}
    must: set[str] = set()
    for _ in range(data.draw(st.integers(1, 3))):
        key = data.draw(st.sampled_from(sorted(world.assets)))
        what = data.draw(st.sampled_from(UNKNOWNS))
        if what != "outside" and not _known(world, key):
            continue
        must |= forget(world, key, what)
    decided = world.decided()
    assert {key: decided[key] for key in must if decided[key][0] == "skip"} == {}


def _known(world: World, key: str) -> bool:
    there = world.is_outside(world.assets[key]) or key in world.latest
    test = f"c{key[1:]}"
    found = not world.seen.found or key in world.seen.found
    return there and found and (test not in world.checks or test in world.passed)


@given(worlds())
def test_a_warehouse_that_nobody_can_see_is_never_up_to_date(world: World) -> None:
    world.seen = Seen(outside=world.seen.outside)
    decided: Mapping[str, tuple[str, str]] = world.decided()
    assert {decided[key][0] for key in world.latest} <= {"run"}
