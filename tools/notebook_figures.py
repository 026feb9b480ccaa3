"""The figures stored in notebooks: made small, taken out, compared."""

import base64
import io

import numpy as np
from PIL import Image

KINDS = ("image/png", "image/jpeg")
BLOCK = 8  # pixels: figures are compared by the mean colour of blocks of this side
TOLERANCE = 12  # of 255: a moved line or another digit changes some block by more than this


def slim(data: dict[str, str]) -> dict[str, str]:
    """An output's data with its PNG as a JPEG where that is much smaller: photographs are.

    A notebook must open on a phone and on GitHub. The PNG loses its metadata, which would name
    the version of matplotlib.
    """
    if "image/png" not in data:
        return data
    picture = _decoded(data["image/png"])
    png, jpeg = io.BytesIO(), io.BytesIO()
    picture.save(png, "PNG", optimize=True)
    picture.save(jpeg, "JPEG", quality=88, subsampling=0, optimize=True)
    photographic = jpeg.tell() < 0.6 * png.tell()
    kind, encoded = ("image/jpeg", jpeg) if photographic else ("image/png", png)
    rest = {other: data[other] for other in data if other != "image/png"}
    return rest | {kind: base64.b64encode(encoded.getvalue()).decode()}


def _decoded(encoded: str) -> Image.Image:
    image = Image.open(io.BytesIO(base64.b64decode(encoded))).convert("RGBA")
    flat = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(flat, image).convert("RGB")


def pictures(outputs: list) -> list[Image.Image]:
    """The figures among a cell's outputs, in order, as RGB on white."""
    found = [output["data"] for output in outputs if "data" in output]
    return [_decoded(data[kind]) for data in found for kind in KINDS if kind in data]


def difference(one: Image.Image, other: Image.Image) -> float:
    """How far two figures are apart, 0 to 255: the block of pixels that differs most.

    Figures of sizes that differ by more than 2 % are as far apart as can be.
    """
    if max(abs(a - b) / max(a, b) for a, b in zip(one.size, other.size, strict=True)) > 0.02:
        return 255.0
    size = [max(1, side // BLOCK) for side in one.size]
    first, second = (
        np.asarray(image.resize(size, Image.Resampling.BOX), dtype=np.float32)
        for image in (one, other)
    )
    return float(np.abs(first - second).max())
