"""Search for bytes that make `open_photo` do anything but open a photo or raise `PhotoError`.

    make fuzz                                     five minutes
    .venv/bin/python tools/fuzz_photos.py -runs=1000

Atheris changes the photos it starts from, guided by which lines of vitsim and of Pillow's Python
code each change reaches; the C decoders below are reached, but do not guide it. It starts from a
small picture in every format and orientation, and stops at the first crash, at 25 s for one input
or at 2 GB, leaving the input as build/fuzz/crash-… or timeout-…. Options are libFuzzer's. What it
found interesting stays in build/fuzz/corpus, and the next run goes on from there.
"""

import io
import os
import sys
import tempfile
import warnings
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["PIL", "vitsim.images", "vitsim.files"]):
    from PIL import Image, ImageCms

    from vitsim.images import FITS, PhotoError, fit, open_photo

    Image.init()  # imports the plugins, one a format

FOLDER = Path(__file__).resolve().parents[1] / "build" / "fuzz"
ENDINGS = ("jpg", "png", "gif", "bmp", "tif", "webp", "jp2", "avif")
DEFAULTS = {"max_total_time": 300, "max_len": 4096, "timeout": 25, "rss_limit_mb": 2048,
            "close_fd_mask": 2, "artifact_prefix": f"{FOLDER}/"}  # fmt: skip
Image.MAX_IMAGE_PIXELS = 1_000_000  # a bomb is refused by this limit, not by the memory
photo = Path(tempfile.mkdtemp()) / "photo"


def make_seeds(folder: Path) -> None:
    """Small pictures in every format and mode; the ones that Pillow cannot write are left out."""
    folder.mkdir(parents=True, exist_ok=True)
    grey = Image.linear_gradient("L").resize((12, 9))
    colour = Image.merge("RGB", (grey, grey.rotate(180), grey.transpose(0)))
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "maker"
    for ending in ENDINGS:
        for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "F"):
            more = {"exif": exif} | ({"icc_profile": profile} if mode in ("RGB", "CMYK") else {})
            stored = io.BytesIO()
            try:
                source = grey if mode in ("I;16", "F") else colour
                source.convert(mode).save(stored, Image.registered_extensions()["." + ending],
                                          **more)  # fmt: skip
            except (KeyError, OSError, ValueError):
                continue
            (folder / f"seed_{ending}_{mode.replace(';', '_')}").write_bytes(stored.getvalue())


def one_input(data: bytes) -> None:
    """Anything but a picture in RGB or a `PhotoError` that names the file ends the search."""
    photo.write_bytes(data)
    try:
        opened = open_photo(photo)
    except PhotoError as error:
        assert str(photo) in str(error) and error.remedy
        return
    assert opened.mode == "RGB"
    for how in FITS:
        assert fit(opened, 32, how).size == (32, 32)


def main() -> None:
    warnings.simplefilter("ignore")
    corpus = FOLDER / "corpus"
    make_seeds(corpus)
    given = {word.split("=")[0] for word in sys.argv[1:]}
    options = [f"-{key}={value}" for key, value in DEFAULTS.items() if f"-{key}" not in given]
    os.chdir(FOLDER)
    atheris.Setup([sys.argv[0], *options, *sys.argv[1:], str(corpus)], one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
