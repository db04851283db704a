"""How big, how fast: the HTML report of synthetic graphs and of real manifests.

    python benchmarks/bench_report.py [--assets 1000 5000 20000] [--manifest FILE] [--chromium PATH]

Prints one JSON object a line. With ``--chromium`` it also opens the report and measures the
first paint (median of five), one keystroke in the search (median of five, of the slowest text),
how long each view takes, and frames while panning and zooming.
"""

import argparse
import json
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Literal

from toolkit.graph import Asset, AssetGraph, Check, Column
from toolkit.ledger import Point, Run, StepRow
from toolkit.lineage import AssetEdge, ColumnEdge, Lineage, trace
from toolkit.report.page.data import AssetState, ReportData, RunRecord
from toolkit.report.page.html import write_report

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run",
         "--disable-component-update", "--disable-sync"]  # fmt: skip
SUBTYPES = ["IDENTITY", "IDENTITY", "IDENTITY", "TRANSFORMATION", "AGGREGATION", "CONDITIONAL"]
LAYERS = ["staging", "intermediate", "marts", "reports"]


RUNS = 30


def synthetic(count: int, columns: int = 20, seed: int = 1) -> ReportData:
    """A layered project: sources, then models that read one to three of what is before them.

    Of its runs the newest made everything, each of the others a tenth.
    """
    rng = random.Random(seed)
    assets: list[Asset] = []
    column_edges: list[ColumnEdge] = []
    asset_edges: list[AssetEdge] = []
    for i in range(count):
        is_source = i < count // 5
        key = f"source.big.raw.table_{i}" if is_source else f"model.big.model_{i}"
        names = [f"column_{i % 97}_{c}" for c in range(columns)]
        window = assets[max(0, i - count // 5) : i]
        parents = [] if is_source else rng.sample(window, min(len(window), rng.randint(1, 3)))
        layer = LAYERS[min(3, (i - count // 5) * 4 // max(1, count - count // 5))]
        folder = f"models/{layer}/area_{i % 12}"
        sql = "\n".join(f"  {name} as {name}," for name in names)
        assets.append(Asset(
            key=key, kind="source" if is_source else "model", name=key.rsplit(".", 1)[1],
            integration="dbt", depends_on=tuple(p.key for p in parents),
            columns={n: Column(name=n, type="VARCHAR", description=f"Why {n}.") for n in names},
            path="models/sources.yml" if is_source else f"{folder}/model_{i}.sql",
            source_name=f"raw_{i % 20}" if is_source else None, package="big",
            tags=("nightly",) if i % 3 else (), owner=f"team {i % 9}",
            description=f"Synthetic asset {i}, for measuring.",
            raw_sql=None if is_source else f"select\n{sql}\nfrom {{{{ ref('x_{i}') }}}}",
            sql=None if is_source else f"select\n{sql}\nfrom main.x_{i}",
        ))  # fmt: skip
        for n, name in enumerate(names if parents else []):
            parent = rng.choice(parents)
            subtype = rng.choice(SUBTYPES)
            source = (parent.key, list(parent.columns)[n])
            indirect = subtype == "CONDITIONAL"
            kind: Literal["DIRECT", "INDIRECT"] = "INDIRECT" if indirect else "DIRECT"
            said = None if subtype == "IDENTITY" else f"coalesce({source[1]}, {i % 7})"
            column_edges.append(ColumnEdge(source, (key, name), kind, subtype, said, n + 2))
        asset_edges += [AssetEdge((p.key, next(iter(p.columns))), key, "JOIN") for p in parents[1:]]
    checks = [
        Check(key=f"test.big.unique_{i}", name=f"unique_{i}", kind="data_test", integration="dbt",
              assets=(a.key,), attached=a.key, test_name="unique", column=next(iter(a.columns)))
        for i, a in enumerate(assets)
    ]  # fmt: skip
    lineage = Lineage(
        {a.key: dict.fromkeys(a.columns, "VARCHAR") for a in assets},
        column_edges, asset_edges, {a.key: "full" for a in assets}, [],
    )  # fmt: skip
    states = {a.key: AssetState("fresh" if i % 50 else "failed") for i, a in enumerate(assets)}
    return ReportData(
        project="big", target="dev", dialect="duckdb", made_at=1.8e9, version="bench",
        graph=AssetGraph(assets, checks), lineage=lineage, states=states,
        runs=tuple(one_run(assets, number, rng) for number in range(RUNS)),
    )  # fmt: skip


def one_run(assets: list[Asset], number: int, rng: random.Random) -> RunRecord:
    """Run ``number`` before the newest one, a day apart."""
    run_id, start = f"run-{RUNS - number}", 1.8e9 - number * 86400.0
    models = [a for a in assets if a.kind == "model"]
    ran = models if number == 0 else rng.sample(models, max(1, len(models) // 10))
    steps, made, at = [], [], start
    for asset in ran:
        took = rng.random() * 3
        rows = rng.randrange(1_000_000)
        steps.append(StepRow(
            run_id=run_id, step=asset.key, kind="dbt", name=asset.name, integration="dbt",
            status="success", reason="its input changed", started_at=at, finished_at=at + took,
            rows=rows, thread="Thread-1",
        ))  # fmt: skip
        made.append(Point(asset=asset.key, rows=rows))
        at += took / 4
    run = Run(id=run_id, command="build", target="dev", started_at=start, finished_at=at + 1,
              status="success", version="bench")  # fmt: skip
    return RunRecord(run, tuple(steps), tuple(made))


def from_manifest(path: Path) -> ReportData:
    """A real manifest, with lineage as far as SQL is compiled in it."""
    from toolkit.integrations.dbt.assets import assets_of
    from toolkit.integrations.dbt.manifest import read_manifest

    manifest = read_manifest(path)
    loaded = assets_of(manifest)
    graph = AssetGraph(loaded.assets, loaded.checks, loaded.problems)
    dialect = manifest.metadata.adapter_type or "duckdb"
    lineage = trace(graph, dialect=dialect)
    return ReportData(
        project=manifest.metadata.project_name or path.stem, target="-", dialect=dialect,
        made_at=time.time(), version="bench", graph=graph, lineage=lineage,
        problems=(*graph.problems, *lineage.problems),
    )  # fmt: skip


def generate(data: ReportData, path: Path) -> dict[str, Any]:
    start = time.perf_counter()
    write_report(data, path)
    return {
        "assets": len(data.graph),
        "edges": len(data.graph.edges),
        "columns": sum(map(len, data.lineage.columns.values())),
        "column_edges": len(data.lineage.column_edges),
        "generate_s": round(time.perf_counter() - start, 2),
        "size_mb": round(path.stat().st_size / 1e6, 2),
    }


GESTURES = """async (zooming) => {
  const canvas = Report.app.view.canvas;
  const times = [];
  let last = performance.now();
  for (let i = 0; i < 60; i++) {
    if (zooming) canvas.zoom(i < 30 ? 1.06 : 1 / 1.06);
    else canvas.pan(i < 30 ? 14 : -14, i % 2 ? 6 : -6);
    await new Promise(requestAnimationFrame);
    const now = performance.now();
    times.push(now - last);
    last = now;
  }
  return times;
}"""

KEYSTROKES = """() => {
  const { input } = Report.app.search;
  const times = [];
  const texts = ["c", "co", "col", "column_9", "model_4", "e", "zzz", "nightly", "team"];
  for (const text of texts) {
    const taken = [];
    for (let again = 0; again < 5; again++) {
      input.value = text;
      const start = performance.now();
      input.dispatchEvent(new Event("input"));
      document.body.getBoundingClientRect();
      taken.push(performance.now() - start);
    }
    times.push(taken.sort((a, b) => a - b)[2]);
  }
  return times;
}"""


SHOW = """(view) => {
  const show = (name) => Report.app.show({ ...Report.app.state, view: name, by: "folder" });
  show("graph");
  const start = performance.now();
  show(view);
  document.body.getBoundingClientRect();
  return Math.round(performance.now() - start);
}"""
PAINT = (
    "() => new Promise(r => new PerformanceObserver(l => r(l.getEntries()[0].startTime))"
    ".observe({type: 'paint', buffered: true}))"
)
OPENED = 5
VIEWS = ("overview", "assets", "columns", "checks", "problems", "runs", "run")


def browse(path: Path, chromium: str) -> dict[str, Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        paints, readies = [], []
        for _ in range(OPENED):
            page = browser.new_page(viewport={"width": 1440, "height": 860})
            page.goto(path.as_uri())
            page.wait_for_selector("html[data-ready]")
            readies.append(page.evaluate("() => performance.now()"))
            paints.append(page.evaluate(PAINT))
        keys = page.evaluate(KEYSTROKES)
        found: dict[str, Any] = {
            "first_paint_ms": round(statistics.median(paints)),
            "ready_ms_upper": round(statistics.median(readies)),
            "keystroke_ms_max": round(max(keys), 1),
        }
        found["views_ms"] = {view: page.evaluate(SHOW, view) for view in VIEWS}
        for by in ("folder", "none"):
            page.goto(f"{path.as_uri()}#view=graph&by={by}")
            page.wait_for_function(f"() => Report.app.view.by === '{by}'")
            for name, zooming in (("pan", False), ("zoom", True)):
                times = page.evaluate(GESTURES, zooming)
                found[f"{by}_{name}_fps"] = round(1000 / statistics.mean(times))
                found[f"{by}_{name}_worst_ms"] = round(max(times))
            found[f"{by}_draw_ms"] = round(
                page.evaluate(
                    "() => { const c = Report.app.view.canvas; c.draw(); return c.frameTime }"
                )
            )
        browser.close()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--assets", type=int, nargs="*", default=[1000, 5000, 20000])
    parser.add_argument("--manifest", type=Path, nargs="*", default=[])
    parser.add_argument("--chromium")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "report.html"
        made: list[tuple[str, Callable[[], ReportData]]] = []
        made += [(f"synthetic {n}", partial(synthetic, n)) for n in options.assets]
        made += [(m.parent.name, partial(from_manifest, m)) for m in options.manifest]
        for name, make in made:
            figures = {"of": name, **generate(make(), path)}
            if options.chromium:
                figures |= browse(path, options.chromium)
            print(json.dumps(figures), flush=True)


if __name__ == "__main__":
    main()
