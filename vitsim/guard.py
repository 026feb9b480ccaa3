"""What keeps the demo page to one room: no other site can read or fill it, and no upload stays."""

import ipaddress
import os
import re
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

POLICY = [(b"referrer-policy", b"no-referrer"), (
    b"content-security-policy",
    b"default-src 'self' data: blob:; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; "
    b"style-src 'self' 'unsafe-inline'; connect-src 'self' data: blob:; frame-ancestors 'self'",
)]  # fmt: skip


def guarded(page, host: str = ""):
    """The ASGI application `page`, which listens to `host`, closed to other sites.

    It also tells the browser to load nothing from any other machine.
    """

    async def answer(scope, receive, send) -> None:
        async def send_with(message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *POLICY]
            await send(message)

        if scope["type"] == "http" and is_foreign(dict(scope["headers"]), host):
            await send({"type": "http.response.start", "status": 403, "headers": []})
            await send({"type": "http.response.body", "body": b"Ask by the address of the page."})
        else:
            await page(scope, receive, send_with)

    return answer


def is_foreign(headers: dict[bytes, bytes], listens: str = "") -> bool:
    """Whether another site asks: openly, or by a name of its own that leads to this machine.

    This machine's names are its addresses, localhost, what it calls itself, and what it `listens`
    to.
    """
    host, origin = (headers.get(name, b"").decode("latin-1") for name in (b"host", b"origin"))
    name = re.sub(r":\d*$", "", host.lower()).strip("[]")
    machine = socket.gethostname().lower()
    own = {"localhost", machine, f"{machine}.local", listens.strip("[]").lower()} - {""}
    with suppress(ValueError):
        ipaddress.ip_address(name)
        own.add(name)
    return name not in own or bool(origin and origin.partition("://")[2] != host)


def forget(folder: str, seconds: float) -> None:
    """Delete files below `folder` when they are so old: also the half of a broken upload."""

    def sweep() -> None:
        while os.path.isdir(folder):
            time.sleep(seconds / 10)
            with suppress(OSError):  # a folder may go meanwhile: the next time, then
                for path in filter(Path.is_file, Path(folder).rglob("*")):
                    written = path.stat()
                    if time.time() - max(written.st_ctime, written.st_mtime) > seconds:
                        path.unlink()

    threading.Thread(target=sweep, daemon=True).start()


def delete_after(folder: str) -> subprocess.Popen:
    """Delete the folder when this process has ended, however it does: also by `kill -9`.

    A small process waits for that; a thread that still writes cannot make the folder anew.
    """
    program = "import shutil, signal, sys; signal.signal(signal.SIGINT, signal.SIG_IGN); "
    program += "sys.stdin.read(); shutil.rmtree(sys.argv[1], ignore_errors=True)"
    quiet = dict.fromkeys(("stdout", "stderr"), subprocess.DEVNULL)
    command = [sys.executable, "-c", program, folder]
    return subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True, **quiet)
