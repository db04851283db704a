"""One writer a relation: two steps that write the same table would overwrite each other."""

from toolkit.errors import GraphError
from toolkit.graph import Asset, AssetGraph
from toolkit.graph.casing import casing, has_database, same_name
from toolkit.integrations.base import Step
from toolkit.plan import Plan


def refuse_two_writers(plan: Plan, graph: AssetGraph, adapter: str) -> None:
    """Look for two steps of a plan that write one relation, by the adapter's rules of case.

    Raises:
        GraphError: there are such; names both.
    """
    writers: dict[tuple[str | None, str], list[tuple[Asset, Step]]] = {}
    for planned in plan.steps:
        for key in planned.step.makes:
            asset = graph[key]
            if asset.relation is None or asset.kind == "function":
                continue
            place = asset.relation.folded()
            for other, step in writers.setdefault((place.schema, place.identifier), []):
                if step.key != planned.step.key and _same(other, asset, adapter):
                    raise _two(other, step, asset, planned.step)
            writers[place.schema, place.identifier].append((asset, planned.step))


def _same(one: Asset, other: Asset, adapter: str) -> bool:
    """Whether both surely live in one place: what is not known refuses no build."""
    left, right = one.relation, other.relation
    assert left is not None
    assert right is not None
    names = [
        ("schema", left.schema, right.schema),
        ("identifier", left.identifier, right.identifier),
    ]
    if has_database(adapter):
        names.append(("database", left.database, right.database))
    return all(
        a is not None
        and b is not None
        and (a == b or (_known(one, other, adapter) and _alike(part, a, b, one, other, adapter)))
        for part, a, b in names
    )


def _known(one: Asset, other: Asset, adapter: str) -> bool:
    """Whether it can be told if two spellings are one name."""
    return casing(adapter) == "never" or None not in (one.quoted, other.quoted)


def _alike(part: str, a: str, b: str, one: Asset, other: Asset, adapter: str) -> bool:
    return same_name(a, part in (one.quoted or ()), b, part in (other.quoted or ()), adapter)


def _two(one: Asset, first: Step, other: Asset, second: Step) -> GraphError:
    return GraphError(
        f"{_said(first, one)} and {_said(second, other)} both write {other.relation}.",
        "Each would overwrite the other, so nothing was run.",
        "Give one of them another schema or name (an alias, a prefix, a destination's schema), "
        "or leave one out with --exclude.",
    )


def _said(step: Step, asset: Asset) -> str:
    where = f" ({asset.path}{f':{asset.line}' if asset.line else ''})" if asset.path else ""
    return f"{step.key if step.key == asset.key else f'{step.key} ({asset.key})'}{where}"
