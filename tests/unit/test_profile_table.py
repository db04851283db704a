"""Counting one table, of any types."""

import duckdb
import pytest

from toolkit.graph import Relation
from toolkit.graph.profile import TableProfile
from toolkit.warehouse.profile import MOST_COLUMNS, profile_table


def counted(sql: str, sample: int | None = None) -> TableProfile:
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE t AS {sql}")
        return profile_table(connection, Relation(None, "main", "t"), sample=sample)


HOSTILE = {
    "infinite": ("SELECT unnest(['inf', '-inf', 'nan', '2']::DOUBLE[]) AS x", (0, 4, 2.0)),
    "huge": ("SELECT unnest([1e308, -1e308, 1e308]) AS x", (0, 2, None)),
    "huge integers": ("SELECT unnest([1::HUGEINT << 126, 0]) AS x", (0, 2, 4.253529586511731e37)),
    "a list": ("SELECT [1, 2] AS x", (0, None, None)),
    "a struct": ("SELECT {'a': 1} AS x", (0, None, None)),
    "a map": ("SELECT map {'a': 1} AS x", (0, None, None)),
    "a blob": ("SELECT '\\xAA'::BLOB AS x", (0, None, None)),
    "nothing but null": ("SELECT NULL AS x FROM range(3)", (3, None, None)),
    "no rows": ("SELECT 1 AS x WHERE false", (0, 0, None)),
    "a decimal": ("SELECT 1.25 AS x", (0, 1, 1.25)),
    "an enum": ("SELECT 'a'::ENUM('a', 'b') AS x", (0, 1, None)),
    "times": ("SELECT TIMESTAMPTZ '2026-01-01 00:00:00+00' AS x", (0, 1, None)),
    "a hostile name": ("""SELECT 1 AS "a""b;--" """, (0, 1, 1.0)),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_types(name: str) -> None:
    sql, (nulls, distinct, mean) = HOSTILE[name]
    [column] = counted(sql).columns
    assert (column.nulls, column.distinct) == (nulls, distinct)
    assert column.mean == (pytest.approx(mean) if mean is not None else column.mean)


def test_the_same_as_summarize() -> None:
    sql = "SELECT range % 7 AS n, (range % 11)::VARCHAR AS s, range / 3 AS f FROM range(5000)"
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE t AS {sql}")
        theirs = connection.execute("SELECT column_name, min, max, approx_unique, avg, std, q50 "
                                    "FROM (SUMMARIZE t)").fetchall()  # fmt: skip
        ours = profile_table(connection, Relation(None, "main", "t"))
    for name, least, most, distinct, mean, deviation, half in theirs:
        column = ours.column(name)
        assert column is not None
        assert (column.least, column.most, column.distinct) == (least, most, distinct)
        if mean is not None:
            assert column.mean == pytest.approx(float(mean))
            assert column.deviation == pytest.approx(float(deviation))
            assert column.quartiles[1] == pytest.approx(float(half), rel=0.05)


def test_a_large_table_is_sampled_and_its_nulls_are_not() -> None:
    found = counted(
        "SELECT CASE WHEN range % 4 = 0 THEN NULL ELSE range END AS n FROM range(200000)", 10_000
    )
    assert found.rows == 200_000
    assert found.sampled is not None
    assert 0 < found.sampled < 60_000
    assert found.columns[0].nulls == 50_000
    assert found.columns[0].distinct is not None
    assert found.columns[0].distinct < 60_000


def test_many_columns_are_limited() -> None:
    found = counted("SELECT " + ", ".join(f"{n} AS c{n}" for n in range(2000)))
    assert len(found.columns) == MOST_COLUMNS
    assert found.left_out == 2000 - MOST_COLUMNS
    assert found.columns[-1].least == str(MOST_COLUMNS - 1)


def test_long_values_are_cut() -> None:
    [column] = counted("SELECT repeat('x', 10000) AS s").columns
    assert column.least is not None
    assert len(column.least) == 60
    assert column.least.endswith("…")


def test_one_column_that_overflows_leaves_the_others() -> None:
    found = counted("SELECT unnest([1e308, -1e308, 1e308]) AS huge, 1 AS n")
    assert [column.name for column in found.columns] == ["huge", "n"]
    assert found.columns[1].mean == 1.0
    assert found.columns[0].nulls == 0
