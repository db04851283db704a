"""Median CPU time of selectors on a graph of 5,000 assets and as many checks."""

import argparse
import statistics
import time

import msgspec

from toolkit.graph import Asset, AssetGraph, Check
from toolkit.graph.selection import SelectionContext, select

FOLDERS = ("staging", "intermediate", "marts", "reports", "ml")
SELECTORS = (
    "", "model_2500", "+model_4999", "model_10+", "@model_4990", "2+model_2500+2", "model_25*",
    "*_2500", "marts.*", "bench.staging", "tag:nightly", "path:models/marts",
    "path:models/**/*.sql",
    "file:model_1*", "config.materialized:table", "test_name:unique", "resource_type:test",
    "kind:model,owner:ana*", "state:modified+", "state:modified.body", "+tag:nightly,model_4*",
    "modle_2500",
)  # fmt: skip


def build(size: int) -> AssetGraph:
    """A layered project: each model reads three models a little before it."""
    assets, checks = [], []
    for i in range(size):
        folder = FOLDERS[i * len(FOLDERS) // size]
        key = f"model.bench.model_{i}"
        reads = {f"model.bench.model_{i - step}" for step in (7, 40, 310) if i >= step}
        assets.append(
            Asset(
                key=key, kind="model", name=f"model_{i}", integration="dbt", package="bench",
                fqn=("bench", folder, f"model_{i}"), path=f"models/{folder}/model_{i}.sql",
                tags=("nightly",) if i % 10 == 0 else (), depends_on=tuple(sorted(reads)),
                config={"materialized": "table" if i % 3 else "view"}, owner="Ana",
                fingerprints={"body": str(i), "configs": "1"},
            )
        )  # fmt: skip
        checks.append(
            Check(
                key=f"test.bench.unique_{i}", name=f"unique_{i}", kind="data_test",
                integration="dbt", assets=(key, *sorted(reads)[:1]), test_name="unique",
                package="bench", fqn=("bench", folder, f"unique_{i}"), path="models/tests.yml",
            )
        )  # fmt: skip
    return AssetGraph(assets, checks)


def main() -> None:
    """Print one line for each selector and mode."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--assets", type=int, default=5000)
    parser.add_argument("--repeat", type=int, default=9)
    options = parser.parse_args()
    graph = build(options.assets)
    earlier = AssetGraph(
        [msgspec.structs.replace(a, fingerprints={"body": a.key[-1:]}) for a in graph]
    )
    context = SelectionContext(state=earlier)
    started = time.process_time()
    select(graph)
    print(f"{'(index, once)':32} {1000 * (time.process_time() - started):8.1f} ms")
    for selector in SELECTORS:
        for mode in ("eager", "buildable"):
            times, chosen = [], select(graph)
            for _ in range(options.repeat):
                started = time.process_time()
                chosen = select(
                    graph, [selector] if selector else [], indirect=mode, context=context
                )
                times.append(time.process_time() - started)
            print(
                f"{selector or '(everything)':32} {1000 * statistics.median(times):8.1f} ms  "
                f"{mode:10} {len(chosen.assets):6} assets {len(chosen.checks):6} checks"
            )


if __name__ == "__main__":
    main()
