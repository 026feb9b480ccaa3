"""Two ways to compare photos without a model: what a network must beat to be worth its time."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from PIL import Image

from .images import Photo, fit, open_photo


def unit(rows: np.ndarray) -> np.ndarray:
    """Divide each row of `(n, d)` by its norm; a row of zeros stays, and has the cosine 0."""
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)


def pixels(photos: Iterable[Photo]) -> np.ndarray:
    """16 × 16 RGB, each photo centred: `(n, 768)`. The cosine is the thumbnails' correlation."""
    rows = [np.asarray(fit(open_photo(photo), 16), np.float32).ravel() for photo in photos]
    return unit(np.stack([row - row.mean() for row in rows]))


def colours(photos: Iterable[Photo]) -> np.ndarray:
    """Square roots of an 8 × 8 × 8 RGB histogram: `(n, 512)`, for Bhattacharyya's coefficient."""
    rows = []
    for photo in photos:
        small = open_photo(photo).resize((64, 64), Image.Resampling.BOX)
        bins = np.asarray(small, int).reshape(-1, 3) // 32
        rows.append(np.bincount(bins @ [64, 8, 1], minlength=512))
    return unit(np.sqrt(np.stack(rows)))


BASELINES: dict[str, Callable[[Iterable[Photo]], np.ndarray]] = {
    "16x16 pixels": pixels,
    "colour histogram": colours,
}
