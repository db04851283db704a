"""The fingerprint of a table's content."""

from collections.abc import Sequence

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toolkit.graph import Relation
from toolkit.warehouse import Content, content_hash

Row = tuple[int | None, str | None]
CONNECTION = duckdb.connect()
ROWS = st.lists(st.tuples(st.none() | st.integers(-5, 5), st.none() | st.text(max_size=3)))


def content(rows: Sequence[Row], names: Sequence[str] = ("a", "b"), ints: str = "int64") -> Content:
    table = pa.table(
        {
            names[0]: pa.array([row[0] for row in rows], pa.type_for_alias(ints)),
            names[1]: pa.array([row[1] for row in rows], pa.string()),
        }
    )
    CONNECTION.register("given", table)
    CONNECTION.execute('CREATE OR REPLACE TABLE "t" AS SELECT * FROM given')
    return content_hash(CONNECTION, Relation(None, None, "t"))


@settings(deadline=None)
@given(ROWS, st.randoms())
def test_order_does_not_count(rows: list[Row], random: object) -> None:
    shuffled = sorted(rows, key=lambda row: hash((str(random), row)))
    assert content(rows) == content(shuffled)
    assert content(rows).rows == len(rows)


@settings(deadline=None)
@given(ROWS, ROWS)
def test_different_rows_differ(left: list[Row], right: list[Row]) -> None:
    same = sorted(map(repr, left)) == sorted(map(repr, right))
    assert (content(left) == content(right)) == same


CHANGES = {
    "a pair of equal rows": ([(1, "x")], [(1, "x"), (2, "y"), (2, "y")]),
    "values in another column": ([(1, "2")], [(2, "1")]),
    "null and empty": ([(1, None)], [(1, "")]),
    "three of a row": ([(1, "x")], [(1, "x")] * 3),
}


@pytest.mark.parametrize("case", CHANGES)
def test_change(case: str) -> None:
    left, right = CHANGES[case]
    assert content(left).version != content(right).version


def test_names_and_types_count() -> None:
    rows: list[Row] = [(1, "x")]
    versions = {
        content(rows).version,
        content(rows, names=("a", "c")).version,
        content(rows, ints="int32").version,
    }
    assert len(versions) == 3


@pytest.mark.parametrize("name", ["row0", "ROW0", "t", "given"])
def test_a_column_of_the_alias_name(name: str) -> None:
    """DuckDB takes ``hash(x)`` for the column x before it takes it for the row x."""
    names = (name, "b")
    assert content([(1, "x")], names).version != content([(1, "y")], names).version
