"""Dagster as a contender, in an environment of its own."""

from pathlib import Path

from benchmarks.measure import Contender, run
from benchmarks.runner.projects import PEERS, Size, contender

NAME = "Dagster, in process"


def contender_of(project: Path, size: Size) -> Contender:
    """``dagster asset materialize`` of everything; dbt's manifest is written before, unmeasured."""
    assert size.dagster is not None
    tools = size.dagster.parent
    run(Contender("dbt parse", [tools / "dbt", "parse"], project))
    home = size.folder / "dagster-home"
    home.mkdir(exist_ok=True)
    (home / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    return contender(
        NAME,
        [tools / "dagster", "asset", "materialize", "--select", "*",
         "-f", PEERS / "dagster_definitions.py"],
        project, size, {"DAGSTER_HOME": str(home)},
    )  # fmt: skip
