"""Whether an SQL expression leaves nothing of a column's value: a hash, or a mere count."""

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from toolkit.lineage.sql.dialects import facts_of

if TYPE_CHECKING:
    from sqlglot import exp

_NAMES = re.compile(
    r"(md5|sha\d*|hash|xxhash|murmur|farm_?fingerprint|fingerprint|count|approx_count|approx_dist)"
    r"\w*",
    re.IGNORECASE,
)
_ANYWHERE = re.compile(rf"\b{_NAMES.pattern}\s*\(", re.IGNORECASE)


@lru_cache(maxsize=10_000)
def hides(expression: str, column: str, dialect: str) -> bool:
    """Whether every use of ``column`` in an expression is inside a call that hides it.

    What cannot be read hides nothing. A column that goes by another name in the expression is
    hidden only where all columns in it are.
    """
    if not _ANYWHERE.search(expression):
        return False
    import sqlglot
    from sqlglot import exp

    try:
        tree = sqlglot.parse_one(expression, dialect=facts_of(dialect).name)
    except (sqlglot.errors.SqlglotError, RecursionError):
        return False
    columns = list(tree.find_all(exp.Column))
    named = [one for one in columns if one.name.casefold() == column.casefold()] or columns
    return bool(named) and all(_hidden(one) for one in named)


def _hidden(column: "exp.Column") -> bool:
    from sqlglot import exp

    node = column.parent
    while node is not None:
        if isinstance(node, exp.Func):
            name = node.name if isinstance(node, exp.Anonymous) else node.sql_name()
            if _NAMES.fullmatch(name):
                return True
        node = node.parent
    return False
