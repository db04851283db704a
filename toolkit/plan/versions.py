"""Data versions: of which content is what a step reads? Pure.

A table's version is a fingerprint of its content. A view has none of its own: its version
is made of its code and of the versions of what it reads. Sources that the graph feeds and
ephemeral models are looked through.
"""

import hashlib
import re
from collections.abc import Callable, Container, Mapping

import msgspec

from toolkit.graph import Asset, AssetGraph
from toolkit.integrations.base import Standing
from toolkit.ledger import Materialization
from toolkit.plan.history import History, Seen

_BLANK = re.compile(r"--[^\n]*|/\*.*?\*/|\{#.*?#\}|\s+", re.DOTALL)
# They define something and hold nothing, so nobody's content depends on theirs.
_WITHOUT_CONTENT = frozenset({"exposure", "metric", "semantic_model", "saved_query"})


class Inputs(msgspec.Struct, frozen=True):
    """What somebody reads in the end: assets of known version, and those of which none is."""

    known: tuple[str, ...]
    unknown: tuple[str, ...]


def inputs(parents: tuple[str, ...], graph: AssetGraph, known: Container[str]) -> Inputs:
    """What is read through ``parents``.

    Args:
        known: keys of assets that have a version.
    """
    found: set[str] = set()
    unknown: set[str] = set()
    seen: set[str] = set()
    frontier = list(parents)
    while frontier:
        key = frontier.pop()
        if key in seen or key not in graph:
            continue
        seen.add(key)
        if _looked_through(graph[key]):  # also where it was a table once, and has a version
            frontier.extend(graph[key].depends_on)
        elif key in known:
            found.add(key)
        elif graph[key].kind not in _WITHOUT_CONTENT:
            unknown.add(key)
    return Inputs(tuple(sorted(found)), tuple(sorted(unknown)))


def _looked_through(asset: Asset) -> bool:
    return asset.materialized == "ephemeral" or (asset.kind == "source" and bool(asset.depends_on))


def tables_behind(parents: tuple[str, ...], graph: AssetGraph) -> set[str]:
    """What holds the rows that are read through ``parents``: views are looked through as well."""
    found: set[str] = set()
    seen: set[str] = set()
    frontier = list(parents)
    while frontier:
        key = frontier.pop()
        if key in seen or key not in graph:
            continue
        seen.add(key)
        if is_view(graph[key]) or _looked_through(graph[key]):
            frontier.extend(graph[key].depends_on)
        else:
            found.add(key)
    return found


def words_of(text: str) -> str:
    """Fingerprint of a source text without comments and white space, roughly.

    Where it differs the code did change; where it does not, perhaps not.
    """
    bare = _BLANK.sub("", text).casefold()
    return hashlib.blake2b(bare.encode(errors="surrogatepass"), digest_size=12).hexdigest()


def view_version(code: str, read: Mapping[str, str]) -> str:
    """Version of a view with this code over inputs of these versions."""
    text = repr((code, sorted(read.items())))
    return "view:" + hashlib.blake2b(text.encode(), digest_size=12).hexdigest()


def is_view(asset: Asset) -> bool:
    """Whether it holds no rows of its own."""
    return asset.materialized == "view"


def current_versions(
    graph: AssetGraph,
    latest: Mapping[str, Materialization],
    seen: Seen,
    standing: Mapping[str, Standing],
) -> dict[str, str]:
    """The version of everything that is there now, parents first."""
    versions: dict[str, str] = {}
    for asset in graph:
        if asset.key in standing:
            current = standing[asset.key].current
            versions |= {asset.key: current} if current is not None else {}
            continue
        made = latest.get(asset.key)
        if made is None:
            if asset.key in seen.outside:
                versions[asset.key] = seen.outside[asset.key]
            continue
        version = made.data_version or made.run_id
        if is_view(asset):
            version = _of_view(asset, made, graph, versions)
        elif seen.state == "looked at" and made.data_version and asset.relation is not None:
            if asset.key not in seen.found:
                continue  # gone: nobody can read it
            version = seen.found[asset.key]
        versions[asset.key] = version
    return versions


def changed_by_others(graph: AssetGraph, history: History) -> set[str]:
    """Assets that are not in the warehouse as the ledger says."""
    seen = history.seen
    if seen.state != "looked at":
        return set()
    return {
        asset.key
        for asset in graph
        if asset.relation is not None
        and (made := history.latest.get(asset.key)) is not None
        and (left := left_as(asset, made))
        and seen.found.get(asset.key) != left
    }


def left_as(asset: Asset, made: Materialization) -> str | None:
    """What the last build saw of an asset's relation when it had made it, if it could look."""
    version = made.metadata.get("view") if is_view(asset) else made.data_version
    return version if isinstance(version, str) and version else None


def _of_view(
    asset: Asset, made: Materialization, graph: AssetGraph, versions: Mapping[str, str]
) -> str:
    read = inputs(asset.depends_on, graph, versions)
    if made.volatile or read.unknown:
        return made.run_id
    return view_version(made.sql_version or made.code_version, {k: versions[k] for k in read.known})


def restless_views(graph: AssetGraph, volatile: Callable[[str], str]) -> dict[str, str]:
    """Views whose rows may change though nobody makes them anew, with why.

    Whoever reads one reads its volatile functions.

    Args:
        volatile: why an asset is volatile, by key; empty where it is not.
    """
    found: dict[str, str] = {}
    for asset in graph:
        if not (is_view(asset) or _looked_through(asset)):
            continue
        why = volatile(asset.key)
        above = next((found[p] for p in asset.depends_on if p in found), "")
        if why or above:
            found[asset.key] = f"the view {asset.name}: {why}" if why else above
    return found
