"""Streams, dbt and Python assets: ``toolkit build --force`` beside a script and Dagster."""

import sys

from benchmarks.measure import Measured, aim, measure
from benchmarks.mixed import generate_mixed, install_connector, shortest
from benchmarks.runner import dagster
from benchmarks.runner.projects import (
    BUILD,
    DBT,
    PEERS,
    TOOLKIT_RESULTS,
    Size,
    contender,
)


def measure_mixed(models: int, size: Size) -> Measured:
    """All engines; a process for each segment; Dagster where there is one."""
    folder = size.folder / f"mixed{models}"
    project = generate_mixed(folder / "project", models)
    cache = install_connector(folder, project)
    segments = [sys.executable, PEERS / "segments.py", DBT]
    ours = [
        contender(
            f"toolkit, {engine}", [*BUILD, "--engine", engine],
            project, size, cache, TOOLKIT_RESULTS,
        )
        for engine in ("gated", "runner", "cli")
    ]  # fmt: skip
    scripts = [
        contender("script, segments", segments, project, size),
        contender("script, one by one", [*segments, "--serial"], project, size),
    ]
    peers = [dagster.contender_of(project, size)] if size.dagster is not None else []
    found = measure(
        f"10 streams, {models} models, 4 Python assets, all built again; "
        f"waits on the longest path {shortest(project):.1f} s",
        [*ours, *scripts, *peers],
        size.rounds,
    )
    aim(
        "wall, script with a process for each segment / toolkit",
        found.ratio("wall", scripts[0].name, ours[0].name), 3, least=True,
    )  # fmt: skip
    if peers:
        ratio = found.ratio("wall", dagster.NAME, ours[0].name)
        aim("wall, Dagster / toolkit", ratio, 5, least=True)
    return found
