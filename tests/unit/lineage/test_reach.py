"""What columns reach, through everything that a graph has, and what fails without them."""

from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toolkit.graph import Asset, AssetGraph, Check, Kind
from toolkit.lineage import AssetEdge, ColumnEdge, Lineage
from toolkit.lineage.model import ColumnRef, Status
from toolkit.lineage.walks.reach import WHOLE_READERS, Downstream, Reach
from toolkit.lineage.walks.vanish import Names


def asset(key: str, reads: str = "", kind: Kind = "model", sql: str | None = None) -> Asset:
    return Asset(
        key=key, kind=kind, name=key, integration="dbt", depends_on=tuple(reads.split()), sql=sql
    )


def value(source: str, target: str, subtype: str = "IDENTITY") -> ColumnEdge:
    a, b = source.split("."), target.split(".")
    return ColumnEdge((a[0], a[1]), (b[0], b[1]), "DIRECT", subtype)


GRAPH = AssetGraph(
    [
        asset("stream", kind="stream"),
        asset("source", "stream", "source"),
        asset("stg", "source", sql="select id, lower(email) as mail from source"),
        asset("mart", "stg", sql="select * from stg where email is not null"),
        asset("opaque", "stg"),
        asset("partial", "stg"),
        asset("after", "opaque"),
        asset("model", "mart", "ml_model"),
        asset("scores", "model mart", "python"),
        asset("board", "mart", "exposure"),
        asset("other_board", "scores", "exposure"),
        asset("far", "scores"),
    ],
    [
        Check(key=key, name=key, kind="data_test", integration="dbt", assets=tuple(assets.split()),
              attached=attached, column=column)
        for key, assets, attached, column in [
            ("unique_mail", "stg", "stg", "MAIL"),
            ("unique_id", "stg", "stg", "id"),
            ("relationship", "far stg", "far", "id"),
            ("singular", "mart", None, None),
            ("elsewhere", "source", None, "id"),
            ("auc", "model", "model", None),
        ]
    ],
)  # fmt: skip
LINEAGE = Lineage(
    columns={
        "stream": {"id": None, "email": None},
        "source": {"id": None, "email": None},
        "stg": {"id": None, "mail": None},
        "mart": {"id": None, "mail": None},
        "opaque": {"x": None},
        "partial": {"id": None, "y": None},
        "after": {"x": None},
        "scores": {"id": None, "p": None},
        "far": {"p": None},
    },
    column_edges=[
        value("stream.id", "source.id"),
        value("stream.email", "source.email"),
        value("source.id", "stg.id"),
        value("source.email", "stg.mail", "TRANSFORMATION"),
        value("stg.id", "mart.id"),
        value("stg.mail", "mart.mail"),
        value("stg.id", "partial.id"),
        value("opaque.x", "after.x"),
        value("mart.id", "scores.id"),
        value("scores.p", "far.p"),
    ],
    asset_edges=[AssetEdge(("stg", "mail"), "mart", "FILTER")],
    status={
        **dict.fromkeys(("source", "stg", "mart", "scores", "after", "far"), "full"),
        **dict.fromkeys(("stream", "model", "board", "other_board"), "none"),
        "opaque": "opaque",
        "partial": "partial",
    },
    problems=[],
)


def refs(found: Iterable[ColumnRef]) -> set[str]:
    return {".".join(ref) for ref in found}


@pytest.fixture(scope="module")
def email() -> Reach:
    return Downstream(GRAPH, LINEAGE).of([("stream", "email")])


def test_columns_and_whole_readers_are_reached(email: Reach) -> None:
    assert refs(email.columns) == {
        "stream.email",
        "source.email",
        "stg.mail",
        "mart.id",
        "mart.mail",
        "scores.id",
    }
    assert email.assets == {
        "stream",
        "source",
        "stg",
        "mart",
        "model",
        "scores",
        "board",
        "other_board",
    }


def test_what_cannot_be_traced_is_possible(email: Reach) -> None:
    assert email.possible_assets == {"opaque", "partial", "after", "far"}
    assert refs(email.possible_columns) == {
        "opaque.x",
        "after.x",
        "partial.id",
        "partial.y",
        "scores.p",
        "far.p",
    }


def test_a_partial_reader_with_an_edge_is_traced() -> None:
    found = Downstream(GRAPH, LINEAGE).of([("source", "id")])
    assert "partial" in found.assets
    assert ("partial", "y") not in found.columns | found.possible_columns


def test_checks_are_told_apart(email: Reach) -> None:
    assert email.checks == ("auc", "unique_mail")
    # the relationship compares with another column of stg, which nobody can see
    assert email.possible_checks == ("relationship", "singular")


def test_the_path_is_a_shortest_one(email: Reach) -> None:
    hops = [(hop.asset, hop.column, hop.how) for hop in email.path("board")]
    assert hops == [
        ("stream", "email", ""),
        ("source", "email", "IDENTITY"),
        ("stg", "mail", "TRANSFORMATION"),
        ("mart", "mail", "IDENTITY"),
        ("board", None, "whole"),
    ]
    assert [hop.how for hop in email.path("after")][-2:] == ["opaque", "IDENTITY"]
    assert email.path("nowhere") == ()


def test_a_start_may_be_unknown() -> None:
    found = Downstream(GRAPH, LINEAGE).of([("source", "new")])
    assert refs(found.columns) == {"source.new"}
    assert found.assets == {"source"}


# ---- what fails ----


@pytest.mark.parametrize(
    ("start", "fails", "gone"),
    [
        ("stream.email", "stg", "stream.email source.email"),
        ("stream.id", "stg", "stream.id source.id"),
        ("stg.id", "partial scores", "stg.id mart.id"),
        ("stg.mail", "", "stg.mail mart.mail"),  # passed on by a star; `email` is another name
        ("mart.id", "scores", "mart.id"),
    ],
)
def test_what_names_a_column_fails_without_it(start: str, fails: str, gone: str) -> None:
    key, column = start.split(".")
    graph = AssetGraph(
        asset("partial", "stg", sql="select id, * from stg") if a.key == "partial" else a
        for a in GRAPH
    )
    found = Names("duckdb").vanished(Downstream(graph, LINEAGE), [(key, column)])
    assert set(found.fails) == set(fails.split())
    assert refs(found.columns) == set(gone.split())


@pytest.mark.parametrize(
    ("sql", "named", "star"),
    [
        ("select Email from x", True, False),
        ('select "email" from x', True, False),
        ("select * from x", False, True),
        ("select x.* from x", False, True),
        ("select count(*), a * b as c from x", False, False),
        ("select * exclude (email) from x", True, True),
        ("select 'email' as c from x -- email", False, False),
        ("select a from x join y using (email)", True, False),
        ("select 'not ended, email", True, False),
    ],
)
def test_names_in_sql(sql: str, named: bool, star: bool) -> None:
    names = Names("duckdb")
    assert names.named(asset("a", sql=sql), "EMAIL") is named
    assert names.has_star(asset("a", sql=sql)) is star


def test_a_snapshot_names_columns_in_its_configuration() -> None:
    snapshot = Asset(
        key="s", kind="snapshot", name="s", integration="dbt", sql="select * from x",
        config={"unique_key": ["id"], "check_cols": ["price", "year"], "updated_at": None},
    )  # fmt: skip
    names = Names("duckdb")
    named = [c for c in ("id", "price", "YEAR", "none", "make") if names.named(snapshot, c)]
    assert named == ["id", "price", "YEAR"]


# ---- against a naive fixpoint ----

KINDS: tuple[Kind, ...] = ("model", "source", "python", "exposure", "ml_model", "metric")
STATUSES: tuple[Status, ...] = ("full", "partial", "opaque")
COLUMNS = ("a", "b", "c")


@st.composite
def worlds(draw: st.DrawFn) -> tuple[AssetGraph, Lineage, list[ColumnRef]]:
    count = draw(st.integers(2, 8))
    assets, edges, rows = [], [], []
    status: dict[str, Status] = {}
    columns: dict[str, dict[str, None]] = {}
    for number in range(count):
        key = f"n{number}"
        parents = draw(st.lists(st.integers(0, number - 1), unique=True)) if number else []
        kind = draw(st.sampled_from(KINDS))
        assets.append(asset(key, " ".join(f"n{p}" for p in parents), kind))
        whole = kind in WHOLE_READERS
        columns[key] = {} if whole else dict.fromkeys(draw(st.sets(st.sampled_from(COLUMNS))))
        status[key] = "none" if whole else draw(st.sampled_from(STATUSES))
        if status[key] in ("opaque", "none"):
            continue
        from_parents = [(f"n{p}", name) for p in parents for name in columns[f"n{p}"]]
        if from_parents:
            into = st.sampled_from(sorted(columns[key])) if columns[key] else st.nothing()
            pairs = st.tuples(st.sampled_from(from_parents), into)
            for source, name in draw(st.lists(pairs, max_size=4)) if columns[key] else []:
                edges.append(ColumnEdge(source, (key, name), "DIRECT", "IDENTITY"))
            deciding = draw(st.lists(st.sampled_from(from_parents), max_size=2))
            rows += [AssetEdge(source, key, "FILTER") for source in deciding]
    every = [(key, name) for key, names in columns.items() for name in names]
    starts = draw(st.lists(st.sampled_from(every), max_size=2)) if every else []
    return AssetGraph(assets), Lineage(columns, edges, rows, status, []), starts


def naive(
    graph: AssetGraph, lineage: Lineage, starts: list[ColumnRef]
) -> tuple[set[object], set[object]]:
    """The rules as they are written down, applied to everything until nothing changes."""

    def step(found: set[tuple[str, str | None]], *, unsure: bool) -> set[tuple[str, str | None]]:
        new: set[tuple[str, str | None]] = set(found)
        touched = {key for key, _ in found}
        new |= {e.target for e in lineage.column_edges if e.source in found}
        for row in lineage.asset_edges:
            if row.source in found:
                new |= {(row.target, None), *((row.target, n) for n in lineage.columns[row.target])}
        for parent, child in graph.edges:
            whole_parent = graph[parent].kind in WHOLE_READERS
            if parent in touched and (whole_parent or graph[child].kind in WHOLE_READERS):
                new.add((child, None))
            if not unsure or parent not in touched:
                continue
            status = lineage.status[child]
            blind = status == "opaque" or whole_parent
            if status == "partial":
                edged = {e.source for e in lineage.column_edges if e.target[0] == child}
                edged |= {r.source for r in lineage.asset_edges if r.target == child}
                blind |= any(node not in edged for node in found if node[0] == parent)
            if blind:
                new |= {(child, None), *((child, n) for n in lineage.columns.get(child, {}))}
        return new

    def fixpoint(found: set[tuple[str, str | None]], *, unsure: bool) -> set[object]:
        while (new := step(found, unsure=unsure)) != found:
            found = new
        return set(found)

    sure = fixpoint(set(starts), unsure=False)
    return sure, fixpoint(sure, unsure=True) - sure


@pytest.mark.slow
@settings(max_examples=400, deadline=None)
@given(worlds())
def test_reach_is_the_fixpoint_of_its_rules(
    world: tuple[AssetGraph, Lineage, list[ColumnRef]],
) -> None:
    graph, lineage, starts = world
    found = Downstream(graph, lineage).of(starts)
    sure, possible = naive(graph, lineage, starts)
    assert found.columns == {node for node in sure if node[1] is not None}
    assert found.assets == {node[0] for node in sure}
    assert found.possible_columns == {n for n in possible if n[1] is not None}
    assert found.possible_assets == {n[0] for n in possible} - found.assets
    for key in found.assets | found.possible_assets:
        path = found.path(key)
        assert path[0].how == ""
        assert (path[0].asset, path[0].column) in starts
        for before, after in pairwise(path):
            same = before.asset == after.asset and before.column is None
            assert same or before.asset in graph.parents(after.asset)
