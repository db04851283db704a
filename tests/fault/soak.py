"""Builds one shop again and again in one process, through the Python API.

    python soak.py PIPELINE FOLDER SOURCE N

Before each build rows of the source change, but their number does not. After each it prints a
JSON object: seconds of the build, and what the process and the ledger hold.
"""

import gc
import importlib.util
import json
import os
import sys
import threading
import time
from pathlib import Path

from toolkit import Project

PAGE = os.sysconf("SC_PAGESIZE")


def main(pipeline: str, folder: str, source: str, count: str) -> None:
    spec = importlib.util.spec_from_file_location("fault_pipeline", pipeline)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    data = module.Source(Path(source), 1)
    for _ in range(int(count)):
        data.change(0)
        began = time.monotonic()
        result = Project.load(folder).build()
        seconds = time.monotonic() - began
        assert result.exit_code == 0, result.errors
        print(json.dumps({"seconds": seconds, **held(Path(folder))}), flush=True)


def held(folder: Path) -> dict[str, int]:
    gc.collect()
    ledger = folder / ".toolkit"
    return {
        "memory": int(Path("/proc/self/statm").read_text().split()[1]) * PAGE,
        "descriptors": len(os.listdir("/proc/self/fd")),
        "threads": threading.active_count(),
        "ledger": sum(path.stat().st_size for path in ledger.glob("ledger.db*")),
    }


if __name__ == "__main__":
    main(*sys.argv[1:])
