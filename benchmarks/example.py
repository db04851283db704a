"""Copies of the example shop for benchmarks."""

import shutil
from pathlib import Path

from benchmarks.measure import BIN, Contender, run

REPOSITORY = Path(__file__).parents[1]
OUTPUTS = shutil.ignore_patterns("target", "logs", ".toolkit", "*.duckdb*", ".user.yml", "__py*")


def copied(folder: Path) -> Path:
    """The example as a stranger gets it, in ``folder``; its dbt project is given back."""
    for name in ("dbt_project", "connectors"):
        shutil.copytree(REPOSITORY / name, folder / name, ignore=OUTPUTS)
    return folder / "dbt_project"


def built(folder: Path) -> Path:
    """The same after ``toolkit build``: connectors installed, all landed, built, scored."""
    project = copied(folder)
    for words in (["connectors", "install"], ["build"]):
        run(Contender(f"toolkit {words[0]}", [BIN / "toolkit", *words], project))
    return project


def dbt_part(project: Path, folder: Path) -> Path:
    """A plain dbt project of a built example: its landed and scored tables are just there.

    Without toolkit.yml nothing loads the sources, so ``toolkit build`` runs what ``dbt build``
    runs.
    """
    shutil.copytree(project, folder)
    (folder / "toolkit.yml").unlink()
    return folder
