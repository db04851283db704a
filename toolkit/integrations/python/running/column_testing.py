"""Running the tests that columns declare, as dbt runs its generic tests."""

import operator
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from toolkit.graph import Relation
from toolkit.integrations.python.registry import ColumnTest
from toolkit.integrations.python.running.checking import Verdict
from toolkit.warehouse import literal, quote, quote_relation

if TYPE_CHECKING:
    import duckdb

_COMPARE: Mapping[str, Callable[[int, int], bool]] = {
    "=": operator.eq,
    "==": operator.eq,
    "!=": operator.ne,
    "<>": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_FOUND = {
    "not_null": "null values",
    "unique": "values more than once",
    "accepted_values": "values that are not accepted",
    "relationships": "rows without a parent",
}


def run_column_test(
    cursor: "duckdb.DuckDBPyConnection", relation: Relation, test: ColumnTest
) -> Verdict:
    """Count what is wrong, and judge it by the test's thresholds and severity.

    Raises:
        duckdb.Error: a table or column is not there, or ``where`` is no condition.
    """
    sql = _failing(relation, test)
    count = int(cursor.execute(f"SELECT count(*) FROM ({sql})").fetchall()[0][0])
    fails = test.severity == "error" and holds(test.error_if, count)
    warns = holds(test.warn_if, count)
    message = f"{test.column}: {count} {_FOUND[test.kind]}" if count else ""
    if fails or warns:
        limit = test.error_if if fails else test.warn_if
        if limit != "!= 0":
            message = f"{message or f'{test.column}: 0'}, and {limit} is too many"
        return Verdict(False, count, message, only_warns=not fails)
    return Verdict(True, count, message)


def _failing(relation: Relation, test: ColumnTest) -> str:
    """A query whose rows are what dbt counts for this test."""
    column, table = quote(test.column), quote_relation(relation)
    if test.where:
        table = f"(SELECT * FROM {table} WHERE {test.where})"
    if test.kind == "not_null":
        return f"SELECT 1 FROM {table} WHERE {column} IS NULL"
    if test.kind == "unique":
        return (
            f"SELECT 1 FROM {table} WHERE {column} IS NOT NULL GROUP BY {column} "
            "HAVING count(*) > 1"
        )
    if test.kind == "accepted_values":
        values = ", ".join(literal(value) if test.quote else value for value in test.values)
        grouped = f"SELECT {column} AS value_field FROM {table} GROUP BY {column}"
        return f"SELECT 1 FROM ({grouped}) WHERE value_field NOT IN ({values})"
    assert test.parent is not None
    return (
        f"SELECT 1 FROM (SELECT {column} AS from_field FROM {table} WHERE {column} IS NOT NULL) "
        f"child LEFT JOIN (SELECT {quote(test.field)} AS to_field FROM "
        f"{quote_relation(test.parent)}) parent ON from_field = to_field WHERE to_field IS NULL"
    )


def holds(threshold: str, count: int) -> bool:
    """Whether ``count`` is, say, ``> 10``."""
    sign, number = re.fullmatch(r"\s*([=!<>]+)\s*(\d+)\s*", threshold).groups()  # type: ignore[union-attr]  # judged when it was loaded
    return _COMPARE[sign](count, int(number))
