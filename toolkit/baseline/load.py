"""Which project, as it was, is meant by ``--base``."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from toolkit.errors import UsageError
from toolkit.project import Project


class Baseline(msgspec.Struct, frozen=True):
    """A project to compare with.

    Attributes:
        name: for people: ``target-base/manifest.json``, ``main (1a2b3c4)``.
        notes: what is taken for granted, as it cannot be seen.
    """

    project: Project
    name: str
    notes: tuple[str, ...] = ()


def baseline(project: Project, base: str, connections: Sequence[Path] = ()) -> Baseline:
    """The project that ``base`` names: a path if there is one, else a commit.

    Args:
        base: a manifest.json, a folder with one (and perhaps a catalog.json), another checkout
            of the dbt project, or what git calls a commit (a branch, a tag, ``HEAD~1``).
        connections: Airbyte configurations as they were, for a base of artifacts.

    Raises:
        UsageError: it is none of them.
        ArtifactError: what is there cannot be read.
    """
    from toolkit.baseline.artifacts import from_path
    from toolkit.baseline.commit import from_commit, resolve

    path = Path(base)
    if path.exists():
        return from_path(project, path, connections)
    if connections:
        raise UsageError(
            "--base-connections goes with a base of artifacts, and the base is a commit.",
            "Its own connections are read, so nothing was compared.",
            "Leave out --base-connections.",
        )
    found = resolve(project.settings.project_dir, base)
    if found is None:
        raise UsageError(
            f"{base!r} (--base) is no file, no folder and no commit that git knows here.",
            "There is nothing to compare with.",
            "Give a manifest.json, a folder with one, or a branch, tag or commit; in CI fetch "
            "it first (`git fetch origin main`, then --base origin/main).",
        )
    return from_commit(project, base, found)
