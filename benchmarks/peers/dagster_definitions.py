"""The same project for Dagster: streams and Python assets as assets, dbt through dagster-dbt.

dagster-dbt splits dbt's part round the Python assets by itself, into one ``dbt build`` for each
segment. The executor is in_process: the default one runs steps in processes of their own, and
those that write the DuckDB file at the same time fail on its lock.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dagster import (
    AssetExecutionContext,
    AssetKey,
    AssetsDefinition,
    Definitions,
    asset,
    in_process_executor,
)
from dagster_dbt import DbtCliResource, dbt_assets

# Dagster loads this file by its path
sys.path.insert(0, str(Path(__file__).parent))
from landing import bench, land, read, score

PROJECT = Path.cwd()
KNOWN = bench()


def stream_asset(name: str) -> AssetsDefinition:
    @asset(key=AssetKey(["raw", name]))
    def landed() -> None:
        land(name, read(name))

    return landed


def score_asset(name: str, reads: list[str]) -> AssetsDefinition:
    @asset(key=AssetKey(["ml", name]), deps=[AssetKey(model) for model in reads])
    def scored() -> None:
        score(name)

    return scored


@dbt_assets(manifest=PROJECT / "target" / "manifest.json")
def models(context: AssetExecutionContext, dbt: DbtCliResource) -> Iterator[Any]:
    yield from dbt.cli(["build"], context=context).stream()


defs = Definitions(
    assets=[
        models,
        *(stream_asset(name) for name in KNOWN["streams"]),
        *(score_asset(name, reads) for name, reads in KNOWN["scores"].items()),
    ],
    resources={
        "dbt": DbtCliResource(
            project_dir=str(PROJECT), dbt_executable=str(Path(sys.executable).parent / "dbt")
        )
    },
    executor=in_process_executor,
)
