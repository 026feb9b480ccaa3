"""The figures of the lessons and of the command line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PIL import Image

from .encoder import Photo
from .images import fit, open_photo

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from .gallery import Match

INK, BLUE, ORANGE = "#222222", "#0072B2", "#D55E00"  # Okabe & Ito: safe for colour-blind readers


def match_grid(
    query: Photo, matches: Sequence[Match], truth: str | None = None, caption: str = ""
) -> Figure:
    """The query, then its matches, best first, with rank, score and label.

    With `truth`, the query's label, a tick or a cross tells the right matches from the wrong ones.
    """
    columns = min(len(matches), 4) + 1
    rows = max(1, -(-len(matches) // 4))
    figure, axes = _grid(rows, columns, caption)
    _show(axes[0][0], query, "query", truth or "", ORANGE)
    cells = [axis for row in axes for axis in row[1:]]
    for axis, match in zip(cells, matches, strict=False):
        sign = "" if truth is None else ("  ✓" if match.label == truth else "  ✗")
        _show(axis, match.path, f"{match.rank}.  {match.score:.2f}{sign}", match.label, BLUE)
    return figure


def photo_row(photos: Sequence[Photo], titles: Sequence[str], caption: str = "") -> Figure:
    """Photos side by side, each under its title."""
    figure, axes = _grid(1, len(photos), caption)
    for axis, photo, title in zip(axes[0], photos, titles, strict=True):
        _show(axis, photo, title, "", INK, square=False)
    return figure


def _grid(rows: int, columns: int, caption: str):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(2.6 * columns, 3.1 * rows), dpi=100, layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False)
    for axis in axes.flat:
        axis.set_axis_off()
    if caption:
        figure.suptitle(caption, fontsize=13, color=INK)
    return figure, axes


def _show(axis, photo: Photo, title: str, under: str, colour: str, square: bool = True) -> None:
    image = photo if isinstance(photo, Image.Image) else open_photo(photo)
    axis.imshow(fit(image, 256, fill=(255, 255, 255)) if square else image)
    axis.set_title(title, fontsize=17, color=colour, fontweight="bold")
    if under:
        axis.text(0.5, -0.03, under, transform=axis.transAxes, ha="center", va="top", fontsize=14)
