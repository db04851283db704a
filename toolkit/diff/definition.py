"""What a query means, apart from how it is written: one fingerprint for its rows, one a column.

A CTE or derived table has no name in a fingerprint, only its meaning. So renaming an alias or a
CTE, moving a subquery into a CTE, dropping what nobody reads, reordering the branches of a UNION
ALL or the conditions of a WHERE: none of them is a change. Everything that decides which rows
there are (FROM, JOIN, WHERE, GROUP BY, HAVING, QUALIFY, DISTINCT, LIMIT, set operations, all
the way down) is in the rows; a column holds only what it is computed from.
"""

import logging
from collections.abc import Mapping

import msgspec

from toolkit.graph import Asset, AssetGraph
from toolkit.lineage import Lineage
from toolkit.lineage.places import Places

TIME_CAP = 5.0
_SAID = 120  # characters of an error that is not ours


class Clause(msgspec.Struct, frozen=True, order=True):
    """A part of a query that decides its rows, in words.

    Attributes:
        kind: ``filter``, ``join``, ``grouping``, ``set operation``, ``limit`` or ``distinct``.
        text: as SQL, on one line.
    """

    kind: str
    text: str


class Definition(msgspec.Struct, frozen=True):
    """The meaning of a query.

    Attributes:
        rows: fingerprint of what decides which rows there are.
        order: fingerprint of the outermost ORDER BY where no LIMIT makes it count.
        columns: folded name -> fingerprint of what a column is computed from; ``*`` where it
            passes on columns that are not known.
        expressions: folded name -> where the column is computed, as SQL on one line.
        casts: folded name -> type and fingerprint of what is cast, for what is computed by a cast.
        references: columns of assets that the query names, folded: ``(key, column)``.
        loose: those that it may name: of which asset is not certain.
        clauses: what decides the rows, wherever in the query it stands; for people.
    """

    rows: str
    order: str
    columns: Mapping[str, str]
    expressions: Mapping[str, str]
    casts: Mapping[str, tuple[str, str]]
    references: frozenset[tuple[str, str]]
    loose: frozenset[tuple[str, str]]
    clauses: frozenset[Clause]


class Undefined(Exception):
    """Nothing can be said about what a query means; the text says why."""


class Definitions:
    """Meanings of the queries of one graph, each worked out when it is asked for.

    Attributes:
        renamed: ``(asset key, folded column) -> folded name before``: whoever reads such a
            column reads the same as before. Filled parents first, before a reader is asked for.
    """

    def __init__(self, graph: AssetGraph, lineage: Lineage, dialect: str) -> None:
        self._graph = graph
        self._lineage = lineage
        self._dialect = dialect
        self._places = Places(graph)
        self._known: dict[str, Definition | Undefined] = {}
        self.renamed: dict[tuple[str, str], str] = {}

    def of(self, asset: Asset) -> Definition:
        """The meaning of an asset's query.

        Raises:
            Undefined: with the reason.
        """
        found = self._known.get(asset.key)
        if found is None:
            try:
                found = self._define(asset)
            except Undefined as why:
                found = why
            self._known[asset.key] = found
        if isinstance(found, Undefined):
            raise found
        return found

    def _define(self, asset: Asset) -> Definition:
        from toolkit.diff.meaning import meaning
        from toolkit.diff.qualified import qualified
        from toolkit.lineage.sql.dialects import facts_of
        from toolkit.lineage.sql.parse import Unreadable, parse

        if asset.language == "python":
            raise Undefined("it is made by Python")
        if asset.sql is None:
            raise Undefined("its SQL is not compiled")
        dialect = facts_of(self._dialect).name
        log = logging.getLogger("sqlglot")
        level = log.level
        log.setLevel(logging.CRITICAL)  # what it cannot do is said by us
        try:
            tree = parse(asset.sql, dialect, TIME_CAP).query
            query = qualified(tree, asset, self._places, self._lineage.columns, dialect)
            return meaning(query, dialect, self.renamed)
        except Undefined:
            raise
        except Unreadable as error:
            raise Undefined(error.message) from None
        except RecursionError:
            raise Undefined("its SQL is nested too deeply") from None
        except Exception as error:
            # sqlglot's optimizer gives up on unusual SQL with any error, its own or Python's
            said = " ".join(str(error).split())[:_SAID]
            raise Undefined(f"it cannot be taken apart ({said or type(error).__name__})") from error
        finally:
            log.setLevel(level)
