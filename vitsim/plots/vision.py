"""Inside a Vision Transformer: patches, maps over the patches, photos laid out by embedding."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from ..images import Photo, fit, open_photo
from ._base import INK, ORANGE, grid

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SIDE = 38  # points: the longer side of a photo on a map


def patch_grid(patches: np.ndarray) -> Figure:
    """Patches `(rows, columns, p, p, 3)`, 0 to 255: joined to a picture, and apart, numbered."""
    rows, columns, side = patches.shape[:3]
    gap = side // 4
    around = [(0, 0)] * 2 + [(gap // 2, gap - gap // 2)] * 2 + [(0, 0)]
    apart = np.pad(patches, around, constant_values=255)
    figure, axes = grid(1, 2, "", (12, 6), scores=False)
    for axis, tiles in zip(axes[0], (patches, apart), strict=True):
        height, width = rows * tiles.shape[2], columns * tiles.shape[3]
        axis.imshow(tiles.transpose(0, 2, 1, 3, 4).reshape(height, width, 3).astype(np.uint8))
    box = {"boxstyle": "round,pad=0.12", "facecolor": "white", "edgecolor": "none"}
    for row, column in ((0, 0), (0, 1), (0, columns - 1), (1, 0), (rows - 1, columns - 1)):
        middle = (np.array([column, row]) + 0.5) * (side + gap)
        axes[0][1].annotate(str(row * columns + column + 1), middle, ha="center", va="center",
                            fontsize=15, color=INK, fontweight="bold", bbox=box)  # fmt: skip
    return figure


def heat_maps(
    maps: Sequence[np.ndarray], titles: Sequence[str], marked: Sequence[tuple[int, int]] = ()
) -> Figure:
    """Maps `(rows, columns)` side by side on one scale, light where they are high.

    `marked` has a cell `(row, column)` for each map, which gets a frame.
    """
    from matplotlib.patches import Rectangle

    side = min(4, 11.4 / len(maps))
    figure, axes = grid(1, len(maps), "", (side * len(maps) + 1, side + 0.5))
    scale = {"cmap": "cividis", "vmin": np.min(maps), "vmax": np.max(maps)}
    for axis, one, title in zip(axes[0], maps, titles, strict=True):
        shown = axis.imshow(one, **scale)
        axis.set_title(title, fontsize=18, color=INK)
    for axis, (row, column) in zip(axes[0], marked, strict=False):
        cell = (column - 0.5, row - 0.5)
        axis.add_patch(Rectangle(cell, 1, 1, fill=False, edgecolor=ORANGE, lw=3.5))
    bar = figure.colorbar(shown, ax=axes[0].tolist(), shrink=0.85, pad=0.02)
    bar.ax.tick_params(labelsize=15)
    return figure


def spotlights(photo: Photo, maps: Sequence[np.ndarray], titles: Sequence[str]) -> Figure:
    """The photo, letterboxed, then in the light of maps `(grid, grid)` of weights, 0 or more.

    Each map has a scale of its own; its highest weight is fully lit.
    """
    square = fit(open_photo(photo), 448)
    side = min(4, 12.4 / (len(maps) + 1))
    figure, axes = grid(1, len(maps) + 1, "", (side * (len(maps) + 1), side + 0.45))
    lit = [square, *(_lit(np.asarray(square), np.asarray(one)) for one in maps)]
    for axis, picture, title in zip(axes[0], lit, ["", *titles], strict=True):
        axis.imshow(picture)
        axis.set_title(title, fontsize=18, color=INK)
    return figure


def _lit(picture: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The picture in dark grey, and in yellow light where the weights are high."""
    strength = np.sqrt(weights / weights.max()).astype(np.float32)  # small weights stay visible
    strength = Image.fromarray(strength).resize(picture.shape[1::-1], Image.Resampling.NEAREST)
    share = np.asarray(strength)[:, :, None]
    grey = picture.mean(axis=2, keepdims=True)
    yellow = np.array([255, 190, 30]) * (0.4 + 0.6 * grey / 255)
    return np.uint8((1 - share) * 0.4 * grey + share * yellow)


def photo_map(points: np.ndarray, photos: Sequence[Image.Image]) -> Figure:
    """Photos at their points `(n, 2)`, about half an inch on their longer side.

    Transparent parts stay transparent. Both axes, two principal components, have the same scale.
    """
    from matplotlib.offsetbox import AnnotationBbox, OffsetImage

    figure, ((axis,),) = grid(1, 1, "", (12, 8.6))
    axis.scatter(*points.T, s=0)  # so that the axes span them
    axis.set_aspect("equal", adjustable="datalim")
    axis.margins(0.04)
    axis.set_axis_on()
    axis.set(xticks=[], yticks=[])
    axis.spines[:].set_visible(False)
    axis.set_xlabel("PC 1", fontsize=16, color=INK)
    axis.set_ylabel("PC 2", fontsize=16, color=INK)
    for point, photo in zip(points, photos, strict=True):
        small = photo.copy()
        small.thumbnail((3 * SIDE, 3 * SIDE), Image.Resampling.LANCZOS)
        placed = AnnotationBbox(OffsetImage(small, zoom=1 / 3), point, frameon=False)
        placed.set_in_layout(False)
        axis.add_artist(placed)
    return figure
