"""One asset after another, parents first: what each is made of, in terms of its parents."""

import hashlib
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from toolkit.graph import Asset, AssetGraph
from toolkit.lineage.cache import Cache, Entry, Lookup
from toolkit.lineage.known import (
    CATALOGUED,
    DECLARED,
    NAMED,
    UNKNOWN,
    UNNESTED,
    Shape,
    known_columns,
)
from toolkit.lineage.landed import declared_inputs, landed
from toolkit.lineage.model import Status
from toolkit.lineage.places import SELF, Places, Where, is_system
from toolkit.lineage.traced import Home, Loss, Refusal, Traced, listed

if TYPE_CHECKING:
    from toolkit.lineage.sql.relation import Rel

ENGINE_VERSION = "4"
"""Part of every cache key: raise it whenever the same SQL may give another answer."""

NOTHING_TO_TRACE = frozenset({"ml_model", "exposure", "metric", "semantic_model", "saved_query"})


class Found(msgspec.Struct):
    """What is known of one asset after its turn.

    Attributes:
        traced: ``None`` for what has no lineage.
        shape: its columns as readers see them.
        losses: what is said about it, also for an opaque one.
    """

    status: Status
    shape: Shape
    traced: Traced | None = None
    losses: list[Loss] = []


class Tracer:
    """The pass over one graph; see :func:`toolkit.lineage.trace`."""

    def __init__(
        self,
        graph: AssetGraph,
        dialect: str,
        catalog: Mapping[str, Mapping[str, str]],
        cache: Cache,
        project_dir: Path | None,
        time_cap: float,
    ) -> None:
        self.found: dict[str, Found] = {}
        self._graph = graph
        self._dialect = dialect
        self._catalog = catalog
        self._cache = cache
        self._project_dir = project_dir
        self._time_cap = time_cap
        self._places = Places(graph)
        self._digests: dict[str, bytes] = {}
        self._rels: dict[str, Rel] = {}
        self._version = f"{ENGINE_VERSION}/{_sqlglot_version()}/{dialect}"

    def run(self, breathe: Callable[[], None]) -> None:
        """Trace all assets; ``breathe`` is called after each that was parsed."""
        for asset in self._graph:
            known = known_columns(asset, self._catalog.get(asset.key), self._project_dir)
            parents = {key: self.found[key].shape for key in asset.depends_on}
            if asset.kind in NOTHING_TO_TRACE:
                found = Found("none", known)
            elif asset.sql is not None and asset.language != "python":
                found = self._query(asset, known, breathe)
            elif asset.kind in ("source", "seed", "stream"):
                raw = [key for key, tier in asset.matched.items() if tier.endswith("-raw")]
                found = _landed(known, parents, raw)
            elif asset.integration == "python" or asset.language == "python":
                found = _python(asset, known, parents)
            else:
                found = _opaque(known, _no_sql(asset))
            self.found[asset.key] = found

    # --- one query ---------------------------------------------------------------------

    def _query(self, asset: Asset, known: Shape, breathe: Callable[[], None]) -> Found:
        digest = self._key_of(asset)
        entry = self._cache.get(digest)
        if entry is None or not all(self._still(lookup, asset) for lookup in entry.lookups):
            entry = self._trace(asset)
            breathe()
        if entry.refusal is None or entry.refusal.code != "too-slow":
            self._cache.put(digest, entry)
        if entry.refusal is not None:
            refusal = entry.refusal
            return _opaque(known, Loss(refusal.code, refusal.message, refusal.line))
        assert entry.traced is not None
        return _finished(entry.traced, known, self._unfound(entry), self._undeclared(asset, entry))

    def _trace(self, asset: Asset) -> Entry:
        from toolkit.lineage.snapshot import snapshot_columns
        from toolkit.lineage.sql.engine import trace_query
        from toolkit.lineage.sql.parse import Unreadable

        lookups: dict[Where, Lookup] = {}
        parents = frozenset(asset.depends_on)

        def table(where: Where) -> "Rel":
            key = self._places.find(where, asset, parents)
            if key not in parents:
                lookups[where] = Lookup(where, key, self._digest(key))
            return self._rel(key if key != SELF else None)

        def cte(name: str) -> "Rel | None":
            key = self._places.ephemeral(name, parents)
            return None if key is None or key not in self.found else self._rel(key)

        also = None
        if asset.kind == "snapshot":
            also = lambda rel, flow_of: snapshot_columns(asset, rel, flow_of)  # noqa: E731
        try:
            assert asset.sql is not None
            traced = trace_query(asset.sql, self._dialect, table, cte, self._time_cap, also)
        except Unreadable as error:
            return Entry(None, Refusal(error.code, error.message, error.line), [])
        return Entry(traced, None, list(lookups.values()))

    def _rel(self, key: str | None) -> "Rel":
        from toolkit.lineage.sql.flow import IDENTITY
        from toolkit.lineage.sql.relation import Beyond, Col, Rel, Value

        if key is None:
            return Rel([], [(Beyond(None, {}, UNKNOWN),)])
        rel = self._rels.get(key)
        if rel is None:
            # A parent that is traced later (it is not declared): what is known beforehand.
            shape = self.found[key].shape if key in self.found else self._beforehand(key)
            cols = [Col(n, Value({(key, n): IDENTITY}, t)) for n, t in shape.columns.items()]
            branches = [(Beyond(key, {}, shape.rank),)] if shape.rank is not None else []
            rel = Rel(cols, branches, sensitive=_sensitive(self._dialect))
            if key in self.found:
                self._rels[key] = rel
        return rel

    def _beforehand(self, key: str) -> Shape:
        return known_columns(self._graph[key], self._catalog.get(key), self._project_dir)

    # --- cache keys --------------------------------------------------------------------

    def _key_of(self, asset: Asset) -> bytes:
        assert asset.sql is not None
        digest = hashlib.sha256()
        about = [self._version, asset.key, str(asset.relation), asset.sql]
        if asset.kind == "snapshot":
            names = ("unique_key", "strategy", "updated_at", "check_cols", "hard_deletes")
            about += [repr(asset.config.get(n)) for n in (*names, "snapshot_meta_column_names")]
        for part in about:
            digest.update(part.encode())
            digest.update(b"\0")
        for parent in asset.depends_on:
            digest.update(self._digest(parent))
        return digest.digest()

    def _digest(self, key: str | None) -> bytes:
        """Fingerprint of an asset as its readers see it."""
        if not key:
            return b""
        known = self._digests.get(key)
        if known is not None:
            return known
        done = key in self.found
        shape = self.found[key].shape if done else self._beforehand(key)
        asset = self._graph[key]
        about = repr(
            (
                key,
                str(asset.relation),
                asset.materialized == "ephemeral",
                shape.rank,
                list(shape.columns.items()),
            )
        )
        digest = hashlib.sha256(about.encode()).digest()
        if done:
            self._digests[key] = digest
        return digest

    def _still(self, lookup: Lookup, asset: Asset) -> bool:
        key = self._places.find(lookup.where, asset, frozenset(asset.depends_on))
        return key == lookup.key and self._digest(key) == lookup.digest

    # --- what to say about references ----------------------------------------------------

    @staticmethod
    def _unfound(entry: Entry) -> list[Loss]:
        names = [_dotted(lookup.where) for lookup in entry.lookups if _is_unknown(lookup)]
        if not names:
            return []
        return [
            Loss(
                "unknown-relation",
                f"It reads {listed(sorted(names))}, which is no asset: lineage ends there; "
                "declare it as a source",
            )
        ]

    def _undeclared(self, asset: Asset, entry: Entry) -> list[Loss]:
        names = [lookup.key for lookup in entry.lookups if lookup.key]
        if not names:
            return []
        return [
            Loss(
                "undeclared-dependency",
                f"It reads {', '.join(sorted(set(names)))} by a written-out name; "
                "use ref() or source(), or it may be built too early",
            )
        ]


def _finished(traced: Traced, known: Shape, unfound: list[Loss], remarks: list[Loss]) -> Found:
    """A traced query: its columns, and whether anything is missing."""
    from_outside = {name.casefold(): (name, type_) for name, type_ in known.columns.items()}
    columns: dict[str, str | None] = {}
    for output in traced.outputs:
        name, type_ = from_outside.get(output.name.casefold(), (output.name, None))
        columns.setdefault(name, type_ or output.type)
    rank = None
    losses = [*traced.losses, *unfound]
    if traced.branches:
        ranks = [home.rank for branch in traced.branches for home in branch]
        rank = CATALOGUED if known.rank == CATALOGUED else min(ranks)
        for name, type_ in known.columns.items():
            columns.setdefault(name, type_)
        if known.rank != CATALOGUED and not {UNKNOWN, UNNESTED, NAMED}.isdisjoint(ranks):
            losses.append(Loss("open-star", _open_star(traced.branches)))
    status: Status = "partial" if losses else "full"
    if known.rank == CATALOGUED and not traced.branches:
        remarks = [*remarks, *_differs(known, columns)]
    return Found(status, Shape(columns, rank), traced, [*losses, *remarks])


def _differs(known: Shape, columns: Mapping[str, str | None]) -> list[Loss]:
    """The warehouse has other columns than the query makes: one of the two is older."""
    there = {name.casefold(): name for name in known.columns}
    here = {name.casefold(): name for name in columns}
    missing = [name for folded, name in here.items() if folded not in there]
    extra = [name for folded, name in there.items() if folded not in here]
    if not missing and not extra:
        return []
    parts = [f"has no {listed(missing)}"] * bool(missing) + [f"has {listed(extra)}"] * bool(extra)
    message = f"The catalog {' and '.join(parts)}, unlike the SQL, which was believed"
    return [Loss("catalog-differs", message)]


def _open_star(branches: list[list[Home]]) -> str:
    homes = [home for branch in branches for home in branch]
    over = ", ".join(sorted({home.key for home in homes if home.key}))
    made = sorted({f"{key}.{column}" for home in homes for key, column, _ in home.flow})
    if not over and made:
        return (
            f"The columns that are unpacked from {listed(made)} are not known: only those that "
            "someone reads by name are traced; select the fields by name"
        )
    over = over or "something that is no asset"
    return (
        f"SELECT * over {over}, whose columns are not known: only those that someone reads by "
        "name are traced; declare its columns or pass a catalog"
    )


def _landed(known: Shape, parents: Mapping[str, Shape], raw: Collection[str]) -> Found:
    if not parents:
        return Found("none", known)
    traced = landed(known, parents, raw)
    columns = {output.name: output.type for output in traced.outputs}
    rank = known.rank if known.rank != UNKNOWN or traced.branches or not columns else DECLARED
    return Found("full", Shape(columns, rank), traced)


def _python(asset: Asset, known: Shape, parents: Mapping[str, Shape]) -> Found:
    traced = declared_inputs(asset, known, parents)
    if traced is not None:
        says = {column.name.casefold() for column in asset.columns.values() if column.inputs}
        silent = [output.name for output in traced.outputs if output.name.casefold() not in says]
        losses = list(traced.losses)
        if silent and parents:
            message = f"These columns of a Python asset declare no inputs: {', '.join(silent)}"
            losses.append(Loss("undeclared-inputs", message))
        return Found("partial" if losses else "full", known, traced, losses)
    if not parents:
        return Found("none", known)
    why = asset.untraced or "its code is not read; declare the inputs of its columns"
    message = f"It is made by Python code, and its columns have no lineage: {why}{_reads(asset)}"
    return _opaque(known, Loss("python-asset", message))


def _reads(asset: Asset) -> str:
    """Which columns its code uses, as far as that is known; for people."""
    if not asset.reads:
        return ""
    parts = [
        f"{', '.join(asset.reads[key]) or 'no column'} of {key}"
        if key in asset.reads
        else f"perhaps any column of {key}"
        for key in asset.depends_on
    ]
    return f". It reads {'; '.join(parts)}"


def _opaque(known: Shape, why: Loss) -> Found:
    return Found("opaque", known, None, [why])


def _no_sql(asset: Asset) -> Loss:
    return Loss(
        "no-compiled-sql",
        f"no compiled SQL of this {asset.kind}; run `dbt compile` (`dbt parse` leaves it out)",
    )


def _is_unknown(lookup: Lookup) -> bool:
    return lookup.key is None and not is_system(lookup.where)


def _dotted(where: Where) -> str:
    return ".".join(part for part in where if part)


def _sensitive(dialect: str) -> bool:
    from toolkit.lineage.sql.dialects import facts_of

    return facts_of(dialect).sensitive


def _sqlglot_version() -> str:
    from importlib.metadata import version

    return version("sqlglot")
