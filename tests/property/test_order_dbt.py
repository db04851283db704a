"""Our order against dbt's own graph with its test edges, on real manifests."""

import gzip
from pathlib import Path

import networkx as nx
import pytest

from toolkit.graph import AssetGraph
from toolkit.integrations.dbt.assets import assets_of
from toolkit.integrations.dbt.integration import DbtIntegration
from toolkit.integrations.dbt.manifest import read_manifest
from toolkit.plan import dependencies


@pytest.mark.parametrize("project", ["calitp", "colibri_1.10", "colibri_duckdb"])
def test_what_must_wait_is_what_dbt_lets_wait(
    project: str, shared_data: Path, tmp_path: Path
) -> None:
    packed = shared_data / "projects" / project / "manifest.json.gz"
    path = tmp_path / "manifest.json"
    path.write_bytes(gzip.decompress(packed.read_bytes()))
    loaded = assets_of(read_manifest(path))
    graph = AssetGraph(loaded.assets, loaded.checks)
    everything = frozenset((*graph.assets, *graph.checks))
    steps = DbtIntegration().steps(graph, everything)
    units = {c.key for c in graph.checks.values() if c.kind == "unit_test"}
    # dbt lets saved queries wait for no test; we do: they are read, too
    saved = {asset.key for asset in graph if asset.kind == "saved_query"}
    keys = {step.key for step in steps} - units - saved
    ours = nx.DiGraph(
        (parent, key)
        for key, waits in dependencies(graph, steps).items()
        for parent in waits.all
        if key in keys and parent in keys
    )
    theirs = _dbt_graph(path)
    assert len(keys) > 20
    for key in keys:
        mine = nx.ancestors(ours, key) & keys if key in ours else set()
        assert mine == nx.ancestors(theirs, key) & keys, key


def _dbt_graph(path: Path) -> "nx.DiGraph[str]":
    from dbt.artifacts.schemas.manifest import WritableManifest
    from dbt.compilation import Linker
    from dbt.contracts.graph.manifest import Manifest

    manifest = Manifest.from_writable_manifest(WritableManifest.read_and_check_versions(str(path)))
    manifest.build_parent_and_child_maps()
    linker = Linker()
    linker.link_graph(manifest)
    linker.add_test_edges_1(manifest)
    return linker.graph
