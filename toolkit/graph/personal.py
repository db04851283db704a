"""Which columns of an asset may hold what nobody should see: personal data, secrets."""

from collections.abc import Iterable, Sequence

import msgspec

from toolkit.graph.asset import Asset
from toolkit.graph.graph import AssetGraph
from toolkit.graph.profile import TableProfile
from toolkit.graph.tags import is_tagged
from toolkit.settings.confidential import sounds_secret

PERSONAL_TAGS = ("pii",)
"""The tags that mark personal data, where nothing else is said."""


def personal_columns(
    graph: AssetGraph, key: str, columns: Iterable[str], tags: Sequence[str] = ()
) -> frozenset[str]:
    """Those of ``columns`` that are tagged as personal, or whose name sounds like a secret.

    What is said of a table counts wherever it is said: a dbt source describes the columns of
    the table that a stream lands.

    Args:
        tags: that mark personal data; none: :data:`PERSONAL_TAGS`.
    """
    wanted = tuple(tags) or PERSONAL_TAGS
    about = _about(graph, key)
    if any(is_tagged(asset.tags, asset.meta, tag) for asset in about for tag in wanted):
        return frozenset(columns)
    tagged = {
        column.name.casefold()
        for asset in about
        for column in asset.columns.values()
        if any(is_tagged(column.tags, column.meta, tag) for tag in wanted)
    }
    return frozenset(one for one in columns if one.casefold() in tagged or sounds_secret(one))


def _about(graph: AssetGraph, key: str) -> list[Asset]:
    own = graph[key]
    found = {key: own}
    for child in graph.children(key):
        if graph[child].kind == "source":
            found[child] = graph[child]
    if own.relation is not None:
        found |= {asset.key: asset for asset in graph.at(own.relation)}
    return list(found.values())


def without_values(profile: TableProfile, hidden: Iterable[str]) -> TableProfile:
    """The profile without what must not be seen of these columns, whenever it was made."""
    names = {name.casefold() for name in hidden}
    if not any(column.name.casefold() in names for column in profile.columns):
        return profile
    bare = tuple(
        msgspec.structs.replace(
            column, mean=None, deviation=None, least=None, most=None, quartiles=(), hidden=True
        )
        if column.name.casefold() in names
        else column
        for column in profile.columns
    )
    return msgspec.structs.replace(profile, columns=bare)
