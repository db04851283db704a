"""The page's selection box means what the command line means: both are asked the same."""

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from toolkit.errors import SelectionError
from toolkit.graph import AssetGraph
from toolkit.graph.selection import select
from toolkit.integrations.dbt.assets import assets_of
from toolkit.integrations.dbt.manifest import read_manifest
from toolkit.lineage import Lineage
from toolkit.report.page.columnar import pack
from toolkit.report.page.data import ReportData
from toolkit.report.page.payload import build_payload

RunJs = Callable[[str, object], object]

SELECT = """
  const model = R.data.build(await R.data.unpack(input.core));
  return input.selections.map((text) => {
    try {
      const found = R.select.select(model, text);
      return found && [...found].map((a) => model.assets[a].key).sort();
    } catch (error) {
      if (error instanceof R.select.SelectionError) return "error";
      throw error;
    }
  });
"""

SHOP = [
    "customers", "+customers", "customers+", "1+customers+1", "+customers+2,tag:nightly",
    "@stg_users", "2+python.features", "features", "python.*", "stg_*", "shop.staging", "staging",
    "shop.staging.*", "tag:nightly", "tag:night*", "tag:nightly,tag:core", "tag:nightly tag:core",
    "owner:ada", "owner:*team", "kind:stream", "kind:ml_model", "kind:modell", "kind:function",
    "resource_type:function", "resource_type:model", "source:raw", "source:raw.users",
    "source:shop.raw.users", "source:a.b.c.d", "users", "stream:faker", "stream:faker.users",
    "stream:users", "stream:faker.*", "group:growth", "path:models/staging", "path:models/",
    "models/staging/stg_users.sql", "path:models/*/stg_*", "path:**/marts", "path:/models",
    "file:customers", "customers.sql", "file:*.csv", "exposure:revenue", "exposure:shop.revenue",
    "exposure:*", "package:shop", "integration:dbt", "config.materialized:table",
    "nothing_like_this", "+", "customers,", "@customers+", "colour:red", "stg_[!u]*", "stg_[up]*",
    "st?_users", "source:raw+", "seeds", "countries", "(", "a.b.c", "tag:", "[",
    "stg_users stg_purchases,tag:nightly",
]  # fmt: skip


def ask(graph: AssetGraph, data: ReportData, selections: list[str], run_js: RunJs) -> None:
    core, _ = build_payload(data)
    found = run_js(SELECT, {"core": pack(core), "selections": selections})
    assert isinstance(found, list)
    for text, theirs in zip(selections, found, strict=True):
        try:
            ours: object = sorted(select(graph, [text]).assets)
        except SelectionError:
            ours = "error"
        assert theirs == ours, text


def test_shop(shop: ModuleType, run_js: RunJs) -> None:
    data = shop.data()
    ask(data.graph, data, SHOP, run_js)


@pytest.mark.parametrize("project", ["calitp", "colibri_duckdb"])
def test_real_project(project: str, shared_data: Path, run_js: RunJs) -> None:
    loaded = assets_of(read_manifest(shared_data / "projects" / project / "manifest.json.gz"))
    graph = AssetGraph(loaded.assets, loaded.checks, loaded.problems)
    data = ReportData(
        project=project,
        target="dev",
        dialect="duckdb",
        made_at=0.0,
        version="0",
        graph=graph,
        lineage=Lineage({}, [], [], {}, []),
    )
    names = [asset.name for asset in graph][::17]
    folders = sorted({a.path.rpartition("/")[0] for a in graph if a.path})[::5]
    selections = [
        *names,
        *(f"2+{name}+1" for name in names),
        *(f"path:{folder}" for folder in folders),
        *(f"path:{folder}/*.sql" for folder in folders),
        *(".".join(asset.fqn[:2]) for asset in list(graph)[::23]),
        *(f"*{name[3:8]}*,resource_type:model" for name in names if len(name) > 8),
        *(f"source:{a.source_name}" for a in list(graph)[::11] if a.source_name),
        *(f"tag:{tag}" for tag in sorted({t for a in graph for t in a.tags})),
    ]
    ask(graph, data, selections, run_js)


def test_an_empty_box_means_everything(shop: ModuleType, run_js: RunJs) -> None:
    core, _ = build_payload(shop.data())
    assert run_js(SELECT, {"core": pack(core), "selections": ["", "  "]}) == [None, None]


def test_the_reports_own_methods(shop: ModuleType, run_js: RunJs) -> None:
    core, _ = build_payload(shop.data())
    found = run_js(SELECT, {"core": pack(core), "selections": ["status:failed", "lineage:opaque"]})
    assert found == [["model.shop.stg_purchases"], ["model.shop.audit"]]
