"""Column lineage of real dbt projects: time, memory, coverage.

    python benchmarks/bench_lineage.py [FOLDER ...]

A folder holds manifest.json.gz and maybe catalog.json.gz; by default those of
``../shared/data/projects``. Each measurement runs in a process of its own, and times are CPU
seconds (medians), as ratios to the floor: parsing all SQL once with the same parser. The
yardstick is sqlglot's own lineage of all columns of a model, with the columns that we found as
its schema; it knows no indirect edges.
"""

import json
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

PROJECTS = Path(__file__).parents[2] / "shared" / "data" / "projects"
REPEATS = 3
MEASURES = ("load", "floor", "cold", "warm", "yardstick")


def load(folder: Path) -> tuple[Any, str, Any]:
    from toolkit.graph import AssetGraph
    from toolkit.integrations.dbt.assets import assets_of
    from toolkit.integrations.dbt.catalog import read_catalog
    from toolkit.integrations.dbt.manifest import read_manifest

    manifest = read_manifest(folder / "manifest.json.gz")
    catalog = folder / "catalog.json.gz"
    graph = AssetGraph(assets_of(manifest).assets)
    return (
        graph,
        manifest.metadata.adapter_type or "",
        read_catalog(catalog) if catalog.exists() else None,
    )


def cpu(work: Callable[[], Any]) -> tuple[float, Any]:
    started = time.process_time()
    result = work()
    return time.process_time() - started, result


def measure(what: str, folder: Path) -> dict[str, Any]:
    graph, dialect, catalog = load(folder)
    import sqlglot
    from sqlglot.errors import SqlglotError

    import toolkit.lineage.sql.engine  # noqa: F401 - the time of imports is not lineage
    from toolkit.lineage import trace

    sqlglot.parse_one("select 1", dialect=dialect)
    found: dict[str, Any] = {}
    if what == "floor":

        def parse() -> int:
            failed = 0
            for asset in graph:
                if asset.sql:
                    try:
                        sqlglot.parse_one(asset.sql, dialect=dialect)
                    except SqlglotError:
                        failed += 1
            return failed

        found["seconds"], found["failed"] = cpu(parse)
    elif what == "cold":
        found["seconds"], lineage = cpu(lambda: trace(graph, dialect=dialect))
        found["coverage"] = [lineage.coverage.assets, lineage.coverage.full,
                             lineage.coverage.partial, lineage.coverage.opaque,
                             lineage.coverage.columns]  # fmt: skip
        found["with catalog"] = None
        found["edges"] = Counter(e.subtype for e in lineage.column_edges)
        found["rows"] = Counter(e.subtype for e in lineage.asset_edges)
        found["problems"] = Counter(p.code for p in lineage.problems)
        if catalog:
            known = trace(graph, dialect=dialect, catalog=catalog)
            found["with catalog"] = known.coverage.columns
    elif what == "warm":
        cache = Path(tempfile.mkdtemp())
        trace(graph, dialect=dialect, cache_dir=cache)
        found["seconds"], _ = cpu(lambda: trace(graph, dialect=dialect, cache_dir=cache))
        found["bytes"] = sum(file.stat().st_size for file in cache.iterdir())
        shutil.rmtree(cache)
    elif what == "yardstick":
        found.update(yardstick(graph, dialect, trace(graph, dialect=dialect)))
    found["rss"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return found


def yardstick(graph: Any, dialect: str, lineage: Any) -> dict[str, Any]:
    """sqlglot's lineage of all columns, model by model."""
    from sqlglot.errors import SqlglotError
    from sqlglot.lineage import lineage as sqlglot_lineage
    from sqlglot.schema import MappingSchema

    schema = MappingSchema(dialect=dialect, normalize=True)
    for asset in graph:
        place = asset.relation
        columns = lineage.columns[asset.key]
        if place is not None and columns and place.database and place.schema:
            name = ".".join(f'"{p}"' for p in (place.database, place.schema, place.identifier))
            if dialect == "bigquery":
                name = name.replace('"', "`")
            try:
                schema.add_table(name, dict.fromkeys(columns, "TEXT"), dialect=dialect)
            except SqlglotError:
                continue

    def run() -> tuple[int, int]:
        columns = failed = 0
        for asset in graph:
            if asset.sql:
                try:
                    columns += len(
                        sqlglot_lineage(
                            None, asset.sql, schema=schema, dialect=dialect, trim_selects=False
                        )
                    )
                except (SqlglotError, RecursionError):
                    failed += 1
        return columns, failed

    seconds, (columns, failed) = cpu(run)
    return {"seconds": seconds, "columns": columns, "failed": failed}


def in_child(what: str, folder: Path) -> dict[str, Any]:
    runs = []
    for _ in range(1 if what == "load" else REPEATS):
        done = subprocess.run(
            [sys.executable, __file__, "--measure", what, str(folder)],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        runs.append(json.loads(done.stdout))
    result: dict[str, Any] = runs[0]
    if what != "load":
        result["seconds"] = statistics.median(run["seconds"] for run in runs)
    return result


def show(folder: Path) -> None:
    found = {what: in_child(what, folder) for what in MEASURES}
    floor, cold, warm, other = (found[w] for w in ("floor", "cold", "warm", "yardstick"))
    assets, full, partial, opaque, columns = cold["coverage"]
    known = cold["with catalog"]
    print(f"\n{folder.name}")
    print(f"  assets to trace   {assets}: {full} full, {partial} partial, {opaque} opaque")
    print(f"  columns           {columns} without a catalog" + (f", {known} with" if known else ""))
    print(f"  column edges      {_counts(cold['edges'])}")
    print(f"  asset edges       {_counts(cold['rows'])}")
    print(f"  problems          {_counts(cold['problems'])}")
    print(f"  {'':18}CPU s   x floor   RSS MB")
    for name, one in (
        ("parse only", floor),
        ("cold", cold),
        ("warm", warm),
        ("sqlglot.lineage", other),
    ):
        ratio = one["seconds"] / floor["seconds"]
        print(f"  {name:18}{one['seconds']:5.2f}   {ratio:7.2f}   {one['rss']:6}")
    print(
        f"  graph loaded: {found['load']['rss']} MB; cache file {warm['bytes'] / 1e6:.1f} MB; "
        f"not parsed {floor['failed']}; sqlglot.lineage: {other['columns']} columns, "
        f"{other['failed']} models failed"
    )


def _counts(counter: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counter.items())) or "none"


def main() -> None:
    if sys.argv[1:2] == ["--measure"]:
        print(json.dumps(measure(sys.argv[2], Path(sys.argv[3]))))
        return
    folders = [Path(argument) for argument in sys.argv[1:]] or sorted(PROJECTS.glob("*"))
    if not folders:
        sys.exit("No projects: name folders with a manifest.json.gz.")
    for folder in folders:
        show(folder)


if __name__ == "__main__":
    main()
