"""Steps that hang, do not hear TERM and leave grandchildren: gone in time, others go on.

A connector and an isolated Python asset hang; each has children in sessions of their own which
ignore TERM. `run.rules` in toolkit.yml gives them a timeout.
"""

import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.fault]

PIPELINE = sys.modules["fault_pipeline"]
HARNESS = sys.modules["fault_harness"]

TIMEOUT = 3.0
HANGING = '''\
import pyarrow as pa

from toolkit import asset

CODE = "import signal,time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"


@asset(isolate=True)
def wedged(daily: pa.Table) -> pa.Table:
    """Never comes back; so do its children."""
    import signal
    import subprocess
    import sys
    import time

    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    for _ in range(2):
        subprocess.Popen([sys.executable, "-c", CODE], start_new_session=True)
    while True:
        time.sleep(60)


@asset
def below(wedged: pa.Table) -> pa.Table:
    return wedged
'''
RULES = """\
run:
  rules:
    - {select: "wedged", timeout: 3, retries: 0}
    - {select: "stream:pay.*", timeout: 3, retries: 0}
"""


@pytest.mark.soak
def test_what_hangs_is_gone_and_the_rest_goes_on(tmp_path: Path, warm: Any) -> None:
    shop = HARNESS.Shop(tmp_path / "shop", tmp_path / "cache", warm)
    PIPELINE.install_source(tmp_path / "cache")
    source = PIPELINE.Source(tmp_path / "source", 1)
    PIPELINE.write_small(shop.folder, source.folder)
    shop.build()  # so that nothing is slow for the first time below
    source.change()
    hangs = tmp_path / "hangs"
    hanging = {"file": str(hangs), "ignore_term": True, "children": 2}
    PIPELINE.connect(shop.folder, source.folder, "pay", ("payments",), hang=hanging)
    PIPELINE.write(shop.folder, "ml/hanging.py", HANGING)
    PIPELINE.write(shop.folder, "toolkit.yml", PIPELINE.SETTINGS + RULES)

    seen: dict[int, tuple[float, float, str]] = {}  # first and last time, and what it is

    def watch() -> None:
        while not ended.is_set():
            now = time.time()
            for pid, words in shop.alive().items():
                first = seen.get(pid, (now,))[0]
                seen[pid] = (first, now, words)
            ended.wait(0.05)

    ended = threading.Event()
    watcher = threading.Thread(target=watch)
    watcher.start()
    process = shop.run("build")
    shop.gone(1)  # Python's own helpers of multiprocessing end just after it
    ended.set()
    watcher.join()
    assert process.code == 1, process.err

    runs, steps = shop.ledger()
    rows = {key: row for (run, key), row in steps.items() if run == runs[0].id}
    hung = [rows["sync.pay"], rows["python.wedged"]]
    for row in hung:
        assert row.status == "error", row
        assert "3 s" in row.message or "3 seconds" in row.message, row.message
    stopped = [row.finished_at - row.started_at - TIMEOUT for row in hung]
    assert all(-0.1 <= late < 10 for late in stopped), stopped
    assert rows["python.below"].status == "skipped"
    others = {
        key: row.status for key, row in rows.items()
        if key not in ("sync.pay", "python.wedged", "python.below")
    }  # fmt: skip
    assert set(others.values()) <= {"success", "pass"}, others

    # children that ignore TERM, in sessions of their own: two of the connector, two of the asset
    deaf = [(first, last) for first, last, words in seen.values() if "time.sleep(600)" in words]
    assert len(deaf) == 4, seen
    ends = {row.step: row.started_at + TIMEOUT for row in hung}
    outlived = [last - max(ends.values()) for _, last in deaf]
    print(
        f"\nhanging steps: {len(hung)}, with {len(deaf)} deaf children; ended "
        f"{HARNESS.spread(stopped)} after the timeout; children at most "
        f"{max(outlived):.1f} s after it; nothing left"
    )
    assert max(outlived) < 10
