"""The plain script: connectors, then for each segment a ``dbt build``, a Python script, and so on.

    python segments.py DBT [--serial]

Each connector, dbt and each Python asset is a process of its own. Connectors run all at once, or
one after the other with ``--serial``.
"""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from landing import bench, land, read


def main(dbt: str, serial: bool) -> None:
    known = bench()
    streams = [*known["streams"]]
    with ThreadPoolExecutor(1 if serial else max(1, len(streams))) as pool:
        for stream, rows in zip(streams, pool.map(read, streams), strict=True):
            land(stream, rows)
    scores = iter(known["scores"])
    for layers in known["segments"]:
        subprocess.run([dbt, "build", "--select", *layers], check=True)
        name = next(scores, None)
        if name is not None:
            landing = Path(__file__).with_name("landing.py")
            subprocess.run([sys.executable, landing, name], check=True)


if __name__ == "__main__":
    main(sys.argv[1], "--serial" in sys.argv)
