"""Walks over the edges of a finished lineage."""

import pytest

from toolkit.lineage import AssetEdge, ColumnEdge, Lineage, LineageSlice


def value(source: str, target: str, subtype: str = "IDENTITY") -> ColumnEdge:
    a, b = source.split("."), target.split(".")
    return ColumnEdge((a[0], a[1]), (b[0], b[1]), "DIRECT", subtype)


LINEAGE = Lineage(
    columns={
        "raw": {"id": None, "amt": None, "at": None},
        "stg": {"Id": None, "amt": None},
        "mart": {"total": None, "n": None},
        "end": {"total": None},
    },
    column_edges=[
        value("raw.id", "stg.Id"),
        value("raw.amt", "stg.amt"),
        value("stg.amt", "mart.total", "AGGREGATION"),
        value("mart.total", "end.total"),
    ],
    asset_edges=[
        AssetEdge(("raw", "at"), "stg", "FILTER"),
        AssetEdge(("stg", "Id"), "mart", "GROUP_BY"),
    ],
    status={"raw": "none", "stg": "full", "mart": "partial", "end": "full"},
    problems=[],
)


def refs(found: LineageSlice) -> set[str]:
    return {".".join(ref) for ref in found.columns}


@pytest.mark.parametrize(
    ("key", "column", "depth", "expected"),
    [
        ("end", "total", None, "end.total mart.total stg.amt stg.Id raw.amt raw.id raw.at"),
        ("end", "total", 1, "end.total mart.total"),
        ("end", "TOTAL", 2, "end.total mart.total stg.amt stg.Id"),
        ("stg", "id", None, "stg.Id raw.id raw.at"),
        ("stg", None, None, "stg.Id stg.amt raw.id raw.amt raw.at"),
        ("raw", "id", None, "raw.id"),
        ("raw", "nowhere", None, ""),
        ("stg", None, 0, "stg.Id stg.amt"),
    ],
)
def test_upstream(key: str, column: str | None, depth: int | None, expected: str) -> None:
    assert refs(LINEAGE.upstream(key, column, depth)) == set(expected.split())


@pytest.mark.parametrize(
    ("key", "column", "depth", "expected"),
    [
        ("raw", "amt", None, "raw.amt stg.amt mart.total end.total"),
        ("raw", "at", 1, "raw.at stg.Id stg.amt"),
        ("raw", "id", None, "raw.id stg.Id mart.total mart.n end.total"),
        ("end", None, None, "end.total"),
    ],
)
def test_downstream(key: str, column: str | None, depth: int | None, expected: str) -> None:
    assert refs(LINEAGE.downstream(key, column, depth)) == set(expected.split())


def test_a_slice_has_the_edges_that_were_walked() -> None:
    found = LINEAGE.upstream("mart", "total", 1)
    assert [e.source for e in found.column_edges] == [("stg", "amt")]
    assert [e.source for e in found.asset_edges] == [("stg", "Id")]
    assert found.assets == {"mart", "stg"}


def test_coverage_counts_what_can_be_traced() -> None:
    coverage = LINEAGE.coverage
    assert (coverage.assets, coverage.full, coverage.partial, coverage.opaque) == (3, 2, 1, 0)
    assert coverage.columns == 8
