"""Rules about what leads nowhere: sources without a loader, models and columns without a reader."""

import re
from collections.abc import Iterator, Mapping
from pathlib import PurePath

from toolkit.graph import Asset, AssetGraph, Relation
from toolkit.rules.model import Found, Rule, Scope, is_time_spine, label
from toolkit.settings import RuleSettings

# Where a project has no marts, only what dbt's conventions call a step on the way is reported.
_STEP_NAMES = re.compile(r"(stg|base|int|tmp|prep)_", re.IGNORECASE)
_STEP_FOLDERS = frozenset({"staging", "intermediate", "base", "prep"})
_TABLES = frozenset({"model", "snapshot", "seed"})
_SQL_READERS = frozenset({"model", "snapshot"})


def _unloaded_sources(scope: Scope, _: RuleSettings) -> Iterator[Found]:
    """Sources beside loaded ones, or with a stream of nearly their name.

    Where nothing of a dbt source is loaded by what the graph knows, something else loads it.
    """
    graph = scope.graph
    sources = [asset for asset in graph if asset.kind == "source"]
    loaded = {_collection(asset) for asset in sources if graph.parents(asset.key)}
    landing = {asset.relation for asset in graph if asset.kind == "stream"} - {None}
    near = {one.asset.key: one.candidates for one in graph.unmatched if one.what == "source"}
    for asset in scope.of_kind("source"):
        candidates = near.get(asset.key, ())
        expected = _collection(asset) in loaded or any(_beside(asset, one) for one in landing)
        if graph.parents(asset.key) or not (expected or candidates):
            continue
        mend = "Add the stream to a connection, or remove the table from the source."
        if candidates:
            best = candidates[0]
            mend = f"If {best.key} loads it, write in {best.file}: {best.line}"
        yield Found(
            asset=asset, message=f"Nothing loads {asset.relation or label(asset)}.", mend=mend
        )


def _collection(asset: Asset) -> tuple[str | None, str | None]:
    return asset.package, asset.source_name


def _beside(asset: Asset, landing: Relation | None) -> bool:
    """In the schema where a stream lands; a database that is not known may be the same."""
    if asset.relation is None or landing is None:
        return False
    ours, theirs = asset.relation.folded(), landing.folded()
    known = ours.database is not None and theirs.database is not None
    return (
        ours.schema is not None
        and ours.schema == theirs.schema
        and not (known and ours.database != theirs.database)
    )


def _unread_models(scope: Scope, _: RuleSettings) -> Iterator[Found]:
    graph = scope.graph
    for asset in scope.of_kind("model"):
        if (
            graph.children(asset.key)
            or asset.key in scope.marts
            or asset.access == "public"
            or asset.version is not None  # versions are there for readers outside
            or is_time_spine(asset)
            or _read_by_checks(graph, asset)
            or not (scope.marts or _is_step(asset))
        ):
            continue
        yield Found(
            asset=asset,
            message=f"Nothing reads {asset.name}, and it is no mart.",
            mend="Remove it; or say who reads it: an exposure, or `access: public`.",
            path=asset.path,
        )


def _read_by_checks(graph: AssetGraph, asset: Asset) -> bool:
    """A test of something else compares with it."""
    return any(
        check.attached not in (None, asset.key)
        for check in graph.checks_on(asset.key)
        if check.kind != "unit_test"
    )


def _is_step(asset: Asset) -> bool:
    folders = {part.casefold() for part in PurePath(asset.path or "").parts[:-1]}
    return (
        asset.materialized == "ephemeral"
        or bool(_STEP_NAMES.match(asset.name))
        or not folders.isdisjoint(_STEP_FOLDERS)
    )


def _unread_columns(scope: Scope, _: RuleSettings) -> Iterator[Found]:
    """Only where every reader is SQL that was understood in full."""
    read: dict[str, set[str]] = {}
    for edge in scope.lineage.column_edges:
        read.setdefault(edge.source[0], set()).add(edge.source[1])
    for row_edge in scope.lineage.asset_edges:
        read.setdefault(row_edge.source[0], set()).add(row_edge.source[1])
    for asset in scope.of_kind(*_TABLES):
        if not _readers_are_known(scope, asset):
            continue
        needed = _words(asset.config) | {
            check.column.casefold() for check in scope.graph.checks_on(asset.key) if check.column
        }
        for column in scope.lineage.columns.get(asset.key, {}):
            if column in read.get(asset.key, ()) or column.casefold() in needed:
                continue
            yield Found(
                asset=asset,
                column=column,
                message=f"Nothing reads the column {column} of {asset.name}.",
                mend=f"Leave it out of {asset.name}.",
                path=asset.path,
            )


def _readers_are_known(scope: Scope, asset: Asset) -> bool:
    graph, lineage = scope.graph, scope.lineage
    readers = graph.children(asset.key)
    reads_itself = asset.materialized == "incremental" and re.search(
        r"\bthis\b", asset.raw_sql or "this"
    )
    return (
        bool(readers)
        and asset.key not in scope.marts
        and asset.access != "public"
        and not reads_itself
        and lineage.status.get(asset.key) in ("full", "none")
        and all(
            graph[key].kind in _SQL_READERS
            and graph[key].language != "python"
            and lineage.status.get(key) == "full"
            for key in readers
        )
        # a test of several columns, or in SQL of its own, may read any of them
        and all(
            check.column is not None and check.attached == asset.key
            for check in graph.checks_on(asset.key)
            if check.kind != "unit_test"
        )
    )


def _words(value: object) -> set[str]:
    """All words in a configuration: a unique key, a partition, what a hook names."""
    if isinstance(value, str):
        return {word.casefold() for word in re.findall(r"\w+", value)}
    if isinstance(value, Mapping):
        return {word for key, part in value.items() for word in _words(key) | _words(part)}
    if isinstance(value, list | tuple):
        return {word for part in value for word in _words(part)}
    return set()


UNLOADED_SOURCE = Rule(
    id="unloaded-source",
    default="warning",
    title="A source that nothing loads",
    why="The connections load other tables of the same source, and not this one: it is empty, "
    "or its rows stopped to come, or it is spelled otherwise.",
    mend="Add the stream to a connection, join the two, or remove the table from the source.",
    check=_unloaded_sources,
)
UNREAD_MODEL = Rule(
    id="unread-model",
    default="warning",
    title="A model that nothing reads",
    why="It is built and tested in every run, and no mart, exposure, metric or Python asset "
    "needs it.",
    mend="Remove it, or say who reads it: an exposure, or `access: public`.",
    check=_unread_models,
)
UNREAD_COLUMN = Rule(
    id="unread-column",
    default="off",
    title="A column that nothing reads",
    why="It is computed and stored, and every reader of its table leaves it aside.",
    mend="Leave it out of the model.",
    check=_unread_columns,
)
