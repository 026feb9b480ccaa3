"""Which patch of one photo belongs to which patch of another: mutual nearest neighbours.

After Amir, Gandelsman, Bagon, Dekel: Deep ViT features as dense visual descriptors,
arXiv 2112.05814; they call the pairs "best buddies".
"""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from .images import fit
from .similarity import SAME, cosine_similarity

HALF = 0.5  # a patch counts if its mask covers at least this share of it
FLAT = 16  # of 255 levels: a patch with less between its extremes is one flat colour


@dataclass(frozen=True)
class Correspondences:
    """Pairs of patches, best first: `a[i]` of the one photo belongs to `b[i]` of the other.

    `a` and `b` `(n, 2)` int: row and column in the photo's grid of patches, from the upper left;
    `scores` `(n,)` float32: their cosines, −1 to 1.
    """

    a: np.ndarray
    b: np.ndarray
    scores: np.ndarray

    def __len__(self) -> int:
        return len(self.scores)


def correspondences(
    a_tokens: np.ndarray,
    b_tokens: np.ndarray,
    a_mask: np.ndarray | None = None,
    b_mask: np.ndarray | None = None,
    k: int | None = None,
) -> Correspondences:
    """Patches of two photos that are each other's most similar patch, by the cosine of tokens.

    `a_tokens` and `b_tokens` are `(rows, columns, d)`, as `Encoder.patch_tokens` gives them; the
    two grids may differ. With a mask `(rows, columns)`, the share 0–1 of each patch that it covers
    (`patch_coverage`) or bool, only patches covered by half or more take part. The `k` best pairs,
    or all; cosines that round to the same 1e-6 are a tie, which the upper left patch wins.
    Raises: `ValueError` for shapes that do not fit, k < 1, a zero or non-finite token.
    """
    if k is not None and k < 1:
        raise ValueError(f"k={k}: expected at least 1")
    a_places, a_tokens = _taking_part(a_tokens, a_mask)
    b_places, b_tokens = _taking_part(b_tokens, b_mask)
    if a_tokens.shape[1] != b_tokens.shape[1]:
        raise ValueError(f"tokens of {a_tokens.shape[1]} and of {b_tokens.shape[1]} dimensions")
    if not (a_tokens.size and b_tokens.size):
        return Correspondences(a_places[:0], b_places[:0], np.empty(0, np.float32))
    cosines = cosine_similarity(a_tokens, b_tokens)
    steps = np.round(cosines / SAME)  # equal for a tie, of which argmax takes the first
    nearest_b, nearest_a = steps.argmax(axis=1), steps.argmax(axis=0)
    mine = np.flatnonzero(nearest_a[nearest_b] == np.arange(len(a_tokens)))
    yours = nearest_b[mine]
    best = np.argsort(-steps[mine, yours], kind="stable")[:k]
    mine, yours = mine[best], yours[best]
    return Correspondences(a_places[mine], b_places[yours], cosines[mine, yours])


def patch_coverage(mask: Image.Image, grid: int) -> np.ndarray:
    """The share of each patch that a photo's mask covers: `(grid, grid)` float64, 0 to 1.

    The mask (white is pet) is letterboxed as the photo is, with nothing around it.
    """
    square = np.asarray(fit(mask.convert("RGB"), 16 * grid, fill=(0, 0, 0)))[:, :, 0]
    return square.reshape(grid, 16, grid, 16).mean(axis=(1, 3)) / 255


def patch_detail(photo: Image.Image, grid: int) -> np.ndarray:
    """Which patches show something: `(grid, grid)` bool, false for a flat colour.

    Flat are the strips around a letterboxed photo and a background that was removed.
    """
    square = np.asarray(fit(photo, 16 * grid)).reshape(grid, 16, grid, 16, 3)
    return np.ptp(square, axis=(1, 3)).max(axis=2) >= FLAT


def patch_parts(parts: Image.Image, grid: int) -> np.ndarray:
    """The body part that fills most of each patch: `(grid, grid)` int, 0 where there is none.

    `parts` is a map whose pixels are numbers of parts, 0 for the background, as Toy Pets have it;
    it is letterboxed as the photo is.
    """
    numbers = np.asarray(parts)
    known = range(1, max(numbers.max(), 1) + 1)
    shares = [patch_coverage(Image.fromarray(numbers == one), grid) for one in known]
    return np.where(np.max(shares, axis=0) > 0, np.argmax(shares, axis=0) + 1, 0)


def _taking_part(tokens: np.ndarray, mask: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns `(n, 2)` of the patches that take part, and their tokens `(n, d)`."""
    tokens = np.asarray(tokens)
    if tokens.ndim != 3:
        raise ValueError(f"tokens of shape {tokens.shape}: expected (rows, columns, d)")
    covered = np.ones(tokens.shape[:2]) if mask is None else np.asarray(mask)
    if covered.shape != tokens.shape[:2]:
        raise ValueError(f"a mask of shape {covered.shape} for patches of {tokens.shape[:2]}")
    places = np.argwhere(covered >= HALF)
    return places, tokens[tuple(places.T)]
