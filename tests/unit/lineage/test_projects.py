"""Real dbt projects: how much is traced, and that a catalog is not needed for it."""

from pathlib import Path

import pytest

from toolkit.graph import AssetGraph
from toolkit.integrations.dbt.assets import assets_of
from toolkit.integrations.dbt.catalog import read_catalog
from toolkit.integrations.dbt.manifest import read_manifest
from toolkit.lineage import Lineage, trace

PROJECTS = Path(__file__).parents[4] / "shared" / "data" / "projects"


def load(name: str) -> tuple[AssetGraph, str, dict[str, dict[str, str]] | None]:
    folder = PROJECTS / name
    if not folder.exists():
        pytest.skip("the real projects are not beside the repository (../shared/data)")
    manifest = read_manifest(folder / "manifest.json.gz")
    catalog = folder / "catalog.json.gz"
    graph = AssetGraph(assets_of(manifest).assets)
    dialect = manifest.metadata.adapter_type
    assert dialect is not None
    return graph, dialect, read_catalog(catalog) if catalog.exists() else None


def invariants(graph: AssetGraph, lineage: Lineage) -> None:
    """What holds for every lineage of every graph."""
    assert list(lineage.status) == list(graph.assets)
    for edge in lineage.column_edges:
        assert edge.source[1] in lineage.columns[edge.source[0]]
        assert edge.target[1] in lineage.columns[edge.target[0]]
        assert edge.source[0] != edge.target[0]
    for row_edge in lineage.asset_edges:
        assert row_edge.source[1] in lineage.columns[row_edge.source[0]]
        assert row_edge.target in graph
    said = {problem.asset for problem in lineage.problems}
    assert {
        key for key, status in lineage.status.items() if status in ("partial", "opaque")
    } <= said
    assert "engine-error" not in {problem.code for problem in lineage.problems}


@pytest.mark.parametrize("name", ["colibri_1.10", "colibri_bigquery", "colibri_duckdb"])
def test_small_projects_are_traced_without_a_catalog(name: str) -> None:
    graph, dialect, catalog = load(name)
    with_catalog = trace(graph, dialect=dialect, catalog=catalog)
    without = trace(graph, dialect=dialect)
    invariants(graph, with_catalog)
    invariants(graph, without)
    assert with_catalog.coverage.opaque == 0
    # One model of each set reads a relation that nobody declares, on purpose.
    assert {p.code for p in without.problems} == {"unknown-relation"}

    def folded(lineage: Lineage) -> set[tuple[str, ...]]:
        return {
            tuple(part.lower() for part in (*e.source, *e.target, e.subtype))
            for e in lineage.column_edges
        }

    assert folded(without) == folded(with_catalog)


@pytest.mark.slow
def test_a_large_project_is_traced_without_a_catalog() -> None:
    graph, dialect, _ = load("calitp")
    lineage = trace(graph, dialect=dialect)
    invariants(graph, lineage)
    codes = [problem.code for problem in lineage.problems]
    # 39 models and 5 more were compiled without a warehouse and are no valid SQL, or none.
    assert codes.count("invalid-sql") == 39
    assert lineage.coverage.opaque == 44
    assert lineage.coverage.full >= 552
    assert {"unresolved-column", "ambiguous-column"}.isdisjoint(codes)
    assert lineage.coverage.columns > 21_000
