"""plan -> what happens: the lock, the scheduler, the journal, progress."""

from toolkit.run.build import BuildOptions, BuildResult, build, new_run
from toolkit.run.lock import RunLock, nobody_runs

__all__ = ["BuildOptions", "BuildResult", "RunLock", "build", "new_run", "nobody_runs"]
