"""Joins the tools: who writes the tables that dbt's sources read.

dbt knows a source by name and not by who loads it. What an Airbyte stream, a Python
asset or a seed writes is the same relation, so the relation joins them. Tiers, the
best one wins:

``relation``  database, schema and identifier are equal (case is not kept)
``schema``    schema and identifier are equal, the database is unknown on one side
``assumed``   identifiers are equal and unique on both sides, the schema is unknown on one side

Two different literal schemas never match, however alike the tables' names. What stays
unmatched is a problem that names the nearest candidate: a missed match that nobody sees
is the worst kind of lineage.
"""

import difflib
from collections.abc import Iterable, Mapping

import msgspec

from toolkit.errors import Problem
from toolkit.graph.asset import Asset, Check, Relation
from toolkit.graph.graph import AssetGraph

WRITERS = frozenset({"stream", "python", "seed"})


def link(
    assets: Iterable[Asset], checks: Iterable[Check], problems: Iterable[Problem]
) -> AssetGraph:
    """The asset graph, with an edge from each writer to the dbt sources at its relation.

    Raises:
        CycleError: also where a cycle comes about only through a matched relation.
    """
    assets = list(assets)
    writers = [a for a in assets if a.kind in WRITERS and a.relation is not None]
    sources = [a for a in assets if a.kind == "source" and a.relation is not None]
    found = {source.key: _writers_of(source, writers, sources) for source in sources}
    linked = [_with_writers(a, found[a.key]) if a.key in found else a for a in assets]
    return AssetGraph(linked, checks, [*problems, *_findings(writers, sources, found)])


def _writers_of(source: Asset, writers: list[Asset], sources: list[Asset]) -> Mapping[str, str]:
    """Keys of the writers of one source, each with its tier; only those of the best tier."""
    place = _place(source)
    same_table = [w for w in writers if _place(w).identifier == place.identifier]
    for tier, fits in (("relation", _same_relation), ("schema", _same_schema)):
        keys = [w.key for w in same_table if fits(_place(w), place)]
        if keys:
            return dict.fromkeys(keys, tier)
    unknown = [w for w in same_table if None in (_place(w).schema, place.schema)]
    rivals = [s for s in sources if _place(s).identifier == place.identifier]
    if len(same_table) == 1 and len(unknown) == 1 and len(rivals) == 1:
        return {unknown[0].key: "assumed"}
    return {}


def _place(asset: Asset) -> Relation:
    assert asset.relation is not None
    return asset.relation.folded()


def _same_relation(left: Relation, right: Relation) -> bool:
    return left == right and None not in (left.database, left.schema)


def _same_schema(left: Relation, right: Relation) -> bool:
    known = left.database is not None and right.database is not None
    return left.schema is not None and left.schema == right.schema and not known


def _with_writers(source: Asset, writers: Mapping[str, str]) -> Asset:
    depends_on = tuple(sorted({*source.depends_on, *writers}))
    return msgspec.structs.replace(source, depends_on=depends_on, matched=dict(writers))


def _findings(
    writers: list[Asset], sources: list[Asset], found: Mapping[str, Mapping[str, str]]
) -> Iterable[Problem]:
    matched = {key for keys in found.values() for key in keys}
    streams = [w for w in writers if w.kind == "stream"]
    for stream in streams:
        if stream.key not in matched:
            yield _unmatched_stream(stream, sources)
    for source in sources:
        keys = found[source.key]
        if not keys:
            yield _unmatched_source(source, streams)
        elif len(keys) > 1:
            yield Problem(
                asset=source.key,
                code="two-writers",
                message=f"{source.relation} is written by {', '.join(sorted(keys))}; whoever "
                "runs last wins. Give all but one another schema or table.",
                path=source.path,
            )
        elif "assumed" in keys.values():
            yield Problem(
                asset=source.key,
                code="assumed-match",
                message=f"{source.relation} is taken to be written by {next(iter(keys))}: the "
                "table's name fits, a schema is not known. Name the schema to be sure.",
                severity="info",
                path=source.path,
            )


def _unmatched_stream(stream: Asset, sources: list[Asset]) -> Problem:
    off = stream.meta.get("enabled") is False
    near = _nearest(stream, sources)
    reason = f"the nearest is {near}" if near else "no source has a like name"
    return Problem(
        asset=stream.key,
        code="unmatched-stream",
        message=f"No dbt source reads {stream.relation}, where {stream.key} lands; {reason}. "
        "Declare it as a source, or map the destination in toolkit.yml.",
        severity="info" if off else "warning",
        path=stream.path,
        line=stream.line,
    )


def _unmatched_source(source: Asset, streams: list[Asset]) -> Problem:
    near = _nearest(source, streams)
    if near:
        reason = f"the nearest is {near}"
    else:
        reason = "no stream has a like name" if streams else "no connection is configured"
    return Problem(
        asset=source.key,
        code="unmatched-source",
        message=f"Nothing in the graph loads {source.relation}, which {source.key} stands for; "
        f"{reason}. Its lineage begins here.",
        severity="warning" if near else "info",
        path=source.path,
    )


def _nearest(asset: Asset, others: list[Asset]) -> str | None:
    """The most alike of ``others`` and why it is no match, in words."""
    place = _place(asset)
    by_name: dict[str, list[Asset]] = {}
    for other in others:
        by_name.setdefault(_place(other).identifier, []).append(other)
    names = difflib.get_close_matches(place.identifier, by_name, n=1, cutoff=0.75)
    if not names:
        return None
    other = by_name[names[0]][0]
    theirs = _place(other)
    if theirs.identifier != place.identifier:
        why = "the table's name differs"
    elif theirs.schema != place.schema:
        why = "the schema differs" if None not in (theirs.schema, place.schema) else "not unique"
    else:
        why = "the database differs"
    return f"{other.key} at {other.relation} ({why})"
