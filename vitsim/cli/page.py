"""`vitsim app`: the demo page."""

from __future__ import annotations

import os
import signal
import socket
import time
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from .. import VitsimError
from ._app import ModelIfAny, Place, app, option
from .find import open_gallery

Remover = option(
    str | None,
    "What removes the background, as in `match`; or keep.",
    "as the gallery was made, or cutout",
)


@app.command("app")
def show(
    gallery: Place = "toy-pets",
    model: ModelIfAny = None,
    background: Remover = None,
    host: Annotated[
        str,
        typer.Option(
            help="127.0.0.1 is this machine alone; 0.0.0.0 everyone on the network; behind a proxy "
            "the name by which it asks."
        ),
    ] = "127.0.0.1",
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Any free one if left out.")
    ] = None,
    browser: Annotated[bool, typer.Option(help="Open the page.")] = True,
) -> None:
    """Open a page in the browser: drop a photo, see its matches and how sure to be.

    English or Portuguese, as the browser asks. A photo dropped on the page stays on this machine
    and is deleted after twenty minutes; those of the gallery are only read.
    """
    try:
        import gradio  # noqa: F401
    except ModuleNotFoundError as error:
        remedy = 'Run `pip install "vitsim[app]"`.'
        raise VitsimError("gradio", "is not installed", remedy) from error
    _listen_once(host, port)
    from .. import datasets, milvus, store
    from ..app import serve

    made = gallery.startswith(milvus.PREFIX) or store.is_gallery(Path(gallery))
    opened = open_gallery(gallery, model, background or (None if made else "cutout"))
    examples = []
    if gallery == datasets.TOY_PETS and not Path(gallery).exists():
        examples = list(datasets.pets("query", "test").drop_duplicates("pet")["photo"][:8])
    for name in ("no_proxy", "NO_PROXY"):  # Gradio asks its own page whether it is there
        known = os.environ.get(name, "").split(",")
        here = "127.0.0.1", "localhost", host.strip("[]")
        os.environ[name] = ",".join([*filter(None, known), *here])
    host = f"[{host}]" if ":" in host and "[" not in host else host  # as in an address
    _hold(host, serve(opened, examples, host, port or None, browser))


def _hold(host: str, address: str) -> None:
    """Until the command is interrupted; then end at once."""
    for name in {"SIGTERM", "SIGHUP"} & set(dir(signal)):  # as Ctrl-C
        if signal.getsignal(getattr(signal, name)) is not signal.SIG_IGN:  # as nohup wants it
            signal.signal(getattr(signal, name), signal.default_int_handler)
    with suppress(KeyboardInterrupt):
        print(f"{address} — Ctrl-C ends it.", *_from_elsewhere(host, address), flush=True)
        while True:
            time.sleep(0.2)
    os._exit(0)  # not by and by: a thread may be at work, and would abort


def _from_elsewhere(host: str, address: str) -> list[str]:
    """By what address others on the network reach a page that listens to all of them."""
    if host not in ("0.0.0.0", "[::]"):
        return []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as way, suppress(OSError):
        way.connect(("192.0.2.1", 9))  # of nobody; nothing is sent
        port = address.rstrip("/").rpartition(":")[2]
        return [f"For others on this network: http://{way.getsockname()[0]}:{port}/"]
    return []  # there is no network


def _listen_once(host: str, port: int | None) -> None:
    """Raises `VitsimError`. Gradio would try for a minute, and blame the port for the host."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for name, value, number in (("host", host, 0), ("port", port, port or 0)):
        try:
            socket.create_server((host.strip("[]"), number), family=family).close()
        except (OSError, UnicodeError) as error:  # the latter for a name that cannot be one
            reason = str(error).partition(" (while ")[0]
            remedy = f"Choose another one with --{name}, or leave it out."
            raise VitsimError(f"{name} {value}", f"cannot be used ({reason})", remedy) from error
