"""Processes that work for another one, and do not outlive it."""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # of Linux


def end_with(parent: int) -> None:
    """Let this process end when `parent`, the one that started it, does: also by `kill -9`.

    On Linux; elsewhere it goes on until its work is done.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it has ended meanwhile
            sys.exit(1)
