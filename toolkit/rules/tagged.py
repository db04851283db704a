"""The rule that follows a tag along column lineage: personal data must be known as such."""

from collections import deque
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from toolkit.graph import Asset, AssetGraph, Column
from toolkit.graph.personal import PERSONAL_TAGS
from toolkit.graph.tags import is_tagged
from toolkit.lineage import ColumnEdge
from toolkit.lineage.model import ColumnRef
from toolkit.rules.hiding import hides
from toolkit.rules.model import Found, Rule, Scope, label
from toolkit.settings import RuleSettings

DEFAULT_TAGS = PERSONAL_TAGS
_SHOWN = 8


def _untagged(scope: Scope, settings: RuleSettings) -> Iterator[Found]:
    flow = _Flow(scope)
    for tag in settings.tags or DEFAULT_TAGS:
        yield from flow.findings(tag)


def tags_in_use(graph: AssetGraph, settings: RuleSettings) -> bool:
    """Whether anything carries one of the tags that the rule follows."""
    wanted = settings.tags or DEFAULT_TAGS
    return any(
        is_tagged(asset.tags, asset.meta, tag)
        or any(is_tagged(column.tags, column.meta, tag) for column in asset.columns.values())
        for asset in graph
        for tag in wanted
    )


class _Reached(NamedTuple):
    """A column that values of a tagged one flow into."""

    column: ColumnRef
    path: tuple[ColumnRef, ...]


class _Flow:
    """Value flow through the graph, without what hides the value."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._declared = {
            asset.key: {name.casefold(): column for name, column in asset.columns.items()}
            for asset in scope.graph
        }
        self._from: dict[ColumnRef, list[ColumnEdge]] = {}
        for edge in scope.lineage.column_edges:
            if edge.type == "DIRECT":
                self._from.setdefault(edge.source, []).append(edge)
        self._masked = self._all_masked()

    def findings(self, tag: str) -> Iterator[Found]:
        """Columns that hold what has the tag, and do not have it; then whole assets."""
        graph = self._scope.graph
        exact: list[ColumnRef] = []
        whole: list[ColumnRef] = []
        for asset in graph:
            names = self._scope.lineage.columns.get(asset.key, {})
            tagged = [name for name in names if self._has(asset, name, tag)]
            exact += [(asset.key, name) for name in tagged]
            if is_tagged(asset.tags, asset.meta, tag) and not tagged:
                whole += [(asset.key, name) for name in names]
        found = {one.column: one.path for one in self._reach(exact, tag)}
        for ref, path in sorted(found.items()):
            asset = graph[ref[0]]
            if self._misses(asset, ref[1], tag):
                yield self._of_column(asset, ref[1], path, tag)
        told: set[str] = {ref[0] for ref in found}
        for ref, path in self._reach([ref for ref in whole if ref not in found], tag):
            asset = graph[ref[0]]
            if ref[0] not in told and ref[0] != path[0][0] and self._misses(asset, ref[1], tag):
                told.add(ref[0])
                yield self._of_asset(asset, path, tag)

    def _reach(self, starts: list[ColumnRef], tag: str) -> Iterator[_Reached]:
        """What is reached from any of ``starts``, nearest first, each on a shortest path."""
        before: dict[ColumnRef, ColumnRef | None] = {
            ref: None
            for ref in sorted(starts)
            if ref not in self._masked and not self._is_denied(ref, tag)
        }
        begun = frozenset(before)
        waiting = deque(before)
        while waiting:
            ref = waiting.popleft()
            if ref not in begun:
                yield _Reached(ref, _path(before, ref))
            for edge in self._from.get(ref, ()):
                if edge.target not in before and self._passes(edge, tag):
                    before[edge.target] = ref
                    waiting.append(edge.target)

    def _passes(self, edge: ColumnEdge, tag: str) -> bool:
        """Whether the value can be told from what the edge makes of it."""
        if edge.target in self._masked or self._is_denied(edge.target, tag):
            return False
        type_ = self._scope.lineage.columns.get(edge.target[0], {}).get(edge.target[1])
        if (type_ or "").upper() in ("BOOLEAN", "BOOL"):
            return False
        if edge.expression is None:
            return True
        return not hides(edge.expression, edge.source[1], self._scope.dialect)

    def _all_masked(self) -> set[ColumnRef]:
        """Columns declared as masked, and those of sources that land so."""
        masked = set()
        for asset in self._scope.graph:
            for name in self._scope.lineage.columns.get(asset.key, {}):
                column = self._column(asset.key, name)
                if column is not None and _is_masked(asset, column):
                    masked.add((asset.key, name))
        for ref in sorted(masked):
            masked |= {
                edge.target
                for edge in self._from.get(ref, ())
                if self._scope.graph[edge.target[0]].kind == "source"
            }
        return masked

    def _column(self, key: str, name: str) -> Column | None:
        return self._declared[key].get(name.casefold())

    def _is_denied(self, ref: ColumnRef, tag: str) -> bool:
        """Whether people say that the column is none of this: ``meta: {pii: false}``."""
        column = self._column(*ref)
        meta = column.meta if column is not None else {}
        return any(
            value is False
            for key, value in meta.items()
            if str(key).casefold() in (tag.casefold(), f"contains_{tag.casefold()}")
        )

    def _has(self, asset: Asset, name: str, tag: str) -> bool:
        column = self._column(asset.key, name)
        return column is not None and is_tagged(column.tags, column.meta, tag)

    def _misses(self, asset: Asset, name: str, tag: str) -> bool:
        return (
            self._scope.ours(asset)
            and not is_tagged(asset.tags, asset.meta, tag)
            and not self._has(asset, name, tag)
        )

    def _of_column(self, asset: Asset, name: str, path: tuple[ColumnRef, ...], tag: str) -> Found:
        origin = ".".join(path[0])
        return Found(
            asset=asset,
            column=name,
            message=f"{asset.name}.{name} holds values of {origin}, which is tagged {tag}, and "
            f"is not tagged itself: {self._shown(path)}.",
            mend=f"Tag the column {tag}; or hide the value, with a hash say; or write `meta: "
            f"{{{tag}: false}}` where nothing of it is left.",
        )

    def _of_asset(self, asset: Asset, path: tuple[ColumnRef, ...], tag: str) -> Found:
        origin = self._scope.graph[path[0][0]]
        return Found(
            asset=asset,
            message=f"{asset.name} takes columns of {origin.key}, which is tagged {tag}, and is "
            f"not tagged itself: {self._shown(path)}.",
            mend=f"Tag it {tag}; or tag those columns of {label(origin)} that hold it, so that "
            "only they count.",
        )

    def _shown(self, path: tuple[ColumnRef, ...]) -> str:
        names = [f"{label(self._scope.graph[key])}.{column}" for key, column in path]
        if len(names) > _SHOWN:
            left = len(names) - _SHOWN + 1
            names = [*names[: _SHOWN // 2], f"({left} more)", *names[-(_SHOWN // 2 - 1) :]]
        return " -> ".join(names)


def _path(before: Mapping[ColumnRef, ColumnRef | None], ref: ColumnRef) -> tuple[ColumnRef, ...]:
    path = [ref]
    while (previous := before[path[-1]]) is not None:
        path.append(previous)
    return tuple(reversed(path))


def _is_masked(asset: Asset, column: Column) -> bool:
    """Said of the column, by people or by the tool that loads it."""
    said = column.meta.get(asset.integration)
    return column.meta.get("masked") is True or (
        isinstance(said, Mapping) and said.get("masked") is True
    )


UNTAGGED = Rule(
    id="untagged-pii",
    default="error",
    title="A tagged column flows into one without the tag",
    why="Who may see what is decided by tags. A copy of a tagged column that nobody tagged is "
    "seen by everybody, and is forgotten when somebody asks to be forgotten.",
    mend="Tag the column; or hide the value, with a hash in SQL or with a mapper of the "
    "connection; or say in the column's `meta` that nothing of it is left (`pii: false`).",
    check=_untagged,
)
