"""plan -> what happens: the lock, the scheduler, the journal, progress."""

from toolkit.run.build import BuildOptions, BuildResult, build
from toolkit.run.lock import RunLock, nobody_runs
from toolkit.run.runs import ended, holding, new_run

__all__ = [
    "BuildOptions",
    "BuildResult",
    "RunLock",
    "build",
    "ended",
    "holding",
    "new_run",
    "nobody_runs",
]
