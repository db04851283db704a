"""A base in git: its files in a folder of their own, parsed and compiled there once."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from toolkit.errors import ArtifactError
from toolkit.integrations.dbt import tether
from toolkit.project import Project
from toolkit.settings import Settings, load_settings

if TYPE_CHECKING:
    from toolkit.baseline.load import Baseline

_KEPT = 3  # commits whose files stay for the next time
_COPIED = 256 * 2**20  # bytes of a DuckDB file that may be copied for Jinja that looks into it
_NEW = "new-"  # begins the name of a folder that is not whole yet
_LEFT = 3600.0  # seconds after which such a one was left behind by a process that was killed
_LAST = 12  # lines of what went wrong


class Commit(msgspec.Struct, frozen=True):
    """A commit to compare with.

    Attributes:
        root: top folder of the repository.
        sha: of the commit whose files count.
        forked: ``sha`` is where the history that was named forked from ours.
    """

    root: Path
    sha: str
    forked: bool


def resolve(folder: Path, name: str) -> Commit | None:
    """What ``name`` means in the repository around ``folder``; ``None`` if nothing.

    Where it has gone on since our history left it, the commit where they forked counts: what
    others changed meanwhile is no change of ours.
    """
    top = _git(folder, "rev-parse", "--show-toplevel")
    sha = _git(folder, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
    if top is None or sha is None:
        return None
    fork = _git(folder, "merge-base", "HEAD", sha)
    return Commit(Path(top), fork or sha, forked=fork is not None and fork != sha)


def from_commit(project: Project, name: str, commit: Commit) -> "Baseline":
    """The project as it was at a commit.

    Raises:
        ArtifactError: its files cannot be had, or cannot be parsed.
    """
    from toolkit.baseline.load import Baseline

    settings = project.settings
    within = settings.project_dir.resolve().relative_to(commit.root.resolve())
    folder = _checkout(settings.state_dir / "base", commit)
    then = folder / within
    if not (then / "dbt_project.yml").is_file():
        raise ArtifactError(
            f"There is no dbt project in {within} at {commit.sha[:7]} ({name}).",
            "There is nothing to compare with.",
            "Give a later commit, or compare with artifacts (--base FOLDER).",
        )
    _bring_packages(settings, then)
    _bring_streams(settings, then)
    if any("Jinja asks for" in asset.volatile for asset in project.graph):
        _bring_warehouse(settings, then)
    _prepare(settings, then)
    base = load_settings(
        project_dir=then,
        profiles_dir=settings.profiles_dir,
        profile=settings.profile_name,
        target=settings.target,
        vars=settings.vars,
        target_path=then / "target",
    )
    forked = "where it was forked, " if commit.forked else ""
    return Baseline(Project(base), f"{name} ({forked}{commit.sha[:7]})")


def _checkout(cache: Path, commit: Commit) -> Path:
    """All files of a commit, in a folder that no worktree list knows; whole or not there."""
    folder = cache / commit.sha[:12]
    if folder.is_dir():
        os.utime(folder)
        return folder
    cache.mkdir(parents=True, exist_ok=True)
    ignore = cache.parent / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n")
    made = Path(tempfile.mkdtemp(dir=cache, prefix=_NEW))
    try:
        index = {"GIT_INDEX_FILE": str(made / ".index")}
        for words in (
            ("read-tree", commit.sha),
            ("checkout-index", "--all", f"--prefix={made}{os.sep}"),
        ):
            if _git(commit.root, *words, more=index) is None:
                raise ArtifactError(
                    f"git cannot give the files of {commit.sha[:7]} (`git {words[0]}`).",
                    "There is nothing to compare with.",
                    "Fetch the commit with its files (a shallow clone may lack them).",
                )
        (made / ".index").unlink(missing_ok=True)
        made.rename(folder)
    except OSError as error:
        if not folder.is_dir():  # somebody else was faster
            raise ArtifactError(
                f"The files of {commit.sha[:7]} cannot be written to {cache}: {error}.",
                "There is nothing to compare with.",
                "Make room there, or let it be written to.",
            ) from error
    finally:
        shutil.rmtree(made, ignore_errors=True)
    _forget(cache, folder)
    return folder


def _forget(cache: Path, keep: Path) -> None:
    """Remove the files of commits that were not asked for lately."""
    known = [path for path in cache.iterdir() if path.is_dir() and path != keep]
    whole = [path for path in known if not path.name.startswith(_NEW)]
    whole.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    left = time.time() - _LEFT
    torn = [path for path in known if path not in whole and path.stat().st_mtime < left]
    for path in [*whole[_KEPT - 1 :], *torn]:
        shutil.rmtree(path, ignore_errors=True)


def _bring_packages(settings: Settings, then: Path) -> None:
    """The same packages are taken from here; others have to be fetched."""
    ours = settings.packages_path
    theirs = then / ours.relative_to(settings.project_dir) if ours is not None else None
    if ours is None or theirs is None or theirs.exists() or not ours.is_dir():
        return
    names = ("packages.yml", "dependencies.yml", "package-lock.yml")
    if all(_text(settings.project_dir / name) == _text(then / name) for name in names):
        theirs.symlink_to(ours, target_is_directory=True)


def _bring_streams(settings: Settings, then: Path) -> None:
    """What is known of the fields that sources offer: it is no part of any commit."""
    ours, theirs = settings.state_dir / "airbyte", then / ".toolkit" / "airbyte"
    if ours.is_dir():
        shutil.copytree(ours, theirs, dirs_exist_ok=True, ignore=shutil.ignore_patterns("private"))


def _text(path: Path) -> str | None:
    return path.read_text(errors="replace") if path.is_file() else None


def _bring_warehouse(settings: Settings, then: Path) -> None:
    """A copy of the DuckDB file, where Jinja looks into it and the profile says it by a relative
    path: so both sides see the same."""
    file = settings.profile.file if settings.profile is not None else None
    raw = settings.profile.raw.get("path") if settings.profile is not None else None
    if file is None or not isinstance(raw, str) or Path(raw).is_absolute() or not file.is_file():
        return
    copy = then / raw
    too_big = file.stat().st_size > _COPIED
    if copy.exists() or too_big or file.with_name(f"{file.name}.wal").exists():
        return
    copy.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(file, copy)


def _prepare(settings: Settings, then: Path) -> None:
    """Parse, compile and trace it in a process of its own, which leaves its caches.

    Two projects in one process would share dbt's adapters and Python's modules.
    """
    ready = then / ".toolkit" / "base-ready"
    state = repr((settings.target, settings.profile_name, dict(settings.vars)))
    if ready.is_file() and ready.read_text() == state:
        return
    words = [
        sys.executable, "-I", "-S", tether.__file__,  # it does not outlive us
        sys.executable, "-m", "toolkit.cli", "lineage", "--quiet", "--format", "csv",
        "--project-dir", str(then), "--target-path", str(then / "target"),
    ]  # fmt: skip
    for option, value in (
        ("--profiles-dir", settings.profiles_dir),
        ("--profile", settings.profile_name),
        ("--target", settings.target),
        ("--vars", msgspec.json.encode(settings.vars).decode() if settings.vars else None),
    ):
        words += [option, str(value)] if value else []
    done = subprocess.run(words, cwd=then, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        said = "\n".join((done.stderr.strip() or done.stdout.strip()).splitlines()[-_LAST:])
        raise ArtifactError(
            f"The base cannot be read, in {then}:\n{said}",
            "There is nothing to compare with.",
            "Mend what it says there (missing packages: `dbt deps`), or compare with artifacts "
            "of an earlier run (--base FOLDER).",
        )
    ready.parent.mkdir(parents=True, exist_ok=True)
    ready.write_text(state)


def _git(folder: Path, *words: str, more: Mapping[str, str] | None = None) -> str | None:
    """What git says; ``None`` where it fails or is not there."""
    environment = {**os.environ, **(more or {}), "GIT_OPTIONAL_LOCKS": "0"}
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *words],
            capture_output=True, text=True, check=False, env=environment,
        )  # fmt: skip
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None
