"""What one query is, whatever it looks like; and why it may give something else next time."""

import importlib.util
import random
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from toolkit.graph import Asset, AssetGraph, Relation
from toolkit.lineage.places import Places
from toolkit.lineage.queries.facts import canonical, sql_facts
from toolkit.settings import Profile
from toolkit.warehouse import Warehouse
from toolkit.warehouse.look import Functions, functions

ORDERS = "select id, sum(amount) as n from main.orders where day >= '2026-01-01' group by id"

SAME = {
    "other spaces": "select  id,\n\tsum( amount )\n  as n\nfrom main.orders\n"
    "where day>='2026-01-01' group by id\n",
    "capital keywords": "SELECT id, SUM(amount) AS n FROM main.orders "
    "WHERE day >= '2026-01-01' GROUP BY id",
    "comments": "-- totals\nselect id, /* all of them */ sum(amount) as n from main.orders "
    "-- the table\nwhere day >= '2026-01-01' group by id -- end",
    "a semicolon": f"{ORDERS};",
    "no word as": ORDERS.replace(" as n", " n"),
}
OTHER = {
    "a literal": ORDERS.replace("01-01", "01-02"),
    "a number": ORDERS.replace("sum(amount)", "sum(amount * 2)"),
    "a name": ORDERS.replace(" n ", " m "),
    "the case of a name": ORDERS.replace(" n ", " N "),
    "the case of a literal": ORDERS.replace("2026-01-01", "A"),
    "the other case of it": ORDERS.replace("2026-01-01", "a"),
    "a quoted name": ORDERS.replace(" n ", ' "n" '),
    "another table": ORDERS.replace("main.orders", "main.order"),
    "another schema": ORDERS.replace("main.", "raw."),
    "columns turned round": ORDERS.replace("id, sum(amount) as n", "sum(amount) as n, id"),
    "distinct": ORDERS.replace("select", "select distinct"),
    "count of distinct": ORDERS.replace("sum(amount)", "sum(distinct amount)"),
    "another operator": ORDERS.replace(">=", ">"),
    "an order": f"{ORDERS} order by id",
    "a limit": f"{ORDERS} limit 1",
    "having": f"{ORDERS} having count(*) > 1",
    "another type": ORDERS.replace("sum(amount)", "sum(amount::int)"),
    "a filter": ORDERS.replace("sum(amount)", "sum(amount) filter (where amount > 0)"),
}  # fmt: skip


@pytest.mark.parametrize("sql", SAME.values(), ids=SAME)
def test_the_same_query(sql: str) -> None:
    assert canonical(sql, "duckdb") == canonical(ORDERS, "duckdb")


def test_all_other_queries_differ_from_it_and_from_one_another() -> None:
    found = {name: canonical(sql, "duckdb") for name, sql in (OTHER | {"it": ORDERS}).items()}
    assert len(set(found.values())) == len(found)


@pytest.mark.parametrize(
    "pair",
    [
        ("a join b using (id)", "a left join b using (id)"),
        ("a join b using (id)", "a semi join b using (id)"),
        ("a join b using (id)", "a asof join b using (id)"),
        ("a join b using (id)", "a natural join b"),
        ("a cross join b", "a join b on true"),
        ("(select 1 union select 2)", "(select 1 union all select 2)"),
        ("(select 1 except select 2)", "(select 1 intersect select 2)"),
        ("a order by x", "a order by x desc"),
        ("a order by x nulls first", "a order by x nulls last"),
        ("(select 1 union select 2)", "(select 1 union by name select 2)"),
    ],
)
def test_different_ways_to_join_and_to_order(pair: tuple[str, str]) -> None:
    one, other = (canonical(f"select * from {rest}", "duckdb") for rest in pair)
    assert one != other


def test_comments_with_hints_for_nobody_do_not_hide_text_in_literals() -> None:
    one, other = "select '-- x' as a", "select '' as a -- x"
    assert canonical(one, "duckdb") != canonical(other, "duckdb")
    assert canonical("select '/* x */'", "duckdb") != canonical("select ''", "duckdb")


def test_what_cannot_be_parsed_is_its_text() -> None:
    assert canonical("selec 1 frm (", "duckdb") == canonical("selec 1 frm (", "duckdb")
    assert canonical("selec 1 frm (", "duckdb") != canonical("selec 1  frm (", "duckdb")


# ---- random queries, dressed otherwise ----


def _queries() -> Any:
    if "lineage_queries" not in sys.modules:
        path = Path(__file__).parents[2] / "property" / "lineage_queries" / "__init__.py"
        spec = importlib.util.spec_from_file_location("lineage_queries", path)
        assert spec is not None
        assert spec.loader is not None
        sys.modules["lineage_queries"] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules["lineage_queries"])
    return sys.modules["lineage_queries"]


SEVERAL = re.compile(
    r"\b(group|grouping|order|partition|union|except|intersect|left|right|full|inner|outer|cross|natural|asof"
    r"|semi|anti|positional|is|not|by|with|nulls|within|distinct|unbounded|current)$",
    re.IGNORECASE,
)
KEYWORDS = re.compile(
    r"\b(select|from|where|group|by|order|having|union|all|join|on|as|with|limit)\b"
)


SPACES = (" ", "\n", "  ", "\t")
COMMENTS = (" /* it's */ ", " -- 'so'\n", "\n-- a; b\n")


def dressed(sql: str, rng: random.Random) -> str:
    """The same query with other spaces, comments and capitals, outside of what is quoted.

    No comment goes within a keyword of several words: the parser takes no ``group /* */ by``, and
    what is not parsed is never left out.
    """
    out = []
    for index, piece in enumerate(re.split(r"""('[^']*'|"[^"]*")""", sql)):
        if index % 2:
            out.append(piece)
            continue
        text = KEYWORDS.sub(lambda m: m[0].upper() if rng.random() < 0.5 else m[0], piece)
        for word in re.split(r"( +)", text):
            plain = not word.isspace()
            within = out and SEVERAL.search(out[-1])
            choice = SPACES if within else SPACES + COMMENTS
            out.append(word if plain else rng.choice(choice))
    return "".join(out)


@given(st.integers(0, 2**32))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_random_query_stays_itself_however_it_is_dressed(seed: int) -> None:
    rng = random.Random(seed)
    sql, _ = _queries().Queries(rng).whole()
    other = dressed(sql, rng)
    assert canonical(other, "duckdb") == canonical(sql, "duckdb"), other


@pytest.fixture(scope="module")
def tables() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute("create schema raw")
        for name, columns in _queries().TABLES.items():
            made = ", ".join(f"(range * {i + 3} % 7)::int as {c}" for i, c in enumerate(columns))
            connection.execute(f"create table raw.{name} as select {made} from range(12)")
        yield connection


MUTATIONS = (
    ("1", "2"), (" + ", " - "), (">", ">="), ("min(", "max("), ("union all", "union"),
    ("inner join", "left join"), ("asc", "desc"), (" and ", " or "), ("a", "b"),
)  # fmt: skip


@given(st.integers(0, 2**32))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow,
          HealthCheck.function_scoped_fixture])  # fmt: skip
def test_queries_with_other_results_are_other_queries(
    tables: duckdb.DuckDBPyConnection, seed: int
) -> None:
    """One place of a random query is changed: where its rows change, its fingerprint does."""
    rng = random.Random(seed)
    sql, _ = _queries().Queries(rng).whole()
    old, new = rng.choice(MUTATIONS)
    places = [m.start() for m in re.finditer(rf"(?<!\w){re.escape(old)}(?!\w)", sql)]
    if not places:
        return
    at = rng.choice(places)
    other = sql[:at] + new + sql[at + len(old) :]
    try:
        before, after = (sorted(map(repr, tables.execute(q).fetchall())) for q in (sql, other))
    except duckdb.Error:
        return  # the change made no query of it
    if before != after:
        assert canonical(sql, "duckdb") != canonical(other, "duckdb"), (sql, other)


# ---- why it may give something else ----


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Functions:
    """The functions of a real DuckDB, with a macro of somebody's in it."""
    path = str(tmp_path_factory.mktemp("facts") / "x.duckdb")
    with duckdb.connect(path) as connection:
        connection.execute("create table orders (id int)")
        connection.execute("create macro noise(x) as x + random()")
        connection.execute("create macro latest() as table select * from orders")
    warehouse = Warehouse(Profile(type="duckdb", database="x", schema="main", path=path))
    try:
        return functions(warehouse)
    finally:
        warehouse.close()


def asset(key: str, *reads: str, **more: Any) -> Asset:
    return Asset(key=key, name=key, kind="model", integration="dbt", depends_on=reads,
                 relation=Relation("x", "main", key), **more)  # fmt: skip


GRAPH = AssetGraph(
    [asset("orders"), asset("users"), asset("secret"), asset("model", "orders", "users")]
)


def why(sql: str, known: Functions) -> str:
    parents = frozenset({"orders", "users"})
    return sql_facts(GRAPH["model"], sql, "duckdb", known, Places(GRAPH), parents).volatile


SETTLED = [
    "select * from orders",
    "select * from main.orders join x.main.users using (id)",
    'select * from "X"."main"."ORDERS"',
    "with o as (select * from orders) select * from o",
    "with recursive r as (select 1 as n union all select n + 1 from r where n < 3) select * from r",
    "select 'random()', 'now()' as \"current_date\" from orders",
    "select upper(name), coalesce(a, 0), cast(b as int), list_transform([1], lambda x: x + 1) "
    "from users",
    "select * from range(3)",
    "select * from orders, unnest([1, 2])",
    "select date_trunc('month', day) from orders -- current_date random()",
    "select row_number() over (partition by id order by day) from orders",
    "select count(*), sum(a), min(b), string_agg(c, ',' order by c) from orders",
    "select md5(name), hash(name), regexp_replace(name, 'a', 'b') from users",
    "select * from model",  # itself: an incremental model
    "with t(a, b) as (select 1, 2) select * from t",
    "select * from (values (1, 2)) as v(a, b)",
    "pivot orders on id using sum(amount)",
    "select * from orders where id in (select id from users)",
    "select exists (select 1 from users)",
]


@pytest.mark.parametrize("sql", SETTLED)
def test_settled(known: Functions, sql: str) -> None:
    assert why(sql, known) == ""


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("select current_date", "it calls current_date"),
        ("select current_timestamp from orders", "it calls current_timestamp"),
        ("select now()", "it calls now()"),
        ("select today()", "it calls today()"),
        ("select get_current_timestamp()", "it calls get_current_timestamp()"),
        ("select RANDOM() from orders", "it calls random()"),
        ("select uuid()", "it calls uuid()"),
        ("select gen_random_uuid()", "it calls gen_random_uuid()"),
        ("select nextval('s')", "it calls nextval()"),
        ("select * from orders where at > now() - interval 1 day", "it calls now()"),
        ("select * from orders using sample 10%", "it takes a sample"),
        ("select * from orders tablesample reservoir(5)", "it takes a sample"),
        ("select * from read_csv('a.csv')",
         "it reads what is outside of the graph (read_csv)"),
        ("select * from read_parquet('s3://b/*.parquet')",
         "it reads what is outside of the graph (read_parquet)"),
        ("select * from glob('*')", "it reads what is outside of the graph (glob)"),
        ("select * from duckdb_tables()",
         "it reads what is outside of the graph (duckdb_tables)"),
        ("select noise(1)", "it calls noise(), of which nothing is known"),
        ("select * from latest()", "it reads what is outside of the graph (latest)"),
        ("select no_such_function(1)", "it calls no_such_function(), of which nothing is known"),
        ("select * from secret", "it reads secret, which is none of the assets that it names"),
        ("select * from nowhere", "it reads nowhere, which is none of the assets that it names"),
        ("select * from 'a.csv'", "it reads"),
        ("select * from information_schema.tables", "it reads information_schema.tables"),
        ("with secret as (select * from secret) select * from secret",
         "it reads secret, which is none of the assets that it names"),
        ("select (((", "its SQL cannot be parsed, so what it reads is not known"),
    ],
)  # fmt: skip
def test_volatile(known: Functions, sql: str, reason: str) -> None:
    assert why(sql, known).startswith(reason)


# DuckDB knows no users: these are always the same word.
CONSTANT = {"current_role", "current_user", "session_user", "user"}


def test_nothing_that_is_called_without_brackets_passes(known: Functions) -> None:
    """Clocks, and where the session is: none of them is an input that anyone watches."""
    found = set()
    with duckdb.connect() as connection:
        functions_of_it = connection.execute("select function_name from duckdb_functions()")
        clocks = {"current_time", "current_timestamp", "localtime", "localtimestamp"}
        for name in {name for (name,) in functions_of_it.fetchall()} | clocks:
            try:
                connection.execute(f"select {name}").fetchall()
            except duckdb.Error:
                continue
            found.add(name)
        assert found > clocks | CONSTANT | {"current_date", "current_schema"}
        told = connection.execute(f"select {', '.join(sorted(CONSTANT))}").fetchone()
        assert told is not None
        assert set(told) == {"duckdb"}
    passed = {name for name in found if not why(f"select {name} from orders", known)}
    assert passed == CONSTANT


BUILTIN = {
    "array": "array(select id from orders order by id)",
    "cast": "cast(id as varchar)",
    "coalesce": "coalesce(id, 1)",
    "columns": "columns(*)",
    "exclude": "* exclude (day)",
    "extract": "extract(year from day)",
    "grouping": "grouping(id)",
    "grouping_id": "grouping_id(id)",
    "if": "if(id > 1, 1, 2)",
    "ifnull": "ifnull(id, 1)",
    "nullif": "nullif(id, 1)",
    "overlay": "overlay('abc' placing 'x' from 1)",
    "position": "position('a' in 'abc')",
    "rename": "* rename (day as that_day)",
    "replace": "* replace (id + 1 as id)",
    "row": "row(id, day)",
    "substring": "substring('abc' from 2)",
    "trim": "trim(both 'a' from 'aba')",
    "try_cast": "try_cast(id as varchar)",
    "unpack": "greatest(unpack(columns(['id'])))",
}


@pytest.mark.parametrize("word", BUILTIN)
def test_words_of_the_language_that_look_like_functions(known: Functions, word: str) -> None:
    """DuckDB runs each of them, and lists few of them among its functions."""
    ends = " group by id" if word.startswith("grouping") else ""
    sql = f"select {BUILTIN[word]} from orders{ends}"
    with duckdb.connect() as connection:
        connection.execute("create table orders as select 1 as id, date '2026-01-01' as day")
        assert connection.execute(sql).fetchall()
    assert why(sql, known) == ""


def test_no_function_that_a_warehouse_calls_volatile_passes(known: Functions) -> None:
    passed = [name for name in sorted(known.volatile) if not why(f"select {name}()", known)]
    assert passed == []


def test_no_table_function_that_looks_outside_passes(known: Functions) -> None:
    plain = [name for name in sorted(known.outside) if re.fullmatch(r"[a-z_]\w*", name)]
    passed = [name for name in plain if not why(f"select * from {name}('x')", known)]
    assert passed == []


@pytest.mark.parametrize("name", ["getvariable", "current_setting", "txid_current"])
def test_what_depends_on_the_session(known: Functions, name: str) -> None:
    """A setting or variable is no input that anyone watches."""
    assert name not in known.stable


def test_a_query_that_is_nested_too_deeply_is_volatile(known: Functions) -> None:
    deep = "select " + "(" * 5000 + "1" + ")" * 5000
    assert why(deep, known).startswith("its SQL ")
