"""DuckDB as the warehouse."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from toolkit.errors import WarehouseError, WarehouseLockedError
from toolkit.graph import Relation
from toolkit.settings import Profile
from toolkit.warehouse import Warehouse, quote, quote_relation


def profile(path: Path, **more: object) -> Profile:
    return Profile(type="duckdb", database=path.stem, schema="main", path=str(path), **more)  # type: ignore[arg-type]


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[Warehouse]:
    opened = Warehouse(profile(tmp_path / "shop.duckdb"))
    yield opened
    opened.close()


def run(warehouse: Warehouse, sql: str) -> None:
    with warehouse.cursor() as cursor:
        cursor.execute(sql)


def test_names_are_quoted() -> None:
    assert quote('a "b"') == '"a ""b"""'
    assert quote_relation(Relation("d", None, "t")) == '"d"."t"'


def test_where_a_relation_is_and_what_it_has(warehouse: Warehouse) -> None:
    warehouse.create_schema("Odd schema")
    warehouse.create_schema("Odd schema")
    run(warehouse, 'create table "Odd schema"."T" (b int, a varchar)')
    table = Relation("shop", "odd SCHEMA", "t")
    assert warehouse.exists(table)
    assert list(warehouse.columns(table).items()) == [("b", "INTEGER"), ("a", "VARCHAR")]
    assert warehouse.columns(Relation(None, "odd schema", "t"))
    assert not warehouse.exists(Relation("shop", None, "t"))  # None: the profile's own
    assert not warehouse.exists(Relation("elsewhere", "odd schema", "t"))


def test_the_content_is_the_same_in_any_order_but_not_with_a_row_more(
    warehouse: Warehouse,
) -> None:
    def content(sql: str) -> tuple[int, str]:
        run(warehouse, f"create or replace table t as {sql}")
        return warehouse.content_hash(Relation("shop", "main", "t"))

    rows, version = content("from (values (1, 'a'), (2, 'b'), (2, 'b')) v(row0, t)")
    assert rows == 3
    assert content("from (values (2, 'b'), (1, 'a'), (2, 'b')) v(row0, t)").version == version
    for other in (
        "from (values (1, 'a'), (2, 'b')) v(row0, t)",
        "from (values (1, 'a'), (1, 'a'), (2, 'b')) v(row0, t)",
        "from (values (1, 'a'), (2, 'b'), (2, 'b')) v(row0, u)",
        "from (values (1::bigint, 'a'), (2, 'b'), (2, 'b')) v(row0, t)",
        "from (values (1, 'a'), (2, 'b'), (2, null)) v(row0, t)",
    ):
        assert content(other).version != version, other
    assert content("select 1 as a where false").rows == 0


def test_what_is_not_there_is_an_error_of_ours(warehouse: Warehouse) -> None:
    gone = Relation("shop", "main", "gone")
    for ask in (warehouse.row_count, warehouse.content_hash):
        with pytest.raises(WarehouseError, match="gone"):
            ask(gone)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("null::int[]", "[]::int[]"),
        ("[]::int[]", "[null]::int[]"),
        ("[[1], [2]]", "[[1, 2]]"),
        ("{'a': [1, 2], 'b': [null]}", "{'a': [1], 'b': [2]}"),
        ("null::struct(a int)", "{'a': null::int}"),
        ("map {'a': null::int[]}", "map {'a': []::int[]}"),
        ("['a, b']", "['a', 'b']"),
        ("interval '1 month'", "interval '30 days'"),
        ("interval '1 day'", "interval '24 hours'"),
        ("0.0::double", "-0.0::double"),
        ("0.0::float", "-0.0::float"),
        ("[0.0::double]", "[-0.0::double]"),
        ("null::int", "0"),
    ],
)
def test_values_that_differ_give_another_version(
    one: str, other: str, warehouse: Warehouse
) -> None:
    versions = set()
    for value in (one, other):
        run(
            warehouse, f"create or replace table t as select 1 as extra0_0, {value} as v, 2 as row0"
        )
        content = warehouse.content_hash(Relation("shop", "main", "t"))
        assert content.rows == 1
        versions.add(content.version)
        versions.add(warehouse.content_hash(Relation("shop", "main", "t"), ["v"]).version)
    assert len(versions) == 4


def test_settings_are_set_on_every_cursor(tmp_path: Path) -> None:
    opened = Warehouse(profile(tmp_path / "s.duckdb", settings={"TimeZone": "Asia/Tokyo"}))
    with opened.cursor() as cursor:
        assert cursor.execute("select current_setting('TimeZone')").fetchall() == [("Asia/Tokyo",)]
    opened.close()


def test_a_setting_that_duckdb_does_not_take_is_named(tmp_path: Path) -> None:
    opened = Warehouse(profile(tmp_path / "s.duckdb", settings={"TimeZone": "It's nowhere"}))
    with pytest.raises(WarehouseError, match="SET TimeZone"):
        opened.cursor()
    opened.close()


def test_a_file_that_is_no_duckdb(tmp_path: Path) -> None:
    path = tmp_path / "text.duckdb"
    path.write_text("hello " * 1000)
    with pytest.raises(WarehouseError, match=r"text\.duckdb cannot be opened"):
        Warehouse(profile(path))
    with pytest.raises(WarehouseError, match="nowhere"):
        Warehouse(profile(tmp_path / "nowhere" / "x.duckdb"))


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "Close that program"),
        (("/bin/toolkit", "build"), "held by a toolkit build that is running"),
    ],
)
def test_a_file_that_another_process_holds(
    tmp_path: Path, words: tuple[str, ...], says: str
) -> None:
    path = tmp_path / "held.duckdb"
    code = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print(1, flush=True); input()"
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(path), *words],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert holder.stdout is not None
    try:
        holder.stdout.readline()
        with pytest.raises(WarehouseLockedError, match=f"process {holder.pid}") as caught:
            Warehouse(profile(path))
        assert says in str(caught.value)
    finally:
        holder.communicate("\n")
    Warehouse(profile(path)).close()


def test_it_shares_the_file_with_another_connection_of_this_process(tmp_path: Path) -> None:
    path = tmp_path / "shared.duckdb"
    with duckdb.connect(str(path)) as other:
        other.execute("create table t as select 1")
        opened = Warehouse(profile(path))
        assert opened.row_count(Relation(None, "main", "t")) == 1
        opened.close()


def test_the_text_of_a_view_is_the_same_each_time_that_the_file_is_opened(tmp_path: Path) -> None:
    """DuckDB writes the names of EXCLUDE in another order whenever it reads the file."""
    from toolkit.warehouse.look import view_text

    view = Relation(None, "main", "v")
    seen = set()
    for number in range(6):
        warehouse = Warehouse(profile(tmp_path / "shop.duckdb"))
        if number == 0:
            run(warehouse, 'create table t (a int, bb int, "c, (d)" int, dd int, ee int, f int)')
            run(warehouse, 'create view v as select * exclude (bb, a, ee, "c, (d)", dd) from t')
        seen.add(view_text(warehouse, view))
        warehouse.close()
    assert len(seen) == 1
    warehouse = Warehouse(profile(tmp_path / "shop.duckdb"))
    run(warehouse, 'create or replace view v as select * exclude (bb, a, "c, (d)", dd) from t')
    assert view_text(warehouse, view) not in seen
    warehouse.close()


def test_who_only_looks_keeps_no_reader_out(tmp_path: Path) -> None:
    file = tmp_path / "shop.duckdb"
    Warehouse(profile(file)).close()
    code = f"import duckdb; duckdb.connect({str(file)!r}, read_only=True)"
    looking = Warehouse(profile(file, settings={"TimeZone": "UTC"}), read_only=True)
    try:
        assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
        with pytest.raises(duckdb.InvalidInputException):
            run(looking, "create table t (a int)")
    finally:
        looking.close()


def test_who_only_looks_shares_what_is_open_for_writing(warehouse: Warehouse) -> None:
    """DuckDB lets one process have a file open in one way only."""
    run(warehouse, "create table t (a int)")
    looking = Warehouse(profile(Path(warehouse.path)), read_only=True)
    assert looking.exists(Relation("shop", "main", "t"))
    looking.close()
    run(warehouse, "drop table t")
