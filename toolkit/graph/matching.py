"""Joins the tools: who writes the tables that dbt's sources read.

dbt knows a source by name and not by who loads it. What an Airbyte stream, a Python
asset or a seed writes is the same relation, so the relation joins them. Tiers, the
best one wins:

``explicit``  the source's meta names the writer
``relation``  database, schema and identifier are equal
``schema``    schema and identifier are equal, the database is unknown on one side
``assumed``   identifiers are equal and unique on both sides, the schema is unknown on one side

``-older`` after the tier says that the names are equal as an earlier version of the writer
spells them; ``-raw`` that the source is the writer's raw table.

Two different literal schemas never match, however alike the tables' names. What stays
unmatched is a problem that names the nearest candidates: a missed match that nobody sees
is the worst kind of lineage.
"""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from toolkit.errors import Problem
from toolkit.graph.asset import Asset, Check, Relation
from toolkit.graph.casing import has_database, same_name
from toolkit.graph.explicit import Named, named_writer
from toolkit.graph.graph import AssetGraph
from toolkit.graph.unmatched import Unmatched, list_unmatched

WRITERS = frozenset({"stream", "python", "seed"})

_RANK = {"": 0, "older": 1, "raw": 2}


def link(
    assets: Iterable[Asset],
    checks: Iterable[Check],
    problems: Iterable[Problem],
    *,
    adapter: str = "",
) -> AssetGraph:
    """The asset graph, with an edge from each writer to the dbt sources at its relation.

    Args:
        adapter: dbt's; says in which names case counts.

    Raises:
        CycleError: also where a cycle comes about only through a matched relation.
    """
    assets = list(assets)
    writers = [a for a in assets if a.kind in WRITERS]
    sources = [a for a in assets if a.kind == "source" and a.relation is not None]
    matcher = _Matcher(writers, sources, adapter)
    found: dict[str, Mapping[str, str]] = {}
    said: list[Problem] = []
    for source in sources:
        named = named_writer(source, writers)
        if named.problem is not None:
            said.append(named.problem)
        found[source.key] = matcher.named(source, named) or (
            {} if named.problem is not None else matcher.writers_of(source)
        )
    linked = [_with_writers(a, found[a.key]) if a.key in found else a for a in assets]
    broken = {problem.asset for problem in said}
    unmatched = list_unmatched(writers, sources, found, adapter=adapter)
    said += [item.problem() for item in unmatched if item.asset.key not in broken]
    said += _findings(sources, found)
    return AssetGraph(linked, checks, [*problems, *said], unmatched)


class _Spot(msgspec.Struct, frozen=True):
    """One relation at which a writer's rows may be."""

    writer: Asset
    relation: Relation
    how: str

    @property
    def quoted(self) -> frozenset[str] | None:
        """A stream is written in quotes, if we know the destination that spells it."""
        if self.writer.kind != "stream":
            return self.writer.quoted
        known = self.writer.config.get("destination_type") is not None
        return frozenset({"schema", "identifier"}) if known else None


class _Matcher:
    """Finds the writers of a source by its relation."""

    def __init__(self, writers: Iterable[Asset], sources: Iterable[Asset], adapter: str) -> None:
        self._adapter = adapter
        self._spots: dict[str, list[_Spot]] = {}
        for writer in writers:
            for spot in _spots(writer):
                name = spot.relation.identifier.casefold()
                self._spots.setdefault(name, []).append(spot)
        self._rivals: dict[str, int] = {}
        for source in sources:
            name = _place(source).identifier.casefold()
            self._rivals[name] = self._rivals.get(name, 0) + 1

    def named(self, source: Asset, named: Named) -> dict[str, str]:
        """The writer that the source's meta names, with its tier."""
        if named.writer is None:
            return {}
        name = _place(source).identifier.casefold()
        spots = [s for s in self._spots.get(name, ()) if s.writer is named.writer]
        raw = bool(spots) and all(spot.how == "raw" for spot in spots)
        return {named.writer.key: "explicit-raw" if raw else "explicit"}

    def writers_of(self, source: Asset) -> dict[str, str]:
        """Keys of the writers, each with its tier; only those of the best tier."""
        place = _place(source)
        spots = [
            spot
            for spot in self._spots.get(place.identifier.casefold(), ())
            if self._same("identifier", spot, source)
        ]
        for tier, fits in (("relation", self._whole), ("schema", self._schema)):
            keys = _best([spot for spot in spots if fits(spot, source)], tier)
            if keys:
                return keys
        unknown = [s for s in spots if not (s.relation.schema and place.schema)]
        alone = len({spot.writer.key for spot in spots}) == 1
        if alone and unknown and self._rivals[place.identifier.casefold()] == 1:
            return _best(unknown, "assumed")
        return {}

    def _same(self, part: str, spot: _Spot, source: Asset) -> bool:
        left, right = getattr(spot.relation, part), getattr(_place(source), part)
        if not left or not right:
            return False
        quoted = (spot.quoted, source.quoted)
        ours, theirs = (None if names is None else part in names for names in quoted)
        return same_name(left, ours, right, theirs, self._adapter)

    def _whole(self, spot: _Spot, source: Asset) -> bool:
        """A database's name is compared without case: people write it in a configuration."""
        ours, theirs = spot.relation.database, _place(source).database
        if has_database(self._adapter) or (ours and theirs):
            same = ours and theirs and ours.casefold() == theirs.casefold()
        else:
            same = True
        return bool(same) and self._same("schema", spot, source)

    def _schema(self, spot: _Spot, source: Asset) -> bool:
        known = spot.relation.database and _place(source).database
        return not known and self._same("schema", spot, source)


def _spots(writer: Asset) -> Iterable[_Spot]:
    """Where the rows of a writer are; an alias at its own relation says what is there."""
    aliases = {alias.relation: alias.how for alias in reversed(writer.aliases)}
    if writer.relation is not None and writer.relation not in aliases:
        yield _Spot(writer, writer.relation, "")
    for relation, how in aliases.items():
        yield _Spot(writer, relation, how)


def _best(spots: Sequence[_Spot], tier: str) -> dict[str, str]:
    """One tier for each writer, and of the writers those that are matched best."""
    if not spots:
        return {}
    best = min(spots, key=lambda spot: _RANK[spot.how]).how
    label = f"{tier}-{best}" if best else tier
    return {spot.writer.key: label for spot in spots if spot.how == best}


def _place(asset: Asset) -> Relation:
    assert asset.relation is not None
    return asset.relation


def _with_writers(source: Asset, writers: Mapping[str, str]) -> Asset:
    depends_on = tuple(sorted({*source.depends_on, *writers}))
    return msgspec.structs.replace(source, depends_on=depends_on, matched=dict(writers))


def _findings(
    sources: Iterable[Asset], found: Mapping[str, Mapping[str, str]]
) -> Iterable[Problem]:
    for source in sources:
        keys = found[source.key]
        if len(keys) > 1:
            yield Problem(
                asset=source.key,
                code="two-writers",
                message=f"{source.relation} is written by {', '.join(sorted(keys))}; whoever "
                "runs last wins. Give all but one another schema or table.",
                path=source.path,
            )
        elif any(tier.startswith("assumed") for tier in keys.values()):
            yield Problem(
                asset=source.key,
                code="assumed-match",
                message=f"{source.relation} is taken to be written by {next(iter(keys))}: the "
                "table's name fits, a schema is not known. Name the schema to be sure.",
                severity="info",
                path=source.path,
            )


__all__ = ["WRITERS", "Unmatched", "link"]
