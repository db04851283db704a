"""Finding the asset that a person means by a name, and saying so when there is none or two."""

import difflib
from collections.abc import Iterable, Mapping

import msgspec

from toolkit.errors import AssetError
from toolkit.graph import Relation

# What a parameter's name may mean. A stream counts only where no dbt source describes it.
READABLE = frozenset({"model", "seed", "snapshot", "source", "python", "ml_model", "stream"})


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """As much of an asset as is needed to find and read it."""

    key: str
    name: str
    kind: str
    relation: Relation | None = None
    source_name: str | None = None
    version: str | None = None
    latest_version: str | None = None
    materialized: str | None = None
    event_time: str | None = None


class Directory:
    """All assets that a Python asset could read.

    Args:
        entries: of every integration before, and of all Python assets.
    """

    def __init__(self, entries: Iterable[Entry]) -> None:
        self.by_key: Mapping[str, Entry] = {entry.key: entry for entry in entries}
        self._by_name: dict[str, list[Entry]] = {}
        for entry in self.by_key.values():
            if entry.kind in READABLE:
                for name in _names(entry):
                    self._by_name.setdefault(name, []).append(entry)

    def named(self, name: str) -> list[Entry]:
        """Assets that ``name`` may mean: more than one where it is ambiguous."""
        if name in self.by_key:
            return [self.by_key[name]]
        found = self._by_name.get(name, [])
        landed = [entry for entry in found if entry.kind != "stream"]
        found = landed or found
        # A dbt source over a table that another asset here writes is that table.
        written = {_place(entry) for entry in found if entry.kind != "source"} - {None}
        found = [e for e in found if e.kind != "source" or _place(e) not in written]
        latest = [entry for entry in found if entry.version == entry.latest_version]
        if len(found) > 1 and len({e.latest_version for e in found} - {None}) == 1:
            # Versions of one model: the plain name means the latest, as in dbt's ref().
            return latest if len(latest) == 1 else found
        return found

    def find(self, name: str, *, who: str, what: str, others: Iterable[str] = ()) -> Entry:
        """The one asset that ``name`` means.

        Args:
            name: a name, ``source.table``, ``model.v2`` or key.
            who: the asset that asks, with file:line, for the error.
            what: what is asked for, for the error ("its parameter 'orders'").
            others: further names that would have been right (resources).

        Raises:
            AssetError: there is none, or more than one.
        """
        found = self.named(name)
        if len(found) == 1:
            return found[0]
        if found:
            keys = sorted(entry.key for entry in found)
            raise AssetError(
                f"{who}: {what} could mean any of {', '.join(keys)}.",
                "It is not known what it reads, so nothing was done.",
                f"Say which, for example deps={{{name!r}: {keys[0]!r}}}.",
            )
        near = self._nearest(name, others)
        hint = f"Nearest: {', '.join(near)}. " if near else ""
        raise AssetError(
            f"{who}: {what} names no asset and no resource.",
            "It is not known what it reads, so nothing was done.",
            f"{hint}Correct the name, say deps={{{name!r}: '<asset name or key>'}}, "
            "or give the parameter a default.",
        )

    def _nearest(self, name: str, others: Iterable[str]) -> list[str]:
        names = [*self._by_name, *self.by_key, *others]
        folded = {candidate.casefold(): candidate for candidate in reversed(names)}
        close = difflib.get_close_matches(name.casefold(), folded, n=3, cutoff=0.6)
        return [folded[match] for match in close]


def _place(entry: Entry) -> Relation | None:
    return entry.relation.folded() if entry.relation is not None else None


def _names(entry: Entry) -> set[str]:
    names = {entry.name}
    if entry.source_name:
        names.add(f"{entry.source_name}.{entry.name}")
    if entry.version:
        names |= {f"{entry.name}.v{entry.version}", f"{entry.name}_v{entry.version}"}
    return names
