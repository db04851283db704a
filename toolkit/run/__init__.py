"""plan -> what happens: the lock, the scheduler, the journal, progress."""

from toolkit.run.build import BuildOptions, BuildResult, build
from toolkit.run.lock import RunLock, nobody_runs

__all__ = ["BuildOptions", "BuildResult", "RunLock", "build", "nobody_runs"]
