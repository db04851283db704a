"""What one query is, whatever it looks like, and whether it could give something else next time.

For skipping what is up to date, so anything that is not understood counts against it.
"""

import hashlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from toolkit.graph import Asset
from toolkit.lineage.places import SELF, Places

if TYPE_CHECKING:
    from sqlglot import Token, exp

# The parser's own functions, which a warehouse does not list.
_BUILTIN = frozenset(
    {"all", "any", "array", "cast", "coalesce", "columns", "cube", "decimal", "exclude", "exists",
     "extract", "grouping", "grouping_id", "grouping_sets", "if", "ifnull", "lambda", "list", "map",
     "nullif", "numeric", "overlay", "position", "replace", "rename", "rollup", "row", "some",
     "struct", "substring", "trim", "try_cast", "unpack", "values"}
)  # fmt: skip
# What is called without brackets: clocks, and where the session is.
_BARE = frozenset(
    {"current_catalog", "current_date", "current_schema", "current_time", "current_timestamp",
     "localtime", "localtimestamp"}
)  # fmt: skip


class Functions(Protocol):
    """A warehouse's functions, by lower-case name."""

    @property
    def stable(self) -> frozenset[str]:
        """Of the same arguments they make the same."""

    @property
    def volatile(self) -> frozenset[str]:
        """They do not."""

    @property
    def outside(self) -> frozenset[str]:
        """Table functions that read what is not in the warehouse, or about it."""


class SqlFacts(msgspec.Struct, frozen=True):
    """What skipping needs to know of a query.

    Attributes:
        canonical: fingerprint of its syntax tree: neither comments nor formatting count.
        volatile: why it may give something else on the same inputs; empty if it does not.
        ordered: why it depends on the order in which its parents' rows lie; empty if not.
    """

    canonical: str
    volatile: str
    ordered: str = ""


def sql_facts(
    asset: Asset,
    sql: str,
    dialect: str,
    functions: Functions,
    places: Places,
    parents: frozenset[str],
) -> SqlFacts:
    """What ``sql``, with which ``asset`` was made, is like.

    Args:
        functions: of the warehouse; a function that it does not name is not trusted.
        places: where all assets live.
        parents: what the asset may read (in place of an ephemeral parent, that one's): a table
            of none of these is not trusted.
    """
    import sqlglot
    from sqlglot.errors import SqlglotError

    from toolkit.lineage.queries.physical import order_reason

    try:
        tokens = sqlglot.Dialect.get_or_raise(dialect).tokenize(sql)
        tree = sqlglot.parse_one(sql, dialect=dialect)
        canonical = _digest(_flat(tree))
    except (SqlglotError, RecursionError) as error:
        why = "is nested too deeply" if isinstance(error, RecursionError) else "cannot be parsed"
        return SqlFacts(_digest([sql]), f"its SQL {why}, so what it reads is not known")
    why = _unsettled(tokens, tree, functions) or _unknown_table(tree, asset, places, parents)
    return SqlFacts(canonical, why, order_reason(tree) or "")


def canonical(sql: str, dialect: str) -> str:
    """Fingerprint of a query's syntax tree, as in :class:`SqlFacts`; of its text if it has none."""
    import sqlglot
    from sqlglot.errors import SqlglotError

    try:
        return _digest(_flat(sqlglot.parse_one(sql, dialect=dialect)))
    except (SqlglotError, RecursionError):
        return _digest([sql])


def _digest(parts: "Iterator[str] | list[str]") -> str:
    found = hashlib.blake2b(digest_size=16)
    for part in parts:
        found.update(part.encode(errors="surrogatepass"))
        found.update(b"\0")
    return found.hexdigest()


def _flat(node: Any) -> Iterator[str]:  # noqa: ANN401 - sqlglot's trees hold anything
    """The tree as words, from the root down; an argument that says nothing is left out."""
    from sqlglot import exp

    if isinstance(node, exp.Expr):
        yield f"({type(node).__name__}"
        for name, value in node.args.items():
            if value is None or value is False or value == []:
                continue
            yield f".{name}"
            yield from _flat(value)
        yield ")"
    elif isinstance(node, list | tuple):
        yield "["
        for item in node:
            yield from _flat(item)
        yield "]"
    else:
        yield f"{type(node).__name__}={node}"


def _unsettled(tokens: "list[Token]", tree: "exp.Expr", functions: Functions) -> str:
    from sqlglot import TokenType, exp

    if tree.find(exp.TableSample):
        return "it takes a sample"
    named: frozenset[str] | None = None
    for index, token in enumerate(tokens):
        if token.token_type in (TokenType.STRING, TokenType.IDENTIFIER):
            continue
        name = token.text.lower()
        if name in _BARE:
            return f"it calls {name}"
        called = index + 1 < len(tokens) and tokens[index + 1].token_type == TokenType.L_PAREN
        if not called:
            continue
        if name in functions.outside:
            return f"it reads what is outside of the graph ({name})"
        if name in functions.volatile:
            return f"it calls {name}()"
        if token.token_type != TokenType.VAR or name in functions.stable or name in _BUILTIN:
            continue
        named = _named_with_columns(tree) if named is None else named
        if name not in named:
            return f"it calls {name}(), of which nothing is known"
    return ""


def _named_with_columns(tree: "exp.Expr") -> frozenset[str]:
    """CTEs and aliases with a list of columns, ``t(a, b)``: they look like calls."""
    from sqlglot import exp

    return frozenset(alias.name.lower() for alias in tree.find_all(exp.TableAlias) if alias.columns)


def _unknown_table(tree: "exp.Expr", asset: Asset, places: Places, parents: frozenset[str]) -> str:
    from toolkit.lineage.sql.tables import real_tables

    for table in real_tables(tree):
        where = (table.catalog or None, table.db or None, table.name)
        found = places.find(where, asset, parents)
        if found != SELF and found not in parents:
            return f"it reads {table.sql()}, which is none of the assets that it names"
    return ""
