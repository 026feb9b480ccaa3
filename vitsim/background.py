"""Background removal through rembg: photo → mask → cut-out on a flat colour.

Everything is computed on this machine; models that send pictures to a server cannot be chosen.
"""

import hashlib
import os
import sys
import threading
import warnings
from collections.abc import Callable
from contextlib import contextmanager, suppress
from functools import cache, wraps
from pathlib import Path

import numpy as np
from PIL import Image

from .files import atomic, cache_folder, sha256
from .images import GREY
from .models import ModelError, shipped

# rembg's own names, and `cutout`, the small network that comes with vitsim.
MODELS = ("cutout", "u2net", "u2netp", "isnet-general-use", "birefnet-general-lite")
ALMOST_NOTHING, ALMOST_EVERYTHING = 0.01, 0.99  # share of the picture that the mask covers
_one_at_a_time = threading.Lock()  # photos are prepared in threads; one session is enough


def mask_of(image: Image.Image, model: str = "cutout") -> Image.Image:
    """The soft mask of an upright RGB image: mode L, same size, 0 background to 255 pet.

    Kept on disk by the content of the picture and the model, so that the second time is a look-up.
    Raises: `ModelError` when the model is unknown or not on this machine and not to be had.
    """
    if model not in MODELS:
        remedy = f"Choose one of {', '.join(MODELS)}."
        raise ModelError(model, "is not a background remover of vitsim", remedy)
    content = hashlib.sha256(f"{image.size} {_weights(model)} ".encode() + image.tobytes())
    kept = cache_folder() / "masks" / model / f"{content.hexdigest()}.png"
    with suppress(Exception), Image.open(kept) as mask:  # not there or damaged: it is made below
        mask.load()
        if (mask.mode, mask.size) == ("L", image.size):
            return mask
    session = _session(model)
    from rembg import remove

    with np.errstate(invalid="ignore"):  # a flat prediction is scaled by 0/0; coverage tells
        mask = remove(image, session=session, only_mask=True)
    try:
        with atomic(kept) as path:
            mask.save(path, compress_level=1)  # quicker to read, and hardly larger
    except OSError as error:
        warnings.warn(f"masks are not kept: {error}", stacklevel=2)
    return mask


def coverage(mask: Image.Image) -> float:
    """The share of the picture that the mask covers, 0 to 1."""
    return float(np.asarray(mask, dtype=np.float32).mean() / 255)


def cut_out(
    image: Image.Image, mask: Image.Image, colour: tuple[int, int, int] = GREY
) -> Image.Image:
    """Lay the masked part of an RGB image on a flat colour: RGB, same size.

    A soft mask mixes: `mask · image + (1 − mask) · colour`.
    """
    return Image.composite(image.convert("RGB"), Image.new("RGB", image.size, colour), mask)


def remove_background(
    image: Image.Image, model: str = "cutout", colour: tuple[int, int, int] = GREY
) -> tuple[Image.Image, str | None]:
    """The cut-out of an upright RGB image, and a note if there is none.

    A mask that covers almost nothing or almost everything is a failure of the network: then the
    image comes back as it is, and the note says so.
    """
    mask = mask_of(image, model)
    share = coverage(mask)
    if ALMOST_NOTHING <= share <= ALMOST_EVERYTHING:
        return cut_out(image, mask, colour), None
    what = "almost nothing" if share < ALMOST_NOTHING else "almost everything"
    return image, f"{model} marked {what} ({share:.0%}) as foreground; the background was kept"


def fetch(model: str) -> Path:
    """Make sure the weights of a background remover are on this machine; where they are."""
    if model == "cutout":
        path = shipped(model) / "cutout.onnx"
        if not path.is_file():
            raise ModelError(model, f"{path} is missing", "Install vitsim again.")
        return path
    _announce()
    from rembg.sessions import sessions_class

    (session,) = [one for one in sessions_class if one.name() == model]
    try:
        return Path(session.download_models())
    except Exception as error:
        reason = f"is not on this machine and cannot be downloaded ({error})"
        remedy = f"With a network, run `vitsim download {model}` once; else use `cutout`."
        raise ModelError(model, reason, remedy) from error


def _once(function: Callable) -> Callable:
    """`cache`, also for threads that call at the same time: one works, the others wait."""
    kept = cache(function)

    @wraps(function)
    def waiting(model: str):
        with _one_at_a_time:
            return kept(model)

    waiting.cache_clear = kept.cache_clear
    return waiting


@_once
def _weights(model: str) -> str:
    return sha256(fetch(model))


@_once
def _session(model: str):
    path = fetch(model)
    _announce()
    from rembg import new_session

    if model != "cutout":
        return new_session(model, providers=["CPUExecutionProvider"])
    with _models_folder(path.parent):  # rembg accepts a custom model only from inside its folder
        return new_session("u2net_custom", model_path=str(path), providers=["CPUExecutionProvider"])


@contextmanager
def _models_folder(folder: Path):
    before = os.environ.get("U2NET_HOME")
    os.environ["U2NET_HOME"] = str(folder)
    try:
        yield
    finally:
        if before is None:
            del os.environ["U2NET_HOME"]
        else:
            os.environ["U2NET_HOME"] = before


def _announce() -> None:
    if "rembg" not in sys.modules:
        print("Loading rembg; the first time it compiles for up to a minute …", file=sys.stderr)
