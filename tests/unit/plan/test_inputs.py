"""Through which assets one looks to see what is read in the end."""

from toolkit.graph import Asset, AssetGraph
from toolkit.plan import inputs
from toolkit.plan.versions import tables_behind


def test_an_ephemeral_model_that_was_a_table_once_is_looked_through() -> None:
    raw = Asset(key="raw", kind="source", name="raw", integration="dbt")
    above = Asset(
        key="above", kind="model", name="above", integration="dbt", depends_on=("raw",),
        materialized="ephemeral",
    )  # fmt: skip
    graph = AssetGraph([raw, above])
    assert inputs(("above",), graph, {"above", "raw"}).known == ("raw",)
    assert inputs(("above",), graph, {"above"}).unknown == ("raw",)


class Counted(AssetGraph):
    """Counts how often somebody looks whether an asset is in it."""

    looks = 0

    def __contains__(self, key: object) -> bool:
        self.looks += 1
        return super().__contains__(key)


def test_a_ladder_of_views_is_climbed_once() -> None:
    """Each of 12 layers reads both of the layer before: 4096 ways down, 24 views."""
    raw = Asset(key="raw", kind="source", name="raw", integration="dbt")
    layers = [
        Asset(
            key=f"v{layer}{side}", name="v", kind="model", integration="dbt", materialized="view",
            depends_on=(f"v{layer - 1}a", f"v{layer - 1}b") if layer else ("raw",),
        )
        for layer in range(12)
        for side in "ab"
    ]  # fmt: skip
    graph = Counted([raw, *layers])
    graph.looks = 0
    assert tables_behind(("v11a", "v11b"), graph) == {"raw"}
    assert graph.looks < 100
