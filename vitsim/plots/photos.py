"""Photos side by side: a row of them, a query with its ranked matches."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from ..images import Photo, PhotoError, open_photo
from ._base import BLUE, INK, ORANGE, grid, opened, show, word

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ..gallery import Match

GONE = Image.new("RGB", (64, 64), "#dddddd")


def photo_or_grey(path: Path) -> Image.Image:
    """The photo in RGB; a grey square if it was moved away or damaged since it was indexed."""
    try:
        return open_photo(path)
    except PhotoError:
        return GONE


def match_grid(
    query: Photo, matches: Sequence[Match], truth: str | None = None, caption: str = ""
) -> Figure:
    """The query, then its matches, best first, with rank, score and label.

    A grey square stands for a match that cannot be read any more. Raises `PhotoError` when the
    query cannot.
    With `truth`, the query's label, a blue tick or an orange cross tells right matches from wrong.
    """
    columns = min(len(matches), 4) + 1
    rows = max(1, -(-len(matches) // 4))
    figure, axes = grid(rows, columns, caption)
    show(axes[0][0], query, word("query"), truth or "", INK)
    cells = [axis for row in axes for axis in row[1:]]
    for axis, match in zip(cells, matches, strict=False):
        sign = "" if truth is None else ("  ✓" if match.label == truth else "  ✗")
        title = f"{match.rank}.  {match.score:z.2f}{sign}"
        show(axis, photo_or_grey(match.path), title, match.label, ORANGE if "✗" in sign else BLUE)
    return figure


def photo_row(photos: Sequence[Photo], titles: Sequence[str]) -> Figure:
    """Photos side by side at the same height and with their proportions, each under its title."""
    images = [opened(photo) for photo in photos]
    shapes = [image.width / image.height for image in images]
    height = min(3.4, 11 / sum(shapes))  # inches; a beamer shows some 12 of these across
    size = (height * sum(shapes), height + 0.5)
    figure, axes = grid(1, len(images), "", size, scores=False, width_ratios=shapes)
    for axis, image, title in zip(axes[0], images, titles, strict=True):
        show(axis, image, title, "", INK, square=False)
    return figure
