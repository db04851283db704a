"""Any plan comes to its end, with limits, pools, failures and second attempts."""

import tempfile
import threading
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from run_house import House

from toolkit.run.scheduling.rules import Guide, Policy
from toolkit.settings import RunSettings

steps = st.lists(
    st.tuples(
        st.sampled_from("psd"),  # what kind
        st.frozensets(st.integers(0, 9), max_size=3),  # parents
        st.integers(0, 3),  # how often it fails
        st.integers(0, 2),  # how often it may be tried again
        st.booleans(),  # in the pool
    ),
    min_size=1,
    max_size=10,
)


@settings(max_examples=40, deadline=None)
@given(steps, st.integers(1, 3), st.integers(1, 2), st.booleans())
def test_any_plan_ends_as_it_must(
    steps: list[tuple[str, frozenset[int], int, int, bool]],
    threads: int,
    size: int,
    limited: bool,
) -> None:
    names = [f"{step[0]}{n}" for n, step in enumerate(steps)]
    edges = {
        name: " ".join(names[p] for p in sorted(step[1]) if p < n)
        for n, (name, step) in enumerate(zip(names, steps, strict=True))
    }
    # what fails within a segment is dbt's own affair
    fails = {
        name: 0 if name[0] == "d" else step[2] for name, step in zip(names, steps, strict=True)
    }
    allowed = {name: step[3] for name, step in zip(names, steps, strict=True)}
    left = dict(fails)
    lock = threading.Lock()

    def make(key: str) -> dict[str, Any]:
        with lock:
            left[key] -= 1
            return {"status": "error" if left[key] >= 0 else "success", "transient": True}

    guide = Guide(
        settings=RunSettings(pools={"gpu": size}, concurrency={"sync": 1} if limited else {}),
        policies={
            name: Policy(retries=step[3], retry_wait=0.0, pool="gpu" if step[4] else None)
            for name, step in zip(names, steps, strict=True)
        },
    )
    wanted: dict[str, str] = {}
    for name, parents in edges.items():  # parents first
        if any(wanted[parent] != "success" for parent in parents.split()):
            wanted[name] = "skipped"
        else:
            wanted[name] = "success" if fails[name] <= allowed[name] else "error"
    with tempfile.TemporaryDirectory() as folder:
        house = House(Path(folder), edges, make, guide, threads=threads)
        found = house.run()
        house.ledger.close()
    assert found == wanted
    for name in names:
        tries = min(fails[name], allowed[name]) + 1 if wanted[name] != "skipped" else 0
        assert house.tools["dbt" if name[0] == "d" else "single"].begun.count(name) == tries
