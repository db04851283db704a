"""The project as it was: what a diff compares with.

From a manifest, a folder of artifacts, another checkout of the project, or a commit.
"""

from toolkit.baseline.artifacts import from_path
from toolkit.baseline.commit import from_commit
from toolkit.baseline.load import Baseline, baseline

__all__ = ["Baseline", "baseline", "from_commit", "from_path"]
