"""Verdicts: what a change breaks, what needs a look, what is safe, and why."""

from itertools import product
from typing import Any

import duckdb
import pytest

from toolkit.graph import Asset, AssetGraph, Check, Column, Relation
from toolkit.integrations.airbyte.drift.changes import Change
from toolkit.integrations.airbyte.drift.impact import Finding, Judge, castable
from toolkit.integrations.airbyte.model import StreamConfiguration
from toolkit.lineage import trace

STREAM = "stream.app.users"


def model(name: str, sql: str, reads: str, **more: Any) -> Asset:
    return Asset(
        key=name, kind=more.pop("kind", "model"), name=name, integration="dbt", sql=sql or None,
        depends_on=tuple(reads.split()), owner=f"{name}s",
        relation=Relation(None, "main", name), **more,
    )  # fmt: skip


def columns(*names: str) -> Any:
    return {name: Column(name=name, type="VARCHAR") for name in names}


def judge(*models: Asset) -> Judge:
    place = Relation(None, "raw", "users")
    landed = columns("id", "email", "spare", "doc")
    assets = [
        Asset(key=STREAM, kind="stream", name="users", integration="airbyte", relation=place,
              columns=landed),
        Asset(key="source", kind="source", name="users", integration="dbt", relation=place,
              columns=landed, depends_on=(STREAM,)),
        *models,
    ]  # fmt: skip
    checks = [
        Check(key="nn", name="nn", kind="data_test", integration="dbt", assets=("stg",),
              attached="stg", column="mail", test_name="not_null"),
    ]  # fmt: skip
    graph = AssetGraph(assets, checks)
    return Judge(graph, trace(graph, dialect="duckdb"), "duckdb")


STG = model("stg", "select id, lower(email) as mail from raw.users", "source")
STAR = model("star", "select * from raw.users", "source")
BOARD = model("board", "", "star", kind="exposure")
CONTRACT = model("signed", "select * from star", "star", contract=True)
OPAQUE = model("code", "", "source", language="python")

OVERWRITE = StreamConfiguration(name="users", sync_mode="full_refresh_overwrite")
APPEND = StreamConfiguration(name="users", sync_mode="full_refresh_append")
DEDUP = StreamConfiguration(name="users", sync_mode="incremental_deduped_history")


def change(kind: Any, column: str | None = "email", **more: Any) -> Change:
    field = more.pop("field", column)
    return Change(kind=kind, stream="users", asset=STREAM, field=field, column=column, **more)


def retyped(was: str, now: str, column: str = "email") -> Change:
    return change("field-retyped", column, was=was, now=now, column_now=column)


CASES: dict[str, tuple[list[Asset], Change, StreamConfiguration, bool, str, str]] = {
    "named in SQL": (
        [STG], change("field-removed"), OVERWRITE, True, "breaking",
        "stg names the column, and the next sync replaces the table without it",
    ),
    "named, and the old rows stay": (
        [STG], change("field-removed"), APPEND, True, "breaking",
        "stg names the column; new rows have no value in it",
    ),
    "read by nobody": (
        [STG], change("field-removed", "spare"), OVERWRITE, True, "safe", "nothing reads it",
    ),
    "only a star": (
        [STAR], change("field-removed", "spare"), OVERWRITE, True, "safe",
        "only `select *` passes it on, and nothing names it",
    ),
    "a star to a dashboard": (
        [STAR, BOARD], change("field-removed", "spare"), OVERWRITE, True, "review",
        "nothing names it, but `select *` passes it on to board",
    ),
    "a star to a contract": (
        [STAR, CONTRACT], change("field-removed", "spare"), OVERWRITE, True, "review",
        "nothing names it, but `select *` passes it on to the contract of signed",
    ),
    "only what cannot be traced": (
        [OPAQUE], change("field-removed", "spare"), OVERWRITE, True, "review",
        "code cannot be traced and may read it",
    ),
    "did not land": (
        [STG], change("field-removed", None, field="email"), OVERWRITE, True, "safe",
        "it did not land",
    ),
    "number to text": (
        [STG], retyped("DOUBLE", "VARCHAR"), OVERWRITE, True, "breaking",
        "stg reads it as DOUBLE, and not every VARCHAR is one",
    ),
    "text to number": (
        [STG], retyped("VARCHAR", "BIGINT"), OVERWRITE, True, "review",
        "stg reads it; BIGINT can be cast to VARCHAR",
    ),
    "retyped, read by nobody": (
        [STG], retyped("DOUBLE", "VARCHAR", "spare"), OVERWRITE, True, "safe", "nothing reads it",
    ),
    "the table is wide enough": (
        [STG], retyped("VARCHAR", "BIGINT"), APPEND, True, "safe",
        "the table keeps VARCHAR, which holds it",
    ),
    "the table cannot be widened": (
        [], retyped("BIGINT", "DATE"), APPEND, True, "breaking",
        "BIGINT cannot become DATE: the next sync stops until `toolkit build --full-refresh`",
    ),
    "a server may do otherwise": (
        [], retyped("BIGINT", "DATE"), APPEND, False, "safe", "nothing reads it",
    ),
    "within an object": (
        [model("docs", "select doc ->> 'x' as x from raw.users", "source")],
        change("field-nested", "doc"), OVERWRITE, True, "review",
        "docs reads the column; paths within it are not traced",
    ),
    "may be null": (
        [STG], change("field-optional"), OVERWRITE, True, "review",
        "rows may lack it, and nn is there",
    ),
    "is never null": ([STG], change("field-required"), OVERWRITE, True, "safe",
                      "every row has it now"),
    "new": ([STAR, BOARD], change("field-added", None), OVERWRITE, True, "safe", "a new column"),
    "new, and a contract": (
        [STAR, CONTRACT], change("field-added", None), OVERWRITE, True, "review",
        "`select *` may pass it on to the contract of signed",
    ),
    "stream gone": (
        [], change("stream-removed", None), OVERWRITE, True, "breaking",
        "the source offers no such stream: the next sync refuses to read anything",
    ),
    "stream gone on a server": (
        [STG], change("stream-removed", None), OVERWRITE, False, "breaking",
        "nothing lands any more, and stg reads it",
    ),
    "stream gone on a server, unread": (
        [], change("stream-removed", None), OVERWRITE, False, "review",
        "it is configured, and nothing lands any more",
    ),
    "no key to deduplicate by": (
        [], change("key-changed", None, was="id"), DEDUP, False, "breaking",
        "incremental_deduped_history cannot tell rows apart without it",
    ),
    "another key": (
        [], change("key-changed", None, was="id", now="uid"), DEDUP, True, "review",
        "rows are told apart otherwise now: load anew",
    ),
    "a key that is not needed": (
        [], change("key-changed", None, was="id"), APPEND, True, "safe",
        "full_refresh_append needs no key",
    ),
    "another cursor": (
        [], change("cursor-changed", None, was="a", now="b"), DEDUP, True, "review",
        "it says which rows are new",
    ),
    "selected and not there": (
        [], change("selection-missing", None), APPEND, True, "breaking",
        "`selected_fields` names a field that the source does not offer: "
        "the next sync refuses to read anything",
    ),
    "selected and not there, on a server": (
        [], change("selection-missing", None), APPEND, False, "review",
        "`selected_fields` names a field that the source does not offer",
    ),
    "a mask that falls": (
        [], change("mapper-broken", None, detail="mapper 1", masks=True), APPEND, False, "review",
        "mapper 1; Airbyte leaves the mapper out, and the value lands in clear",
    ),
    "another field in the column": (
        [STG], change("field-moved", detail="'b' lands there now", column_now="email_1"),
        OVERWRITE, True, "review", "stg reads 'email', and 'b' lands there now",
    ),
    "another field of the same column": (
        [STG], change("field-moved", column_now="email", renamed_to="Email"),
        OVERWRITE, True, "safe", "'Email' lands in the same column",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_verdicts(name: str) -> None:
    models, what, stream, local, verdict, reason = CASES[name]
    found = judge(*models).judge(what, stream, local=local)
    assert (found.verdict, found.reason) == (verdict, reason)


@pytest.mark.parametrize(
    ("stream", "table", "verdict"),
    [
        (OVERWRITE, None, "breaking"),
        (APPEND, {"id": "BIGINT"}, "breaking"),  # it is not in the table either
        (APPEND, {"Email": "VARCHAR"}, "review"),  # from earlier syncs
        (APPEND, None, "review"),
    ],
)
def test_a_column_that_nothing_lands_in(stream: Any, table: Any, verdict: str) -> None:
    what = change("column-missing", field=None)
    assert judge(STG).judge(what, stream, local=True, table=table).verdict == verdict


def test_what_is_reached_and_what_waits() -> None:
    last = model("last", "select mail from stg", "stg")
    found: Finding = judge(STG, last).judge(change("field-removed"), OVERWRITE, local=True)
    assert found.reach is not None
    assert found.reach.columns == {
        (STREAM, "email"), ("source", "email"), ("stg", "mail"), ("last", "mail"),
    }  # fmt: skip
    assert (found.fails, found.waits) == (("stg",), 1)
    assert found.reach.checks == ("nn",)


@pytest.mark.parametrize(
    ("updates", "what", "verdict", "reason"),
    [
        ("ignore", retyped("DOUBLE", "VARCHAR"), "review",
         "it still lands as DOUBLE, and values that are none become NULL"),
        ("ignore", change("field-removed"), "breaking",
         "stg names the column; new rows have no value in it"),
        ("ignore", change("field-added", None), "safe", "a new column"),
        ("disable_connection", change("field-added", None), "breaking",
         "`non_breaking_schema_updates_behavior: disable_connection`: "
         "the next sync refuses to read anything"),
        ("disable_connection", change("field-required"), "safe", "every row has it now"),
    ],
)  # fmt: skip
def test_what_the_connection_says_of_changes(
    updates: Any, what: Change, verdict: str, reason: str
) -> None:
    found = judge(STG).judge(what, OVERWRITE, local=True, updates=updates)
    assert (found.verdict, found.reason) == (verdict, reason)
    on_a_server = judge(STG).judge(what, OVERWRITE, local=False, updates=updates)
    assert "disable_connection" not in on_a_server.reason


def test_columns_that_are_read() -> None:
    star = model("star", "select * exclude (spare) from raw.users where id > 1", "source")
    assert set(judge(star).read_columns(STREAM)) == {"id", "email", "doc"}
    assert judge(STG).read_columns("stream.other") == ()


def test_read_by_the_landing_tables_only() -> None:
    assert judge().read_columns(STREAM) == ()


# ---- types, against DuckDB ----

# Values that are hard to cast; a column of the type may hold any of them.
VALUES = {
    "VARCHAR": ["'abc'", "''", "'1'"],
    "BOOLEAN": ["true", "false"],
    "BIGINT": ["0", "-5", "9223372036854775807"],
    "HUGEINT": ["0", "7"],  # beyond BIGINT they are too large for it: said in the docstring
    "DOUBLE": ["0.5", "-1e3"],
    "DATE": ["date '2026-02-28'"],
    "TIMESTAMP": ["timestamp '2026-02-28 12:00:00.5'"],
    "TIMESTAMP WITH TIME ZONE": ["timestamptz '2026-02-28 12:00:00+02'"],
    "TIME": ["time '12:00:00.5'"],
    "TIME WITH TIME ZONE": ["timetz '12:00:00+02'"],
    "JSON": ["'{\"a\": 1}'::JSON", "'[1]'::JSON", "'\"abc\"'::JSON"],
}


@pytest.mark.parametrize(("was", "now"), [p for p in product(VALUES, VALUES) if castable(*p)])
def test_what_is_called_castable_can_be_cast(was: str, now: str) -> None:
    with duckdb.connect() as connection:
        for value in VALUES[now]:
            connection.execute(f"SELECT CAST(CAST({value} AS {now}) AS {was})").fetchall()


@pytest.mark.parametrize("was", [t for t in VALUES if t not in ("VARCHAR",)])
def test_text_and_json_cannot_be_relied_on(was: str) -> None:
    assert not castable(was, "VARCHAR")
    texts = ", ".join(f"({value})" for value in VALUES["VARCHAR"])
    with duckdb.connect() as connection, pytest.raises(duckdb.Error):
        connection.execute(f"SELECT CAST(t AS {was}) FROM (VALUES {texts}) AS x(t)").fetchall()
