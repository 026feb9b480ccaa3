"""The command `vitsim`: find the photos most like one photo, and what that needs."""

from __future__ import annotations

import atexit
import errno
import gc
import io
import os
import sys

from .. import VitsimError
from ..texts import plain
from . import care, evaluate, find, page  # noqa: F401  each adds its commands to `app`
from ._app import app


def main() -> None:
    """Run the command; a user's mistake ends in one sentence and exit code 1."""
    gc.set_threshold(100_000, 50, 50)  # what torch imports stays: less looking for garbage in it
    atexit.register(gc.freeze)  # nor at the end, when all of it goes at once
    for stream in filter(None, (sys.stdout, sys.stderr)):
        stream.reconfigure(errors="backslashreplace")  # names that the terminal cannot show
    sys.stderr = sys.stderr or io.StringIO()  # where it is closed, nobody reads it
    code = _run([word for word in sys.argv[1:] if word != "--debug"], "--debug" in sys.argv)
    try:
        if sys.stdout:
            sys.stdout.flush()
    except OSError as error:  # the reader has gone, as with `| head`, or the disk is full
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            code = f"vitsim: the output cannot be written ({error.strerror})"
    sys.exit(code)


def _run(words: list[str], debug: bool) -> int | str | None:
    """The exit code, or what went wrong."""
    interrupted = "vitsim: interrupted. Run the same command again to go on."
    try:
        app(args=words, prog_name="vitsim")
    except (SystemExit, KeyboardInterrupt) as stop:
        code = getattr(stop, "code", 130)  # typer's word for Ctrl-C, which may come before it
        if code == 130:
            print(interrupted, file=sys.stderr)
        return code
    except Exception as error:
        if debug:
            raise
        if isinstance(error, OSError) and error.filename and error.strerror:
            return plain(f"vitsim: {error.filename}: {error.strerror}. Check the path.")
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EPIPE, errno.EIO):
            return f"vitsim: the output cannot be written ({error.strerror})"
        if isinstance(error, VitsimError):
            return plain(f"vitsim: {error}")
        return plain(f"vitsim: {error!r}. That should not happen; --debug shows where it did.")
