"""Through which assets one looks to see what is read in the end."""

from toolkit.graph import Asset, AssetGraph
from toolkit.plan import inputs


def test_an_ephemeral_model_that_was_a_table_once_is_looked_through() -> None:
    raw = Asset(key="raw", kind="source", name="raw", integration="dbt")
    above = Asset(
        key="above", kind="model", name="above", integration="dbt", depends_on=("raw",),
        materialized="ephemeral",
    )  # fmt: skip
    graph = AssetGraph([raw, above])
    assert inputs(("above",), graph, {"above", "raw"}).known == ("raw",)
    assert inputs(("above",), graph, {"above"}).unknown == ("raw",)
