"""Assets whose table lives elsewhere now, told from a project that is built elsewhere."""

from collections import Counter
from collections.abc import Mapping

from toolkit.diff.model import Note
from toolkit.diff.side import Side
from toolkit.graph import Relation

_Place = tuple[str, str]


def moved(base: Side, head: Side, pairs: Mapping[str, str]) -> dict[str, list[Note]]:
    """A note for each asset that moved.

    A developer's copy or a CI job builds the whole project into other schemas. So an asset has
    moved only if its name is another, or its schema went another way than that of most of those
    that were beside it.

    Args:
        pairs: key now -> key before.
    """
    ways: dict[_Place, Counter[_Place]] = {}
    places: dict[str, tuple[Relation, Relation]] = {}
    for now, was in pairs.items():
        after, before = head.graph[now].relation, base.graph[was].relation
        if before is None or after is None or head.graph[now].materialized == "ephemeral":
            continue
        places[now] = before, after
        ways.setdefault(_place(before), Counter())[_place(after)] += 1
    found: dict[str, list[Note]] = {}
    for key, (before, after) in places.items():
        usual = ways[_place(before)].most_common(1)[0][0]
        same_name = before.identifier.casefold() == after.identifier.casefold()
        if same_name and _place(after) in (usual, _place(before)):
            continue
        reason = "who reads the table by its name, outside of the graph, does not find it there"
        found[key] = [Note(f"relation: {before} -> {after}", "review", reason)]
    return found


def _place(relation: Relation) -> _Place:
    return (relation.database or "").casefold(), (relation.schema or "").casefold()
