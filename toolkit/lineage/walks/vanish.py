"""What fails when columns are no longer there, and what only passes them on.

An edge does not tell the two apart: `select email` fails without the column, `select *` just
has one less. The names in a reader's SQL do.
"""

import re
from collections.abc import Iterable

import msgspec

from toolkit.graph import Asset
from toolkit.lineage.model import ColumnRef
from toolkit.lineage.walks.reach import Downstream

# Kinds that only show what lands in them: the column is gone there too, and nothing fails.
_LANDED = frozenset({"source", "seed", "stream"})
_SNAPSHOT_KEYS = ("unique_key", "updated_at", "check_cols")


class Vanished(msgspec.Struct, frozen=True):
    """What becomes of the readers of columns that are gone.

    Attributes:
        columns: what is gone with them, passed on by ``select *``; the starts are in it.
        fails: assets that name one of these: the SQL does, or a Python asset's inputs.
    """

    columns: frozenset[ColumnRef]
    fails: tuple[str, ...]


class Names:
    """Which names stand in each asset's SQL; looked up once for each asset."""

    def __init__(self, dialect: str) -> None:
        self._dialect = dialect
        self._words: dict[str, frozenset[str]] = {}

    def vanished(self, downstream: Downstream, starts: Iterable[ColumnRef]) -> Vanished:
        """What fails without these columns, and what is gone with them."""
        gone = set(starts)
        waiting = sorted(gone)
        fails: set[str] = set()
        while waiting:
            ref = waiting.pop()
            for key, _ in downstream.readers(ref):
                asset = downstream.graph[key]
                if asset.kind not in _LANDED and self.named(asset, ref[1]):
                    fails.add(key)
                    continue
                passed = {
                    (key, name)
                    for name in downstream.into(ref, key)
                    if name.casefold() == ref[1].casefold()
                }
                waiting += sorted(passed - gone)
                gone |= passed
        ordered = tuple(key for key in downstream.graph.assets if key in fails)
        return Vanished(frozenset(gone), ordered)

    def named(self, asset: Asset, column: str) -> bool:
        """Whether ``asset`` names the column; what is made without SQL declares what it reads."""
        return asset.sql is None or column.casefold() in self._of(asset)

    def has_star(self, asset: Asset) -> bool:
        """Whether its SQL passes on columns that it does not name."""
        return asset.sql is not None and "*" in self._of(asset)

    def _of(self, asset: Asset) -> frozenset[str]:
        words = self._words.get(asset.key)
        if words is None:
            words = _words(asset.sql or "", self._dialect) | _configured(asset)
            self._words[asset.key] = words
        return words


def _configured(asset: Asset) -> frozenset[str]:
    """Columns that a snapshot's configuration names."""
    if asset.kind != "snapshot":
        return frozenset()
    named: set[str] = set()
    for key in _SNAPSHOT_KEYS:
        value = asset.config.get(key)
        for text in value if isinstance(value, list) else [value]:
            named.update(re.findall(r"\w+", str(text or "").casefold()))
    return frozenset(named)


def _words(sql: str, dialect: str) -> frozenset[str]:
    """Folded names in a query, without what stands in strings and comments; ``*`` for a star."""
    import sqlglot
    from sqlglot.errors import TokenError

    from toolkit.lineage.sql.dialects import facts_of

    try:
        tokens = sqlglot.tokenize(sql, read=facts_of(dialect).name)
    except TokenError:  # then every word counts: a string is not told from a name
        return frozenset(word.casefold() for word in re.findall(r"\w+|\*", sql))
    words: set[str] = set()
    before = None
    for token in tokens:
        kind = token.token_type.name
        if kind == "STAR":
            # `count(*)` and a product pass nothing on
            if before in _BEFORE_STAR:
                words.add("*")
        elif not kind.endswith("STRING"):
            words.add(token.text.casefold())
        before = token.text.casefold()
    return frozenset(words)


_BEFORE_STAR = frozenset({"select", "distinct", "all", ",", "."})
