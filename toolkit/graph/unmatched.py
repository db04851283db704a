"""What was not joined: each stream that no source reads, each source that nothing loads.

With the nearest candidates, why each is no match, and the line that would join the two.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import msgspec

from toolkit.errors import Problem, Severity
from toolkit.graph.asset import Asset, Relation
from toolkit.graph.casing import casing

MAX_CANDIDATES = 3

# Two names with less in common are not alike (share of common trigrams).
_ALIKE = 0.45

# More are not compared, so that thousands against thousands stay quick.
_LOOKED_AT = 100


class Candidate(msgspec.Struct, frozen=True):
    """What may have been meant.

    Attributes:
        key: of the asset.
        relation: where it is, as people write it.
        reason: why it is no match, a clause.
        file: where ``line`` would have to be written: ``toolkit.yml``, or the YAML of the source.
        line: what would join the two.
    """

    key: str
    relation: str
    reason: str
    file: str
    line: str


class Unmatched(msgspec.Struct, frozen=True):
    """A stream that no source reads, or a source that nothing loads.

    Attributes:
        others: how many assets there are on the other side.
    """

    asset: Asset
    what: Literal["stream", "source"]
    candidates: tuple[Candidate, ...]
    others: int

    def problem(self) -> Problem:
        """The same as a problem: a sentence, then a line for each candidate."""
        relation = self.asset.relation
        if self.what == "stream":
            fact = f"No dbt source reads {relation}, where {self.asset.key} lands"
            none = "no source has a like name. Declare it as a source if models should read it"
        else:
            fact = f"Nothing in the graph loads {relation}, which {self.asset.key} stands for"
            missing = "no stream has a like name" if self.others else "no connection is configured"
            none = f"{missing}. Its lineage begins here"
        head = f"{fact}; {'the nearest:' if self.candidates else none + '.'}"
        lines = []
        for one in self.candidates:
            lines.append(f"- {one.key} at {one.relation}: {one.reason}.")
            lines.append(f"  To join them, write in {one.file}: {one.line}")
        return Problem(
            asset=self.asset.key,
            code="unmatched-stream" if self.what == "stream" else "unmatched-source",
            message=head + "".join(f"\n{line}" for line in lines),
            severity=self._severity(),
            path=self.asset.path,
            line=self.asset.line,
        )

    def _severity(self) -> Severity:
        if self.what == "source":
            return "warning" if self.candidates else "info"
        return "info" if self.asset.meta.get("enabled") is False else "warning"


def list_unmatched(
    writers: Iterable[Asset],
    sources: Sequence[Asset],
    found: Mapping[str, Mapping[str, str]],
    *,
    adapter: str = "",
) -> list[Unmatched]:
    """Streams that have a table and no source, then sources without a writer.

    Args:
        found: for each source its writers.
        adapter: dbt's; says in which names case counts.
    """
    streams = [w for w in writers if w.kind == "stream" and w.relation is not None]
    matched = {key for keys in found.values() for key in keys}
    by_source, by_stream = _Alike(sources), _Alike(streams)
    made = [
        Unmatched(
            stream,
            "stream",
            tuple(_candidate(source, stream, source, adapter) for source in by_source.near(stream)),
            len(sources),
        )
        for stream in streams
        if stream.key not in matched
    ]
    made += [
        Unmatched(
            source,
            "source",
            tuple(_candidate(stream, stream, source, adapter) for stream in by_stream.near(source)),
            len(streams),
        )
        for source in sources
        if not found[source.key]
    ]
    return made


def _candidate(shown: Asset, stream: Asset, source: Asset, adapter: str) -> Candidate:
    reason = _reason(stream, source, adapter)
    file, line = _join(stream, source)
    return Candidate(shown.key, str(shown.relation), reason, file, line)


def _reason(stream: Asset, source: Asset, adapter: str) -> str:
    lands, read = _place(stream), _place(source)
    folded_lands, folded_read = lands.folded(), read.folded()
    if folded_lands.identifier != folded_read.identifier:
        return f"the table's name differs ({lands.identifier}, not {read.identifier})"
    if lands.schema and read.schema and folded_lands.schema != folded_read.schema:
        return f"the schema differs ({lands.schema}, not {read.schema})"
    if not lands.schema or not read.schema:
        side = "where it lands" if not lands.schema else "of the source"
        return f"the schema {side} is not known, and the table's name is not unique"
    if folded_lands.database != folded_read.database:
        return f"the database differs ({lands.database}, not {read.database})"
    if casing(adapter) != "never" and (lands.schema, lands.identifier) != (
        read.schema,
        read.identifier,
    ):
        return f"the case differs, and {adapter} takes names in quotes literally"
    return "another one fits better"


def _join(stream: Asset, source: Asset) -> tuple[str, str]:
    """The file and the line that would make them one."""
    lands, read = _place(stream), _place(source)
    destination = stream.config.get("destination")
    wanted = {
        key: theirs
        for key, ours, theirs in (
            ("database", lands.database, read.database),
            ("schema", lands.schema, read.schema),
        )
        if theirs and (ours or "").casefold() != theirs.casefold()
    }
    # A namespace of the connection's own is not what `destinations` overrides.
    mappable = "schema" not in wanted or stream.config.get("namespace_definition") == "destination"
    if lands.identifier.casefold() == read.identifier.casefold() and destination and wanted:
        fields = ", ".join(f"{key}: {_yaml(value)}" for key, value in wanted.items())
        if mappable:
            return "toolkit.yml", f"destinations: {{{_yaml(str(destination))}: {{{fields}}}}}"
    connection, name = _yaml(str(stream.source_name)), _yaml(stream.name)
    file = source.yaml_path or source.path or "the source's YAML"
    writer = f"{stream.integration}: {{connection: {connection}, stream: {name}}}"
    return f"{file}, for table {source.name}", f"meta: {{toolkit: {{{writer}}}}}"


def _yaml(text: str) -> str:
    """``text`` as a value within a YAML flow mapping, on one line."""
    plain = re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.-]*", text)
    words = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"}
    return text if plain and text.casefold() not in words else json.dumps(text)


def _place(asset: Asset) -> Relation:
    assert asset.relation is not None
    return asset.relation


class _Alike:
    """Finds the assets whose table's name is most like another's.

    By common trigrams, over an index of them.
    """

    def __init__(self, assets: Iterable[Asset]) -> None:
        self._assets = {asset.key: asset for asset in assets}
        self._grams = {key: _trigrams(_place(a).identifier) for key, a in self._assets.items()}
        self._having: dict[str, list[str]] = {}
        self._named: dict[str, list[str]] = {}
        for key, grams in self._grams.items():
            self._named.setdefault(_place(self._assets[key]).identifier.casefold(), []).append(key)
            for gram in grams:
                self._having.setdefault(gram, []).append(key)

    def near(self, asset: Asset) -> list[Asset]:
        """The most alike, best first; of equal ones that in the same schema first."""
        name = _place(asset).identifier
        grams = _trigrams(name)
        scored = []
        for key in self._candidates(name, grams):
            theirs = self._grams[key]
            score = 2 * len(grams & theirs) / (len(grams) + len(theirs))
            if score >= _ALIKE:
                scored.append((-score, not self._beside(key, asset), key))
        return [self._assets[key] for _, _, key in sorted(scored)[:MAX_CANDIDATES]]

    def _candidates(self, name: str, grams: frozenset[str]) -> set[str]:
        """Those of the same name, then those with the rarest common trigrams."""
        found = set(self._named.get(name.casefold(), ())[:_LOOKED_AT])
        lists = [self._having[gram] for gram in sorted(grams) if gram in self._having]
        for keys in sorted(lists, key=len):
            if len(found) >= _LOOKED_AT:
                break
            found.update(keys[:_LOOKED_AT])
        return found

    def _beside(self, key: str, asset: Asset) -> bool:
        theirs, ours = _place(self._assets[key]).schema, _place(asset).schema
        return theirs is not None and ours is not None and theirs.casefold() == ours.casefold()


def _trigrams(name: str) -> frozenset[str]:
    padded = f"  {name.casefold()} "
    return frozenset(padded[i : i + 3] for i in range(len(padded) - 2))
