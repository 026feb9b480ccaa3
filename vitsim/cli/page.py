"""`vitsim app`: the demo page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .. import VitsimError
from ._app import Model, app
from .find import open_gallery


@app.command("app")
def show(
    gallery: Annotated[
        str, typer.Option("--gallery", "-g", help="A gallery, a folder of photos, or toy-pets.")
    ] = "toy-pets",
    model: Model = None,
    background: Annotated[
        str | None,
        typer.Option(
            help="What removes the background, as in `match`; or keep.",
            show_default="as the gallery was made, or cutout",
        ),
    ] = None,
    host: Annotated[
        str, typer.Option(help="127.0.0.1 is this machine alone; 0.0.0.0 everyone on the network.")
    ] = "127.0.0.1",
    port: Annotated[int | None, typer.Option(help="Any free one if left out.")] = None,
    browser: Annotated[bool, typer.Option(help="Open the page.")] = True,
) -> None:
    """Open a page in the browser: drop a photo, see its matches and how sure to be.

    English or Portuguese, as the browser asks. Photos stay on this machine and are soon deleted.
    """
    try:
        import gradio  # noqa: F401
    except ModuleNotFoundError as error:
        remedy = 'Run `pip install "vitsim[app]"`.'
        raise VitsimError("gradio", "is not installed", remedy) from error
    from .. import datasets, milvus, store
    from ..app import serve

    made = gallery.startswith(milvus.PREFIX) or (
        gallery != datasets.TOY_PETS and store.is_gallery(Path(gallery))
    )
    opened = open_gallery(gallery, model, background or (None if made else "cutout"))
    examples = datasets.pets("query", "test").drop_duplicates("pet")["photo"][:8]
    serve(opened, list(examples) if gallery == datasets.TOY_PETS else [], host, port, browser)
