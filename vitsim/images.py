"""Photographs: find them in a folder, open them upright and in RGB, fit them to a square."""

import errno
import os
import re
import stat
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageCms, ImageOps

from . import VitsimError
from .files import sha256

# fmt: off
SUFFIXES = frozenset([".avif", ".bmp", ".gif", ".heic", ".heif", ".jfif", ".jp2", ".jpeg", ".jpg",
                      ".png", ".tif", ".tiff", ".webp"])
# fmt: on
HEIF = frozenset(b"ftyp" + brand for brand in (b"heic", b"heix", b"hevc", b"heim", b"mif1"))
Photo = str | os.PathLike | Image.Image  # what `open_photo` takes
FITS = ("letterbox", "squash", "crop")
WHITE, GREY = (255, 255, 255), (128, 128, 128)
_SILENT = ("ignore", None, Warning, re.compile(r"PIL\.|pillow_heif|vitsim\.images"), 0)


class PhotoError(VitsimError):
    """A photo that cannot be read. The message names the file, the reason and the remedy."""


def find_photos(folder: str | os.PathLike) -> list[Path]:
    """All photos below `folder`, by file ending, in the same order on every system.

    Hidden files and folders are passed over; links are followed, each real folder once. A folder
    that may not be read is listed itself, so that whoever opens it is told.
    Raises `PhotoError` when `folder` is not a folder that can be read.
    """
    root = Path(folder)
    try:
        os.listdir(root)
    except NotADirectoryError as error:
        raise PhotoError(root, "is not a folder", "Give a folder that holds photos.") from error
    except (OSError, ValueError) as error:
        raise PhotoError(root, *_explain(root, error)) from error
    closed: list[Path] = []
    found = [path for path in _walk(root, closed) if path.suffix.lower() in SUFFIXES]
    return sorted(found + closed, key=lambda path: path.relative_to(root).as_posix())


def _walk(root: Path, closed: list[Path]) -> Iterator[Path]:
    """Every file below `root`; folders that cannot be looked into are added to `closed`."""
    top = os.path.realpath(root)
    seen = {top}

    def refused(error: OSError) -> None:
        closed.append(Path(error.filename))

    for folder, inner, names in os.walk(root, onerror=refused, followlinks=True):
        kept = []
        for name in sorted(inner):
            real = os.path.realpath(path := os.path.join(folder, name))
            if os.path.islink(path) and _is_walked(Path(real), top):
                continue  # under its own name, which is the label
            if not name.startswith(".") and real not in seen:
                seen.add(real)
                kept.append(name)
        inner[:] = kept
        yield from (Path(folder, name) for name in names if not name.startswith("."))


def _is_walked(folder: Path, top: str) -> bool:
    """Whether a real folder lies below `top`, and not in a hidden folder."""
    way = folder.relative_to(top).parts if folder.is_relative_to(top) else ("..",)
    return not any(part.startswith(".") for part in way)


def open_photo(photo: Photo, background: tuple[int, int, int] = WHITE) -> Image.Image:
    """Open a photo upright and in RGB, whatever it is stored as; an image is made so, too.

    EXIF orientation is applied. Transparency is laid on `background`. Of an animation the first
    frame is taken. 16-bit grey is scaled to 8 bits, floating point in 0–1 as well; CMYK goes
    through its colour profile when it carries one.

    Returns: an RGB `PIL.Image`, 8 bits a channel.
    Raises: `PhotoError` for whatever cannot be read, and for nothing else.
    """
    is_image = isinstance(photo, Image.Image)
    path = Path((getattr(photo, "filename", "") or "the image") if is_image else photo)
    with _telling(path):
        # Not `catch_warnings`: threads that leave it out of order leave every warning off.
        # Pillow still refuses bombs above twice its limit.
        # Not for each photo: with every change Python forgets which warnings it has shown.
        if warnings.filters[:1] != [_SILENT]:
            warnings.filterwarnings("ignore", module=_SILENT[3].pattern)
        if is_image:
            return _plain_rgb(photo, background)
        _refuse_what_is_no_file(path)
        _opens_heif()
        with Image.open(path) as image:
            if image.format == "EPS":  # Pillow would have Ghostscript run it
                raise PhotoError(path, "is a program (EPS), not a picture", "Export it as JPEG.")
            image.load()
            return _plain_rgb(image, background)


def fingerprint(path: str | os.PathLike) -> tuple[str, int]:
    """(SHA-256, bytes) of a photo's file. Raises `PhotoError` when it cannot be read."""
    path = Path(path)
    with _telling(path):
        _refuse_what_is_no_file(path)
        return sha256(path), path.stat().st_size


@contextmanager
def _telling(path: Path) -> Iterator[None]:
    try:
        yield
    except PhotoError:
        raise
    except Exception as error:  # decoders raise nearly anything on damaged input
        raise PhotoError(path, *_explain(path, error)) from error


def _refuse_what_is_no_file(path: Path) -> None:
    """A folder or a pipe: opening a pipe would wait for ever. A missing file raises `OSError`."""
    mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        os.listdir(path)  # one that is closed raises `OSError` as well
    if not stat.S_ISREG(mode):
        raise PhotoError(path, "is not a regular file", "Give the path of one photo.")


def _plain_rgb(image: Image.Image, background: tuple[int, int, int]) -> Image.Image:
    """Upright and in RGB, with no metadata but the colour profile: it is done with the rest."""
    rgb = _to_rgb(_upright(image), background)
    rgb.info = {name: rgb.info[name] for name in ("icc_profile",) if name in rgb.info}
    return rgb


def _upright(image: Image.Image) -> Image.Image:
    try:
        turned = image.getexif().get(ExifTags.Base.Orientation, 1) != 1
        return ImageOps.exif_transpose(image) if turned else image
    except Exception:  # nonsense in the EXIF block is no reason to lose the picture
        return image


def _to_rgb(image: Image.Image, background: tuple[int, int, int]) -> Image.Image:
    if image.mode.startswith(("I", "F")):
        return _from_deep_grey(image).convert("RGB")
    if image.mode == "CMYK" and image.info.get("icc_profile"):
        return _from_cmyk_profile(image)
    if not image.has_transparency_data:
        return image.convert("RGB")
    image = image.convert("RGBA")
    flat = Image.new("RGBA", image.size, (*background, 255))
    return Image.alpha_composite(flat, image).convert("RGB")


def _from_deep_grey(image: Image.Image) -> Image.Image:
    values = np.nan_to_num(np.asarray(image, dtype=np.float64))
    if image.mode == "F":
        scale = 255.0 if values.max(initial=0) <= 1 else 1.0
    else:  # 16 bits, which Pillow opens as I;16 or as I
        scale = 1 / 257 if image.mode != "I" or values.max(initial=0) > 255 else 1.0
    return Image.fromarray((values * scale).round().clip(0, 255).astype(np.uint8))


def _from_cmyk_profile(image: Image.Image) -> Image.Image:
    try:
        profile = ImageCms.ImageCmsProfile(BytesIO(image.info["icc_profile"]))
        return ImageCms.profileToProfile(
            image, profile, ImageCms.createProfile("sRGB"), outputMode="RGB"
        )
    except (ImageCms.PyCMSError, OSError):  # a damaged profile: the plain conversion will do
        return image.convert("RGB")


@cache
def _opens_heif() -> bool:
    """Whether Pillow opens HEIC photos here: it does once pillow-heif is installed."""
    try:
        from pillow_heif import register_heif_opener
    except ImportError:
        return False
    register_heif_opener()
    return True


def _explain(path: Path, error: Exception) -> tuple[str, str]:
    if isinstance(error, FileNotFoundError):
        return "does not exist", "Check the path and its spelling."
    if isinstance(error, PermissionError):
        return "may not be read", "Change its permissions, or copy it to a folder of your own."
    if isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG:
        return "has too long a name", "Give it a shorter one."
    if isinstance(error, Image.DecompressionBombError):
        return "has too many pixels", "Save a smaller copy (under 100 megapixels) and use that."
    try:
        with open(path, "rb") as file:
            start = file.read(12)
    except (OSError, ValueError):  # ValueError: a NUL character in the name
        return f"cannot be opened ({error})", "Rename the file, or copy it to another folder."
    if not start:
        return "is empty (0 bytes)", "Copy it again from where it came from."
    if start[4:] in HEIF and not _opens_heif():
        return "is a HEIC photo", "Run `pip install pillow-heif`, or export it as JPEG."
    if isinstance(error, Image.UnidentifiedImageError):
        return "is not a picture, whatever its name says", "Open it to see what it is; replace it."
    return f"is damaged ({error})", "Copy it again from where it came from."


def fit(image: Image.Image, size: int, how: str = "letterbox", fill=GREY) -> Image.Image:
    """Fit an RGB photo to a `size` × `size` square.

    `letterbox` keeps everything and the proportions, and fills the rest with the colour `fill`;
    `squash` keeps everything and gives up the proportions, as the processor of
    `google/vit-base-patch16-224` does; `crop` keeps the proportions and gives up the edges.
    Raises: `ValueError` for another way, or a size below 1.
    """
    if how not in FITS:
        raise ValueError(f"how={how!r}: expected one of {', '.join(FITS)}")
    if size < 1:
        raise ValueError(f"size={size}: expected at least 1 pixel")
    if how == "squash":
        return image.resize((size, size), Image.Resampling.BILINEAR)
    if how == "crop":
        return ImageOps.fit(image, (size, size), Image.Resampling.BICUBIC)
    scale = size / max(image.size)
    width, height = (max(1, round(side * scale)) for side in image.size)
    square = Image.new("RGB", (size, size), fill)
    inside = image.resize((width, height), Image.Resampling.BICUBIC)
    square.paste(inside, ((size - width) // 2, (size - height) // 2))
    return square


@dataclass(frozen=True)
class Finding:
    """One thing about one photo that may hurt a match. `kind`: unreadable, twin, small, dark …"""

    path: Path
    kind: str
    text: str


def audit(folder: str | os.PathLike, progress: bool = False) -> list[Finding]:
    """What is wrong with the photos below `folder`, in the order of the files.

    Looks for photos that cannot be read, exact copies, a short side under 128 pixels, very dark
    or very bright pictures (mean under 25 or over 230 of 255), hardly any contrast (standard
    deviation under 10), sides further apart than 3 : 1, and photos stored lying on their side.
    """
    from tqdm import tqdm

    findings, seen = [], {}
    photos = find_photos(folder)
    for path in tqdm(photos, "auditing", unit="photo", disable=not progress):
        try:
            image, (digest, _) = open_photo(path), fingerprint(path)
        except PhotoError as error:
            findings.append(Finding(path, "unreadable", str(error)))
            continue
        if digest in seen:
            findings.append(Finding(path, "twin", f"{path}: the same file as {seen[digest]}"))
        seen.setdefault(digest, path)
        findings += [Finding(path, kind, f"{path}: {text}") for kind, text in _look(path, image)]
    return findings


def _look(path: Path, image: Image.Image) -> Iterator[tuple[str, str]]:
    short, long = sorted(image.size)
    preview = image.copy()
    preview.thumbnail((256, 256))
    grey = np.asarray(preview.convert("L"), dtype=np.float32)
    if short < 128:
        yield "small", f"only {short} pixels on its short side; details are lost"
    if long > 3 * short:
        yield "long", f"{image.width} × {image.height}: fitting it to a square leaves little of it"
    if grey.mean() < 25:
        yield "dark", f"mean brightness {grey.mean():.0f} of 255"
    elif grey.mean() > 230:
        yield "bright", f"mean brightness {grey.mean():.0f} of 255"
    if grey.std() < 10:
        yield "flat", f"hardly any contrast (standard deviation {grey.std():.0f} of 255)"
    if _lies_on_its_side(path):
        yield "turned", "stored lying on its side; vitsim turns it, other programs may not"


def _lies_on_its_side(path: Path) -> bool:
    try:
        with Image.open(path) as stored:
            return stored.getexif().get(0x0112, 1) in (5, 6, 7, 8)
    except Exception:  # nonsense in the EXIF block
        return False
