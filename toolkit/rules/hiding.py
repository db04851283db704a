"""Whether an SQL expression leaves nothing of a column's value: a hash, a count, a yes or no."""

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from toolkit.lineage.sql.dialects import facts_of

if TYPE_CHECKING:
    from sqlglot import exp

# Functions of which the argument cannot be told from the result, by sqlglot's class or by name.
_FUNCTION = re.compile(
    r"(?:\w*_)?(?:md5|sha|hash|hashagg|xxhash|cityhash|murmur\w*|standardhash|hmac|digest|"
    r"farmfingerprint|fingerprint|count|countif|approxdistinct|approx_distinct|hll)"
    r"(?:\d\w*|_\w+|digest|number\w+)?",
    re.IGNORECASE,
)


@lru_cache(maxsize=10_000)
def hides(expression: str, column: str, dialect: str) -> bool:
    """Whether every use of ``column`` in an expression is inside of something that hides it.

    What cannot be read hides nothing. A column that goes by another name in the expression is
    hidden only where all columns in it are.
    """
    if not re.search(r"\W", expression.strip()):  # a name alone
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


def _hidden(column: "exp.Expr") -> bool:
    from sqlglot import exp

    node = column.parent
    while node is not None:
        if isinstance(node, exp.Predicate):
            return True  # a comparison: one bit at most
        if isinstance(node, exp.Func):
            name = node.name if isinstance(node, exp.Anonymous) else type(node).__name__
            if _FUNCTION.fullmatch(name):
                return True
        node = node.parent
    return False
