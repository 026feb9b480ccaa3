"""A corpus of files that a folder of photos may hold, made anew: what must open, and what must not.

`files()` gives name -> (bytes, verdict). The verdict is "opens", "refused", or "either" where it
depends on how far a decoder comes; nothing else may happen.
"""

import random
import struct
import zlib
from io import BytesIO

import numpy as np
from PIL import Image, ImageCms, features

FORMATS = [".jpg", ".png", ".gif", ".webp", ".tif", ".bmp"] + [".avif"] * features.check("avif")
# Colours that no conversion without the profile would guess: L* 31 to 78, a* and b* −18 to 21.
# But the paper is white and all inks are black, as LittleCMS would make them.
LAB = np.random.default_rng(0).integers((80, 110, 110), (200, 150, 150), (16, 3), dtype=np.uint8)
LAB[[0, -1]] = (255, 128, 128), (0, 128, 128)


def picture(size=(96, 72), mode="RGB", seed=0) -> Image.Image:
    noise = np.random.default_rng(seed).integers(0, 256, (9, 12, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize(size, Image.Resampling.BICUBIC).convert(mode)


def stored(image: Image.Image, ending: str, **options) -> bytes:
    out = BytesIO()
    image.save(out, Image.registered_extensions()[ending], **options)
    return out.getvalue()


def png_that_claims(width: int, height: int) -> bytes:
    """A few hundred bytes that say they are a huge picture."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)
            + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b""))  # fmt: skip


def press(grid: np.ndarray) -> bytes:
    """The ICC profile of a press: `grid` `(16, 3)` uint8 are the Lab colours of its inks.

    A row for each way to print cyan, magenta, yellow and black in full or not at all, black
    changing fastest. L* is stored as 255 L*/100, a* and b* plus 128: a `mft1` table of ICC.1:2010,
    10.11, with a grid of 2 points a channel and straight curves.
    """
    straight = bytes(range(256))
    lut = b"mft1" + bytes(4) + bytes([4, 3, 2, 0])
    lut += struct.pack(">9i", *(65536 * np.eye(3, dtype=int)).ravel())
    lut += 4 * straight + grid.tobytes() + 3 * straight
    header = struct.pack(">I4sI4s4s4s", 144 + len(lut), b"", 0x02400000, b"prtr", b"CMYK", b"Lab ")
    header += bytes(12) + b"acsp" + bytes(28) + struct.pack(">3i", 63190, 65536, 54061)  # D50
    return header + bytes(48) + struct.pack(">I4sII", 1, b"A2B0", 144, len(lut)) + lut


def oriented(value: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = value
    return exif


def files() -> dict[str, tuple[bytes, str]]:
    Image.init()
    made: dict[str, tuple[bytes, str]] = {}
    jpeg = stored(picture(), ".jpg")
    for ending in FORMATS:
        whole = stored(picture(), ending)
        made[f"whole{ending}"] = whole, "opens"
        made[f"cut_in_the_header{ending}"] = whole[:11], "refused"
        wrong = ".png" if ending == ".jpg" else ".jpg"
        made[f"is_really{ending}{wrong}"] = whole, "opens"
    for tenth in range(10):
        cut = len(jpeg) * tenth // 10
        made[f"cut_at_{tenth}_tenths.jpg"] = jpeg[:cut], "either" if tenth else "refused"
    for seed in range(12):
        dice, ending = random.Random(seed), FORMATS[seed % len(FORMATS)]
        flipped = bytearray(stored(picture(seed=seed), ending))
        for _ in range(8):
            flipped[dice.randrange(len(flipped))] ^= 1 << dice.randrange(8)
        made[f"flipped_bits_{seed}{ending}"] = bytes(flipped), "either"
    for value in range(10):  # 0 and 9 do not exist
        made[f"orientation_{value}.jpg"] = stored(picture(), ".jpg", exif=oriented(value)), "opens"
    nonsense = b"Exif\0\0MM\0*\xff\xff\xff\xff"
    made["nonsense_exif.jpg"] = stored(picture(), ".jpg", exif=nonsense), "opens"
    for mode, ending in (("1", ".png"), ("L", ".jpg"), ("LA", ".png"), ("P", ".png"),
                         ("RGBA", ".webp"), ("CMYK", ".jpg"), ("CMYK", ".tif"),
                         ("I;16", ".png"), ("I;16", ".tif"), ("F", ".tif")):  # fmt: skip
        source = picture(mode="L") if mode in ("I;16", "F") else picture()
        name = f"mode_{mode.replace(';', '_')}{ending}"
        made[name] = stored(source.convert(mode), ending), "opens"
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for name, icc in (("of_rgb", profile), ("damaged", profile[:200]), ("text", b"no profile"),
                      ("of_a_press", press(LAB))):  # fmt: skip
        cmyk = stored(picture(mode="CMYK"), ".jpg", icc_profile=icc)
        made[f"cmyk_with_a_profile_{name}.jpg"] = cmyk, "opens"
    frames = {"save_all": True, "append_images": [picture(seed=1), picture(seed=2)]}
    for ending in (".gif", ".webp", ".png", ".tif"):
        made[f"animated{ending}"] = stored(picture(), ending, **frames), "opens"
    for size in ((1, 1), (1, 20_000), (20_000, 1)):
        made[f"{size[0]}_by_{size[1]}.png"] = stored(Image.new("RGB", size, "red"), ".png"), "opens"
    for side in (20_000, 100_000, 2**31 - 1):
        made[f"bomb_{side}.png"] = png_that_claims(side, side), "refused"
    made["promises_more_than_it_holds.png"] = png_that_claims(3000, 2000), "refused"
    made["empty.jpg"] = b"", "refused"
    made["zeros.jpg"] = bytes(4096), "refused"
    made["noise.jpg"] = random.Random(0).randbytes(4096), "refused"
    made["text.jpg"] = b"Dear owner, your dog is here.", "refused"
    made["program_for_a_printer.jpg"] = stored(picture(), ".eps"), "refused"
    made["page.png"] = b"<!doctype html><title>404</title>", "refused"
    made["svg.png"] = b"<svg xmlns='http://www.w3.org/2000/svg'/>", "refused"
    made["archive.jpg"] = b"PK\x03\x04" + bytes(60), "refused"
    made["program.jpg"] = b"\x7fELF" + bytes(60), "refused"
    made["script.jpg"] = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "refused"
    made["iphone.heic"] = b"\0\0\0\x18ftypheic" + bytes(80), "refused"
    for name in (
        "a\nb",
        "gato 🐈 ção",
        "a'\"b",
        " ",
        "-rf",
        "%s{0}",
        "$(touch x)",
        "con",
        "a" * 200,
    ):
        made[f"{name}.jpg"] = jpeg, "opens"
    made["UPPER.JPG"] = jpeg, "opens"
    made["a folder/inside.jpg"] = jpeg, "opens"
    return made
