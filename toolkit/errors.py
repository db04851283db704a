"""Everything that can go wrong, in one picture.

::

    ToolkitError                 exit code 2 unless said otherwise
    ├── UsageError               the command line makes no sense
    │   └── SelectionError       --select/--exclude that cannot be read
    ├── SettingsError            toolkit.yml, dbt_project.yml, profiles.yml, environment
    │   └── ProjectNotFoundError no dbt project where we were told to look
    ├── ArtifactError            manifest, catalog or connection file that cannot be read
    ├── GraphError               the assets do not make a graph
    │   ├── CycleError           an asset depends on itself, by this path
    │   └── DuplicateKeyError    two assets claim one key
    ├── ConnectorError           a connector cannot be installed or started (exit 1)
    ├── HookError                hooks that a tool runs beside its steps failed (exit 1)
    ├── AssetError               a Python asset that cannot be loaded (2) or failed (1)
    ├── WarehouseError           the warehouse cannot be opened or written
    │   └── WarehouseLockedError another process holds the DuckDB file
    ├── PublishError             what was built cannot be put live (exit 1)
    ├── LedgerError              the ledger cannot be opened or written
    └── RunLockedError           another run holds the project (exit 4)

A :class:`Problem` is a failure that we tolerate (one model's lineage, one
unmatched stream): it is counted and listed in every output and stops nothing.
"""

from collections.abc import Mapping
from typing import ClassVar, Literal

import msgspec

Severity = Literal["error", "warning", "info"]


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something that is wrong but tolerated; listed in every output.

    Attributes:
        asset: key of the asset it is about, ``None`` for the project.
        code: stable kebab-case name of the kind of problem, for machines.
        message: the fact, the consequence and what to do, in one or two sentences.
        severity: how bad; ``error`` where something that was asked for is missing.
        path: file, relative to the project folder, where known.
        line: 1-based line in that file, where known.
    """

    asset: str | None
    code: str
    message: str
    severity: Severity = "warning"
    path: str | None = None
    line: int | None = None


class ToolkitError(Exception):
    """Base of every error that a user can meet.

    Args:
        fact: what is wrong, with file:line and key where there are any.
        consequence: what that means for what was asked.
        next_step: the next command or edit that mends it.
    """

    exit_code: ClassVar[int] = 2

    def __init__(self, fact: str, consequence: str = "", next_step: str = "") -> None:
        super().__init__(fact)
        self.fact = fact
        self.consequence = consequence
        self.next_step = next_step

    def __str__(self) -> str:
        """The three parts, a line each, without empty ones."""
        return "\n".join(part for part in (self.fact, self.consequence, self.next_step) if part)


class UsageError(ToolkitError):
    """The command line asks for something that makes no sense."""


class SelectionError(UsageError):
    """A ``--select`` or ``--exclude`` that cannot be read."""


class SettingsError(ToolkitError):
    """toolkit.yml, dbt_project.yml, profiles.yml or the environment is wrong."""


class ProjectNotFoundError(SettingsError):
    """There is no dbt project where we were told to look."""


class ArtifactError(ToolkitError):
    """A manifest, catalog or connection file cannot be read."""


class GraphError(ToolkitError):
    """The assets do not make a graph."""


class CycleError(GraphError):
    """An asset depends on itself; ``path`` holds the keys in order, first = last."""

    def __init__(self, path: tuple[str, ...]) -> None:
        super().__init__(
            "The assets depend on each other in a circle: " + " -> ".join(path) + ".",
            "No order exists in which they could be built, so nothing was run.",
            "Remove one of these dependencies.",
        )
        self.path = path


class DuplicateKeyError(GraphError):
    """Two assets claim one key."""


class ConnectorError(ToolkitError):
    """A connector cannot be installed, started or understood.

    Attributes:
        may_pass: the same again may do better: nobody answered, the source was too busy.
    """

    exit_code = 1
    may_pass = False


class HookError(ToolkitError):
    """Hooks that a tool runs beside its steps failed; ``failed`` has each one's message by key."""

    exit_code = 1

    def __init__(self, failed: Mapping[str, str], consequence: str, next_step: str) -> None:
        said = "\n".join(f"The hook {key} failed: {message}" for key, message in failed.items())
        super().__init__(said, consequence, next_step)
        self.failed = failed


class AssetError(ToolkitError):
    """A Python asset cannot be loaded."""


class AssetFailedError(AssetError):
    """A Python asset raised, or returned what it may not."""

    exit_code = 1


class WarehouseError(ToolkitError):
    """The warehouse cannot be opened or written."""


class WarehouseLockedError(WarehouseError):
    """Another process holds the DuckDB file."""


class PublishError(ToolkitError):
    """What a build has made in a copy of the warehouse cannot be put in its place."""

    exit_code = 1


class LedgerError(ToolkitError):
    """The ledger cannot be opened, read or written."""


class RunLockedError(ToolkitError):
    """Another run of this project is going on."""

    exit_code = 4
