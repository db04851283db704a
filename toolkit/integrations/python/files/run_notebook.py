"""Running a notebook within an isolated process, by papermill; imported there only."""

import contextlib
import json
import os
import re
import sys
from pathlib import Path
from typing import Any

from toolkit.errors import AssetFailedError
from toolkit.integrations.python.declared.places import relative
from toolkit.integrations.python.running.calling import AGAIN, UNTOUCHED

OUTPUT = "output.ipynb"
KERNEL = "toolkit"

_LINE = re.compile(r"Cell In\[\d+\], line (\d+)")
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def run_notebook(notebook: Path, place: Path, python: str, shim: str, project_dir: Path) -> None:
    """Run all cells; the notebook with its outputs is ``output.ipynb`` in ``place``.

    Args:
        python: whose kernel it is: toolkit's, or that of an environment of the notebook's own.
        shim: folder of what stands for toolkit there; empty where toolkit itself is.

    Raises:
        AssetFailedError: a cell raised, with its number and line; papermill is not installed.
    """
    try:
        import papermill
        from papermill.exceptions import PapermillExecutionError
    except ImportError as error:
        raise AssetFailedError(
            f"Notebooks need papermill, which is not installed ({error}).",
            "It was not run.",
            "Install it: pip install 'toolkit[notebooks]'",
        ) from None
    _prepare(place, python, shim)
    try:
        papermill.execute_notebook(
            str(notebook),
            str(place / OUTPUT),
            kernel_name=KERNEL,
            language="python",
            cwd=str(notebook.parent),
            progress_bar=False,
            stdout_file=sys.stdout,
            stderr_file=sys.stderr,
        )
    except PapermillExecutionError as error:
        raise _failed(error, relative(notebook, project_dir)) from error
    except Exception as error:
        # The kernel, its sockets and papermill's reading raise what they like.
        text = " ".join(str(error).split()) or type(error).__name__
        raise AssetFailedError(
            f"The notebook's kernel ended, or could not be started: {text}", UNTOUCHED, AGAIN
        ) from error


def _prepare(place: Path, python: str, shim: str) -> None:
    """A kernel of our own, so that it does not matter which ones a user has installed."""
    kernel = place / "jupyter" / "kernels" / KERNEL
    kernel.mkdir(parents=True)
    environment = {"PYTHONPATH": shim} if shim else {}
    said = {
        "argv": [
            *(python, "-m", "ipykernel_launcher", "-f", "{connection_file}"),
            "--HistoryManager.enabled=False",
        ],
        "display_name": KERNEL,
        "language": "python",
        "env": environment,
    }
    (kernel / "kernel.json").write_text(json.dumps(said), encoding="utf-8")
    os.environ["JUPYTER_PATH"] = str(place / "jupyter")
    os.environ["JUPYTER_RUNTIME_DIR"] = str(place / "jupyter" / "runtime")
    os.environ["IPYTHONDIR"] = str(place / "ipython")
    # The same place for whatever has been imported already.
    with contextlib.suppress(OSError):
        (place / "ipython").mkdir()


def _failed(error: Any, notebook: str) -> AssetFailedError:  # noqa: ANN401  # papermill's
    """Which cell raised what, and where in it."""
    trace = [_COLOURS.sub("", line) for line in error.traceback]
    lines = _LINE.findall("\n".join(trace))
    print("\n".join(trace), file=sys.stderr)
    text = " ".join(str(error.evalue).split())
    where = f"cell [{error.exec_count}]" + (f", line {lines[-1]}" if lines else "")
    return AssetFailedError(
        f"It raised {error.ename}{f': {text}' if text else ''} at {notebook}, {where}",
        UNTOUCHED,
        AGAIN,
    )
