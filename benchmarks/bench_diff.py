"""`toolkit diff` of two manifests that differ in one model: nothing remembered, and again.

    python -m benchmarks.bench_diff [--repeat 5] [--manifest FILE]

The manifest is a real project's, where the test data lie beside the repository. The floor is a
Python that only decodes both files. `again` is the second call in a row, as on a developer's
machine; `cold` begins with an empty cache, as in CI. A model that many read gets another filter
and loses a column, so that its readers are looked at one by one.
"""

import argparse
import gzip
import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.measure import BIN, Contender, aim, measure, run

REAL = Path(__file__).parents[2] / "shared/data/projects/calitp/manifest.json.gz"
FLOOR = "import json, sys; [json.load(open(path)) for path in sys.argv[1:]]"


def edited(manifest: dict[str, Any]) -> str:
    """Edit a model that other models read; gives its key."""
    children = manifest["child_map"]
    models = [
        node
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and "where" in (node.get("compiled_code") or "").lower()
    ]
    node = max(models, key=lambda one: len(children.get(one["unique_id"], ())))
    for part in ("compiled_code", "raw_code"):
        place = node[part].lower().index("where") + len("where")
        node[part] = f"{node[part][:place]} 1 = 1 and {node[part][place:]}"
    return str(node["unique_id"])


def main() -> None:
    """Print the comparison."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeat", type=int, default=5, help="rounds (default: 5)")
    parser.add_argument("--manifest", type=Path, default=REAL)
    options = parser.parse_args()
    if not options.manifest.exists():
        sys.exit(f"There is no {options.manifest}: give another manifest with --manifest.")
    raw = options.manifest.read_bytes()
    manifest = json.loads(gzip.decompress(raw) if options.manifest.suffix == ".gz" else raw)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for side in ("base", "head"):
            (folder / side).mkdir()
            if side == "head":
                print(f"edited: {edited(manifest)}")
            (folder / side / "manifest.json").write_text(json.dumps(manifest))
        files = [folder / side / "manifest.json" for side in ("head", "base")]
        command = [BIN / "toolkit", "diff", "--manifest", files[0], "--base", files[1]]
        caches = {name: folder / name for name in ("cold", "warm")}
        env = {name: {"TOOLKIT_CACHE_DIR": str(path)} for name, path in caches.items()}
        contenders = [
            Contender("toolkit diff, again", command, folder, env["warm"]),
            Contender(
                "toolkit diff, cold", command, folder, env["cold"],
                before=lambda: shutil.rmtree(caches["cold"], ignore_errors=True),
            ),
            Contender("json.load (floor)", [sys.executable, "-c", FLOOR, *files], folder),
        ]  # fmt: skip
        title = f"{len(manifest['nodes']):,} nodes, one model edited"
        run(contenders[0])  # so that there is something to remember
        measured = measure(title, contenders, options.repeat)
        aim("wall of the second call", measured.median("wall", contenders[0].name), 3.0, unit=" s")


if __name__ == "__main__":
    main()
