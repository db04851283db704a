"""A generated project of all three tools: streams, dbt models, Python assets between the layers.

Ten connections of one stream each; the connector is a package of our own
(``benchmarks/peers/source_wait.py``) that waits as long as it is told (0.3 to 2 seconds) and then
gives 50 rows. Four Python assets wait a second each and write a table; each reads two models of a
layer and is read by a third of the next. What peers must know of all that stands in ``bench.json``.
"""

import graphlib
import json
import re
import zipfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.generate import LAYERS, ROWS, generate
from benchmarks.measure import BIN, Contender, run

PEERS = Path(__file__).parent / "peers"
CONNECTOR = "airbyte-source-wait"
SCORE_SECONDS = 1.0
# A Python asset stands behind each of these layers, and before the next one.
SCORED_LAYERS = (1, 3, 5, 7)

# As in the script: all connectors at once. By default as many as there are threads, two here.
TOOLKIT_YML = """\
version: 1
connections: [connectors]
assets: [ml]
run: {concurrency: {sync: 10}}
"""

SCORE = '''"""Waits, as training would, and adds two tables up."""

import time

from toolkit import asset


@asset(schema="ml", deps={{"left": "{left}", "right": "{right}"}})
def {name}(left, right):
    import pyarrow as pa
    import pyarrow.compute as pc

    time.sleep({seconds})
    left, right = left.sort_by("id"), right.sort_by("id")
    return pa.table({{"id": left["id"], "value": pc.add(left["value"], right["value"])}})
'''


def generate_mixed(folder: Path, models: int = 200, streams: int = 10) -> Path:
    """Write the project into ``folder`` (made here) and give it back."""
    seconds = {f"s{i}": round(0.3 + 1.7 * i / max(1, streams - 1), 2) for i in range(streams)}
    scores = {layer: f"score{layer}" for layer in SCORED_LAYERS}
    project = generate(
        folder, models, streams=list(seconds), scores={layer + 1: scores[layer] for layer in scores}
    )
    size = models // LAYERS
    reads = {
        name: [f"m{layer * size}", f"m{(layer + 1) * size - 1}"] for layer, name in scores.items()
    }
    (folder / "models" / "sources.yml").write_text(_sources(raw=[*seconds], ml=[*reads]))
    (folder / "toolkit.yml").write_text(TOOLKIT_YML)
    for name in ("connectors", "ml"):
        (folder / name).mkdir()
    for stream, wait in seconds.items():
        (folder / "connectors" / f"{stream}.yml").write_text(_connection(stream, wait))
    for name, (left, right) in reads.items():
        (folder / "ml" / f"{name}.py").write_text(
            SCORE.format(name=name, left=left, right=right, seconds=SCORE_SECONDS)
        )
    cuts = [-1, *SCORED_LAYERS, LAYERS - 1]
    bench = {
        "streams": seconds,
        "rows": ROWS,
        "scores": reads,
        "score_seconds": SCORE_SECONDS,
        "segments": [
            [f"tag:layer{layer}" for layer in range(cuts[i] + 1, cuts[i + 1] + 1)]
            for i in range(len(cuts) - 1)
        ],
    }
    (folder / "bench.json").write_text(json.dumps(bench, indent=1))
    return project


def shortest(project: Path) -> float:
    """Seconds that the waits on the longest path need: no runner can be faster."""
    bench = json.loads((project / "bench.json").read_text())
    reads: dict[str, set[str]] = {name: set() for name in bench["streams"]}
    reads |= {name: set(models) for name, models in bench["scores"].items()}
    for path in (project / "models").glob("*.sql"):
        reads[path.stem] = set(re.findall(r"'(\w+)'\) }}", path.read_text()))
    waits = bench["streams"] | dict.fromkeys(bench["scores"], bench["score_seconds"])
    ends: dict[str, float] = {}
    for name in graphlib.TopologicalSorter(reads).static_order():
        begin = max((ends[parent] for parent in reads.get(name, ())), default=0.0)
        ends[name] = begin + waits.get(name, 0.0)
    return max(ends.values())


def install_connector(folder: Path, project: Path) -> dict[str, str]:
    """Have toolkit install the connector from a wheel made here, as it would from an index.

    Returns:
        The environment in which toolkit finds it.
    """
    wheels = folder / "wheels"
    wheels.mkdir()
    _wheel(wheels)
    environment = {"TOOLKIT_CACHE_DIR": str(folder / "cache")}
    offline = dict.fromkeys(("PIP_FIND_LINKS", "UV_FIND_LINKS"), str(wheels))
    offline |= dict.fromkeys(("PIP_NO_INDEX", "UV_NO_INDEX"), "1")
    command: list[str | Path] = [BIN / "toolkit", "connectors", "install"]
    run(Contender("toolkit connectors install", command, project, environment | offline))
    return environment


def _wheel(folder: Path) -> Path:
    """A wheel is a zip file with three files of metadata."""
    name = CONNECTOR.replace("-", "_")
    info = f"{name}-1.0.0.dist-info"
    files = {
        "source_wait.py": (PEERS / "source_wait.py").read_text(),
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {CONNECTOR}\nVersion: 1.0.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: benchmarks\nRoot-Is-Purelib: true\n"
        "Tag: py3-none-any\n",
        f"{info}/entry_points.txt": "[console_scripts]\nsource-wait = source_wait:main\n",
    }
    record = "".join(f"{path},,\n" for path in [*files, f"{info}/RECORD"])
    path = folder / f"{name}-1.0.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in {**files, f"{info}/RECORD": record}.items():
            archive.writestr(name, text)
    return path


def _sources(**tables: Sequence[str]) -> str:
    lines = ["sources:"]
    for source, names in tables.items():
        listed = ", ".join(f"{{name: {name}}}" for name in names)
        lines += [f"  - name: {source}", f"    tables: [{listed}]"]
    return "\n".join(lines) + "\n"


def _connection(stream: str, seconds: float) -> str:
    document = {
        "version": 1,
        "name": f"{stream}_source",
        "source": {
            "package": CONNECTOR,
            "version": "1.0.0",
            "config": {"stream": stream, "seconds": seconds, "rows": ROWS},
        },
        "destination": {"type": "duckdb", "name": "warehouse", "schema": "raw"},
        "streams": [{"name": stream, "sync_mode": "full_refresh_overwrite"}],
    }
    return json.dumps(document, indent=1)  # JSON is YAML
