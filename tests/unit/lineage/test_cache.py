"""The cache: same answers, less work; never believed when anything that matters has changed."""

from pathlib import Path

import pytest

from toolkit.graph import Asset, AssetGraph, Column, Relation
from toolkit.lineage import Lineage, trace
from toolkit.lineage.cache import FILE
from toolkit.lineage.sql import engine


def graph(
    columns: str = "id amt", sql: str = "select * from db.raw.t", extra: str = ""
) -> AssetGraph:
    source = Asset(
        key="source.t", kind="source", name="t", integration="dbt",
        relation=Relation("db", "raw", "t"),
        columns={c: Column(name=c) for c in columns.split()},
    )  # fmt: skip
    stg = Asset(
        key="model.stg", kind="model", name="stg", integration="dbt", sql=sql,
        relation=Relation("db", "marts", "stg"), depends_on=("source.t",),
    )  # fmt: skip
    mart = Asset(
        key="model.mart", kind="model", name="mart", integration="dbt",
        relation=Relation("db", "marts", "mart"),
        sql="select s.id, o.x from db.marts.stg as s join db.raw.other as o on s.id = o.id",
        depends_on=("model.stg",),
    )  # fmt: skip
    assets = [source, stg, mart]
    if extra:
        assets.append(
            Asset(
                key="source.other",
                kind="source",
                name="other",
                integration="dbt",
                relation=Relation("db", "raw", "other"),
                columns={c: Column(name=c) for c in extra.split()},
            )
        )
    return AssetGraph(assets)


def same(one: Lineage, two: Lineage) -> bool:
    return (
        one.columns == two.columns
        and one.column_edges == two.column_edges
        and one.asset_edges == two.asset_edges
        and one.status == two.status
        and one.problems == two.problems
    )


@pytest.fixture
def traced(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """SQL of the queries that are really traced."""
    seen: list[str] = []
    really = engine.trace_query

    def counting(sql: str, *args: object) -> object:
        seen.append(sql)
        return really(sql, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(engine, "trace_query", counting)
    return seen


def test_a_second_run_traces_nothing_and_says_the_same(tmp_path: Path, traced: list[str]) -> None:
    cold = trace(graph(), dialect="duckdb", cache_dir=tmp_path)
    assert len(traced) == 2
    warm = trace(graph(), dialect="duckdb", cache_dir=tmp_path)
    assert len(traced) == 2
    assert same(cold, warm)


@pytest.mark.parametrize(
    ("changed", "again"),
    [
        (graph(columns="id amt more"), 2),
        (graph(sql="select id from db.raw.t"), 2),
        (graph(sql="select *  from db.raw.t"), 1),
        (graph(extra="id x"), 1),
    ],
    ids=[
        "a parent's columns",
        "the SQL",
        "spaces: the columns stay",
        "an unknown relation appears",
    ],
)
def test_what_has_changed_is_traced_again(
    tmp_path: Path, traced: list[str], changed: AssetGraph, again: int
) -> None:
    trace(graph(), dialect="duckdb", cache_dir=tmp_path)
    del traced[:]
    found = trace(changed, dialect="duckdb", cache_dir=tmp_path)
    assert len(traced) == again
    assert same(found, trace(changed, dialect="duckdb"))


def test_another_dialect_is_another_question(tmp_path: Path, traced: list[str]) -> None:
    trace(graph(), dialect="duckdb", cache_dir=tmp_path)
    trace(graph(), dialect="snowflake", cache_dir=tmp_path)
    assert len(traced) == 4


@pytest.mark.parametrize("content", [b"", b"garbage", b"\x92\x01\xc0", b"\x92\x63\x80"])
def test_a_corrupt_cache_is_ignored_and_rewritten(
    tmp_path: Path, traced: list[str], content: bytes
) -> None:
    file = tmp_path / FILE
    file.write_bytes(content)
    trace(graph(), dialect="duckdb", cache_dir=tmp_path)
    assert len(traced) == 2
    trace(graph(), dialect="duckdb", cache_dir=tmp_path)
    assert len(traced) == 2
    assert file.read_bytes() != content
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


def test_a_folder_that_cannot_be_written_is_only_slow(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    assert same(
        trace(graph(), dialect="duckdb", cache_dir=blocked / "below"),
        trace(graph(), dialect="duckdb"),
    )
