"""Versions of ML models in the report: what is told of them, and that nothing secret is."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

import msgspec

from toolkit.graph import AssetGraph, Check
from toolkit.integrations.python.models.manage import ModelRow, VersionRow
from toolkit.report.page.columnar import pack
from toolkit.report.page.payload import build_payload
from toolkit.report.page.payload_models import MOST_VERSIONS

RunJs = Callable[[str, object], Any]
KEY = "python.churn_model"


def model(*versions: VersionRow) -> ModelRow:
    current = next((row.version for row in versions if row.state == "current"), None)
    return ModelRow(
        name="churn_model", target="dev", current=current, candidate=None, versions=versions
    )


def test_what_the_page_decodes(shop: ModuleType, run_js: RunJs) -> None:
    graph = shop.graph()
    gate = Check(
        key=f"check.{KEY}.gate_auc", name="gate_auc", kind="python", integration="python",
        assets=(KEY,), attached=KEY, meta={"description": "Gate: auc at least 0.7."},
    )  # fmt: skip
    graph = AssetGraph(graph, [*graph.checks.values(), gate])
    versions = (
        VersionRow(version="v3", state="refused", why="check hunter22 did not pass",
                   created_at="1970-01-01T00:01:00+00:00", target="dev", format="skops",
                   metrics={"auc": 0.61, "rows": 40.0}),
        VersionRow(version="v2", state="current", created_at="1970-01-01T00:00:30+00:00",
                   target="dev", format="skops", metrics={"auc": 0.83}),
        VersionRow(version="v1", state="promoted before", problem="it cannot be read"),
    )  # fmt: skip
    data = shop.data(graph=graph, models={KEY: model(*versions)}, secrets=frozenset({"hunter22"}))
    _, texts = build_payload(data)
    number = str(list(graph.assets).index(KEY))
    assert list(texts["models"]) == [number]
    found = run_js(
        """
        const texts = await R.data.unpack(input);
        const model = R.data.mlModel(Object.values(texts.models)[0]);
        const plain = (version) => ({ ...version, metrics: [...version.metrics] });
        return { ...model, versions: model.versions.map(plain) };
        """,
        pack(texts),
    )
    assert (found["gates"], found["left_out"]) == (["auc at least 0.7."], 0)
    refused, current, gone = found["versions"]
    assert refused["why"] == "check ***** did not pass"
    assert (refused["at"], refused["metrics"]) == (60, [["auc", 0.61], ["rows", 40]])
    assert (current["state"], current["metrics"]) == ("current", [["auc", 0.83]])
    assert (gone["at"], gone["why"], gone["metrics"]) == (None, "it cannot be read", [])


def test_old_versions_are_counted_and_left_out(shop: ModuleType) -> None:
    versions = [VersionRow(version=f"v{n}", state="not promoted") for n in range(MOST_VERSIONS + 7)]
    data = shop.data(models={KEY: model(*versions), "model.shop.customers": model()})
    [told] = build_payload(data)[1]["models"].values()
    assert (len(told["versions"]), told["left_out"]) == (MOST_VERSIONS, 7)
    assert told["versions"][0][0] == "v0"


def test_a_part_has_the_models_of_its_assets(shop: ModuleType) -> None:
    from toolkit.report.page.part import part_of

    data = msgspec.structs.replace(shop.data(), models={KEY: model()})
    assert part_of(data, {"model.shop.customers"}, data.lineage).models == {}
    assert list(part_of(data, {KEY}, data.lineage).models) == [KEY]
