"""Column cut-off: did the columns that somebody reads of a table come out the same?

Only two looks at the table can tell, one before it is made again and one afterwards. So
before a step begins, the columns that sleeping children read of what it makes (also
through views) are fingerprinted; nothing is done for children that run anyway.
"""

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from toolkit.errors import WarehouseError
from toolkit.graph import Asset, AssetGraph
from toolkit.plan import is_view
from toolkit.warehouse import Warehouse

if TYPE_CHECKING:
    from toolkit.lineage.queries.reads import Reads


class Sleeper(NamedTuple):
    """Something that a step made and need perhaps not make again.

    Attributes:
        inputs: the versions that it was made of.
        sql: gives the SQL that made it, where that is known.
    """

    key: str
    asset: Asset
    inputs: Mapping[str, str]
    sql: Callable[[], str | None]


class _Look(msgspec.Struct):
    """What a sleeper's parent was like before.

    Attributes:
        columns: that are read, as the parent spells them; ``None``: nothing is known.
        shape: names and types of all of the parent's columns.
    """

    columns: list[str] | None
    version: str = ""
    shape: Mapping[str, str] = {}


class ColumnWatch:
    """Watches the parents of the steps that may sleep.

    Args:
        sleepers: by step, what it made.
    """

    def __init__(
        self,
        graph: AssetGraph,
        warehouse: Warehouse | None,
        dialect: str,
        sleepers: Mapping[str, Sequence[Sleeper]],
    ) -> None:
        self._graph = graph
        self._warehouse = warehouse
        self._dialect = dialect
        self._sleepers = {one.key: one for many in sleepers.values() for one in many}
        self._sql: dict[str, str | None] = {}
        self._lock = threading.RLock()
        self._looks: dict[tuple[str, str], _Look] = {}
        self._digests: dict[str, str] = {}
        self._triggers = self._find_triggers()

    def _find_triggers(self) -> dict[str, list[tuple[str, str]]]:
        """For each asset that may be made again, whose view of which parent it changes."""
        found: dict[str, list[tuple[str, str]]] = {}
        for sleeper in self._sleepers.values():
            for parent in sleeper.inputs:
                for origin in self._origins(parent):
                    found.setdefault(origin, []).append((sleeper.key, parent))
        return found

    def _origins(self, parent: str) -> Iterable[str]:
        """The assets whose making changes what a reader of ``parent`` sees."""
        seen: set[str] = set()
        frontier = [parent]
        while frontier:
            key = frontier.pop()
            if key in seen or key not in self._graph:
                continue
            seen.add(key)
            asset = self._graph[key]
            through = is_view(asset) or asset.materialized == "ephemeral" or asset.kind == "source"
            if through:
                frontier.extend(asset.depends_on)
        return seen

    def before(
        self,
        makes: Iterable[str],
        versions: Callable[[tuple[str, ...]], Mapping[str, str]],
    ) -> None:
        """A step begins that makes these assets: look at what will not be there afterwards.

        Args:
            versions: the versions now of what is read through some keys.
        """
        pairs = [pair for key in makes for pair in self._triggers.get(key, ())]
        if not pairs or self._warehouse is None or not self._warehouse.is_open:
            return
        with self._lock:
            for pair in pairs:
                if pair not in self._looks:
                    self._looks[pair] = self._look(*pair, versions)

    def _look(
        self,
        key: str,
        parent: str,
        versions: Callable[[tuple[str, ...]], Mapping[str, str]],
    ) -> _Look:
        read, relation = self._sleepers[key].inputs, self._graph[parent].relation
        if versions((parent,)).get(parent) != read[parent] or relation is None:
            return _Look(None)  # not what the sleeper was made of
        found = self._reads(key)
        if found is None or found.ordered:
            return _Look(None)
        self._digests.setdefault(key, found.digest)
        shape = self._shape(parent)
        wanted = found.columns.get(parent)
        columns = [c for c in shape if wanted is None or c.casefold() in wanted]
        return _Look(columns, self._version(parent, columns), shape)

    def same(self, key: str, parents: Iterable[str]) -> bool:
        """Whether all that ``key`` reads of these changed parents is as it was before."""
        with self._lock:
            looks = {parent: self._looks.get((key, parent)) for parent in parents}
            if any(look is None or look.columns is None or not look.version
                   for look in looks.values()):  # fmt: skip
                return False
            after: Reads | None = None
            for parent, look in looks.items():
                assert look is not None
                assert look.columns is not None
                shape = self._shape(parent)
                if [*shape.items()] != [*look.shape.items()]:
                    after = after or self._reads(key)
                    if after is None or after.digest != self._digests.get(key):
                        return False
                    wanted = after.columns.get(parent)
                    now = [c for c in shape if wanted is None or c.casefold() in wanted]
                    if now != look.columns:
                        return False
                if self._version(parent, look.columns) != look.version:
                    return False
            return True

    def _reads(self, key: str) -> "Reads | None":
        from toolkit.lineage.queries.reads import reads

        if key not in self._sql:
            self._sql[key] = self._sleepers[key].sql()
        sql = self._sql[key]
        if sql is None:
            return None
        asset = msgspec.structs.replace(self._sleepers[key].asset, sql=sql)
        shapes = {key: self._shape(key) for key in self._parents(asset)}
        return reads(asset, self._graph, shapes, self._dialect)

    def _parents(self, asset: Asset) -> set[str]:
        found: set[str] = set()
        frontier = list(asset.depends_on)
        while frontier:
            key = frontier.pop()
            if key in found or key not in self._graph:
                continue
            found.add(key)
            if self._graph[key].materialized == "ephemeral":
                frontier.extend(self._graph[key].depends_on)
        return found

    def _shape(self, key: str) -> dict[str, str]:
        relation = self._graph[key].relation
        assert self._warehouse is not None
        return self._warehouse.columns(relation) if relation is not None else {}

    def _version(self, key: str, columns: list[str]) -> str:
        relation = self._graph[key].relation
        assert self._warehouse is not None
        assert relation is not None
        try:
            return self._warehouse.content_hash(relation, columns).version
        except WarehouseError:
            return ""
