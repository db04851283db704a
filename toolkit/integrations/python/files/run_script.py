"""Running a plain script within an isolated process; imported there only."""

import os
import runpy
import sys
from pathlib import Path

from toolkit.integrations.python.running.calling import told_with_line


def run_script(script: Path, project_dir: Path) -> None:
    """Run it as ``python script.py`` in the project's folder would.

    Raises:
        AssetFailedError: it raised; with the line.
    """
    os.chdir(project_dir)
    sys.argv = [str(script)]
    sys.path.insert(0, str(script.parent))
    with told_with_line(str(script.parent), project_dir):
        try:
            runpy.run_path(str(script), run_name="__main__")
        except SystemExit as error:
            if error.code not in (None, 0):
                raise
