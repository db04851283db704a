"""Rows of two DuckDB files, against a comparison in plain Python."""

import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toolkit.errors import WarehouseError
from toolkit.graph import Relation
from toolkit.warehouse.rows_diff import RowsDiff, TwoFiles

TABLE = Relation("anything", "main", "t")
VALUE = st.one_of(st.none(), st.integers(0, 3))
ROWS = st.dictionaries(st.integers(0, 9), st.tuples(VALUE, VALUE), max_size=8)


def write(path: Path, rows: list[tuple[Any, ...]], columns: str = "id int, a int, b int") -> Path:
    with duckdb.connect(str(path)) as connection:
        connection.execute(f"create table t ({columns})")
        if rows:
            cells = ", ".join(map(str, rows)).replace("None", "null")
            connection.execute(f"insert into t values {cells}")
    return path


def compared(
    folder: Path, base: list[tuple[Any, ...]], head: list[tuple[Any, ...]], key: tuple[str, ...]
) -> RowsDiff:
    with TwoFiles(write(folder / "b", base), write(folder / "h", head)) as files:
        return files.compare(TABLE, TABLE, key)


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(base=ROWS, head=ROWS)
def test_by_key(base: dict[int, Any], head: dict[int, Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        rows = [[(key, *values) for key, values in side.items()] for side in (base, head)]
        found = compared(Path(folder), *rows, key=("ID",))
    both = base.keys() & head.keys()
    differ = {
        name: sum(base[key][place] != head[key][place] for key in both)
        for place, name in enumerate(("a", "b"))
    }
    assert found == RowsDiff(
        base=len(base), head=len(head), key=("id",), both=len(both),
        only_base=len(base.keys() - head.keys()), only_head=len(head.keys() - base.keys()),
        columns={name: count for name, count in differ.items() if count},
    )  # fmt: skip


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(base=st.lists(st.tuples(VALUE, VALUE, VALUE)), head=st.lists(st.tuples(VALUE, VALUE, VALUE)))
def test_row_by_row(base: list[Any], head: list[Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        found = compared(Path(folder), base, head, key=())
    one, other = Counter(base), Counter(head)
    assert (found.only_base, found.only_head) == ((one - other).total(), (other - one).total())
    assert found.both == (one & other).total()


def test_a_key_that_does_not_tell_rows_apart_is_none(tmp_path: Path) -> None:
    found = compared(tmp_path, [(1, 1, 1), (1, 2, 2)], [(1, 1, 1)], key=("id",))
    assert (found.key, found.only_base, found.both) == ((), 1, 1)


def test_a_sample_takes_the_same_keys_on_both_sides(tmp_path: Path) -> None:
    rows = [(number, number, 0) for number in range(5000)]
    changed = [(number, number + (number % 2), 0) for number in range(5000)]
    base, head = write(tmp_path / "b", rows), write(tmp_path / "h", changed)
    with TwoFiles(base, head, sample=500) as files:
        found = files.compare(TABLE, TABLE, ("id",))
    assert found.share == pytest.approx(0.1)
    assert (found.base, found.head) == (5000, 5000)
    assert (found.only_base, found.only_head) == (0, 0)
    assert 350 < found.both < 650  # a tenth of them
    assert 0.35 < found.columns["a"] / found.both < 0.65


def test_columns_and_types_that_differ(tmp_path: Path) -> None:
    base = write(tmp_path / "b", [(1, 2, 3)])
    head = write(tmp_path / "h", [(1, "2", 4)], "id int, a varchar, c int")
    with TwoFiles(base, head) as files:
        found = files.compare(TABLE, TABLE, ("id",))
        nowhere = files.compare(Relation(None, "main", "gone"), TABLE)
    assert (found.gone, found.new, found.columns) == (("b",), ("c",), {})
    assert (nowhere.base, nowhere.head, nowhere.same) == (None, 1, False)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    there = write(tmp_path / "b", [])
    with pytest.raises(WarehouseError, match="no DuckDB file"):
        TwoFiles(there, tmp_path / "nothing")
    (tmp_path / "text").write_text("no database")
    with pytest.raises(WarehouseError, match="cannot be opened"):
        TwoFiles(there, tmp_path / "text")
