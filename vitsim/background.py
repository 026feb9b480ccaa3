"""Background removal through rembg: photo → mask → cut-out on a flat colour.

Everything is computed on this machine; models that send pictures to a server cannot be chosen.
"""

import atexit
import hashlib
import os
import shutil
import sys
import tempfile
import threading
from contextlib import suppress
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

from .files import atomic, cache_folder, sha256
from .images import GREY
from .models import ModelError, shipped
from .texts import tell

# rembg's own names, and `cutout`, the small network that comes with vitsim.
MODELS = ("cutout", "u2net", "u2netp", "isnet-general-use", "birefnet-general-lite")
ALMOST_NOTHING, ALMOST_EVERYTHING = 0.01, 0.99  # share of the picture that the mask covers
MARGIN = 0.05  # of the longer side of what the mask shows, left around it when it is cropped
_one_at_a_time = threading.Lock()  # photos are prepared in threads; one session is enough


def mask_of(image: Image.Image, model: str = "cutout") -> Image.Image:
    """The soft mask of an upright RGB image: mode L, same size, 0 background to 255 pet.

    Kept on disk by the content of the picture and the model, so that the second time is a look-up.
    A cache that cannot be written is told once, on stderr.
    Raises: `ModelError` when the model is unknown or not on this machine and not to be had.
    """
    with _one_at_a_time:
        weights = revision(model)
    content = hashlib.sha256(f"{image.size} {weights} ".encode() + image.tobytes())
    kept = cache_folder() / "masks" / model / f"{content.hexdigest()}.png"
    with suppress(Exception), Image.open(kept) as mask:  # not there or damaged: it is made below
        mask.load()
        if (mask.mode, mask.size) == ("L", image.size):
            return mask
    with _one_at_a_time:
        session = _session(model)
    from rembg import remove

    with np.errstate(invalid="ignore"):  # a flat prediction is scaled by 0/0; its share tells
        mask = remove(image, session=session, only_mask=True)
    try:
        with atomic(kept) as path:
            mask.save(path, compress_level=1)  # quicker to read, and hardly larger
    except OSError as error:
        with _one_at_a_time:
            _tell_not_kept(cache_folder(), error.strerror or str(error))
    return mask


def cut_out(
    image: Image.Image,
    mask: Image.Image,
    colour: tuple[int, int, int] = GREY,
    crop: bool = False,
) -> Image.Image:
    """Lay the masked part of an RGB image on a flat colour: RGB, same size unless it is cropped.

    A soft mask mixes: `mask · image + (1 − mask) · colour`. `crop=True` keeps the bounding box of
    the mask (where it is above half) and `MARGIN` around it: the pet fills the picture, wherever
    in the photo it stood and however far away.
    """
    flat = Image.composite(image.convert("RGB"), Image.new("RGB", image.size, colour), mask)
    box = mask.point(lambda value: 255 * (value > 127)).getbbox() if crop else None
    if box is None:
        return flat
    left, top, right, bottom = box
    margin = round(MARGIN * max(right - left, bottom - top))
    width, height = flat.size
    left, top = max(left - margin, 0), max(top - margin, 0)
    return flat.crop((left, top, min(right + margin, width), min(bottom + margin, height)))


def remove_background(image: Image.Image, model: str = "cutout") -> tuple[Image.Image, str | None]:
    """The cropped cut-out of an upright RGB image, and a note if there is none.

    A mask that covers almost nothing or almost everything is a failure of the network: then the
    image comes back as it is, and the note says so.
    """
    mask = mask_of(image, model)
    share = float(np.asarray(mask, dtype=np.float32).mean() / 255)
    if ALMOST_NOTHING <= share <= ALMOST_EVERYTHING:
        return cut_out(image, mask, crop=True), None
    what = "almost nothing" if share < ALMOST_NOTHING else "almost everything"
    return image, f"{model} marked {what} ({share:.0%}) as foreground; the background was kept"


def fetch(model: str) -> Path:
    """Make sure the weights of a background remover are on this machine; where they are.

    Raises: `ModelError` when the model is unknown or not to be had.
    """
    if model not in MODELS:
        remedy = f"Choose one of {', '.join(MODELS)}, or leave it out."
        raise ModelError(model, "is not a background remover of vitsim", remedy)
    if model == "cutout":
        path = shipped(model) / "cutout.onnx"
        if not path.is_file():
            raise ModelError(model, f"{path} is missing", "Install vitsim again.")
        return path
    _before_rembg()
    from rembg.sessions import sessions_class

    (session,) = [one for one in sessions_class if one.name() == model]
    try:
        return Path(session.download_models())
    except Exception as error:
        reason = f"is not on this machine and cannot be downloaded ({error})"
        remedy = f"With a network, run `vitsim download {model}` once; else use `cutout`."
        raise ModelError(model, reason, remedy) from error


def home() -> Path:
    """Where rembg keeps what it downloads; to ask rembg itself takes seconds."""
    data = os.environ.get("XDG_DATA_HOME")
    usual = Path(data, "rembg") if data else Path("~/.rembg")
    place = os.environ.get("U2NET_HOME") or os.environ.get("REMBG_HOME") or usual
    return Path(place).expanduser()


def is_here(model: str) -> bool:
    """Whether the weights of a background remover are on this machine; nothing is loaded."""
    if model == "cutout":
        return (shipped(model) / "cutout.onnx").is_file()
    data = os.environ.get("XDG_DATA_HOME") or "~"
    before = Path(os.environ.get("U2NET_HOME") or Path(data, ".u2net")).expanduser()
    folders = (home() / "models" / model, before)  # rembg still looks where older ones kept it
    return any((folder / f"{model}.onnx").exists() for folder in folders)


@cache
def revision(model: str) -> str:
    """What tells the weights of a background remover apart: their SHA-256. Raises as `fetch`."""
    return sha256(fetch(model))


@cache
def _session(model: str):
    path = fetch(model)
    _before_rembg()
    from rembg import new_session

    if model != "cutout":
        return new_session(model, providers=["CPUExecutionProvider"])
    before = os.environ.get("U2NET_HOME")
    os.environ["U2NET_HOME"] = str(path.parent)  # rembg takes a custom model only from inside it
    try:
        return new_session("u2net_custom", model_path=str(path), providers=["CPUExecutionProvider"])
    finally:
        if before is None:
            del os.environ["U2NET_HOME"]
        else:
            os.environ["U2NET_HOME"] = before


@cache
def _tell_not_kept(folder: Path, reason: str) -> None:
    """Once, not for every mask."""
    remedy = "Make room there, or set VITSIM_CACHE to a folder of yours."
    tell("note", [f"masks are not kept in {folder} ({reason}). {remedy}"])


def _before_rembg() -> None:
    """Says what takes so long, and finds a place for what numba, which rembg uses, compiles."""
    if "rembg" not in sys.modules:
        if not os.access(Path.home(), os.W_OK):
            place = cache_folder() / "numba"
            with suppress(OSError):
                place.mkdir(parents=True, exist_ok=True)
            if not os.access(place, os.W_OK):
                place = tempfile.mkdtemp()
                atexit.register(shutil.rmtree, place, ignore_errors=True)
            os.environ.setdefault("NUMBA_CACHE_DIR", str(place))
        print("Loading rembg; the first time it compiles for up to a minute …", file=sys.stderr)
