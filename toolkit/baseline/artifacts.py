"""A base of files: a manifest, a folder of artifacts, or another checkout."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from toolkit.errors import ArtifactError
from toolkit.project import Project
from toolkit.settings import load_settings

if TYPE_CHECKING:
    from toolkit.baseline.load import Baseline


def from_path(project: Project, path: Path, connections: Sequence[Path] = ()) -> "Baseline":
    """The project as the files at ``path`` have it.

    Raises:
        ArtifactError: there is no manifest.
    """
    from toolkit.baseline.load import Baseline

    settings = project.settings
    if (path / "dbt_project.yml").is_file() and path.resolve() != settings.project_dir.resolve():
        other = load_settings(
            project_dir=path.resolve(),
            profiles_dir=settings.profiles_dir,
            profile=settings.profile_name,
            target=settings.target or None,
            vars=settings.vars,
        )
        return Baseline(Project(other), str(path))
    manifest = path / "manifest.json" if path.is_dir() else path
    if not manifest.is_file():
        raise ArtifactError(
            f"There is no manifest.json in {path} (--base).",
            "There is nothing to compare with.",
            "Give a folder that holds the artifacts of an earlier run (dbt's `target/`).",
        )
    catalog = manifest.with_name("catalog.json")
    changes: dict[str, Any] = {
        "manifest": manifest.resolve(),
        "catalog": catalog.resolve() if catalog.is_file() else None,
    }
    if connections:
        changes["connections"] = tuple(one.resolve() for one in connections)
    notes = []
    graph = project.graph
    ours = [asset for asset in graph if asset.integration == "python"]
    checks = [check for check in graph.checks.values() if check.integration == "python"]
    if ours:
        notes.append("Python assets are compared with themselves: artifacts do not hold them.")
    if settings.connections and not connections:
        notes.append(
            "Airbyte connections are compared with themselves: artifacts do not hold them "
            "(--base-connections gives them)."
        )
    then = msgspec.structs.replace(settings, **changes)
    return Baseline(Project(then, ours, checks), str(path), tuple(notes))
