"""What is no plain model: ephemeral models, snapshots, incremental, Python, streams, sources."""

from pathlib import Path
from typing import Any

import pytest

from toolkit.graph import Asset, AssetGraph, Column, Relation
from toolkit.lineage import Lineage, trace


def asset(key: str, sql: str | None = None, reads: str = "", **more: Any) -> Asset:
    kind = key.split(".")[0]
    name = key.split(".")[-1]
    columns = {c: Column(name=c) for c in more.pop("columns", "").split()}
    fields: dict[str, Any] = {
        "kind": kind,
        "integration": {"stream": "airbyte", "python": "python"}.get(kind, "dbt"),
        "relation": Relation("db", "raw" if kind == "source" else "marts", name),
        "language": "sql" if sql else None,
        "columns": columns,
        **more,
    }
    return Asset(key=key, name=name, sql=sql, depends_on=tuple(reads.split()), **fields)


def run(*assets: Asset, dialect: str = "duckdb", **more: Any) -> Lineage:
    return trace(AssetGraph(assets), dialect=dialect, **more)


def values(lineage: Lineage, key: str) -> set[tuple[str, str, str]]:
    """``(column, source, kind)`` of an asset."""
    return {
        (e.target[1], ".".join(e.source), e.subtype)
        for e in lineage.column_edges
        if e.target[0] == key
    }


def rows(lineage: Lineage, key: str) -> set[tuple[str, str]]:
    return {(".".join(e.source), e.subtype) for e in lineage.asset_edges if e.target == key}


def codes(lineage: Lineage) -> list[str]:
    return [problem.code for problem in lineage.problems]


def test_edges_go_through_an_ephemeral_model_and_not_around_it() -> None:
    inner = "select id, amt * 2 as twice from db.raw.t where amt > 0"
    lineage = run(
        asset("source.t", columns="id amt"),
        asset("model.eph", inner, "source.t", materialized="ephemeral"),
        asset(
            "model.m",
            f"with __dbt__cte__eph as ({inner}), x as (select * from __dbt__cte__eph) "
            "select id, twice from x where twice < 9",
            "model.eph",
        ),
    )
    assert values(lineage, "model.eph") == {
        ("id", "source.t.id", "IDENTITY"),
        ("twice", "source.t.amt", "TRANSFORMATION"),
    }
    assert values(lineage, "model.m") == {
        ("id", "model.eph.id", "IDENTITY"),
        ("twice", "model.eph.twice", "IDENTITY"),
    }
    assert rows(lineage, "model.m") == {("model.eph.twice", "FILTER")}
    assert rows(lineage, "model.eph") == {("source.t.amt", "FILTER")}


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (
            {"strategy": "timestamp", "unique_key": "id", "updated_at": "at"},
            {
                ("dbt_scd_id", "source.t.id", "TRANSFORMATION"),
                ("dbt_scd_id", "source.t.at", "TRANSFORMATION"),
                ("dbt_updated_at", "source.t.at", "IDENTITY"),
                ("dbt_valid_from", "source.t.at", "IDENTITY"),
                ("dbt_valid_to", "source.t.at", "TRANSFORMATION"),
            },
        ),
        (
            {"strategy": "check", "unique_key": ["id"], "check_cols": ["v"]},
            {
                ("dbt_scd_id", "source.t.id", "TRANSFORMATION"),
                ("dbt_scd_id", "source.t.v", "CONDITIONAL"),
                ("dbt_updated_at", "source.t.v", "CONDITIONAL"),
                ("dbt_valid_from", "source.t.v", "CONDITIONAL"),
                ("dbt_valid_to", "source.t.v", "CONDITIONAL"),
            },
        ),
    ],
    ids=["timestamp", "check"],
)
def test_a_snapshot_has_the_columns_of_dbt(config: dict[str, Any], expected: set[Any]) -> None:
    lineage = run(
        asset("source.t", columns="id v at"),
        asset("snapshot.s", "select * from db.raw.t", "source.t", config=config),
    )
    found = values(lineage, "snapshot.s")
    assert {edge for edge in found if edge[0].startswith("dbt_")} == expected
    assert list(lineage.columns["snapshot.s"]) == [
        "id", "v", "at", "dbt_scd_id", "dbt_updated_at", "dbt_valid_from", "dbt_valid_to",
    ]  # fmt: skip
    assert lineage.status["snapshot.s"] == "full"


def test_an_incremental_model_does_not_read_itself() -> None:
    lineage = run(
        asset("source.t", columns="id at"),
        asset(
            "model.m",
            "select id, at from db.raw.t where at > (select max(at) from db.marts.m)",
            "source.t",
        ),
    )
    assert rows(lineage, "model.m") == {("source.t.at", "FILTER")}
    assert codes(lineage) == []
    assert lineage.status["model.m"] == "full"


def test_a_python_model_is_opaque_with_its_declared_columns() -> None:
    lineage = run(
        asset("source.t", columns="id"),
        asset("model.py", "def model(dbt): ...", "source.t", language="python", columns="id score"),
        asset("model.m", "select score + 1 as s from db.marts.py", "model.py"),
    )
    assert lineage.status["model.py"] == "opaque"
    assert codes(lineage) == ["python-asset"]
    assert list(lineage.columns["model.py"]) == ["id", "score"]
    assert values(lineage, "model.m") == {("s", "model.py.score", "TRANSFORMATION")}


def test_a_source_is_where_its_stream_lands() -> None:
    lineage = run(
        asset("stream.c.users", columns="id Email", relation=Relation("db", "raw", "users")),
        asset("source.users", None, "stream.c.users"),
        asset("source.mail", None, "stream.c.users", columns="EMAIL other"),
        asset("model.m", "select id from db.raw.users", "source.users"),
    )
    assert values(lineage, "source.users") == {
        ("id", "stream.c.users.id", "IDENTITY"),
        ("Email", "stream.c.users.Email", "IDENTITY"),
    }
    assert values(lineage, "source.mail") == {
        ("EMAIL", "stream.c.users.Email", "IDENTITY"),
        ("id", "stream.c.users.id", "IDENTITY"),
    }
    assert values(lineage, "model.m") == {("id", "source.users.id", "IDENTITY")}
    assert lineage.status["source.users"] == "full"
    assert lineage.status["stream.c.users"] == "none"


def test_a_stream_without_a_schema_has_the_columns_that_are_read() -> None:
    lineage = run(
        asset("stream.c.users"),
        asset("source.users", None, "stream.c.users"),
        asset("model.stg", "select * from db.raw.users", "source.users"),
        asset("model.m", "select upper(mail) as mail from db.marts.stg", "model.stg"),
    )
    for key, parent in [
        ("model.m", "model.stg"),
        ("model.stg", "source.users"),
        ("source.users", "stream.c.users"),
    ]:
        kind = "TRANSFORMATION" if key == "model.m" else "IDENTITY"
        assert values(lineage, key) == {("mail", f"{parent}.mail", kind)}
    assert lineage.status["model.stg"] == "partial"
    assert codes(lineage) == ["open-star"]


def test_declared_columns_pass_through_a_star_over_nothing_known() -> None:
    lineage = run(
        asset("source.u"),
        asset("model.stg", "select * from db.raw.u", "source.u", columns="id name"),
    )
    assert values(lineage, "model.stg") == {
        ("id", "source.u.id", "IDENTITY"),
        ("name", "source.u.name", "IDENTITY"),
    }


def test_python_assets_say_themselves_what_their_columns_are_made_of() -> None:
    made = {
        "score": Column(name="score", inputs=(("source.t", "amt"), ("source.t", "ID"))),
        "model": Column(name="model"),
    }
    lineage = run(
        asset("source.t", columns="id amt"),
        Asset(key="python.all", kind="python", name="all", integration="python",
              columns={"score": made["score"]}, depends_on=("source.t",)),
        Asset(key="python.some", kind="python", name="some", integration="python",
              columns=made, depends_on=("source.t",)),
        Asset(key="python.none", kind="python", name="none", integration="python",
              columns={"model": made["model"]}, depends_on=("source.t",)),
    )  # fmt: skip
    assert values(lineage, "python.all") == {
        ("score", "source.t.amt", "TRANSFORMATION"),
        ("score", "source.t.id", "TRANSFORMATION"),
    }
    assert [lineage.status[f"python.{n}"] for n in ("all", "some", "none")] == [
        "full", "partial", "opaque",
    ]  # fmt: skip
    assert {p.code: p.severity for p in lineage.problems} == {
        "undeclared-inputs": "info",
        "python-asset": "info",
    }


@pytest.mark.parametrize(
    ("source", "status", "said"),
    [
        ("points.nocol", "partial", "which has no such column; it has id, score"),
        ("points.scor", "partial", "which has no such column; the nearest is score"),
        ("points.SCORE", "full", None),
        ("open.nocol", "full", None),  # it may have it: a star over what nobody describes
        ("seed.nocol", "partial", "which has no such column; it has id"),
    ],
)
def test_an_input_that_is_no_column_of_its_parent(
    source: str, status: str, said: str | None, tmp_path: Path
) -> None:
    (tmp_path / "s.csv").write_text("id\n1\n")
    parent, column = source.split(".")
    key = "seed.seed" if parent == "seed" else f"model.{parent}"
    columns = {
        "a": Column(name="a", inputs=((key, column),)),
        "b": Column(name="b", inputs=(("model.points", "id"),)),
    }
    lineage = run(
        asset("source.t", columns="id amt"),
        asset("model.points", "select id, amt * 2 as score from db.raw.t", "source.t"),
        asset("model.open", "select * from db.raw.t", "source.t"),
        asset("seed.seed", path="s.csv"),
        Asset(key="python.p", kind="python", name="p", integration="python", columns=columns,
              depends_on=("model.points", "model.open", "seed.seed")),
        project_dir=tmp_path,
    )  # fmt: skip
    assert lineage.status["python.p"] == status
    found = [p for p in lineage.problems if p.code == "unknown-input"]
    if said is None:
        assert not found
        return
    (problem,) = found
    assert problem.severity == "warning"
    assert problem.message.endswith(
        f"python.p: the column a is said to be made from {column} of {key}, {said}."
    )
    assert values(lineage, "python.p") == {("b", "model.points.id", "TRANSFORMATION")}
    assert column not in lineage.columns[key]


def test_exposures_have_nothing_to_trace() -> None:
    lineage = run(
        asset("source.t", columns="id"),
        asset("exposure.e", None, "source.t"),
        asset("metric.m", None, "source.t"),
    )
    assert {lineage.status[k] for k in ("source.t", "exposure.e", "metric.m")} == {"none"}
    assert lineage.coverage.assets == 0


def test_a_seed_has_the_columns_of_its_file(tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_text("id;Name\n1;a\n")
    lineage = run(
        asset("seed.s", path="s.csv", config={"delimiter": ";"}),
        asset("model.m", "select * from marts.s", "seed.s"),
        project_dir=tmp_path,
    )
    assert list(lineage.columns["seed.s"]) == ["id", "Name"]
    assert list(lineage.columns["model.m"]) == ["id", "Name"]


@pytest.mark.parametrize(
    "reference",
    ["db.raw.t", "raw.t", "t", "other_catalog.raw.t", '"DB"."RAW"."T"'],
)
def test_references_find_their_asset(reference: str) -> None:
    lineage = run(
        asset("source.t", columns="id"), asset("model.m", f"select id from {reference}", "source.t")
    )
    assert values(lineage, "model.m") == {("id", "source.t.id", "IDENTITY")}
    assert codes(lineage) == []


def test_of_two_relations_of_one_name_the_declared_parent_is_meant() -> None:
    lineage = run(
        asset("source.a.t", relation=Relation("db", "a", "t"), columns="id"),
        asset("source.b.t", relation=Relation("db", "b", "t"), columns="id"),
        asset("model.m", "select id from t", "source.b.t"),
    )
    assert values(lineage, "model.m") == {("id", "source.b.t.id", "IDENTITY")}


def test_a_reference_to_no_asset_is_a_problem_and_no_edge() -> None:
    lineage = run(
        asset("source.t", columns="id"),
        asset(
            "model.m", "select t.id, x.y from raw.t join nowhere.x as x on x.id = t.id", "source.t"
        ),
    )
    assert values(lineage, "model.m") == {("id", "source.t.id", "IDENTITY")}
    assert rows(lineage, "model.m") == {("source.t.id", "JOIN")}
    assert codes(lineage) == ["unknown-relation"]
    assert "nowhere.x" in lineage.problems[0].message
    assert lineage.status["model.m"] == "partial"


def test_a_written_out_name_is_followed_and_remarked() -> None:
    lineage = run(asset("source.t", columns="id"), asset("model.m", "select id from db.raw.t", ""))
    assert values(lineage, "model.m") == {("id", "source.t.id", "IDENTITY")}
    assert [(p.code, p.severity) for p in lineage.problems] == [("undeclared-dependency", "info")]
    assert lineage.status["model.m"] == "full"


def test_catalog_types_and_spelling_win_and_types_follow_copies() -> None:
    lineage = run(
        asset("source.t", columns="id"),
        asset(
            "model.m", "select ID, cast(id as varchar) as txt, id as copy from db.raw.t", "source.t"
        ),
        catalog={"source.t": {"Id": "BIGINT"}, "model.m": {"id": "INTEGER"}},
    )
    assert lineage.columns["source.t"] == {"Id": "BIGINT"}
    assert lineage.columns["model.m"] == {"id": "INTEGER", "txt": "TEXT", "copy": "BIGINT"}


def test_expressions_are_as_written_with_their_line() -> None:
    sql = "select\n  id,\n  amt  *  2 -- doubled\n    as twice,\n  f(a, b) as g\nfrom db.raw.t"
    lineage = run(asset("source.t", columns="id amt"), asset("model.m", sql, "source.t"))
    found = {e.target[1]: (e.expression, e.line) for e in lineage.column_edges}
    assert found == {"id": (None, None), "twice": ("amt  *  2", 3), "g": ("f(a, b)", 5)}


@pytest.mark.parametrize(
    ("item", "dialect", "expression", "line"),
    [
        ("body ? 'k' as x", "postgres", "body ? 'k'", 3),  # jsonb: does it have the key
        ("a[1] + m['x, y'] as x", "duckdb", "a[1] + m['x, y']", 3),
        ("a\n  + b as x", "duckdb", "a\n  + b", 3),
        ("a\n  + b", "duckdb", "a + b", 3),
        ("upper(\n    a\n  )", "duckdb", "UPPER(a)", 3),  # the line of the function
        ("\n  a + b", "duckdb", "a + b", 4),
    ],
)
def test_the_text_of_a_select_item_and_its_line(
    item: str, dialect: str, expression: str, line: int
) -> None:
    sql = f"select\n  id,\n  {item}\nfrom db.raw.t"
    lineage = run(
        asset("source.t", columns="id a b m body"), asset("model.m", sql, "source.t"),
        dialect=dialect,
    )  # fmt: skip
    made = {(e.expression, e.line) for e in lineage.column_edges if e.target[1] != "id"}
    assert made == {(expression, line)}


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("select * from nowhere", "SELECT * over something that is no asset, whose columns"),
        ("select * from db.raw.t", "SELECT * over source.t, whose columns are not known"),
        ("select * from db.raw.t, nowhere", "SELECT * over source.t, whose columns"),
        ("select s.* from (select parse(body) as s from db.raw.t)",
         "The columns that are unpacked from source.t.body are not known"),
        ("select s.*, u.* from (select parse(body) as s from db.raw.t), db.raw.u as u",
         "SELECT * over source.u, whose columns are not known"),
    ],
)  # fmt: skip
def test_of_what_the_columns_are_not_known(sql: str, said: str) -> None:
    lineage = run(asset("source.t"), asset("source.u"), asset("model.m", sql, "source.t source.u"))
    (problem,) = [problem for problem in lineage.problems if problem.code == "open-star"]
    assert problem.message.lower().startswith(f"model.m: {said.lower()}")


@pytest.mark.parametrize(
    ("count", "said"), [(1, "t0,"), (5, "t0, t1, t2, t3, t4,"), (6, "t0, t1, t2, t3, t4 and more,")]
)
def test_of_many_names_five_are_said_and_that_there_are_more(count: int, said: str) -> None:
    lineage = run(
        asset("model.m", f"select 1 as a from {', '.join(f't{i}' for i in range(count))}")
    )
    (problem,) = lineage.problems
    assert f"it reads {said} which is no asset" in problem.message


def test_a_column_that_one_reader_knows_goes_through_the_stars_of_the_others() -> None:
    lineage = run(
        asset("source.u"),
        asset("source.d", columns="id"),
        asset("model.knows", "select d.mail, d.id from raw.d", "source.d"),
        asset(
            "model.star", "select u.*, d.* from raw.u join raw.d on u.k = d.id", "source.u source.d"
        ),
    )
    assert values(lineage, "model.star") == {
        ("id", "source.d.id", "IDENTITY"),
        ("k", "source.u.k", "IDENTITY"),
        ("mail", "source.d.mail", "IDENTITY"),
    }
    assert list(lineage.columns["source.u"]) == ["k"]
