"""The folder that holds a run's log files, and how long it stays."""

import contextlib
import re
import shutil
from pathlib import Path

from toolkit.errors import ToolkitError
from toolkit.settings import Settings

KEPT = 100
_RUN = re.compile(r"\d{8}T\d{6}-[0-9a-f]{6}")


def log_dir(settings: Settings, run_id: str) -> Path:
    """Make the folder for a run, and remove those of runs beyond the newest 100.

    Raises:
        ToolkitError: it cannot be made.
    """
    folder = settings.output_dir / "logs" / run_id
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ToolkitError(
            f"{folder} cannot be made: {error.strerror}.",
            "Logs and results have nowhere to go, so nothing was run.",
            "Make dbt's target folder writable, or name another with --target-path.",
        ) from error
    _remove_old(folder.parent)
    return folder


def _remove_old(folder: Path) -> None:
    runs = sorted(path for path in folder.iterdir() if _RUN.fullmatch(path.name))
    for path in runs[:-KEPT]:  # a run's id begins with its time
        with contextlib.suppress(OSError):
            shutil.rmtree(path)
