"""The frame of an isolated process: signals, streams, the answer's file, and how it leaves.

It leaves by ``os._exit``: what the function has left running, a thread or a library's
clean-up that hangs, must not hold up the build. Standard library only: toolkit's own child
uses it, and the program of environments that have no toolkit.
"""

import atexit
import faulthandler
import os
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

JOB = "job.json"
ANSWER = "answer.json"
CRASH = "crash.txt"
MODEL = "model.skops"
TABLE = "result.arrow"

# As in toolkit/notebook.py, which must do without us.
NOTEBOOK_FOLDER = "TOOLKIT_NOTEBOOK"
SAVED = "saved"

NOT_SAVED = "It ended, but it never called toolkit.notebook.save(), so there is no table."
SAVE = "Call toolkit.notebook.save(frame) with what the asset's table is to hold."


class Stopped(BaseException):
    """TERM came; no ``except Exception`` of the user's is to swallow it."""


def main(folder: str, work: Callable[[Path, bytes], bytes]) -> NoReturn:
    """Do the job in ``folder`` with ``work(folder, job)``; write the answer beside it."""
    place = Path(folder)
    code = 1
    try:
        signal.signal(signal.SIGTERM, _stop)
        crash = (place / CRASH).open("w", encoding="utf-8")
        faulthandler.enable(crash)
        for stream in (sys.stdout, sys.stderr):
            stream.reconfigure(  # type: ignore[union-attr]  # both are TextIOWrappers here
                encoding="utf-8", errors="backslashreplace", write_through=True
            )
        answer = work(place, (place / JOB).read_bytes())
        (place / f"{ANSWER}.new").write_bytes(answer)
        (place / f"{ANSWER}.new").rename(place / ANSWER)
        atexit._run_exitfuncs()
        code = 0
    except Stopped:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTERM)
    except BaseException:  # noqa: BLE001  # KeyboardInterrupt and the like; toolkit hears the code
        _report()
    finally:
        os._exit(code)


def _report() -> None:
    try:
        traceback.print_exc()
    except (OSError, ValueError):  # the function has closed standard error
        return


def _stop(*_: object) -> NoReturn:
    raise Stopped
