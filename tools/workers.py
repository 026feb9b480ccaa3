"""Processes that work for another one, and do not outlive it."""

import ctypes
import multiprocessing
import os
import signal
import sys
from concurrent.futures import ProcessPoolExecutor

PR_SET_PDEATHSIG = 1  # of Linux


def helpers(count: int | None = None) -> ProcessPoolExecutor:
    """A pool of processes, one a core if not told, that end with this one."""
    spawn = multiprocessing.get_context("spawn")  # else, from Python 3.14, by another process
    return ProcessPoolExecutor(count, spawn, initializer=end_with, initargs=[os.getpid()])


def end_with(parent: int) -> None:
    """Let this process end when `parent`, the one that started it, does: also by `kill -9`.

    On Linux; elsewhere it goes on until its work is done.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it has ended meanwhile
            sys.exit(1)
