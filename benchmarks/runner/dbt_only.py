"""A dbt project alone: ``toolkit build --force`` beside ``dbt build``, over what is there."""

import sys
from pathlib import Path

from benchmarks.generate import generate
from benchmarks.measure import Measured, aim, measure
from benchmarks.runner import dagster
from benchmarks.runner.projects import (
    BUILD,
    DBT,
    DBT_RESULTS,
    PEERS,
    TOOLKIT_RESULTS,
    Size,
    contender,
)

DAGSTER_MODELS = 200  # more take Dagster many minutes and say nothing new


def measure_dbt(models: int, size: Size) -> Measured:
    """One generated project; the floor is the compiled SQL and nothing else."""
    project = generate(size.folder / f"dbt{models}" / "project", models)
    dbt = contender("dbt build", [DBT, "build"], project, size, results=DBT_RESULTS)
    toolkit = contender(
        "toolkit build --force", BUILD, project, size,
        results=TOOLKIT_RESULTS,
    )  # fmt: skip
    # the floor needs dbt's manifest with compiled SQL
    floor = contender(
        "SQL alone (floor)", [sys.executable, PEERS / "floor.py"], Path(dbt.folder), size
    )
    contenders = [dbt, toolkit, floor]
    if size.dagster is not None and models <= DAGSTER_MODELS:
        contenders.append(dagster.contender_of(project, size))
    found = measure(f"{models} models, all built again", contenders, size.rounds)
    for what, limit in (("wall", 1.05), ("cpu", 1.05), ("memory", 1.15)):
        aim(f"{what}, toolkit / dbt", found.ratio(what, toolkit.name, dbt.name), limit)
    return found
