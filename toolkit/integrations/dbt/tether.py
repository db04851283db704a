"""Starts a program that does not outlive us. Run as a program itself: ``tether.py PROGRAM ARGS``.

Of the standard library alone, so that it costs a few milliseconds. On Linux the kernel ends the
program when toolkit dies, by whatever death; elsewhere only what toolkit itself can still do.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Become the program that the arguments name."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    os.execv(sys.argv[1], sys.argv[1:])


if __name__ == "__main__":
    main()
