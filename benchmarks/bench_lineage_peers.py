"""Column lineage beside other tools, on the same files in one run.

    python benchmarks/bench_lineage_peers.py [FOLDER ...]

Each tool is installed with pip into a virtual environment of its own in a cache folder
(``$XDG_CACHE_HOME/toolkit-bench``), and runs in a fresh process: CPU seconds from reading
manifest.json to the last column, without imports; the median of three. Every tool runs twice: as it
is, and with Python's garbage collector off, since ours keeps it quiet and the others do not.

All get the same manifest.json and catalog.json. Where a project has no catalog there are two rows:
an empty one, and one that is made of the columns that *we* find; the latter cannot judge us and
flatters everybody's coverage alike. Columns are those of models and snapshots with at least one
column that flows into them: joins and filters do not count.
"""

import gzip
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PROJECTS = Path(__file__).parents[2] / "shared" / "data" / "projects"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "toolkit-bench"
REPEATS = 3

# name -> what is installed, and what runs: it leaves ``columns`` and ``failed``
PEERS: dict[str, tuple[list[str], str, str]] = {
    "dbt-colibri": (
        ["dbt-colibri==0.3.7"],
        "import logging; logging.disable(logging.CRITICAL)\n"
        "from dbt_colibri.lineage_extractor.extractor import DbtColumnLineageExtractor",
        """
tool = DbtColumnLineageExtractor(manifest, catalog)
parents = tool.extract_project_lineage()["lineage"]["parents"]
flows = {
    (model, column)
    for model, found in parents.items()
    for column, sources in found.items()
    if not column.startswith("__colibri") and sources
}
columns = len(flows)
sql = {k for k, n in tool.manifest["nodes"].items()
       if n["resource_type"] in ("model", "snapshot") and n.get("compiled_code")}
failed = len(sql - {model for model, _ in flows})
""",
    ),
    "dbt-col-lineage": (
        ["dbt-col-lineage==0.17.0", "jinja2"],
        "import logging; logging.disable(logging.CRITICAL)\n"
        "from dbt_column_lineage.artifacts.registry import ModelRegistry",
        """
tool = ModelRegistry(catalog, manifest)
tool.load()
columns = sum(
    any(step.source_columns for step in column.lineage or ())
    for model in tool.get_models().values() if model.resource_type in ("model", "snapshot")
    for column in model.columns.values()
)
failed = tool.get_coverage().parse_failed
""",
    ),
}

OURS = """
from pathlib import Path
m = read_manifest(Path(manifest))
graph = AssetGraph(assets_of(m).assets)
known = read_catalog(Path(catalog))
lineage = trace(graph, dialect=m.metadata.adapter_type, catalog=known)
columns = len({e.target for e in lineage.column_edges
               if e.type == "DIRECT" and graph[e.target[0]].kind in ("model", "snapshot")})
failed = sum(lineage.status[a.key] == "opaque" for a in graph if a.sql)
"""
OURS_IMPORTS = """
import sqlglot, toolkit.lineage.sql.engine
from toolkit.graph import AssetGraph
from toolkit.integrations.dbt.assets import assets_of
from toolkit.integrations.dbt.catalog import read_catalog
from toolkit.integrations.dbt.manifest import read_manifest
from toolkit.lineage import trace
"""
_SQL = """
m = json.load(open(manifest))
dialect = m["metadata"]["adapter_type"]
models = [n for n in m["nodes"].values()
          if n["resource_type"] in ("model", "snapshot") and n.get("compiled_code")]
columns = failed = 0
"""
FLOOR = (
    _SQL
    + """
columns = None
for n in models:
    try:
        sqlglot.parse_one(n["compiled_code"], dialect=dialect)
    except (SqlglotError, RecursionError):
        failed += 1
"""
)
SQLGLOT = (
    _SQL
    + """
c = json.load(open(catalog))
schema = {}
for node in [*c["nodes"].values(), *c["sources"].values()]:
    at = node["metadata"]
    tables = schema.setdefault(at["database"], {}).setdefault(at["schema"], {})
    tables[at["name"]] = {name: one["type"] or "TEXT" for name, one in node["columns"].items()}
schema = MappingSchema(schema, dialect=dialect)
for n in models:
    try:
        found = lineage(None, n["compiled_code"], schema=schema, dialect=dialect,
                        trim_selects=False)
    except (SqlglotError, RecursionError):
        failed += 1
        continue
    columns += sum(any(isinstance(x.expression, exp.Table) for x in root.walk())
                   for root in found.values())
"""
)
SQLGLOT_IMPORTS = """
import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.lineage import lineage
from sqlglot.schema import MappingSchema
"""

FRAME = """
import gc, json, resource, sys, time
manifest, catalog, collect = sys.argv[1:]
{imports}
if collect == "off":
    gc.disable()
started = time.process_time()
{work}
seconds = time.process_time() - started
print("\\nRESULT " + json.dumps({{
    "seconds": seconds, "columns": columns, "failed": failed,
    "rss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
}}))
"""


def python_of(name: str, packages: list[str]) -> str:
    """The interpreter of the environment with these packages; made when it is not there."""
    folder = CACHE / "-".join([name, *(p.partition("==")[2] for p in packages if "==" in p)])
    python = folder / "bin" / "python"
    stamp = folder / ".ready"
    if not stamp.exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", *packages], check=True)
        stamp.touch()
    return str(python)


def run(python: str, imports: str, work: str, files: list[str], collect: str) -> dict[str, Any]:
    """The median of some runs, or the error's last line."""
    runs = []
    for _ in range(REPEATS):
        script = FRAME.format(imports=imports, work=work)
        done = subprocess.run(
            [python, "-c", script, *files, collect], capture_output=True, text=True, check=False
        )
        if done.returncode:
            return {"error": done.stderr.strip().splitlines()[-1]}
        runs.append(json.loads(done.stdout.rpartition("RESULT ")[2]))
    result: dict[str, Any] = runs[-1]
    result["seconds"] = statistics.median(one["seconds"] for one in runs)
    return result


def catalogs(folder: Path, manifest: Path, into: Path) -> Iterator[tuple[str, Path]]:
    """The project's catalog; without one an empty one, and one of the columns that we find."""
    metadata = {"dbt_schema_version": "https://schemas.getdbt.com/dbt/catalog/v1.json"}
    own = folder / "catalog.json.gz"
    path = into / "catalog.json"
    if own.exists():
        path.write_bytes(gzip.decompress(own.read_bytes()))
        yield "its catalog", path
        return
    path.write_text(json.dumps({"metadata": metadata, "nodes": {}, "sources": {}}))
    yield "empty catalog", path
    made = into / "made.json"
    made.write_text(json.dumps({"metadata": metadata, **our_columns(manifest)}))
    yield "catalog of our columns", made


def our_columns(manifest: Path) -> dict[str, Any]:
    from toolkit.graph import AssetGraph
    from toolkit.integrations.dbt.assets import assets_of
    from toolkit.integrations.dbt.manifest import read_manifest
    from toolkit.lineage import trace

    read = read_manifest(manifest)
    graph = AssetGraph(assets_of(read).assets)
    lineage = trace(graph, dialect=read.metadata.adapter_type or "")
    found: dict[str, Any] = {"nodes": {}, "sources": {}}
    for asset in graph:
        place, columns = asset.relation, lineage.columns[asset.key]
        if place is None or not columns or asset.materialized == "ephemeral":
            continue
        found["sources" if asset.kind == "source" else "nodes"][asset.key] = {
            "unique_id": asset.key,
            "metadata": {
                "type": "BASE TABLE", "database": place.database, "schema": place.schema,
                "name": place.identifier, "owner": None, "comment": None,
            },
            "columns": {
                name: {"name": name, "type": "TEXT", "index": at, "comment": None}
                for at, name in enumerate(columns, 1)
            },
            "stats": {},
        }  # fmt: skip
    return found


def show(folder: Path) -> None:
    rows = [
        ("parsing alone", sys.executable, SQLGLOT_IMPORTS, FLOOR),
        ("toolkit, cold", sys.executable, OURS_IMPORTS, OURS),
        ("sqlglot.lineage", sys.executable, SQLGLOT_IMPORTS, SQLGLOT),
    ]
    rows += [
        (name, python_of(name, packages), imports, work)
        for name, (packages, imports, work) in PEERS.items()
    ]
    with tempfile.TemporaryDirectory() as temporary:
        manifest = Path(temporary) / "manifest.json"
        manifest.write_bytes(gzip.decompress((folder / "manifest.json.gz").read_bytes()))
        for what, catalog in catalogs(folder, manifest, Path(temporary)):
            print(f"\n{folder.name}, {what}")
            print(f"  {'':18}CPU s   collector off   RSS MB   columns   failed")
            for name, python, imports, work in rows:
                files = [str(manifest), str(catalog)]
                asis = run(python, imports, work, files, "on")
                off = run(python, imports, work, files, "off")
                if "error" in asis or "error" in off:
                    print(f"  {name:18}{asis.get('error') or off.get('error')}")
                    continue
                columns = "-" if asis["columns"] is None else asis["columns"]
                print(
                    f"  {name:18}{asis['seconds']:5.2f}   {off['seconds']:13.2f}   "
                    f"{asis['rss']:6}   {columns:>7}   {asis['failed']:>6}",
                    flush=True,
                )


def main() -> None:
    folders = [Path(argument) for argument in sys.argv[1:]] or sorted(PROJECTS.glob("*"))
    if not folders:
        sys.exit("No projects: name folders with a manifest.json.gz.")
    for folder in folders:
        show(folder)


if __name__ == "__main__":
    main()
